"""Which days a report is about, and which it is compared with. Pure."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

#: Longer ones would be read from tables that nobody keeps so long.
LONGEST_DAYS = 3 * 366
DAY = timedelta(days=1)


class PeriodRefused(ValueError):
    """In words for the person who asked."""


@dataclass(frozen=True)
class Period:
    """Whole days: `since` is the first, `until` the one after the last."""

    since: date
    until: date

    @property
    def days(self) -> int:
        return (self.until - self.since).days

    @property
    def last(self) -> date:
        return self.until - DAY


def chosen(since: date | None, until: date | None, today: date, days: int = 28) -> Period:
    """What somebody asked for, with its last day included; without ends, the last days up to yesterday."""
    if since is not None and until is not None and until < since:
        raise PeriodRefused("The last day lies before the first.")
    last = until or (min(today - DAY, since + timedelta(days=days - 1)) if since else today - DAY)
    last = max(last, since) if since else last
    first = since or last - timedelta(days=days - 1)
    period = Period(first, last + DAY)
    if period.since > today:
        raise PeriodRefused("That begins in the future: nothing has happened there yet.")
    if period.days > LONGEST_DAYS:
        raise PeriodRefused("A report covers three years at most: choose a shorter time.")
    if period.since.year < 2010:
        raise PeriodRefused("There were no such chargers yet: begin in 2010 or later.")
    return period


def before(period: Period) -> Period:
    """As many days, right before."""
    return Period(period.since - timedelta(days=period.days), period.since)


def last_year(period: Period) -> Period:
    """The same dates a year before; 29 February is compared with the 28th."""
    since = _year_back(period.since)
    return Period(since, since + timedelta(days=period.days))


def _year_back(day: date) -> date:
    last = calendar.monthrange(day.year - 1, day.month)[1]
    return day.replace(year=day.year - 1, day=min(day.day, last))


def due(every: str, today: date) -> Period:
    """The last whole week (Monday to Sunday) or month before today."""
    if every == "week":
        until = today - timedelta(days=today.weekday())
        return Period(until - timedelta(days=7), until)
    until = today.replace(day=1)
    return Period((until - DAY).replace(day=1), until)


def slots(period: Period) -> list[int]:
    """How often each hour of the week occurs in it, by the wall clock: 168 counts."""
    weekdays = [0] * 7
    for number in range(period.days):
        weekdays[(period.since.weekday() + number) % 7] += 1
    return [weekdays[slot // 24] for slot in range(168)]
