"""A 2.x transaction as a station tells it: events with a sequence number of their own."""

from __future__ import annotations

import uuid
from decimal import Decimal

from tests.charger import Charger, now


class Transaction:
    """`await transaction.started("Authorized", "EVConnected", token=…)` and so on, to its end."""

    def __init__(self, bench, charger: Charger, evse: int | None = 1):
        self.bench, self.charger, self.evse = bench, charger, evse
        self.id = str(uuid.uuid4())
        self.sequence = 0

    def started(self, trigger: str, state: str = "", **more):
        return self.event("Started", trigger, state, **more)

    def updated(self, trigger: str, state: str = "", **more):
        return self.event("Updated", trigger, state, **more)

    def ended(self, trigger: str, reason: str, state: str = "", **more):
        return self.event("Ended", trigger, state, reason=reason, **more)

    async def event(
        self,
        kind: str,
        trigger: str,
        state: str = "",
        *,
        token: str = "",
        meter_wh: int | None = None,
        context: str = "Sample.Periodic",
        reason: str = "",
        remote_start_id: int | None = None,
        **more,
    ) -> dict:
        """Say it, and look whether the answer is one: a token's verdict where there was a token."""
        info = {"transactionId": self.id}
        if state:
            info["chargingState"] = state
        if reason:
            info["stoppedReason"] = reason
        if remote_start_id is not None:
            info["remoteStartId"] = remote_start_id
        payload = {
            "eventType": kind,
            "timestamp": now(),
            "triggerReason": trigger,
            "seqNo": self.sequence,
            "transactionInfo": info,
        }
        self.sequence += 1
        if self.evse is not None:
            payload["evse"] = {"id": self.evse, "connectorId": 1}
        if token:
            payload["idToken"] = {"idToken": token, "type": "ISO14443"}
        if meter_wh is not None:
            payload["meterValue"] = [metered(meter_wh, context)]
        answer = await self.charger.call("TransactionEvent", payload | more)
        assert ("idTokenInfo" in answer) == bool(token), answer
        return answer

    # What the portal should know of it

    async def is_open(self, state: str = ""):
        session = await self.bench.session()
        assert session.is_open
        assert session.transaction_id == self.id
        if state:
            assert session.charging_state == state
        return session

    async def is_over(self, reason: str, *, energy_wh: int | None = None):
        session = await self.bench.session()
        assert session.transaction_id == self.id
        assert not session.is_open
        assert not session.is_estimated
        assert session.stop_reason == reason
        if energy_wh is not None:
            assert session.energy_wh == Decimal(energy_wh)
        return session


def metered(meter_wh: float, context: str = "Sample.Periodic", **more) -> dict:
    return {
        "timestamp": now(),
        "sampledValue": [
            {
                "value": meter_wh,
                "context": context,
                "measurand": "Energy.Active.Import.Register",
                "unitOfMeasure": {"unit": "Wh"},
                **more,
            }
        ],
    }


def accepted(answer: dict) -> None:
    assert answer["idTokenInfo"]["status"] == "Accepted", answer


async def plugged(bench) -> tuple[Charger, Transaction]:
    """A charger, and a car that has been plugged in: the transaction has begun, nobody has paid yet."""
    charger = await bench.boot()
    await bench.status(charger, "Occupied")
    transaction = Transaction(bench, charger)
    await transaction.started("CablePluggedIn", "EVConnected", meter_wh=1000, context="Transaction.Begin")
    return charger, transaction


async def charging(bench) -> tuple[Charger, Transaction]:
    """The same, and the driver's card was taken: energy flows."""
    charger, transaction = await plugged(bench)
    assert await charger.authorize(bench.token) == "Accepted"
    accepted(await transaction.updated("Authorized", "EVConnected", token=bench.token))
    await transaction.updated("ChargingStateChanged", "Charging")
    return charger, transaction
