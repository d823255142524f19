"""Signed meter values in OCMF, read only as far as the register: the text itself is kept untouched. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from decimal import Decimal

from stations.ocpp import wire

UNITS = {"wh": Decimal(1), "kwh": Decimal(1000)}
#: OBIS 1.8.0: active energy import, total; “b” for a value that the charger corrected for its cable.
IMPORT = ("1.8.0", "1.8.1", "1.8.2")


def last_register(text: str) -> Decimal | None:
    """The newest import register of an OCMF text, in Wh; None where there is none to be read."""
    payload = _payload(text)
    readings = payload.get("RD") if isinstance(payload, dict) else None
    if not isinstance(readings, list):
        return None
    found = None
    for reading in readings:
        if not isinstance(reading, dict):
            continue
        # Left out where it is as in the reading before.
        obis = str(reading.get("RI") or "1-0:1.8.0")
        unit = UNITS.get(str(reading.get("RU") or "kWh").lower())
        value = wire.number(reading.get("RV"))
        if (
            unit is not None
            and value is not None
            and value >= 0
            and obis.split(":")[-1].split("*")[0] in IMPORT
        ):
            found = value * unit
    return found


def _payload(text: str) -> object:
    for plain in (text, *_decoded(text)):
        parts = plain.strip().split("|", 2)
        if len(parts) == 3 and parts[0] == "OCMF":
            # A signature follows the payload, which itself may hold a bar only within its texts.
            body = parts[1] if plain.count("|") == 2 else plain.strip()[5:].rsplit("|", 1)[0]
            try:
                return json.loads(body, parse_float=Decimal)
            except (ValueError, RecursionError):
                return None
    return None


def _decoded(text: str) -> list[str]:
    """2.x carries it in Base64; some stations write hex."""
    found = []
    for decode in (lambda: base64.b64decode(text, validate=True), lambda: bytes.fromhex(text)):
        try:
            found.append(decode().decode())
        except (ValueError, binascii.Error):
            continue
    return found
