"""Later ends, earlier ends and late drivers: what changes while the start stays."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min, Q

from bookings import availability, mails, rules, signals
from bookings.actions import Status, reschedule
from bookings.exceptions import (
    AlreadyOver,
    HoldExpired,
    NotBookable,
    NothingToChange,
    NoTimeAfter,
    NotWaitedFor,
    SlotTaken,
)
from bookings.models import Booking, Claim
from bookings.rules import Problem
from bookings.slots import claim_time, keep, locked
from stations import reservations
from stations.models import Evse


def change(*, booking: Booking, evse: Evse, starts_at: datetime, ends_at: datetime, now: datetime) -> Booking:
    """Whatever of it is different: only the end, which may be changed while the slot runs, or all of it."""
    if (evse.pk, starts_at) == (booking.evse_id, booking.starts_at):
        return change_end(booking=booking, ends_at=ends_at, now=now)
    return reschedule(booking=booking, evse=evse, starts_at=starts_at, ends_at=ends_at, now=now)


@transaction.atomic
def change_end(*, booking: Booking, ends_at: datetime, now: datetime) -> Booking:
    """Shorten or extend a booking, until it is over, on the terms it was made on.

    Giving time back is never too late; more time is there if the EVSE is free and the site open.
    """
    booking = locked(booking)
    if booking.status == Status.PENDING and booking.hold_expires_at <= now:
        raise HoldExpired
    if not _is_going_on(booking, now):
        raise AlreadyOver
    if ends_at == booking.ends_at:
        raise NothingToChange
    site = booking.evse.station.site
    policy = availability.policies_of([site])[site.pk]
    if ends_at <= booking.starts_at:
        raise NotBookable(Problem.REVERSED)
    if ends_at <= now:
        raise NotBookable(Problem.PAST)
    problem = rules.length_problem(policy, booking.starts_at, ends_at)
    if problem is None and ends_at > booking.ends_at:
        problem = policy.hours.problem(booking.ends_at, ends_at)
    if problem is not None:
        raise NotBookable(problem)
    try:
        claim_time(booking.claim, booking.evse, policy, booking.starts_at, ends_at, now)
    except SlotTaken as taken:
        raise NoTimeAfter(alternatives=taken.alternatives) from None
    booking.ends_at = ends_at
    booking.sequence += 1
    booking.save(update_fields=["ends_at", "sequence"])
    if booking.status == Status.RESERVED:
        if booking.reservation:
            reservations.cancel(reservation=booking.reservation, reason="booking changed")
        keep(booking)
    if booking.status != Status.PENDING:
        mails.tell(booking, "moved")
    signals.after_commit(signals.booking_moved, booking)
    return booking


def _is_going_on(booking: Booking, now: datetime) -> bool:
    if now >= booking.ends_at:
        return False
    if booking.status == Status.FULFILLED:
        return booking.session is not None and booking.session.stopped_at is None
    return booking.is_open


@transaction.atomic
def late(*, booking: Booking, minutes: int, now: datetime) -> Booking:
    """The driver says that they are late: wait for them so much longer than the terms say.

    Asking again may only make it longer; the slot's end is the end of all waiting.
    """
    booking = locked(booking)
    if booking.status != Status.RESERVED or now >= booking.no_show_at:
        raise AlreadyOver
    if minutes <= 0:
        raise NotBookable(Problem.REVERSED)
    site = booking.evse.station.site
    most = availability.policies_of([site])[site.pk].max_late_minutes
    waited_for = rules.no_show_at(booking, booking.starts_at, booking.ends_at, minutes)
    if minutes > most or waited_for <= booking.no_show_at:
        raise NotWaitedFor
    booking.late_minutes = minutes
    booking.save(update_fields=["late_minutes"])
    return booking


def end_choices(booking: Booking, now: datetime) -> list[datetime]:
    """The ends, in steps of the site's slots, that `change_end` would take at this moment."""
    if not _is_going_on(booking, now):
        return []
    site = booking.evse.station.site
    policy = availability.policies_of([site])[site.pk]
    step = timedelta(minutes=policy.slot_minutes)
    after = Claim.objects.filter(evse=booking.evse, period__startswith__gte=booking.ends_at).exclude(
        booking=booking
    )
    expired = Q(booking__status=Status.PENDING, booking__hold_expires_at__lte=now)
    taken_from = after.exclude(expired).aggregate(at=Min("period__startswith"))["at"]
    found, ends_at = [], booking.starts_at + timedelta(minutes=policy.min_minutes)
    while rules.length_problem(policy, booking.starts_at, ends_at) is None:
        if ends_at > booking.ends_at and (
            (taken_from and ends_at + timedelta(minutes=policy.buffer_minutes) > taken_from)
            or policy.hours.problem(booking.ends_at, ends_at)
        ):
            break
        if ends_at > now and ends_at != booking.ends_at:
            found.append(ends_at)
        ends_at += step
    return found


def late_choices(booking: Booking, most: int, now: datetime) -> list[int]:
    """By how many minutes the driver may still say that they are late."""
    if booking.status != Status.RESERVED or now >= booking.no_show_at:
        return []
    wanted = [minutes for minutes in (10, 20, 30, 45, 60, 90) if minutes <= most]
    if most and most not in wanted:
        wanted.append(most)
    return [
        minutes
        for minutes in sorted(wanted)
        if rules.no_show_at(booking, booking.starts_at, booking.ends_at, minutes) > booking.no_show_at
    ]
