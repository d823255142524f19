"""Hold, confirm, move, cancel and close: every change to bookings, each in one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F, Max, Q
from psycopg.errors import ExclusionViolation

from bookings import availability, limits, mails, rules, signals
from bookings.exceptions import (
    AlreadyOver,
    BookingRefused,
    ClosureConflict,
    HoldExpired,
    HoldNotExtendable,
    NotBookable,
    NothingToChange,
    SlotTaken,
    TooLateToChange,
)
from bookings.models import Booking, Claim, Closure, SiteRules, Terms
from bookings.rules import Problem
from evportal.accounts.models import User
from stations import access, authorising, commands, reservations
from stations.models import Evse, IdToken, Reservation, Session

Status = Booking.Status
#: Why a booking failed whose charger was away or broken; a start that it reports later still fulfils it.
OUT_OF_ORDER = "The charger was out of order."


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
    _check(evse, policy, starts_at, ends_at, now)
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
    _claim(Claim(booking=booking), evse, policy, starts_at, ends_at, now)
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
        raise _why_not_held(booking, now, HoldNotExtendable())
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
        raise _why_not_held(booking, now, HoldExpired())
    _keep(booking)
    mails.tell(booking, "confirmed")
    signals.after_commit(signals.booking_confirmed, booking)
    return booking


@transaction.atomic
def fail(*, booking: Booking, reason: str, now: datetime) -> bool:
    """Give a held or confirmed booking up through no fault of the driver's; nothing is owed."""
    if not _close(booking, Status.FAILED, now, reason=reason):
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


def cancellation_fee(booking: Booking, now: datetime) -> Decimal:
    """What the driver's cancelling would cost at this moment, tax included."""
    if booking.status != Status.RESERVED:
        return Decimal(0)
    return rules.cancel_fee(booking, booking.starts_at, now)


@transaction.atomic
def cancel(*, booking: Booking, by: User | None, now: datetime, reason: str = "") -> Booking:
    """Give the slot back; only the driver's own late cancelling costs anything."""
    booking = _locked(booking)
    if not booking.is_open:
        raise AlreadyOver
    was_firm = booking.status == Status.RESERVED
    is_driver = by is not None and by.pk == booking.user_id
    fee = cancellation_fee(booking, now) if is_driver else Decimal(0)
    _close(
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
    booking = _locked(booking)
    evse = evse or booking.evse
    policy = _may_move(booking, evse, now)
    if (evse.pk, starts_at, ends_at) == (booking.evse_id, booking.starts_at, booking.ends_at):
        raise NothingToChange
    _check(evse, policy, starts_at, ends_at, now)
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
    _claim(booking.claim, evse, policy, starts_at, ends_at, now)
    return _moved(booking, evse, starts_at, ends_at)


def _moved(booking: Booking, evse: Evse, starts_at: datetime, ends_at: datetime, why: str = "") -> Booking:
    """Its time there is claimed: the charger that kept the place lets go, and the other one keeps it."""
    booking.evse, booking.starts_at, booking.ends_at = evse, starts_at, ends_at
    booking.sequence += 1
    booking.save(update_fields=["evse", "starts_at", "ends_at", "sequence"])
    if booking.status == Status.RESERVED:
        if booking.reservation:
            reservations.cancel(reservation=booking.reservation, reason="booking moved")
        _keep(booking)
        mails.tell(booking, "moved", why=why)
    signals.after_commit(signals.booking_moved, booking)
    return booking


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
    if not _insert(Claim(closure=closure), evse, starts_at, ends_at, now):
        planned = Claim.objects.filter(evse=evse, period__overlap=(starts_at, ends_at))
        raise ClosureConflict(
            bookings=Booking.objects.filter(claim__in=planned).with_place().order_by("starts_at"),
            closures=Closure.objects.filter(claim__in=planned),
        )
    return closure


@transaction.atomic
def fulfil(*, session: Session) -> Booking | None:
    """The booking whose driver has just plugged in, if there is one: it is used now.

    A start out of a charger's offline queue counts by when it happened.
    """
    if session.review:
        return None  # The charger was told to stop it: that was somebody who may not charge.
    moments = (session.start_received_at, session.started_at)
    for booking in (
        Booking.objects.filter(
            Q(status=Status.RESERVED) | Q(status=Status.FAILED, closed_reason=OUT_OF_ORDER),
            evse=session.evse_id,
            ends_at__gt=min(moments),
            starts_at__lt=max(moments) + timedelta(days=1),
        )
        .select_related("reservation", "id_token")
        .order_by("starts_at")[:20]
    ):
        is_time = any(booking.opens_at <= at < booking.ends_at for at in moments)
        if is_time and is_for(booking, session) and use(booking=booking, session=session):
            return booking
    return None


def is_for(booking: Booking, session: Session) -> bool:
    """Whether the session is of this booking's driver: by app, any card of theirs, or one of the group's."""
    if session.user_id is not None and session.user_id == booking.user_id:
        return True
    token = authorising.facts(session.id_token)
    if token is None or booking.id_token is None:
        return False
    kept = access.Keeping(booking.id_token.token, booking.id_token.group, booking.user_id, booking.ends_at)
    return kept.is_for(token)


@transaction.atomic
def use(*, booking: Booking, session: Session) -> bool:
    """Link a session to its booking; a session belongs to one booking, whoever asks first."""
    if Booking.objects.filter(session=session).exists():
        return False
    usable = Q(status=Status.RESERVED) | Q(status=Status.FAILED, closed_reason=OUT_OF_ORDER)
    won = Booking.objects.filter(usable, pk=booking.pk).update(
        status=Status.FULFILLED, session=session, closed_at=None, closed_reason=""
    )
    if won:
        booking.refresh_from_db()
        if booking.reservation:
            # Where the session began before the place was kept, or without a word to the portal.
            reservations.use(reservation=booking.reservation)
        signals.after_commit(signals.booking_fulfilled, booking)
    return bool(won)


@transaction.atomic
def join(*, booking: Booking) -> bool:
    """Its driver charges on there from their booking before: used too, by a session that isn't its own."""
    won = Booking.objects.filter(pk=booking.pk, status=Status.RESERVED).update(status=Status.FULFILLED)
    if won:
        booking.refresh_from_db()
        if booking.reservation:
            reservations.use(reservation=booking.reservation)
        signals.after_commit(signals.booking_fulfilled, booking)
    return bool(won)


@transaction.atomic
def free_rest(*, session: Session, now: datetime) -> None:
    """A booked session has ended: what is left of its slot may be booked by others."""
    claim = (
        Claim.objects.select_for_update(of=("self",))
        .select_related("booking")
        .filter(booking__session=session, period__endswith__gt=now)
        .first()
    )
    if claim is None:
        return
    if claim.period.lower >= now:
        claim.delete()
        return
    buffer = claim.period.upper - claim.booking.ends_at
    claim.period = DateTimeTZRange(claim.period.lower, min(now + buffer, claim.period.upper))
    claim.save(update_fields=["period"])


@transaction.atomic
def no_show(*, booking: Booking, now: datetime) -> bool:
    """Release a slot whose driver hasn't come; a second call changes nothing and owes nothing."""
    if not _close(booking, Status.NO_SHOW, now, was=[Status.RESERVED], fee=booking.noshow_fee):
        return False
    mails.tell(booking, "no_show")
    signals.after_commit(signals.no_show, booking)
    return True


# --- how ----------------------------------------------------------------------------------------


def _locked(booking: Booking) -> Booking:
    return Booking.objects.select_for_update(of=("self",)).with_place().get(pk=booking.pk)


def _why_not_held(booking: Booking, now: datetime, otherwise: BookingRefused) -> BookingRefused:
    if booking.status == Status.FAILED or (
        booking.status == Status.PENDING and booking.hold_expires_at <= now
    ):
        return HoldExpired()
    return otherwise if booking.status == Status.PENDING else AlreadyOver()


def _check(evse: Evse, policy: SiteRules, starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    problem = rules.problem(policy, availability.place_of(evse, policy, now), starts_at, ends_at, now)
    if problem is not None:
        raise NotBookable(problem)


def _claim(
    claim: Claim, evse: Evse, policy: SiteRules, starts_at: datetime, ends_at: datetime, now: datetime
) -> None:
    """Claim the time, or say who has it and what is near."""
    until = ends_at + timedelta(minutes=policy.buffer_minutes)
    if _insert(claim, evse, starts_at, until, now):
        return
    if Claim.objects.filter(evse=evse, period__overlap=(starts_at, until), closure__isnull=False).exists():
        raise NotBookable(Problem.CLOSED)
    raise SlotTaken(
        alternatives=availability.nearest(evse=evse, starts_at=starts_at, ends_at=ends_at, now=now)
    )


def _insert(claim: Claim, evse: Evse, starts_at: datetime, ends_at: datetime, now: datetime) -> bool:
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


def _keep(booking: Booking) -> None:
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


def _close(
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
