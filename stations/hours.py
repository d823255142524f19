"""Hours of the week as operators write them, `Mo-Fr 06:00-22:00; Sa 08:00-20:00`: values in, values out.

A part of OpenStreetMap's `opening_hours`: rules after one another with `;`, each with days (`Mo-Fr`, `Mo,We`,
or none for every day) and times (`06:00-12:00,13:00-22:00`, past midnight as `22:00-06:00`) or `off`. A later
rule replaces what an earlier one says of its days. `24/7` is always. Times are the wall clock's.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import groupby
from zoneinfo import ZoneInfo

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
DAY_MINUTES = 24 * 60
_DAY = "|".join(DAYS)
_DAYS = re.compile(rf"(?:{_DAY})(?:-(?:{_DAY}))?(?:,(?:{_DAY})(?:-(?:{_DAY}))?)*", re.IGNORECASE)
_SPAN = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")

#: In minutes since midnight; an end beyond 24:00 lies on the next day.
Span = tuple[int, int]
#: Aware, in UTC, half-open.
Range = tuple[datetime, datetime]


class Unreadable(ValueError):
    """Not hours of the week; its text says which part."""


@dataclass(frozen=True)
class Week:
    """The spans of each weekday, Monday first, in order."""

    days: tuple[tuple[Span, ...], ...]

    @property
    def is_always(self) -> bool:
        return all(day == ((0, DAY_MINUTES),) for day in self.days)


ALWAYS = Week((((0, DAY_MINUTES),),) * 7)
NEVER = Week(((),) * 7)


@lru_cache(maxsize=4096)
def parse(text: str) -> Week:
    """Raises `Unreadable`. Nothing written is no hours at all; what that means is the caller's to say."""
    if text.strip() == "24/7":
        return ALWAYS
    days: list[tuple[Span, ...]] = [()] * 7
    for rule in filter(None, (part.strip() for part in text.split(";"))):
        named = _DAYS.match(rule)
        times = (rule[named.end() :] if named else rule).replace(" ", "")
        spans = () if times.lower() in ("off", "closed") else _spans(times, rule)
        for day in _days(named.group()) if named else range(7):
            days[day] = spans
    return Week(tuple(days))


def _days(text: str) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, _dash, last = part.title().partition("-")
        start, end = DAYS.index(first), DAYS.index(last or first)
        # `Sa-Mo` goes over the end of the week.
        found |= {day % 7 for day in range(start, end + 1 if end >= start else end + 8)}
    return found


def _spans(text: str, rule: str) -> tuple[Span, ...]:
    found = []
    for part in text.split(","):
        match = _SPAN.fullmatch(part)
        if match is None:
            raise Unreadable(rule)
        hour, minute, last_hour, last_minute = map(int, match.groups())
        start, end = hour * 60 + minute, last_hour * 60 + last_minute
        if minute > 59 or last_minute > 59 or start >= DAY_MINUTES or end > DAY_MINUTES:
            raise Unreadable(rule)
        found.append((start, end if end > start else end + DAY_MINUTES))
    found.sort()
    if any(later[0] < earlier[1] for earlier, later in zip(found, found[1:], strict=False)):
        raise Unreadable(rule)
    return tuple(found)


def ranges(week: Week, zone: ZoneInfo, first: date, last: date) -> tuple[Range, ...]:
    """What the hours of these days cover, in order, joined where they touch.

    The day before is looked at too, because its hours may go past midnight. A time that the clock skips is
    read with the offset before the jump (RFC 5545); of one that it shows twice, hours begin with the first
    and end with the second.
    """
    found: list[list[datetime]] = []
    for offset in range(-1, (last - first).days + 1):
        day = first + timedelta(days=offset)
        for start, end in week.days[day.weekday()]:
            starts_at, ends_at = _at(day, start, zone, fold=0), _at(day, end, zone, fold=1)
            if starts_at >= ends_at:
                continue  # The clock skips all of it.
            if found and starts_at <= found[-1][1]:
                found[-1][1] = max(found[-1][1], ends_at)
            else:
                found.append([starts_at, ends_at])
    return tuple((starts_at, ends_at) for starts_at, ends_at in found)


def _at(day: date, minute: int, zone: ZoneInfo, *, fold: int) -> datetime:
    days, minute = divmod(minute, DAY_MINUTES)
    local = datetime.combine(day + timedelta(days=days), time(minute // 60, minute % 60), zone)
    # `fold` chooses between two; in a gap it must not choose at all.
    twice = local.replace(fold=0).utcoffset() > local.replace(fold=1).utcoffset()  # type: ignore[operator]
    return local.replace(fold=fold if twice else 0).astimezone(UTC)


@lru_cache(maxsize=8192)
def _around(week: Week, zone: ZoneInfo, first: date, last: date) -> tuple[Range, ...]:
    return ranges(week, zone, first, last)


def covers(week: Week, zone: ZoneInfo, starts_at: datetime, ends_at: datetime) -> bool:
    """Whether all of the time lies within the hours."""
    if week.is_always:
        return True
    around = _of(week, zone, starts_at, ends_at)
    index = bisect_right(around, starts_at, key=_start) - 1
    return index >= 0 and around[index][1] >= ends_at


def touches(week: Week, zone: ZoneInfo, starts_at: datetime, ends_at: datetime) -> bool:
    """Whether any of the time lies within the hours."""
    around = _of(week, zone, starts_at, ends_at)
    index = bisect_right(around, starts_at, key=_end)
    return index < len(around) and around[index][0] < ends_at


def _of(week: Week, zone: ZoneInfo, starts_at: datetime, ends_at: datetime) -> Sequence[Range]:
    return _around(week, zone, starts_at.astimezone(zone).date(), ends_at.astimezone(zone).date())


def _start(found: Range) -> datetime:
    return found[0]


def _end(found: Range) -> datetime:
    return found[1]


def lines(week: Week) -> list[tuple[int, int, tuple[Span, ...]]]:
    """For people: days that follow one another with the same hours, together: (first, last, spans)."""
    found = []
    for spans, group in groupby(range(7), key=lambda day: week.days[day]):
        days = list(group)
        found.append((days[0], days[-1], spans))
    return found


def clock(minute: int) -> str:
    """06:00; the midnight at a day's end is 24:00."""
    minute = minute if minute <= DAY_MINUTES else minute - DAY_MINUTES
    return f"{minute // 60:02}:{minute % 60:02}"
