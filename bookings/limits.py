"""How many bookings one driver may have: before them at once, on one day, at the same time."""

from __future__ import annotations

from datetime import datetime

from bookings import rules
from bookings.exceptions import OverlappingBooking, TooManyBookings, TooManyOnDay
from bookings.models import Booking, SiteRules
from evportal.accounts.models import User
from stations.models import Site


def check(
    *,
    user: User,
    site: Site,
    policy: SiteRules,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    moving: Booking | None = None,
) -> None:
    """Raises `BookingRefused`. The caller has locked the driver, so that requests can't pass together."""
    mine = Booking.objects.of_driver(user)
    if moving is not None:
        mine = mine.exclude(pk=moving.pk)
    here = mine.filter(evse__station__site=site)
    if moving is None and here.counting(now).count() >= policy.max_open_per_driver:
        raise TooManyBookings
    if policy.max_per_day is not None:
        day = rules.day_bounds(starts_at.astimezone(site.zone).date(), site.zone)
        if here.against_day_limit(*day, now).count() >= policy.max_per_day:
            raise TooManyOnDay
    if not policy.overlapping_bookings_allowed:
        at_once = mine.counting(now).filter(starts_at__lt=ends_at, ends_at__gt=starts_at)
        if at_once.exists():
            raise OverlappingBooking
