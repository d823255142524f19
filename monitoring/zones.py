"""In which time zone operators' pages tell the time."""

from __future__ import annotations

import zoneinfo
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone


def zone_of(sites: QuerySet) -> zoneinfo.ZoneInfo:
    """The zone that all the sites share; UTC where they don't, so that times stay comparable."""
    names = list(sites.order_by().values_list("time_zone", flat=True).distinct()[:2])
    return zoneinfo.ZoneInfo(names[0] if len(names) == 1 else "UTC")


def midnight(now: datetime, zone: zoneinfo.ZoneInfo, days_ago: int = 0) -> datetime:
    """The start of the day, by the wall clock there."""
    today = timezone.localtime(now, zone) - timedelta(days=days_ago)
    return datetime(today.year, today.month, today.day, tzinfo=zone)
