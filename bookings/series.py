"""The same time week after week: booked together, all of it or what can be had, and given back together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from bookings import actions, by_operator, recurring
from bookings.exceptions import AlreadyOver, BookingRefused, SeriesRefused
from bookings.models import Booking, BookingSeries
from evportal.accounts.models import User
from stations.models import Evse, IdToken

MOST = 60


@dataclass(frozen=True)
class Occurrence:
    """One time of a series: booked, or why not."""

    starts_at: datetime
    ends_at: datetime
    booking: Booking | None = None
    refusal: BookingRefused | None = None


@dataclass(frozen=True)
class Made:
    series: BookingSeries
    occurrences: list[Occurrence]


@transaction.atomic
def book(
    *,
    evse: Evse,
    starts_at: datetime,
    ends_at: datetime,
    count: int,
    now: datetime,
    user: User | None = None,
    weekdays: Iterable[int] = (),
    every: int = 1,
    all_or_none: bool = True,
    id_token: IdToken | None = None,
) -> Made:
    """Book `count` times, at the first one's time on the site's clock, each as long in elapsed minutes.

    A driver's are held, each to be paid for; without a driver they are the operator's, firm at once. Raises
    `SeriesRefused`, and books nothing, where nothing can be had or, with `all_or_none`, something can't.
    """
    zone, length = evse.station.site.zone, ends_at - starts_at
    starts = recurring.weekly(starts_at, weekdays=weekdays, zone=zone, every=every, count=min(count, MOST))
    found = [_try(evse, at, at + length, now, user, id_token) for at in starts]
    booked = [each.booking for each in found if each.booking is not None]
    if not booked or (all_or_none and len(booked) < len(found)):
        raise SeriesRefused(found)
    series = BookingSeries.objects.create(user=booked[0].user, evse=evse)
    Booking.objects.filter(pk__in=[booking.pk for booking in booked]).update(series=series)
    for booking in booked:
        booking.series = series
    return Made(series, found)


def _try(evse, starts_at, ends_at, now, user, id_token) -> Occurrence:
    try:
        with transaction.atomic():
            if user is not None:
                booking = actions.hold(evse=evse, user=user, starts_at=starts_at, ends_at=ends_at, now=now)
            else:
                booking = by_operator.book(
                    evse=evse, starts_at=starts_at, ends_at=ends_at, now=now, id_token=id_token
                )
    except BookingRefused as refused:
        return Occurrence(starts_at, ends_at, refusal=refused)
    return Occurrence(starts_at, ends_at, booking=booking)


def left(series: BookingSeries, *, now: datetime, since: datetime | None = None) -> list[Booking]:
    """What of it is still to come, from one time on."""
    ahead = series.bookings.open().filter(starts_at__gte=max(now, since) if since else now)
    return list(ahead.with_place().order_by("starts_at"))


def cancellation_fee(series: BookingSeries, *, now: datetime, since: datetime | None = None) -> Decimal:
    bookings = left(series, now=now, since=since)
    return sum((actions.cancellation_fee(booking, now) for booking in bookings), Decimal(0))


@transaction.atomic
def cancel(
    *, series: BookingSeries, by: User | None, now: datetime, since: datetime | None = None
) -> list[Booking]:
    """Give back what is still to come, as a whole or from one time on; a slot that has begun stays."""
    bookings = left(series, now=now, since=since)
    if not bookings:
        raise AlreadyOver
    return [actions.cancel(booking=booking, by=by, now=now) for booking in bookings]
