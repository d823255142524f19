"""Whose place an EVSE is at a moment."""

from __future__ import annotations

from datetime import datetime, timedelta

from bookings.models import Booking
from evportal.accounts.models import User
from stations.models import Evse


def own_booking(evse: Evse, user: User | None, now: datetime) -> Booking | None:
    """The driver's booking of this EVSE that may be begun now."""
    if user is None:
        return None
    mine = Booking.objects.of_driver(user).filter(evse=evse, status=Booking.Status.RESERVED, ends_at__gt=now)
    booking = mine.order_by("starts_at").first()
    if booking is None or now < booking.starts_at - timedelta(minutes=booking.early_start_minutes):
        return None
    return booking
