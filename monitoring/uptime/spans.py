"""Stretches of time as lists of (begin, end), half-open. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from stations import hours
from stations.hours import Week

Span = tuple[datetime, datetime]


def union(spans: Iterable[Span]) -> list[Span]:
    """In order, none touching another, none empty."""
    found: list[Span] = []
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def clip(spans: Iterable[Span], since: datetime, until: datetime) -> list[Span]:
    return union((max(begin, since), min(end, until)) for begin, end in spans)


def common(one: Iterable[Span], other: Iterable[Span]) -> list[Span]:
    """What lies in both."""
    first, second = union(one), union(other)
    found: list[Span] = []
    i = j = 0
    while i < len(first) and j < len(second):
        begin, end = max(first[i][0], second[j][0]), min(first[i][1], second[j][1])
        if begin < end:
            found.append((begin, end))
        if first[i][1] < second[j][1]:
            i += 1
        else:
            j += 1
    return found


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """What of the first lies in none of the second."""
    left = union(spans)
    for begin, end in union(taken):
        left = [
            piece
            for start, stop in left
            for piece in ((start, min(stop, begin)), (max(start, end), stop))
            if piece[0] < piece[1]
        ]
    return left


def seconds(spans: Iterable[Span]) -> float:
    return sum((end - begin).total_seconds() for begin, end in spans)


def closed(week: Week, zone: ZoneInfo, since: datetime, until: datetime) -> list[Span]:
    """When a site with these opening hours is shut."""
    opened = hours.ranges(week, zone, since.astimezone(zone).date(), until.astimezone(zone).date())
    return without([(since, until)], opened)
