"""Months of bookkeeping: which day a document is booked on, and what a month is. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

#: The longest period that one export covers.
LONGEST_YEARS = 10


def first_of(day: date) -> date:
    return day.replace(day=1)


def next_month(month: date) -> date:
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def last_of(month: date) -> date:
    return next_month(month) - timedelta(days=1)


def booking_day(today: date, closed: Collection[date]) -> date:
    """Today, or the first day of the next month that is open."""
    month = first_of(today)
    if month not in closed:
        return today
    while month in closed:
        month = next_month(month)
    return month


def bounds(month: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The month's first moment and the first after it, in this zone."""
    start, end = first_of(month), next_month(month)
    return datetime.combine(start, time.min, zone), datetime.combine(end, time.min, zone)


def check_period(since: date, until: date) -> None:
    """Refuse what can only be a slip of the hand, with a sentence."""
    if until < since:
        raise ValueError("The last day is before the first.")
    if (until.year - since.year) + (until.month - since.month) / 12 >= LONGEST_YEARS:
        raise ValueError(f"At most {LONGEST_YEARS} years at once.")
