"""What a charger's pages about limits and monitors show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from stations.charging_profiles import build, spelling
from stations.models import ChargingNeeds, Command, InstalledProfile, Station
from stations.ocpp import wire

#: Ended ones that are still listed.
ENDED = 20
NO_END = timedelta(hours=24)
LOOKS = {
    InstalledProfile.State.SENT: "preparing",
    InstalledProfile.State.ACCEPTED: "available",
    InstalledProfile.State.REJECTED: "faulted",
    InstalledProfile.State.CLEARED: "offline",
}


@dataclass(frozen=True)
class Line:
    """One profile in the list."""

    row: InstalledProfile
    look: str
    limit: str
    may_clear: bool


def lines(station: Station) -> list[Line]:
    rows = station.installed_profiles.select_related("evse", "session", "named", "command")
    current = rows.exclude(state=InstalledProfile.State.CLEARED)
    ended = rows.filter(state=InstalledProfile.State.CLEARED).order_by("-ended_at")[:ENDED]
    return [_line(row) for row in [*current, *ended]]


def _line(row: InstalledProfile) -> Line:
    value, unit = build.first_limit(row.profile)
    periods = sum(len(one.get("chargingSchedulePeriod") or []) for one in build.schedules(row.profile))
    limit = amount(value, unit)
    if periods > 1:
        limit = _("%(first)s, %(n)s periods") % {"first": limit, "n": periods}
    may_clear = row.state != InstalledProfile.State.CLEARED and row.purpose != build.EXTERNAL
    return Line(row, LOOKS[row.state], limit, may_clear and row.profile_id > 0)


def amount(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return f"{value / 1000:g} kW" if unit == "W" else f"{value:g} A"


@dataclass(frozen=True)
class Composite:
    """The newest answer to GetCompositeSchedule for one place, as a chart and a table."""

    place: str
    asked_at: datetime
    chart: dict | None
    why: str


def composites(station: Station) -> list[Composite]:
    """One for each EVSE that was asked about, and for the whole station."""
    asked = Command.objects.filter(
        station=station, action="GetCompositeSchedule", status=Command.Status.ANSWERED
    ).order_by("-created_at")[:40]
    found: dict[int, Composite] = {}
    for command in asked:
        number = command.payload.get("evseId", command.payload.get("connectorId", 0))
        if number not in found:
            found[number] = _composite(command, number)
    return [found[number] for number in sorted(found)]


def _composite(command: Command, number: int) -> Composite:
    place = _("EVSE %s") % number if number else _("The whole charger")
    at = command.answered_at or command.created_at
    schedule = spelling.composite_schedule(command.response or {})
    if schedule is None:
        return Composite(place, at, None, (command.response or {}).get("status", ""))
    start, _flag = wire.device_time(schedule["start"], at)
    steps = [
        (start + timedelta(seconds=period["startPeriod"]), period.get("limit"))
        for period in schedule["periods"]
        if isinstance(period.get("startPeriod"), int) and abs(period["startPeriod"]) < 10**8
    ]
    end = start + (timedelta(seconds=schedule["duration"]) if schedule["duration"] else NO_END)
    return Composite(place, at, chart(command, place, steps, end, schedule["unit"]), "")


def chart(
    command: Command, place: str, steps: list[tuple[datetime, float | None]], end: datetime, unit: str
) -> dict | None:
    """Steps as `_chart.html` draws them: each limit holds until the next one begins."""
    if not steps:
        return None
    divisor, shown = (1000, "kW") if unit == "W" else (1, "A")
    points: list[tuple[int, float | None]] = []
    for (at, limit), (until, _next) in zip(steps, [*steps[1:], (end, None)], strict=True):
        value = None if limit is None else limit / divisor
        points += [
            (int(at.timestamp()), value),
            (max(int(until.timestamp()) - 1, int(at.timestamp())), value),
        ]
    name = f"composite-{command.pk}"
    rows = [[timezone.localtime(at).strftime("%Y-%m-%d %H:%M"), amount(limit, unit)] for at, limit in steps]
    return {
        "id": name,
        "data_id": f"{name}-data",
        "caption": _("%(place)s: what is allowed, until %(end)s")
        % {"place": place, "end": timezone.localtime(end).strftime("%Y-%m-%d %H:%M")},
        "data": {
            "x": [x for x, _value in points],
            "series": [
                {
                    "label": _("Limit"),
                    "unit": shown,
                    "token": "charging",
                    "values": [value for _x, value in points],
                }
            ],
        },
        "columns": [_("From"), _("At most")],
        "rows": rows,
    }


def needs(station: Station) -> QuerySet[ChargingNeeds]:
    """Of the cars that charge there now."""
    rows = ChargingNeeds.objects.filter(session__station=station, session__stopped_at=None)
    return rows.select_related("session__evse")
