"""Streams of a monitor's values (2.1 N11–N14): opened by the station, and their values kept as readings."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction

from stations import commands
from stations.exceptions import Refused
from stations.meter import Sample, default_unit
from stations.models import Command, Monitor, Reading, Session, Station
from stations.ocpp import wire

ACCEPTED, REJECTED = "Accepted", "Rejected"
#: Variables of a meter and the measurands that they are (2.1 appendix: EVSE, FiscalMetering, ElectricalFeed).
MEASURANDS = {
    "ACCurrent": "Current.Import",
    "DCCurrent": "Current.Import",
    "ACVoltage": "Voltage",
    "DCVoltage": "Voltage",
    "Power": "Power.Active.Import",
    "ActivePower": "Power.Active.Import",
    "EnergyImport": "Energy.Active.Import.Register",
    "EnergyImportRegister": "Energy.Active.Import.Register",
    "EnergyExportRegister": "Energy.Active.Export.Register",
    "Frequency": "Frequency",
    "StateOfCharge": "SoC",
    "Temperature": "Temperature",
}
PHASES = ("L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1")
UNITS = {"Percent": "%", "Celsius": "°C"}
#: More of them than this in one message is no stream but a flood.
MAX_VALUES = 5000


@transaction.atomic
def opened(*, station: Station, payload: dict) -> str:
    """Only a monitor that we know can be read; another one isn't worth its traffic."""
    data = payload["constantStreamData"]
    params = data["params"]
    mine = Monitor.objects.filter(station=station)
    mine.filter(stream_id=data["id"]).update(stream_id=None)
    won = mine.filter(monitor_id=data["variableMonitoringId"], state=Monitor.State.SET).update(
        stream_id=data["id"],
        stream_interval_s=params.get("interval"),
        stream_values=params.get("values"),
    )
    return ACCEPTED if won else REJECTED


@transaction.atomic
def closed(*, station: Station, stream_id: int) -> None:
    Monitor.objects.filter(station=station, stream_id=stream_id).update(
        stream_id=None, stream_interval_s=None, stream_values=None
    )


def values(payload: dict, received_at: datetime) -> Iterator[tuple[datetime, str]]:
    """(when, value as text) of one message; offsets that make no sense are left out. Pure."""
    base, _flag = wire.device_time(payload["basetime"], received_at)
    for one in payload["data"][:MAX_VALUES]:
        if math.isfinite(one["t"]) and abs(one["t"]) <= 86_400:
            yield base + timedelta(seconds=float(one["t"])), str(one["v"])


def measured(component: str, variable: str, instance: str, at: datetime, text: str) -> Sample | None:
    """A meter's value in the readings' words; None for what isn't a meter's or is no number. Pure."""
    measurand, value = MEASURANDS.get(variable), wire.number(text)
    if measurand is None or value is None:
        return None
    if component == "ChargingStation" and measurand in ("Temperature",):
        return None
    unit = default_unit(measurand)
    phase = instance if instance in PHASES else ""
    return Sample(at, measurand, value.quantize(wire.number("0.001")), UNITS.get(unit, unit), phase=phase)


@transaction.atomic
def notified(*, station: Station, payload: dict, received_at: datetime) -> int:
    """One NotifyPeriodicEventStream: readings where the monitor is of a meter, and the last value anyway."""
    monitor = Monitor.objects.select_related("evse").filter(station=station, stream_id=payload["id"]).first()
    if monitor is None:
        return 0
    found = list(values(payload, received_at))
    if not found:
        return 0
    at, last = max(found)
    Monitor.objects.filter(pk=monitor.pk).update(last_value=last.replace("\x00", "")[:500], last_value_at=at)
    if monitor.evse is None:
        return 0
    session = Session.objects.open().filter(evse=monitor.evse).order_by("-started_at").first()
    samples = [
        measured(monitor.component, monitor.variable, monitor.variable_instance, when, text)
        for when, text in found
    ]
    rows = [
        Reading(
            evse=monitor.evse,
            session=session if session and session.started_at <= sample.at else None,
            at=sample.at,
            received_at=received_at,
            measurand=sample.measurand,
            phase=sample.phase,
            location=sample.location,
            context=sample.context,
            value=sample.value,
            unit=sample.unit,
        )
        for sample in samples
        if sample is not None
    ]
    Reading.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


class NoStream(Refused):
    default = "This monitor sends no stream of values."


def adjust(*, monitor: Monitor, interval_s: int, values: int | None = None, by=None) -> Command:
    """Ask for another pace."""
    if monitor.stream_id is None:
        raise NoStream
    params = {"interval": interval_s} | ({"values": values} if values else {})
    return commands.send(
        station=monitor.station,
        action="AdjustPeriodicEventStream",
        payload={"id": monitor.stream_id, "params": params},
        by=by,
    )


@transaction.atomic
def command_finished(command: Command) -> None:
    mine = Monitor.objects.filter(station=command.station)
    if command.action == "AdjustPeriodicEventStream" and command.accepted:
        params = command.payload["params"]
        mine.filter(stream_id=command.payload["id"]).update(
            stream_interval_s=params.get("interval"), stream_values=params.get("values")
        )
    elif command.action == "GetPeriodicEventStream" and command.status == Command.Status.ANSWERED:
        listed = (command.response or {}).get("constantStreamData") or []
        mine.exclude(stream_id=None).exclude(stream_id__in=[one["id"] for one in listed]).update(
            stream_id=None
        )
        for one in listed:
            opened(station=command.station, payload={"constantStreamData": one})
