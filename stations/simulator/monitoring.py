"""What a 2.x station watches by itself: monitors that a portal sets, and when they have something to tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

THRESHOLDS = {
    "UpperThreshold": lambda value, limit: value > limit,
    "LowerThreshold": lambda value, limit: value < limit,
}
#: What can be watched here; the numbers can also pass thresholds.
WATCHABLE = {("EVSE", "Power"), ("EVSE", "Problem"), ("Connector", "Problem"), ("EVSE", "AvailabilityState")}
NUMBERS = {("EVSE", "Power")}

CRITERIA = {
    "ThresholdMonitoring": {"UpperThreshold", "LowerThreshold"},
    "DeltaMonitoring": {"Delta"},
    "PeriodicMonitoring": set(),
}


@dataclass
class Monitor:
    """One monitor; `seen` is the value it last told of, `is_over` whether its threshold is passed now."""

    id: int
    component: dict
    variable: dict
    type: str
    value: float
    severity: int
    in_transaction: bool = False
    seen: str | None = None
    is_over: bool = False

    @property
    def place(self) -> tuple[str, str, int | None]:
        return self.component["name"], self.variable["name"], self.component.get("evse", {}).get("id")

    def report(self) -> dict:
        """As NotifyMonitoringReport's variableMonitoring has it."""
        return {
            "id": self.id,
            "transaction": self.in_transaction,
            "value": self.value,
            "type": self.type,
            "severity": self.severity,
        }

    def news(self, value: str) -> tuple[str, bool] | None:
        """(trigger, cleared) where the value is worth an event; None where nothing has happened."""
        if self.type in THRESHOLDS:
            passed = THRESHOLDS[self.type](float(value), self.value)
            was, self.is_over = self.is_over, passed
            return None if passed == was else ("Alerting", not passed)
        before, changed = self.seen, self.seen is not None and _differs(self.seen, value, self.value)
        if before is None or changed:
            self.seen = value
        return ("Delta", False) if changed else None


def _differs(before: str, value: str, least: float) -> bool:
    try:
        return abs(float(value) - float(before)) >= least
    except ValueError:
        # For what is no number, any change is one.
        return value != before


class Monitors:
    """All monitors of a station. `value_of` gives a variable's present value, None where there is none."""

    def __init__(self, value_of: Callable[[str, str, int | None], str | None]) -> None:
        self._all: dict[int, Monitor] = {}
        self._numbers = count(1)
        self._value_of = value_of
        # Events that are less urgent than this are kept to oneself.
        self.level = 9

    def __len__(self) -> int:
        return len(self._all)

    def set(self, wish: dict) -> dict:
        """One entry of SetVariableMonitoring; its entry of the answer."""
        component, variable = wish["component"], wish["variable"]
        place = component["name"], variable["name"], component.get("evse", {}).get("id")
        answer = {name: wish[name] for name in ("type", "severity", "component", "variable")}
        if self._value_of(*place) is None:
            known = any(component["name"] == name for name, _variable in WATCHABLE)
            return answer | {"status": "UnknownVariable" if known else "UnknownComponent"}
        if wish["type"] not in (*THRESHOLDS, "Delta") or (
            wish["type"] in THRESHOLDS and place[:2] not in NUMBERS
        ):
            return answer | {"status": "UnsupportedMonitorType"}
        twin = next(
            (one for one in self._all.values() if (one.place, one.type) == (place, wish["type"])), None
        )
        number = wish.get("id", next(self._numbers))
        if twin and twin.id != number and twin.severity == wish["severity"]:
            return answer | {"status": "Duplicate"}
        self._all[number] = Monitor(
            number,
            component,
            variable,
            wish["type"],
            wish["value"],
            wish["severity"],
            wish.get("transaction", False),
            seen=self._value_of(*place),
        )
        return answer | {"status": "Accepted", "id": number}

    def clear(self, number: int) -> dict:
        status = "Accepted" if self._all.pop(number, None) else "NotFound"
        return {"id": number, "status": status}

    def clear_all(self) -> None:
        self._all.clear()

    def listed(self, criteria: list[str], places: list[dict]) -> list[Monitor]:
        """Those that a GetMonitoringReport asks about; nothing asked for means all."""
        types = set().union(*(CRITERIA[each] for each in criteria))
        return [
            one
            for one in self._all.values()
            if (not criteria or one.type in types)
            and (not places or any(_is_about(one, place) for place in places))
        ]

    def due(self, charging: set[int]) -> Iterator[tuple[Monitor, str, str, bool]]:
        """(monitor, value, trigger, cleared) of all that have something to tell now."""
        for one in self._all.values():
            value = self._value_of(*one.place)
            if value is None or (one.in_transaction and one.place[2] not in charging):
                continue
            news = one.news(value)
            if news and one.severity <= self.level:
                yield one, value, *news


def _is_about(monitor: Monitor, place: dict) -> bool:
    return monitor.component["name"] == place["component"]["name"] and (
        "variable" not in place or monitor.variable["name"] == place["variable"]["name"]
    )
