"""Reckon hours anew from sessions and readings; the same result however often it is done."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Max, Q
from django.db.models.functions import TruncHour

from stations import metering, series
from stations.meter import POWER, TIME_FLAGS
from stations.models import Hour, Reading, Session
from stations.registers import Point

BATCH = 1000
#: A step of the meter with less power than this on average is a car that is full or waits.
CHARGING_ABOVE_W = 100


@transaction.atomic
def roll_up(limit: int = BATCH) -> int:
    """Reckon the oldest stale hours; returns how many there were."""
    rows = list(series.stale().select_for_update(skip_locked=True).order_by("starts_at")[:limit])
    by_evse: dict[int, list[Hour]] = defaultdict(list)
    for row in rows:
        by_evse[row.evse_id].append(row)
    for evse_id, hours in by_evse.items():
        _reckon(evse_id, hours)
    fields = ["energy_wh", "max_power_w", "busy_s", "charging_s", "is_stale", "is_news"]
    Hour.objects.bulk_update(rows, fields, batch_size=500)
    return len(rows)


def _reckon(evse_id: int, hours: list[Hour]) -> None:
    first, last = hours[0].starts_at, hours[-1].starts_at + series.HOUR
    curves = [_curve(session) for session in _sessions(evse_id, first, last)]
    power = dict(
        Reading.objects.filter(
            evse=evse_id, at__gte=first, at__lt=last, measurand=POWER, phase="", flag__in=TIME_FLAGS
        )
        .annotate(hour=TruncHour("at"))
        .order_by()
        .values_list("hour")
        .annotate(Max("value"))
    )
    for row in hours:
        end = row.starts_at + series.HOUR
        row.energy_wh = sum((level(c, end) - level(c, row.starts_at) for c in curves), Decimal(0))
        row.busy_s = min(3600, sum(_overlap(curve, row.starts_at, end) for curve in curves))
        row.charging_s = min(row.busy_s, sum(_charging(curve, row.starts_at, end) for curve in curves))
        row.max_power_w = power.get(row.starts_at)
        row.is_stale, row.is_news = False, True


def _sessions(evse_id: int, first: datetime, last: datetime):
    rows = Session.objects.filter(evse=evse_id, started_at__lt=last)
    return rows.filter(Q(stopped_at=None) | Q(stopped_at__gt=first)).select_related("evse")


def _curve(session: Session) -> list[Point]:
    """The energy since the start, from its first moment to its last known one."""
    result = metering.measured(session)
    ends_at = session.stopped_at or session.register_at or session.last_reading_at or session.started_at
    points = [(session.started_at, Decimal(0)), *result.curve]
    return [*points, (max(ends_at, points[-1][0]), result.total_wh)]


def level(curve: list[Point], at: datetime) -> Decimal:
    """The energy charged by then; evenly between two readings."""
    index = bisect_right(curve, at, key=lambda point: point[0])
    if index == 0:
        return Decimal(0)
    if index == len(curve):
        return curve[-1][1]
    (before, low), (after, high) = curve[index - 1], curve[index]
    share = Decimal((at - before).total_seconds()) / Decimal((after - before).total_seconds())
    return (low + (high - low) * share).quantize(Decimal("0.001"))


def _overlap(curve: list[Point], start: datetime, end: datetime) -> int:
    seconds = (min(curve[-1][0], end) - max(curve[0][0], start)).total_seconds()
    return max(0, round(seconds))


def _charging(curve: list[Point], start: datetime, end: datetime) -> int:
    """Seconds of the steps in which energy flowed, as far as they lie within."""
    found = 0.0
    for (before, low), (after, high) in zip(curve, curve[1:], strict=False):
        seconds = (after - before).total_seconds()
        if after > start and before < end and float(high - low) * 3600 > CHARGING_ABOVE_W * seconds:
            found += (min(after, end) - max(before, start)).total_seconds()
    return max(0, round(found))
