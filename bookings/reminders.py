"""Remind drivers before their slot, as long before as each of them chose; once for each start."""

from __future__ import annotations

from datetime import datetime, timedelta

from celery import shared_task
from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from bookings import mails
from bookings.models import Booking, DriverChoice


def due(now: datetime):
    """Confirmed bookings whose driver wants to hear of them now: not those confirmed only since then, of
    which they have just been told."""
    chosen = Coalesce("user__booking_choice__remind_minutes", Value(DriverChoice.REMIND_MINUTES))
    ahead = ExpressionWrapper(chosen * Value(timedelta(minutes=1)), output_field=DurationField())
    return (
        Booking.objects.filter(status=Booking.Status.RESERVED, starts_at__gt=now)
        # No driver can choose more, and the index needs an end.
        .filter(starts_at__lte=now + timedelta(minutes=max(LEADS)))
        .filter(Q(reminded_of=None) | ~Q(reminded_of=F("starts_at")))
        .annotate(minutes_ahead=chosen, ahead=ahead)
        .filter(
            minutes_ahead__gt=0,
            starts_at__lte=now + F("ahead"),
            confirmed_at__lte=F("starts_at") - F("ahead"),
        )
    )


#: What can be chosen, in minutes; 0 is never.
LEADS = (0, 15, 30, 60, 120, 24 * 60)


@shared_task
def remind_drivers() -> None:
    now = timezone.now()
    for booking_id, starts_at in due(now).order_by("starts_at").values_list("pk", "starts_at")[:500]:
        remind(booking_id=booking_id, starts_at=starts_at, now=now)


@transaction.atomic
def remind(*, booking_id, starts_at: datetime, now: datetime) -> bool:
    """Only while it is still that booking at that time: one cancelled or moved meanwhile isn't mentioned."""
    won = Booking.objects.filter(
        Q(reminded_of=None) | ~Q(reminded_of=starts_at),
        pk=booking_id,
        status=Booking.Status.RESERVED,
        starts_at=starts_at,
    ).update(reminded_of=starts_at)
    if won:
        mails.remind(Booking.objects.with_place().get(pk=booking_id))
    return bool(won)
