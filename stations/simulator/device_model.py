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

    @property
    def key(self) -> tuple:
        return self.component, self.name, self.evse, self.connector

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
            "variable": {"name": self.name},
            "variableAttribute": [attribute],
            "variableCharacteristics": {"dataType": self.data_type, "supportsMonitoring": False},
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
                    DATA_TYPES[entry.kind],
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
