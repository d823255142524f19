"""OCPP 2.1: for what this station does, 2.0.1 under another subprotocol.

It takes a tariff to reckon with, and ends a charge at the limit that an answer names. What else 2.1 adds
(dynamic profiles, V2X, resuming after a reset) is refused or answered with NotImplemented, as a station
without those features does.
"""

from __future__ import annotations

from datetime import datetime

from . import screen, v201
from .station import Reading
from .transactions import Reason, Transaction


class Dialect(v201.Dialect):
    """See `dialect.Dialect`."""

    subprotocol = "ocpp2.1"

    def __init__(self, charger) -> None:
        super().__init__(charger)
        self.answers |= screen.answers_21(charger)

    def sampled(
        self, tx: Transaction, reading: Reading, moment: datetime, *, triggered: bool = False
    ) -> None:
        super().sampled(tx, reading, moment, triggered=triggered)
        point = self._charger.evse(tx.evse)
        reason = reached(tx, reading, moment)
        if reason is not None and point.transaction is tx:
            point.stop(reason)

    def _judged(self, tx: Transaction, reply: dict) -> None:
        tx.limit = tx.limit | reply.get("transactionLimit", {})
        super()._judged(tx, reply)


def reached(tx: Transaction, reading: Reading, moment: datetime) -> Reason | None:
    """The limit that ends the charge at this reading. Money isn't reckoned here."""
    begun = tx.first.energy_wh if tx.first else reading.energy_wh
    if reading.energy_wh - begun >= tx.limit.get("maxEnergy", float("inf")):
        return Reason.ENERGY_LIMIT
    if (moment - tx.opened_at).total_seconds() >= tx.limit.get("maxTime", float("inf")):
        return Reason.TIME_LIMIT
    if reading.soc is not None and reading.soc >= tx.limit.get("maxSoC", 101):
        return Reason.SOC_LIMIT
    return None
