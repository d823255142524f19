"""Which way an alert goes, when it is tried again, and until when somebody is not to be told. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

#: A channel is tried again after 30 s, 1 min, 2 min, … and at least every two hours, for a day.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=2)
PATIENCE = timedelta(days=1)


@dataclass(frozen=True)
class Route:
    """A policy: empty sets are all there are."""

    pk: int
    severities: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    sites: frozenset[int] = frozenset()


def matching(routes: Iterable[Route], *, severity: str, kind: str, site_id: int) -> list[int]:
    return [
        route.pk
        for route in routes
        if (not route.severities or severity in route.severities)
        and (not route.kinds or kind in route.kinds)
        and (not route.sites or site_id in route.sites)
    ]


def pause(attempts: int) -> timedelta:
    """After so many tries that failed."""
    return min(FIRST_PAUSE * 2 ** min(max(attempts - 1, 0), 20), LONGEST_PAUSE)


def quiet_until(now: datetime, *, begins_at: time, ends_at: time, zone: ZoneInfo) -> datetime | None:
    """The end of the quiet hours that `now` is in; None outside of them. By the clocks of `zone`."""
    local = now.astimezone(zone)
    for day in (local.date() - timedelta(days=1), local.date()):
        last_day = day if ends_at > begins_at else day + timedelta(days=1)
        begin = datetime.combine(day, begins_at, zone)
        end = datetime.combine(last_day, ends_at, zone)
        if begin <= now < end:
            return end
    return None


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over `timestamp.body`, in hex; the time in it lets a receiver refuse what is old."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, sha256).hexdigest()
