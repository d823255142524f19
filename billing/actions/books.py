"""Numbers and months: which number and which day a document gets; closing a month and opening it again."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from billing import calendar, invoicing
from billing.exceptions import MonthRefused
from billing.models import Books, ClosedMonth, Series
from evportal.accounts.models import Operator, User


def books_of(operator: Operator) -> Books:
    """The operator's books; made with its first site's time zone when they are first needed."""
    found = Books.objects.filter(operator=operator).first()
    if found is not None:
        return found
    site = operator.sites.order_by("pk").first()
    defaults = {"time_zone": site.time_zone} if site is not None else {}
    return Books.objects.get_or_create(operator=operator, defaults=defaults)[0]


def zone_of(operator: Operator) -> ZoneInfo:
    return ZoneInfo(books_of(operator).time_zone)


def closed_months(operator: Operator) -> set[date]:
    return set(
        ClosedMonth.objects.filter(operator=operator, reopened_at=None).values_list("month", flat=True)
    )


def next_numbers(
    *, operator: Operator, kind: str, today: date, count: int = 1
) -> tuple[date, tuple[Series, int]]:
    """The day that the documents are booked on, their series and the first of `count` numbers.

    The lock on the series lasts until the documents are committed: a number without a document can't be,
    and a month is not closed between the look at it and the commit (close_month takes the same locks).
    """
    prefix = invoicing.series_prefix(party_id=operator.party_id, year=today.year, kind=kind)
    Series.objects.get_or_create(operator=operator, prefix=prefix)
    series = Series.objects.select_for_update().get(operator=operator, prefix=prefix)
    first = series.last_number + 1
    series.last_number += count
    series.save(update_fields=["last_number"])
    return calendar.booking_day(today, closed_months(operator)), (series, first)


@transaction.atomic
def close_month(*, operator: Operator, month: date, by: User | None) -> ClosedMonth:
    """From here on nothing is booked into the month; asked twice, the first closing."""
    month = calendar.first_of(month)
    today = timezone.now().astimezone(zone_of(operator)).date()
    if month > today:
        raise MonthRefused("This month has not begun yet.")
    # Whoever is issuing a document holds its series until it is committed; whoever begins a new series
    # refers to the operator.
    Operator.objects.select_for_update().get(pk=operator.pk)
    list(Series.objects.select_for_update().filter(operator=operator))
    row, _is_new = ClosedMonth.objects.get_or_create(
        operator=operator,
        month=month,
        reopened_at=None,
        defaults={"closed_at": timezone.now(), "closed_by": by},
    )
    return row


@transaction.atomic
def reopen_month(*, closed: ClosedMonth, reason: str, by: User | None) -> ClosedMonth:
    """A manager's exception; who, when and why stay on the row."""
    if not reason.strip():
        raise MonthRefused("Say why the month is opened again.")
    ClosedMonth.objects.filter(pk=closed.pk, reopened_at=None).update(
        reopened_at=timezone.now(), reopened_by=by, reason=reason.strip()[:200]
    )
    closed.refresh_from_db()
    return closed


def open_time(*, operator_id: int, at: datetime) -> datetime:
    """When an event is booked that we hear of late: then, or at the start of the next month that is open."""
    closed = ClosedMonth.objects.filter(operator=operator_id, reopened_at=None).values_list(
        "month", flat=True
    )
    months = set(closed)
    if not months:
        return at
    zone = zone_of(Operator.objects.get(pk=operator_id))
    day = at.astimezone(zone).date()
    booked_on = calendar.booking_day(day, months)
    return at if booked_on == day else datetime.combine(booked_on, time.min, zone)
