"""Keep what stations tell of themselves, and let others know."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from stations import signals
from stations.models import Event

LENGTHS = {"code": 100, "text": 500, "component": 120, "variable": 120, "value": 500}


@transaction.atomic
def record(events: Iterable[Event]) -> list[Event]:
    """Store new events, overlong texts cut and NULs left out, and send `events_recorded` after the commit."""
    rows = list(events)
    for row in rows:
        for name, limit in LENGTHS.items():
            setattr(row, name, str(getattr(row, name) or "").replace("\x00", "")[:limit])
    stored = Event.objects.bulk_create(rows)
    if stored:
        signals.after_commit(signals.events_recorded, events=stored)
    return stored


def purge(now: datetime, most: int = 20_000) -> int:
    """Forget what happened longer ago than events are kept; returns how many, `most` in one go."""
    old = Event.objects.filter(received_at__lt=now - timedelta(days=settings.EVENTS_KEEP_DAYS))
    oldest = old.order_by("received_at").values("pk")[:most]
    return Event.objects.filter(pk__in=list(oldest.values_list("pk", flat=True))).delete()[0]
