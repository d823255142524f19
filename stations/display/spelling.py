"""Costs, prices and messages in each version's words; pure.

1.6 has no message for a cost. The Open Charge Alliance's application note on California's pricing rules
gives it one inside DataTransfer, and makers who have it say so with a configuration key.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from stations.ocpp import wire

COST_VENDOR = "org.openchargealliance.costmsg"


@dataclass(frozen=True)
class Rates:
    """What a unit costs now, tax included; None where it costs nothing or isn't priced."""

    kwh: Decimal | None = None
    hour: Decimal | None = None
    flat: Decimal | None = None
    idle_hour: Decimal | None = None
    idle_grace_minutes: int | None = None

    def charging(self) -> dict:
        found = {"kWhPrice": self.kwh, "hourPrice": self.hour, "flatFee": self.flat}
        return {name: float(value) for name, value in found.items() if value is not None}

    def idle(self) -> dict:
        if self.idle_hour is None:
            return {}
        grace = {} if self.idle_grace_minutes is None else {"graceMinutes": self.idle_grace_minutes}
        return grace | {"hourPrice": float(self.idle_hour)}


def running_cost(
    version: str,
    *,
    transaction_id: str,
    total: Decimal,
    at: datetime,
    meter_wh: Decimal,
    is_idle: bool,
    rates: Rates,
) -> tuple[str, dict]:
    if version != "1.6":
        return "CostUpdated", {"totalCost": float(total), "transactionId": transaction_id}
    data: dict = {
        "transactionId": int(transaction_id),
        "timestamp": wire.time_text(at),
        "meterValue": int(meter_wh),
        "cost": float(total),
        "state": "Idle" if is_idle else "Charging",
        "chargingPrice": rates.charging(),
    }
    if idle := rates.idle():
        data["idlePrice"] = idle
    return _transfer("RunningCost", data)


def final_cost(
    version: str, *, transaction_id: str, total: Decimal, words: str, link: str = ""
) -> tuple[str, dict]:
    if version != "1.6":
        return "CostUpdated", {"totalCost": float(total), "transactionId": transaction_id}
    data: dict = {"transactionId": int(transaction_id), "cost": float(total), "priceText": words[:512]}
    if link:
        data["qrCodeText"] = link
    return _transfer("FinalCost", data)


def user_price(token: str, words: str) -> tuple[str, dict]:
    return _transfer("SetUserPrice", {"idToken": token, "priceText": words[:512]})


def _transfer(message: str, data: dict) -> tuple[str, dict]:
    packed = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return "DataTransfer", {"vendorId": COST_VENDOR, "messageId": message, "data": packed}


def message(
    version: str,
    *,
    number: int,
    priority: str,
    state: str,
    texts: Sequence[dict],
    starts_at: datetime | None,
    ends_at: datetime | None,
    transaction_id: str = "",
) -> dict:
    """MessageInfoType; 2.1 takes up to four more languages, 2.0.1 the first one alone."""
    info: dict = {"id": number, "priority": priority, "message": _content(version, texts[0])}
    if state:
        info["state"] = state
    if starts_at is not None:
        info["startDateTime"] = wire.time_text(starts_at)
    if ends_at is not None:
        info["endDateTime"] = wire.time_text(ends_at)
    if transaction_id:
        info["transactionId"] = transaction_id
    if version == "2.1" and len(texts) > 1:
        info["messageExtra"] = [_content(version, text) for text in texts[1:5]]
    return info


def _content(version: str, text: dict) -> dict:
    content = {"format": text["format"], "content": text["content"][: longest(version)]}
    return content | ({"language": text["language"]} if text.get("language") else {})


def longest(version: str) -> int:
    return 1024 if version == "2.1" else 512
