"""The station's screen: what a charge costs, the messages on it, and the tariff it was given.

1.6 has costs in DataTransfer (the Open Charge Alliance's application note), 2.x in messages of their own.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .transport import Answer

if TYPE_CHECKING:
    from .charger import SimulatedCharger

COST_VENDOR = "org.openchargealliance.costmsg"


@dataclass
class Screen:
    """`costs` by transaction, as the portal numbers them; `messages` by id; `tariffs` by EVSE."""

    costs: dict[str, float] = field(default_factory=dict)
    price: str = ""
    messages: dict[int, dict] = field(default_factory=dict)
    tariffs: dict[int, dict] = field(default_factory=dict)

    def cost_message(self, message: str, data: str) -> str:
        """OCPP's status for one of the application note's messages."""
        try:
            said = json.loads(data)
            if message == "SetUserPrice":
                self.price = said["priceText"]
            elif message in ("RunningCost", "FinalCost"):
                self.costs[str(said["transactionId"])] = said["cost"]
            else:
                return "UnknownMessageId"
        except (ValueError, KeyError, TypeError):
            return "Rejected"
        return "Accepted"


def answers(charger: SimulatedCharger) -> dict[str, Callable[[dict], Awaitable[dict | Answer]]]:
    """What a 2.x station with a screen answers."""
    screen = charger.screen

    async def cost_updated(payload: dict) -> dict:
        screen.costs[payload["transactionId"]] = payload["totalCost"]
        return {}

    async def set_display_message(payload: dict) -> dict:
        message = payload["message"]
        named = message.get("transactionId")
        running = {point.transaction.id for point in charger.points if point.transaction}
        if named and named not in running:
            return {"status": "UnknownTransaction"}
        screen.messages[message["id"]] = message
        return {"status": "Accepted"}

    async def clear_display_message(payload: dict) -> dict:
        known = screen.messages.pop(payload["id"], None)
        return {"status": "Accepted" if known else "Unknown"}

    async def get_display_messages(payload: dict) -> dict | Answer:
        wanted = [message for message in screen.messages.values() if _asked_for(payload, message)]
        if not wanted:
            return {"status": "Unknown"}
        report = {"requestId": payload["requestId"], "messageInfo": wanted}
        return Answer(
            {"status": "Accepted"}, lambda: charger.spawn(charger.link.call("NotifyDisplayMessages", report))
        )

    return {
        "CostUpdated": cost_updated,
        "SetDisplayMessage": set_display_message,
        "ClearDisplayMessage": clear_display_message,
        "GetDisplayMessages": get_display_messages,
    }


def answers_21(charger: SimulatedCharger) -> dict[str, Callable[[dict], Awaitable[dict | Answer]]]:
    """And what 2.1 adds: the tariff that it reckons with."""
    screen = charger.screen

    async def set_default_tariff(payload: dict) -> dict:
        screen.tariffs[payload["evseId"]] = payload["tariff"]
        return {"status": "Accepted"}

    async def get_tariffs(payload: dict) -> dict:
        number = payload["evseId"]
        found = [
            {"tariffId": tariff["tariffId"], "tariffKind": "DefaultTariff", "evseIds": [evse]}
            for evse, tariff in screen.tariffs.items()
            if number in (0, evse)
        ]
        return {"status": "Accepted", "tariffAssignments": found} if found else {"status": "NoTariff"}

    async def clear_tariffs(payload: dict) -> dict:
        named, number = payload.get("tariffIds"), payload.get("evseId")
        gone = [
            evse
            for evse, tariff in screen.tariffs.items()
            if number in (None, evse) and (not named or tariff["tariffId"] in named)
        ]
        cleared = [screen.tariffs.pop(evse)["tariffId"] for evse in gone]
        missing = sorted(set(named or []) - set(cleared))
        results = [{"tariffId": name, "status": "Accepted"} for name in cleared]
        results += [{"tariffId": name, "status": "NoTariff"} for name in missing]
        return {"clearTariffsResult": results or [{"status": "NoTariff"}]}

    return {
        "SetDefaultTariff": set_default_tariff,
        "GetTariffs": get_tariffs,
        "ClearTariffs": clear_tariffs,
    }


def _asked_for(payload: dict, message: dict) -> bool:
    ids = payload.get("id")
    return (
        (not ids or message["id"] in ids)
        and payload.get("priority") in (None, message["priority"])
        and payload.get("state") in (None, message.get("state"))
    )
