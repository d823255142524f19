"""What stations answer about their settings, in one shape for all versions. Pure.

Chargers answer more freely than the standard has it: whatever can't be read is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from stations.configuration import names
from stations.configuration.names import Name

READ_WRITE, READ_ONLY, WRITE_ONLY = "ReadWrite", "ReadOnly", "WriteOnly"


@dataclass(frozen=True)
class Known:
    """A setting as the station told it. None means that this answer says nothing of it."""

    name: Name
    value: str | None = None
    mutability: str | None = None
    is_constant: bool | None = None
    is_persistent: bool | None = None
    #: data_type, unit, minimum, maximum, choices.
    characteristics: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What the station said to one wish: `word` as it spells it, `info` its reason if it gave one."""

    name: Name
    word: str
    info: str = ""


def from_configuration(response: dict) -> tuple[list[Known], list[Outcome]]:
    """GetConfiguration of 1.6: (what it told, the keys it doesn't know)."""
    known = []
    for each in response.get("configurationKey") or []:
        key = str(each.get("key") or "").replace("\x00", "")[: names.LONGEST]
        if key:
            mutability = READ_ONLY if each.get("readonly") else READ_WRITE
            known.append(Known(Name(key), _text(each.get("value")), mutability))
    unknown = [
        Outcome(Name(str(key)[: names.LONGEST]), "NotSupported")
        for key in response.get("unknownKey") or []
        if key
    ]
    return known, unknown


def from_get_variables(response: dict) -> tuple[list[Known], list[Outcome]]:
    """GetVariables of 2.x: (what it told, what it would not tell)."""
    known, refused = [], []
    for each in response.get("getVariableResult") or []:
        name = names.from_wire(each)
        if each.get("attributeStatus") == "Accepted":
            known.append(Known(name, _text(each.get("attributeValue"))))
        else:
            refused.append(Outcome(name, str(each.get("attributeStatus")), _info(each)))
    return known, refused


def from_report(payload: dict) -> Iterator[Known]:
    """NotifyReport of 2.x; an attribute without a value is one that it has not told."""
    for line in payload.get("reportData") or []:
        traits = _characteristics(line.get("variableCharacteristics") or {})
        for attribute in line.get("variableAttribute") or []:
            yield Known(
                names.from_wire(line, attribute.get("type") or names.ACTUAL),
                _text(attribute.get("value")),
                attribute.get("mutability") or READ_WRITE,
                bool(attribute.get("constant")),
                bool(attribute.get("persistent")),
                traits,
            )


def from_change(payload: dict, response: dict) -> list[Outcome]:
    """ChangeConfiguration of 1.6."""
    return [Outcome(Name(payload["key"]), str(response.get("status") or "Accepted"))]


def from_set_variables(payload: dict, response: dict) -> list[Outcome]:
    """SetVariables of 2.x. Results are taken by their names; one that a station leaves out was not set."""
    found = {}
    for each in response.get("setVariableResult") or []:
        found[names.from_wire(each)] = Outcome(
            names.from_wire(each), str(each.get("attributeStatus")), _info(each)
        )
    wished = [names.from_wire(each) for each in payload.get("setVariableData") or []]
    return [found.get(name, Outcome(name, "NoResult")) for name in wished]


def _characteristics(wire: dict) -> dict:
    return {
        "data_type": str(wire.get("dataType") or "")[:20],
        "unit": str(wire.get("unit") or "")[:16],
        "minimum": _number(wire.get("minLimit")),
        "maximum": _number(wire.get("maxLimit")),
        "choices": _text(wire.get("valuesList")) or "",
    }


def _number(value) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < Decimal(10) ** 18 else None


def _text(value) -> str | None:
    return None if value is None else str(value).replace("\x00", "")


def _info(each: dict) -> str:
    info = each.get("attributeStatusInfo") or {}
    return " ".join(filter(None, [info.get("reasonCode"), info.get("additionalInfo")])).replace("\x00", "")
