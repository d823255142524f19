"""What a station can do about limits and monitors: asked once per firmware, and learnt from any answer."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from stations import commands
from stations.models import Command, SmartCharging, Station

KEYS = {
    "ChargingScheduleAllowedChargingRateUnit": "rate_units",
    "ChargeProfileMaxStackLevel": "max_stack_level",
    "ChargingScheduleMaxPeriods": "max_periods",
}
#: (component, variable, instance) → field
VARIABLES = {
    ("SmartChargingCtrlr", "RateUnit", ""): "rate_units",
    ("SmartChargingCtrlr", "ProfileStackLevel", ""): "max_stack_level",
    ("SmartChargingCtrlr", "PeriodsPerSchedule", ""): "max_periods",
    ("MonitoringCtrlr", "Enabled", ""): "has_monitoring",
    ("MonitoringCtrlr", "ItemsPerMessage", "SetVariableMonitoring"): "monitors_per_message",
    ("MonitoringCtrlr", "BytesPerMessage", "SetVariableMonitoring"): "monitor_bytes_per_message",
}
#: A station that has just come is busy with other things.
SETTLED = timedelta(seconds=20)
AT_ONCE = 100


def read(field: str, text: str) -> str | int | bool | None:
    """A value as the station wrote it; None where it makes no sense."""
    text = str(text).strip()
    if field == "rate_units":
        words = {word.strip().casefold() for word in text.split(",")}
        units = ("A" if words & {"a", "current"} else "") + ("W" if words & {"w", "power"} else "")
        return units or None
    if field == "has_monitoring":
        return text.casefold() == "true"
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def question(version: str) -> tuple[str, dict]:
    if version == "1.6":
        return "GetConfiguration", {"key": list(KEYS)}
    wanted = [
        {
            "component": {"name": component},
            "variable": {"name": variable} | ({"instance": instance} if instance else {}),
        }
        for component, variable, instance in VARIABLES
    ]
    return "GetVariables", {"getVariableData": wanted}


def said(action: str, response: dict) -> dict[str, str | int | bool | None]:
    """What an answer to GetConfiguration or GetVariables tells, by our fields."""
    found = {}
    if action == "GetConfiguration":
        for one in response.get("configurationKey") or []:
            if (field := KEYS.get(one.get("key"))) and one.get("value") is not None:
                found[field] = read(field, one["value"])
    elif action == "GetVariables":
        for one in response.get("getVariableResult") or []:
            variable = one.get("variable") or {}
            place = (
                (one.get("component") or {}).get("name"),
                variable.get("name"),
                variable.get("instance", ""),
            )
            if (field := VARIABLES.get(place)) and one.get("attributeStatus") == "Accepted":
                found[field] = read(field, one.get("attributeValue", ""))
    return {field: value for field, value in found.items() if value is not None}


@transaction.atomic
def command_finished(command: Command) -> None:
    """Whoever asked: what the station said of itself is kept."""
    if found := said(command.action, command.response or {}):
        SmartCharging.objects.update_or_create(station=command.station, defaults=found)


def ask_due(now: datetime) -> int:
    """Ask the stations that nobody has asked yet, or whose firmware is another one now; a few at a time."""
    known = Q(smart_charging__asked_at__isnull=False, smart_charging__firmware=F("firmware"))
    stations = (
        Station.objects.filter(
            connection__isnull=False,
            registration=Station.Registration.ACCEPTED,
            booted_at__lt=now - SETTLED,
            connected_at__lt=now - SETTLED,
        )
        .exclude(known)
        .order_by("pk")[:AT_ONCE]
    )
    for station in stations:
        with transaction.atomic():
            SmartCharging.objects.update_or_create(
                station=station, defaults={"asked_at": now, "firmware": station.firmware}
            )
            action, payload = question(station.ocpp_version or "1.6")
            commands.send(station=station, action=action, payload=payload, reason="what it can do")
    return len(stations)
