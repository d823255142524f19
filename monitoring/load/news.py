"""When to plan anew: soon after something happened, once for all of it; and a round that finds the rest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import transaction
from django.db.models import Q

from monitoring.load.models import LoadMember, LoadSample, LoadSite

#: What happens within this time is one plan.
SOON_S = 1
#: Readings come all the time: what they change is looked at this often.
READINGS_S = 5
#: A site of which nothing was heard is planned anew all the same: waiting times and profiles run out.
ROUND = timedelta(seconds=30)
KEPT = timedelta(days=8)


def after_commit(site_id: int, cause: str) -> None:
    transaction.on_commit(lambda: soon(site_id, cause), robust=True)


def soon(site_id: int, cause: str) -> None:
    if cache.add(f"load:soon:{site_id}", 1, 30):
        from monitoring.load.tasks import replan

        replan.apply_async((site_id, cause), countdown=SOON_S)


def begun(site_id: int) -> None:
    """Forgotten before anything is read, so that news arriving meanwhile gets a plan of its own."""
    cache.delete(f"load:soon:{site_id}")


def at_stations(station_ids: Iterable[int], cause: str) -> None:
    sites = LoadMember.objects.filter(
        evse__station__in=list(station_ids), group__load_site__is_active=True
    ).order_by()
    for site_id in sites.values_list("group__load_site__site", flat=True).distinct():
        soon(site_id, cause)


def at_readings(station_ids: Iterable[int]) -> None:
    """Many a second, of which nearly all are of sites that nobody manages."""
    managed = cache.get_or_set("load:stations", _managed, 60)
    for site_id in {managed[pk] for pk in station_ids if pk in managed}:
        if cache.add(f"load:readings:{site_id}", 1, READINGS_S):
            soon(site_id, "readings")


def _managed() -> dict[int, int]:
    """Station → site, of all that are managed."""
    return dict(
        LoadMember.objects.filter(group__load_site__is_active=True)
        .order_by()
        .values_list("evse__station", "group__load_site__site")
        .distinct()
    )


def due(now: datetime) -> list[int]:
    """Sites whose plan is old."""
    old = Q(planned_at=None) | Q(planned_at__lte=now - ROUND)
    return list(LoadSite.objects.filter(old, is_active=True).values_list("site", flat=True))


def tidy(now: datetime) -> None:
    if cache.add("load:tidy", 1, 3600):
        LoadSample.objects.filter(at__lt=now - KEPT).delete()
