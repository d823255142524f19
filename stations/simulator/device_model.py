"""The 2.x device model: settings and facts as components and variables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .settings import TABLE

if TYPE_CHECKING:
    from .charger import SimulatedCharger

DATA_TYPES = {"bool": "boolean", "int": "integer", "str": "string"}


@dataclass(frozen=True)
class Variable:
    """One line of a report; `evse` and `connector` are None for the station itself."""

    component: str
    name: str
    value: str
    access: str = "ReadOnly"
    data_type: str = "string"
    evse: int | None = None
    connector: int | None = None
    instance: str = ""
    unit: str = ""
    values: str = ""

    @property
    def key(self) -> tuple:
        return self.component, self.name, self.instance, self.evse, self.connector

    def variable_wire(self) -> dict:
        return {"name": self.name} | ({"instance": self.instance} if self.instance else {})

    def component_wire(self) -> dict:
        wire: dict = {"name": self.component}
        if self.evse is not None:
            wire["evse"] = {"id": self.evse}
            if self.connector is not None:
                wire["evse"]["connectorId"] = self.connector
        return wire

    def report(self) -> dict:
        """As NotifyReport's reportData has it; what is write-only shows no value."""
        attribute = {"type": "Actual", "mutability": self.access}
        if self.access != "WriteOnly":
            attribute["value"] = self.value
        return {
            "component": self.component_wire(),
            "variable": self.variable_wire(),
            "variableAttribute": [attribute],
            "variableCharacteristics": {
                "dataType": self.data_type,
                "supportsMonitoring": False,
                **({"unit": self.unit} if self.unit else {}),
                **({"valuesList": self.values} if self.values else {}),
            },
        }


def inventory(charger: SimulatedCharger, base: str = "FullInventory") -> Iterator[Variable]:
    """All variables, or those of a report base."""
    if base != "SummaryInventory":
        for entry in TABLE:
            if entry.component:
                yield Variable(
                    entry.component,
                    entry.variable,
                    entry.read(charger.settings),
                    entry.access,
                    "MemberList" if entry.values else DATA_TYPES[entry.kind],
                    instance=entry.instance,
                    unit=entry.unit,
                    values=entry.values,
                )
    if base == "ConfigurationInventory":
        return
    yield Variable("ChargingStation", "Model", charger.station.model)
    yield Variable("ChargingStation", "VendorName", charger.station.vendor)
    yield Variable("ChargingStation", "AvailabilityState", charger.status)
    for point in charger.points:
        evse = point.evse
        statuses = charger.dialect.condition(point)
        yield Variable("EVSE", "AvailabilityState", max(statuses, key="Occupied".__eq__), evse=evse.number)
        yield Variable("EVSE", "Power", f"{evse.max_power_w:.0f}", data_type="decimal", evse=evse.number)
        for connector, status in zip(evse.connectors, statuses, strict=True):
            place = {"evse": evse.number, "connector": connector.number}
            yield Variable("Connector", "AvailabilityState", status, **place)
            yield Variable("Connector", "ConnectorType", connector.standard, **place)
