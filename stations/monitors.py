"""Monitors of 2.x stations: set, read back, cleared; and those that every station of an operator gets."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from stations import commands
from stations.exceptions import Refused
from stations.models import Command, DefaultMonitor, Evse, Monitor, MonitorType, SmartCharging, Station

State = Monitor.State
#: Why monitors are read back by the portal itself.
RESTARTED = "after a restart"
#: What every operator's stations are asked to watch until it decides otherwise.
USUAL = [
    # (component, variable, type, value, severity, one for each EVSE)
    ("ChargingStation", "Temperature", MonitorType.UPPER, 75, 4, False),
    ("Connector", "Problem", MonitorType.DELTA, 1, 3, True),
    ("EVSE", "Problem", MonitorType.DELTA, 1, 3, True),
    ("ElectricalFeed", "ACVoltage", MonitorType.UPPER, 260, 5, False),
    ("ElectricalFeed", "ACVoltage", MonitorType.LOWER, 200, 5, False),
]


class CanNotMonitor(Refused):
    default = "This charger can't monitor variables: its protocol is OCPP 1.6."


@dataclass(frozen=True)
class Wish:
    """One monitor as it is wished for."""

    component: str
    variable: str
    type: str
    value: float
    severity: int = 8
    evse_number: int | None = None
    connector_number: int | None = None
    component_instance: str = ""
    variable_instance: str = ""
    in_transaction: bool = False
    monitor_id: int | None = None

    def wire(self) -> dict:
        component: dict = {"name": self.component}
        if self.component_instance:
            component["instance"] = self.component_instance
        if self.evse_number:
            component["evse"] = {"id": self.evse_number}
            if self.connector_number:
                component["evse"]["connectorId"] = self.connector_number
        variable = {"name": self.variable}
        if self.variable_instance:
            variable["instance"] = self.variable_instance
        words = {
            "transaction": self.in_transaction,
            "value": self.value,
            "type": self.type,
            "severity": self.severity,
            "component": component,
            "variable": variable,
        }
        return words if self.monitor_id is None else {"id": self.monitor_id, **words}


def portions(items: list[dict], most: int | None, most_bytes: int | None) -> Iterator[list[dict]]:
    """As many to a message as the station takes (ItemsPerMessage, BytesPerMessage). Pure."""
    portion: list[dict] = []
    # The payload's own frame around them; each item but the first has a comma before it.
    size = around = len('{"setMonitoringData":[]}') - 1
    for item in items:
        length = len(json.dumps(item, separators=(",", ":"))) + 1
        if portion and ((most and len(portion) >= most) or (most_bytes and size + length > most_bytes)):
            yield portion
            portion, size = [], around
        portion.append(item)
        size += length
    if portion:
        yield portion


@transaction.atomic
def set_monitors(*, station: Station, wishes: Iterable[Wish], by=None, reason: str = "") -> list[Monitor]:
    """Ask the station to watch these; each is a row that its answer settles."""
    _must_be_2x(station)
    wishes = list(wishes)
    limits = SmartCharging.objects.filter(station=station).first() or SmartCharging()
    evses = {evse.number: evse for evse in station.evses.all()}
    wires = [wish.wire() for wish in wishes]
    by_wire = {json.dumps(wire, sort_keys=True): wish for wire, wish in zip(wires, wishes, strict=True)}
    rows = []
    for portion in portions(wires, limits.monitors_per_message, limits.monitor_bytes_per_message):
        command = commands.send(
            station=station,
            action="SetVariableMonitoring",
            payload={"setMonitoringData": portion},
            by=by,
            reason=reason,
        )
        for wire in portion:
            wish = by_wire[json.dumps(wire, sort_keys=True)]
            rows.append(
                Monitor.objects.create(
                    station=station,
                    evse=evses.get(wish.evse_number),
                    connector_number=wish.connector_number,
                    component=wish.component,
                    component_instance=wish.component_instance,
                    variable=wish.variable,
                    variable_instance=wish.variable_instance,
                    type=wish.type,
                    value=wish.value,
                    severity=wish.severity,
                    in_transaction=wish.in_transaction,
                    monitor_id=wish.monitor_id,
                    command=command,
                )
            )
    return rows


@transaction.atomic
def clear_monitors(*, station: Station, monitor_ids: Iterable[int], by=None, reason: str = "") -> Command:
    _must_be_2x(station)
    payload = {"id": sorted(monitor_ids)}
    return commands.send(
        station=station, action="ClearVariableMonitoring", payload=payload, by=by, reason=reason
    )


@transaction.atomic
def read_back(*, station: Station, by=None, reason: str = "") -> Command:
    """Ask for every monitor that the station has; NotifyMonitoringReport follows."""
    _must_be_2x(station)
    payload = {"requestId": secrets.randbelow(2**31 - 1) + 1}
    return commands.send(station=station, action="GetMonitoringReport", payload=payload, by=by, reason=reason)


@transaction.atomic
def set_base(*, station: Station, base: str, by=None) -> Command:
    """All, FactoryDefault or HardWiredOnly: which monitors are there at all."""
    _must_be_2x(station)
    return commands.send(station=station, action="SetMonitoringBase", payload={"monitoringBase": base}, by=by)


@transaction.atomic
def set_level(*, station: Station, severity: int, by=None) -> Command:
    """Events less urgent than this are not told any more."""
    _must_be_2x(station)
    return commands.send(station=station, action="SetMonitoringLevel", payload={"severity": severity}, by=by)


def _must_be_2x(station: Station) -> None:
    if not station.ocpp_version.startswith("2"):
        raise CanNotMonitor


# What stations answer and report


@transaction.atomic
def command_finished(command: Command) -> None:
    response = command.response or {}
    if command.action == "SetVariableMonitoring":
        _settle(command, response.get("setMonitoringResult") or [])
    elif command.action == "ClearVariableMonitoring":
        for result in response.get("clearMonitoringResult") or []:
            if result["status"] in ("Accepted", "NotFound"):
                mine = Monitor.objects.filter(station=command.station, monitor_id=result["id"])
                mine.update(state=State.CLEARED)
    elif command.action == "SetMonitoringBase" and command.accepted:
        # What we had set is gone with it; only HardWiredOnly takes the station's own away, too (N05).
        gone = Monitor.objects.filter(station=command.station, state=State.SET)
        if command.payload["monitoringBase"] != "All":
            gone.filter(origin="CustomMonitor").update(state=State.CLEARED)
    elif command.action == "GetMonitoringReport" and response.get("status") == "EmptyResultSet":
        Monitor.objects.filter(station=command.station, state=State.SET).update(state=State.CLEARED)
        _read_back(command)


def _settle(command: Command, results: list[dict]) -> None:
    """Each result belongs to the row of the same component, variable and type; without one, all failed."""
    waiting = list(Monitor.objects.filter(command=command, state=State.SENT))
    for result in results:
        row = next((one for one in waiting if _is_about(one, result)), None)
        if row is not None:
            waiting.remove(row)
        elif result["status"] == "Accepted":
            # Sent by hand: what was asked for is in the call.
            asked = next((one for one in command.payload["setMonitoringData"] if _same(one, result)), None)
            row = _row(command.station, result, asked or {"value": 0}) if asked else None
        if row is None:
            continue
        if result["status"] == "Accepted" and result.get("id") is not None:
            _take_number(row, result["id"])
        else:
            row.state = State.REJECTED
            info = result.get("statusInfo") or {}
            row.reason = " · ".join(filter(None, [result["status"], info.get("additionalInfo")]))[:200]
        row.save()
    for row in waiting:
        row.state, row.reason = State.REJECTED, command.error_description[:200] or "No answer about it"
        row.save(update_fields=["state", "reason", "changed_at"])


def _take_number(row: Monitor, number: int) -> None:
    older = Monitor.objects.filter(station=row.station, monitor_id=number, state=State.SET)
    older.exclude(pk=row.pk).update(state=State.CLEARED, reason="replaced")
    row.monitor_id, row.state, row.reason = number, State.SET, ""


def _same(asked: dict, result: dict) -> bool:
    return all(asked[name] == result[name] for name in ("type", "component", "variable"))


def _is_about(row: Monitor, result: dict) -> bool:
    component, variable = result["component"], result["variable"]
    place = component.get("evse") or {}
    return (
        row.component == component["name"]
        and row.component_instance == component.get("instance", "")
        and (row.evse.number if row.evse else None) == place.get("id")
        and row.connector_number == place.get("connectorId")
        and row.variable == variable["name"]
        and row.variable_instance == variable.get("instance", "")
        and row.type == result["type"]
    )


def _row(station: Station, place: dict, words: dict) -> Monitor:
    """A monitor as the station describes it, not stored."""
    component, variable = place["component"], place["variable"]
    evse = component.get("evse") or {}
    return Monitor(
        station=station,
        evse=Evse.objects.filter(station=station, number=evse.get("id") or 0).first(),
        connector_number=evse.get("connectorId"),
        component=component["name"],
        component_instance=component.get("instance", ""),
        variable=variable["name"],
        variable_instance=variable.get("instance", ""),
        type=words.get("type", place.get("type")),
        value=words["value"],
        severity=words.get("severity", place.get("severity", 8)),
        in_transaction=words.get("transaction", False),
        origin=words.get("eventNotificationType", "CustomMonitor"),
    )


@transaction.atomic
def reported(*, station: Station, payload: dict, now: datetime) -> None:
    """One part of a NotifyMonitoringReport; after the last, what wasn't named is known to be gone."""
    request_id = payload["requestId"]
    for place in payload.get("monitor") or []:
        for words in place["variableMonitoring"]:
            known = Monitor.objects.filter(station=station, monitor_id=words["id"], state=State.SET).first()
            row = _row(station, place, words)
            if known is not None:
                row.pk, row.command, row.origin = (
                    known.pk,
                    known.command,
                    words.get("eventNotificationType", known.origin),
                )
                row.last_value, row.last_value_at = known.last_value, known.last_value_at
                row.stream_id = known.stream_id
                row.stream_interval_s, row.stream_values = known.stream_interval_s, known.stream_values
            row.monitor_id, row.state, row.reported_in = words["id"], State.SET, request_id
            row.save()
    if payload.get("tbc"):
        return
    command = Command.objects.filter(
        station=station, action="GetMonitoringReport", payload__requestId=request_id
    ).first()
    if command is not None and not {"componentVariable", "monitoringCriteria"} & command.payload.keys():
        gone = Monitor.objects.filter(station=station, state=State.SET).exclude(reported_in=request_id)
        gone.update(state=State.CLEARED, reason="no longer at the charger")
        _read_back(command)


def _read_back(command: Command) -> None:
    """It is known now what a station still has after its restart: what it should have too is set again."""
    if command.reason == RESTARTED:
        _push_missing(command.station)


# Defaults


def default_monitors(operator) -> list[DefaultMonitor]:
    """What this operator's stations are asked to watch; the usual ones until it has rows of its own."""
    rows = list(DefaultMonitor.objects.filter(operator=operator))
    return rows or [
        DefaultMonitor(
            operator=operator,
            component=component,
            variable=variable,
            type=type_,
            value=value,
            severity=severity,
            per_evse=per_evse,
        )
        for component, variable, type_, value, severity, per_evse in USUAL
    ]


def push_due(now: datetime) -> int:
    """Give stations that can monitor their operator's defaults, once after each boot.

    They should keep them over a restart, but not all do: what is left is read back first.
    """
    stations = (
        Station.objects.filter(
            connection__isnull=False,
            registration=Station.Registration.ACCEPTED,
            smart_charging__has_monitoring=True,
        )
        .filter(
            Q(smart_charging__monitors_pushed_at=None)
            | Q(booted_at__gt=F("smart_charging__monitors_pushed_at"))
        )
        .select_related("site__operator", "smart_charging")
        .prefetch_related("evses__connectors")[:50]
    )
    for station in stations:
        with transaction.atomic():
            SmartCharging.objects.filter(station=station).update(monitors_pushed_at=now)
            if Monitor.objects.in_place().filter(station=station).exists():
                read_back(station=station, reason=RESTARTED)
            else:
                _push_missing(station)
    return len(stations)


def _push_missing(station: Station) -> None:
    if wishes := list(wishes_for(station)):
        set_monitors(station=station, wishes=wishes, reason="operator's defaults")


def wishes_for(station: Station) -> Iterator[Wish]:
    """The defaults that the station doesn't have yet."""
    have = {
        (row.component, row.variable, row.type, row.evse.number if row.evse else None)
        for row in Monitor.objects.filter(station=station).exclude(state=State.CLEARED).select_related("evse")
    }
    for default in default_monitors(station.site.operator):
        evses: list[Evse | None] = list(station.evses.all()) if default.per_evse else [None]
        for evse in evses:
            number = evse.number if evse else None
            if (default.component, default.variable, default.type, number) in have:
                continue
            connectors: list[int | None] = [None]
            if evse is not None and default.component == "Connector":
                connectors = [one.number for one in evse.connectors.all()] or [1]
            for connector in connectors:
                yield Wish(
                    default.component,
                    default.variable,
                    default.type,
                    default.value,
                    default.severity,
                    evse_number=number,
                    connector_number=connector,
                    in_transaction=default.in_transaction,
                )
