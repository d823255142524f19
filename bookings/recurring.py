"""What comes again: dates by a rule of iCalendar (RFC 5545), at a time on the site's wall; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY = "|".join(DAYS)
#: Of each part, what it may hold. Nothing that could go on without ever coming to a date.
_PARTS = {
    "FREQ": re.compile(r"DAILY|WEEKLY|MONTHLY"),
    "INTERVAL": re.compile(r"[1-9]\d?"),
    "BYDAY": re.compile(rf"(-1|[1-5])?({_DAY})(,(-1|[1-5])?({_DAY}))*"),
    "BYMONTHDAY": re.compile(r"-1|[1-9]|[12]\d|3[01]"),
}


class Unreadable(ValueError):
    """Not a rule that can be used; its text says why."""


def check(rule: str) -> None:
    """Raises `Unreadable` where the rule is more than `occurrences` can follow."""
    parts: dict[str, str] = {}
    for part in rule.upper().split(";"):
        name, _equals, value = part.partition("=")
        if name in parts or name not in _PARTS or not _PARTS[name].fullmatch(value):
            raise Unreadable(part)
        parts[name] = value
    if "FREQ" not in parts:
        raise Unreadable("FREQ")
    if parts["FREQ"] != "MONTHLY" and ("BYMONTHDAY" in parts or re.search(r"\d", parts.get("BYDAY", ""))):
        raise Unreadable("BYMONTHDAY" if "BYMONTHDAY" in parts else "BYDAY")
    if "BYDAY" in parts and "BYMONTHDAY" in parts:
        raise Unreadable("BYMONTHDAY")


def occurrences(
    rule: str,
    *,
    first: date,
    at: time,
    length: timedelta,
    zone: ZoneInfo,
    after: datetime,
    before: datetime,
    until: date | None = None,
) -> list[tuple[datetime, datetime]]:
    """What of it lies, in whole or in part, between two moments: (start, end) in UTC.

    `first` is the day that the rule counts from, and `until` the last day on which one may begin.
    """
    check(rule)
    found = []
    # A clock may show up to a day more or less than another's.
    dates = rrulestr(rule, dtstart=datetime.combine(first, at)).between(
        after.replace(tzinfo=None) - length - timedelta(days=2),
        before.replace(tzinfo=None) + timedelta(days=2),
        inc=True,
    )
    for local in dates:
        if until is not None and local.date() > until:
            break
        starts_at = on_the_wall(local.date(), at, zone)
        if starts_at < before and starts_at + length > after:
            found.append((starts_at, starts_at + length))
    return found


def weekly(
    first: datetime, *, weekdays: Iterable[int], zone: ZoneInfo, every: int, count: int
) -> list[datetime]:
    """`count` starts on these days of the week (Monday is 0), from the first on, at its time on the wall."""
    local = first.astimezone(zone)
    chosen: Sequence[int] = sorted(set(weekdays)) or [local.weekday()]
    monday = local.date() - timedelta(days=local.weekday())
    starts: list[datetime] = []
    week = 0
    while len(starts) < count:
        for weekday in chosen:
            day = monday + timedelta(weeks=week, days=weekday)
            if day == local.date():
                starts.append(first)  # The very moment, where the clock shows that time twice.
            elif day > local.date():
                starts.append(on_the_wall(day, local.time(), zone))
        week += every
    return starts[:count]


def on_the_wall(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment in UTC. Of a time that the clock shows twice the first; one that it skips is read with the
    offset before the jump (RFC 5545), so 02:30 is 03:30 in that night."""
    return datetime.combine(day, at.replace(fold=0), zone).astimezone(UTC)
