"""Where a setting is, as one line of text. Pure.

1.6: the key itself, `HeartbeatInterval`.
2.x: `Component[instance]@evse.connector/Variable[instance]#Attribute`, of which only component and
variable are always there: `OCPPCommCtrlr/HeartbeatInterval`, `Connector@1.2/Available`. The standard's
names hold neither `/` nor `[` nor `#`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ACTUAL = "Actual"
ATTRIBUTES = (ACTUAL, "Target", "MinSet", "MaxSet")
#: What neither a station's key nor a variable may be longer than.
LONGEST = 50

_PART = r"[^/\[\]#]{1,50}"
_PLACE = re.compile(
    rf"(?P<component>{_PART}?)(?:\[(?P<instance>{_PART})\])?(?:@(?P<evse>\d{{1,6}})(?:\.(?P<connector>\d{{1,6}}))?)?"
    rf"/(?P<variable>{_PART})(?:\[(?P<variable_instance>{_PART})\])?(?:#(?P<attribute>[A-Za-z]+))?"
)


class BadName(ValueError):
    """No place of a setting; says what one looks like."""


@dataclass(frozen=True)
class Name:
    """A 1.6 key has no component."""

    variable: str
    component: str = ""
    instance: str = ""
    evse: int = 0
    connector: int = 0
    variable_instance: str = ""
    attribute: str = ACTUAL

    def __str__(self) -> str:
        if not self.component:
            return self.variable
        text = self.component
        if self.instance:
            text += f"[{self.instance}]"
        if self.evse:
            text += f"@{self.evse}" + (f".{self.connector}" if self.connector else "")
        text += f"/{self.variable}"
        if self.variable_instance:
            text += f"[{self.variable_instance}]"
        return text if self.attribute == ACTUAL else f"{text}#{self.attribute}"


def is_16(version: str) -> bool:
    return version in ("", "1.6")


def parse(version: str, text: str) -> Name:
    """`version` is a station's or a template's protocol. Raises `BadName`."""
    text = text.strip()
    if is_16(version):
        if not 0 < len(text) <= LONGEST or "\x00" in text:
            raise BadName(f"“{text[:60]}” is no key of OCPP 1.6: those have 1 to 50 characters.")
        return Name(text)
    found = _PLACE.fullmatch(text if "/" in text else text.replace(".", "/", 1))
    if found is None or "\x00" in text:
        raise BadName(f"“{text[:60]}” is no variable: write it as Component/Variable.")
    parts = found.groupdict()
    attribute = parts["attribute"] or ACTUAL
    if attribute not in ATTRIBUTES:
        raise BadName(f"“{attribute[:20]}” is no attribute; there are {', '.join(ATTRIBUTES)}.")
    return Name(
        component=parts["component"],
        instance=parts["instance"] or "",
        evse=int(parts["evse"] or 0),
        connector=int(parts["connector"] or 0),
        variable=parts["variable"],
        variable_instance=parts["variable_instance"] or "",
        attribute=attribute,
    )


def from_wire(wire: dict, attribute: str = ACTUAL) -> Name:
    """From an object with `component` and `variable`, as 2.x messages have them."""
    component, variable = wire["component"], wire["variable"]
    evse = component.get("evse") or {}
    return Name(
        component=component["name"],
        instance=component.get("instance") or "",
        evse=max(evse.get("id") or 0, 0),
        connector=max(evse.get("connectorId") or 0, 0),
        variable=variable["name"],
        variable_instance=variable.get("instance") or "",
        attribute=wire.get("attributeType") or attribute,
    )


def to_wire(name: Name) -> dict:
    """The `component` and `variable` of a 2.x message, with `attributeType` where it isn't the actual one."""
    component: dict = {"name": name.component}
    if name.instance:
        component["instance"] = name.instance
    if name.evse:
        component["evse"] = {"id": name.evse}
        if name.connector:
            component["evse"]["connectorId"] = name.connector
    variable = {"name": name.variable}
    if name.variable_instance:
        variable["instance"] = name.variable_instance
    wire = {"component": component, "variable": variable}
    return wire if name.attribute == ACTUAL else {"attributeType": name.attribute, **wire}
