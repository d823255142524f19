"""A booking's driver plugs in, and leaves."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q

from bookings import signals, slots
from bookings.models import Booking, Claim
from stations import access, authorising, reservations
from stations.models import Session

Status = Booking.Status


@transaction.atomic
def fulfil(*, session: Session) -> Booking | None:
    """The booking whose driver has just plugged in, if there is one: it is used now.

    A start out of a charger's offline queue counts by when it happened, even where the slot was released as
    not used before the charger could tell.
    """
    if session.review:
        return None  # The charger was told to stop it: that was somebody who may not charge.
    moments = (session.start_received_at, session.started_at)
    for booking in (
        Booking.objects.filter(
            _usable(session),
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


def _usable(session: Session) -> Q:
    """Bookings that a session may use: those that stand, and those that only seemed to be over."""
    out_of_order = Q(status=Status.FAILED, closed_reason=slots.OUT_OF_ORDER)
    told_late = Q(status=Status.NO_SHOW, closed_at__gt=session.started_at)
    return Q(status=Status.RESERVED) | out_of_order | told_late


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
    # Whoever came owes nothing for not coming.
    won = Booking.objects.filter(_usable(session), pk=booking.pk).update(
        status=Status.FULFILLED, session=session, closed_at=None, closed_reason="", fee=0
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
