"""Keep what stations tell of themselves, and let others know."""

from __future__ import annotations

from collections.abc import Iterable

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
