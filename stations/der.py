"""DER controls at 2.1 stations (block R): what is set, what is reported, what the grid makes of it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from stations import events
from stations.models import Command, DerControl, Event, Station
from stations.ocpp import wire

#: Member of ReportDERControl → (member with the settings, control type; None: it says its own).
KINDS = {
    "curve": ("curve", None),
    "enterService": ("enterService", "EnterService"),
    "fixedPFAbsorb": ("fixedPF", "FixedPFAbsorb"),
    "fixedPFInject": ("fixedPF", "FixedPFInject"),
    "fixedVar": ("fixedVar", "FixedVar"),
    "freqDroop": ("freqDroop", "FreqDroop"),
    "gradient": ("gradient", "Gradients"),
    "limitMaxDischarge": ("limitMaxDischarge", "LimitMaxDischarge"),
}
#: Member of SetDERControl that holds the settings.
SETTINGS = (
    "curve",
    "enterService",
    "fixedPFAbsorb",
    "fixedPFInject",
    "fixedVar",
    "freqDroop",
    "gradient",
    "limitMaxDischarge",
)


@transaction.atomic
def reported(*, station: Station, payload: dict, now: datetime) -> None:
    """One part of a ReportDERControl."""
    for member, (settings, control_type) in KINDS.items():
        for one in payload.get(member) or []:
            DerControl.objects.update_or_create(
                station=station,
                control_id=one["id"],
                ended_at=None,
                defaults={
                    "control_type": control_type or one["curveType"],
                    "is_default": one.get("isDefault", False),
                    "is_superseded": one.get("isSuperseded", False),
                    "settings": one[settings],
                    "updated_at": now,
                },
            )


@transaction.atomic
def started_or_stopped(*, station: Station, payload: dict, received_at: datetime) -> None:
    """NotifyDERStartStop: a control has begun or ended; others may be superseded by it."""
    mine = DerControl.objects.filter(station=station, ended_at=None)
    mine.filter(control_id=payload["controlId"]).update(is_running=payload["started"], updated_at=received_at)
    if superseded := payload.get("supersededIds"):
        mine.filter(control_id__in=superseded).update(
            is_superseded=payload["started"], is_running=False, updated_at=received_at
        )
    text = "started" if payload["started"] else "stopped"
    _record(station, f"DERControl {payload['controlId']}", text, 7, payload["timestamp"], received_at)


@transaction.atomic
def alarmed(*, station: Station, payload: dict, received_at: datetime) -> None:
    """NotifyDERAlarm: the grid is out of bounds, and a control reacts to it."""
    over = bool(payload.get("alarmEnded"))
    text = " · ".join(filter(None, [payload.get("gridEventFault"), payload.get("extraInfo")]))
    _record(
        station, payload["controlType"], text, 7 if over else 4, payload["timestamp"], received_at, over=over
    )


def _record(station, code: str, text: str, severity: int, stamp: str, received_at, *, over=False) -> None:
    events.record(
        [
            Event(
                station=station,
                kind=Event.Kind.GRID,
                code=code,
                text=text,
                severity=severity,
                at=wire.device_time(stamp, received_at)[0],
                received_at=received_at,
                is_cleared=over,
            )
        ]
    )


@transaction.atomic
def command_finished(command: Command) -> None:
    if command.action == "SetDERControl" and command.accepted:
        _set(command, timezone.now())
    elif command.action == "ClearDERControl" and command.accepted:
        rows = DerControl.objects.filter(
            station=command.station, ended_at=None, is_default=command.payload["isDefault"]
        )
        if control_id := command.payload.get("controlId"):
            rows = rows.filter(control_id=control_id)
        if control_type := command.payload.get("controlType"):
            rows = rows.filter(control_type=control_type)
        rows.update(ended_at=timezone.now())


def _set(command: Command, now: datetime) -> None:
    payload = command.payload
    DerControl.objects.update_or_create(
        station=command.station,
        control_id=payload["controlId"],
        ended_at=None,
        defaults={
            "control_type": payload["controlType"],
            "is_default": payload["isDefault"],
            "is_superseded": False,
            "settings": next((payload[name] for name in SETTINGS if name in payload), {}),
            "command": command,
            "updated_at": now,
        },
    )
    superseded = (command.response or {}).get("supersededIds") or []
    DerControl.objects.filter(station=command.station, ended_at=None, control_id__in=superseded).update(
        is_superseded=True, updated_at=now
    )
