"""OCPP 2.1: for what this station does, 2.0.1 under another subprotocol.

It takes a tariff to reckon with. What else 2.1 adds (dynamic profiles, V2X, resuming after a reset) is
refused or answered with NotImplemented, as a station without those features does.
"""

from __future__ import annotations

from . import screen, v201


class Dialect(v201.Dialect):
    """See `dialect.Dialect`."""

    subprotocol = "ocpp2.1"

    def __init__(self, charger) -> None:
        super().__init__(charger)
        self.answers |= screen.answers_21(charger)
