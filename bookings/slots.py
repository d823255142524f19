"""What changes of bookings are made of: time claimed, a place kept, an end. Within a transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F, Max, Q
from psycopg.errors import ExclusionViolation

from bookings import availability, mails, rules, signals
from bookings.exceptions import (
    AlreadyOver,
    BookingRefused,
    HoldExpired,
    NotBookable,
    SlotTaken,
)
from bookings.models import Booking, Claim, SiteRules
from bookings.rules import Problem
from stations import commands, reservations
from stations.models import Evse, Reservation

Status = Booking.Status
#: Why a booking failed whose charger was away or broken; a start that it reports later still fulfils it.
OUT_OF_ORDER = "The charger was out of order."


def locked(booking: Booking) -> Booking:
    return Booking.objects.select_for_update(of=("self",)).with_place().get(pk=booking.pk)


def why_not_held(booking: Booking, now: datetime, otherwise: BookingRefused) -> BookingRefused:
    if booking.status == Status.FAILED or (
        booking.status == Status.PENDING and booking.hold_expires_at <= now
    ):
        return HoldExpired()
    return otherwise if booking.status == Status.PENDING else AlreadyOver()


def check(evse: Evse, policy: SiteRules, starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    problem = rules.problem(policy, availability.place_of(evse, policy, now), starts_at, ends_at, now)
    if problem is not None:
        raise NotBookable(problem)


def claim_time(
    claim: Claim, evse: Evse, policy: SiteRules, starts_at: datetime, ends_at: datetime, now: datetime
) -> None:
    """Claim the time, or say who has it and what is near."""
    until = ends_at + timedelta(minutes=policy.buffer_minutes)
    if take(claim, evse, starts_at, until, now):
        return
    if Claim.objects.filter(evse=evse, period__overlap=(starts_at, until), closure__isnull=False).exists():
        raise NotBookable(Problem.CLOSED)
    raise SlotTaken(
        alternatives=availability.nearest(evse=evse, starts_at=starts_at, ends_at=ends_at, now=now)
    )


def take(claim: Claim, evse: Evse, starts_at: datetime, ends_at: datetime, now: datetime) -> bool:
    """Whether the database let us have the time."""
    with connection.cursor() as cursor:
        # Two inserts that check each other's uncommitted range would wait for each other until the
        # database kills one. In turn, the second simply finds the first's.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"claims of {evse.pk}"])
    for expired in Booking.objects.filter(
        evse=evse,
        status=Status.PENDING,
        hold_expires_at__lte=now,
        claim__period__overlap=(starts_at, ends_at),
    ):
        expire_hold(booking=expired, now=now)
    claim.evse, claim.period = evse, DateTimeTZRange(starts_at, ends_at)
    try:
        with transaction.atomic():
            claim.save()
    except IntegrityError as error:
        if not isinstance(error.__cause__, ExclusionViolation):
            raise
        return False
    return True


def moved(booking: Booking, evse: Evse, starts_at: datetime, ends_at: datetime, why: str = "") -> Booking:
    """Its time there is claimed: the charger that kept the place lets go, and the other one keeps it."""
    booking.evse, booking.starts_at, booking.ends_at = evse, starts_at, ends_at
    booking.sequence += 1
    booking.save(update_fields=["evse", "starts_at", "ends_at", "sequence"])
    if booking.status == Status.RESERVED:
        if booking.reservation:
            reservations.cancel(reservation=booking.reservation, reason="booking moved")
        keep(booking)
        mails.tell(booking, "moved", why=why)
    signals.after_commit(signals.booking_moved, booking)
    return booking


def keep(booking: Booking) -> None:
    """Have the charger keep the EVSE for the booking's driver."""
    token = booking.id_token or commands.app_token(booking.user, booking.evse.station.site.operator)
    starts_at = rules.start_from(booking, booking.starts_at)
    # Whoever has the time before may come, or stay, until its end.
    still_there = Q(status=Status.RESERVED) | Q(status=Status.FULFILLED, session__stopped_at=None)
    before = Booking.objects.filter(
        still_there, evse=booking.evse, ends_at__lte=booking.starts_at, ends_at__gt=starts_at
    ).aggregate(until=Max("ends_at"))["until"]
    # And whoever has the time after can no longer come early.
    Reservation.objects.filter(
        evse=booking.evse,
        status=Reservation.Status.SCHEDULED,
        booking__starts_at__gte=booking.ends_at,
        starts_at__lt=booking.ends_at,
    ).update(starts_at=booking.ends_at)
    booking.id_token = token
    if booking.reservation:
        # Kept for a moved booking, or already while the waitlist offered the slot.
        reservations.cancel(reservation=booking.reservation, reason="booking changed")
    booking.reservation = reservations.reserve(
        evse=booking.evse,
        id_token=token,
        starts_at=before or starts_at,
        ends_at=booking.ends_at,
        user=booking.user,
    )
    booking.save(update_fields=["id_token", "reservation"])


def close(
    booking: Booking,
    status: str,
    now: datetime,
    *,
    was: list[str] | tuple[str, ...] = Booking.OPEN,
    reason: str = "",
    fee: Decimal = Decimal(0),
) -> bool:
    """End an open booking, free its time and its place at the charger; False where somebody else did."""
    won = Booking.objects.filter(pk=booking.pk, status__in=was).update(
        status=status, closed_at=now, closed_reason=reason[:120], fee=fee, sequence=F("sequence") + 1
    )
    if won:
        Claim.objects.filter(booking=booking).delete()
        booking.refresh_from_db()
        if booking.reservation:
            reservations.cancel(reservation=booking.reservation, reason="booking ended")
    return bool(won)


@transaction.atomic
def fail(*, booking: Booking, reason: str, now: datetime) -> bool:
    """Give a held or confirmed booking up through no fault of the driver's; nothing is owed."""
    if not close(booking, Status.FAILED, now, reason=reason):
        return False
    if booking.confirmed_at:
        mails.tell(booking, "failed")
    signals.after_commit(signals.booking_failed, booking)
    return True


@transaction.atomic
def expire_hold(*, booking: Booking, now: datetime) -> bool:
    """End a hold that nobody paid for in time; an extension that came first wins."""
    due = Booking.objects.select_for_update().filter(
        pk=booking.pk, status=Status.PENDING, hold_expires_at__lte=now
    )
    return due.exists() and fail(booking=booking, reason="The hold ran out.", now=now)
