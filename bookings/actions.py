"""Hold, confirm, move, cancel and close: every change to bookings, each in one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import F

from bookings import availability, limits, mails, rules, signals, slots
from bookings.exceptions import (
    AlreadyOver,
    BookingRefused,
    ClosureConflict,
    HoldExpired,
    HoldNotExtendable,
    NotBookable,
    NothingToChange,
    TooLateToChange,
)
from bookings.models import Booking, Claim, Closure, SiteRules, Terms
from bookings.rules import Problem
from evportal.accounts.models import User
from stations.models import Evse, IdToken

Status = Booking.Status


@transaction.atomic
def hold(
    *,
    evse: Evse,
    user: User,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    id_token: IdToken | None = None,
    by_operator: bool = False,
) -> Booking:
    """Hold a slot for some minutes, for the driver to pay in; raises `BookingRefused`.

    `id_token` is the card that the charger will let in, where it is not the driver's own app. An operator
    books its private sites too, and as often as it likes.
    """
    site = evse.station.site
    policy = availability.policies_of([site])[site.pk]
    # One after another per driver, so that parallel requests can't pass the limit together.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    mine = Booking.objects.of_driver(user).counting(now)
    same = mine.filter(evse=evse, starts_at=starts_at, ends_at=ends_at, status=Status.PENDING).first()
    if same is not None:
        return same  # A double click.
    if not site.is_public and not by_operator:
        raise NotBookable(Problem.NOT_BOOKABLE)
    slots.check(evse, policy, starts_at, ends_at, now)
    if not by_operator:
        limits.check(user=user, site=site, policy=policy, starts_at=starts_at, ends_at=ends_at, now=now)
    booking = Booking.objects.create(
        evse=evse,
        user=user,
        id_token=id_token,
        starts_at=starts_at,
        ends_at=ends_at,
        hold_expires_at=now + timedelta(minutes=policy.hold_minutes),
        **{name: getattr(policy, name) for name in Terms.TERMS},
    )
    slots.claim_time(Claim(booking=booking), evse, policy, starts_at, ends_at, now)
    return booking


@transaction.atomic
def extend_hold(*, booking: Booking, now: datetime) -> Booking:
    """As long again, once."""
    site = booking.evse.station.site
    longer = timedelta(minutes=availability.policies_of([site])[site.pk].hold_minutes)
    waiting = Booking.objects.filter(pk=booking.pk, status=Status.PENDING, hold_expires_at__gt=now)
    won = waiting.filter(hold_extended=False).update(
        hold_extended=True, hold_expires_at=F("hold_expires_at") + longer
    )
    booking.refresh_from_db()
    if not won:
        raise slots.why_not_held(booking, now, HoldNotExtendable())
    return booking


@transaction.atomic
def confirm(*, booking: Booking, now: datetime) -> Booking:
    """Make a held booking firm once its card hold stands; raises `HoldExpired` where that came too late.

    The payment provider reports a success more than once, so a confirmed booking stays as it is.
    """
    won = Booking.objects.filter(pk=booking.pk, status=Status.PENDING, hold_expires_at__gt=now).update(
        status=Status.RESERVED, confirmed_at=now
    )
    booking.refresh_from_db()
    if not won:
        if booking.status in (Status.RESERVED, Status.FULFILLED):
            return booking
        raise slots.why_not_held(booking, now, HoldExpired())
    slots.keep(booking)
    mails.tell(booking, "confirmed")
    signals.after_commit(signals.booking_confirmed, booking)
    return booking


def cancellation_fee(booking: Booking, now: datetime) -> Decimal:
    """What the driver's cancelling would cost at this moment, tax included."""
    if booking.status != Status.RESERVED:
        return Decimal(0)
    return rules.cancel_fee(booking, booking.starts_at, now)


@transaction.atomic
def cancel(*, booking: Booking, by: User | None, now: datetime, reason: str = "") -> Booking:
    """Give the slot back; only the driver's own late cancelling costs anything."""
    booking = slots.locked(booking)
    if not booking.is_open:
        raise AlreadyOver
    was_firm = booking.status == Status.RESERVED
    is_driver = by is not None and by.pk == booking.user_id
    fee = cancellation_fee(booking, now) if is_driver else Decimal(0)
    slots.close(
        booking,
        Status.CANCELED,
        now,
        reason=reason or ("by the driver" if is_driver else "by the operator"),
        fee=fee,
    )
    if was_firm:
        mails.tell(booking, "cancelled", why="" if is_driver else reason)
    signals.after_commit(signals.booking_cancelled, booking)
    return booking


@transaction.atomic
def reschedule(
    *, booking: Booking, starts_at: datetime, ends_at: datetime, now: datetime, evse: Evse | None = None
) -> Booking:
    """Move a booking to another time, or to another EVSE of the site; on the terms it was made on."""
    booking = slots.locked(booking)
    evse = evse or booking.evse
    policy = _may_move(booking, evse, now)
    if (evse.pk, starts_at, ends_at) == (booking.evse_id, booking.starts_at, booking.ends_at):
        raise NothingToChange
    slots.check(evse, policy, starts_at, ends_at, now)
    User.objects.select_for_update(no_key=True).get(pk=booking.user_id)
    limits.check(
        user=booking.user,
        site=evse.station.site,
        policy=policy,
        starts_at=starts_at,
        ends_at=ends_at,
        now=now,
        moving=booking,
    )
    slots.claim_time(booking.claim, evse, policy, starts_at, ends_at, now)
    return slots.moved(booking, evse, starts_at, ends_at)


def _may_move(booking: Booking, evse: Evse, now: datetime) -> SiteRules:
    if booking.status == Status.PENDING and booking.hold_expires_at <= now:
        raise HoldExpired
    if not booking.is_open:
        raise AlreadyOver
    if booking.status == Status.RESERVED and now > booking.change_until:
        raise TooLateToChange
    site = booking.evse.station.site
    if evse.station.site_id != site.pk:
        raise BookingRefused("A booking can only be moved within its site.")
    return availability.policies_of([site])[site.pk]


@transaction.atomic
def close_evse(
    *,
    evse: Evse,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    reason: str = "",
    by: User | None = None,
    kind: str = Closure.Kind.MAINTENANCE,
) -> Closure:
    """Take an EVSE out of use for a time; raises `ClosureConflict` with what is already planned there."""
    if ends_at <= starts_at:
        raise NotBookable(Problem.REVERSED)
    closure = Closure.objects.create(
        evse=evse, kind=kind, starts_at=starts_at, ends_at=ends_at, reason=reason, created_by=by
    )
    if not slots.take(Claim(closure=closure), evse, starts_at, ends_at, now):
        planned = Claim.objects.filter(evse=evse, period__overlap=(starts_at, ends_at))
        raise ClosureConflict(
            bookings=Booking.objects.filter(claim__in=planned).with_place().order_by("starts_at"),
            closures=Closure.objects.filter(claim__in=planned),
        )
    return closure


@transaction.atomic
def no_show(*, booking: Booking, now: datetime) -> bool:
    """Release a slot whose driver hasn't come; a second call changes nothing and owes nothing."""
    if not slots.close(booking, Status.NO_SHOW, now, was=[Status.RESERVED], fee=booking.noshow_fee):
        return False
    mails.tell(booking, "no_show")
    signals.after_commit(signals.no_show, booking)
    return True
