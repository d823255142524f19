"""A slot comes and somebody still charges there: its driver is warned at once, and offered another EVSE."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from bookings import affected, availability, mails, relocating, signals, stop_times
from bookings.exceptions import BookingRefused, NotBookable, SlotTaken
from bookings.models import Booking, Claim, MoveOffer, StopTime
from bookings.stop_times import Plan
from stations import authorising, events
from stations.models import Command, Event, Evse, Session, State

OfferState = MoveOffer.State


class NoMove(BookingRefused):
    default = "No other charger of this site is free for your slot any more. Yours may be free in a moment."


def look(*, row: StopTime, plan: Plan, booking: Booking, now: datetime) -> MoveOffer | None:
    """Warn the next driver where the place is in use when it should be kept: once, and with a way out."""
    failed = _stop_failed(row)
    if not stop_times.is_overrun(plan, opens_at=booking.opens_at, stop_failed=failed, now=now):
        return None
    return offer(booking=booking, session=row.session, now=now)


def _stop_failed(row: StopTime) -> bool:
    """Whether the charger was asked to stop and would not, or has not: then it is asked again."""
    if row.tries > 1:
        return True
    command = Command.objects.filter(pk=row.command_id).first() if row.command_id else None
    return command is not None and command.is_final and not command.accepted


@transaction.atomic
def offer(*, booking: Booking, session: Session, now: datetime) -> MoveOffer | None:
    """The offer for this overrun: made once, and filled in as soon as another EVSE is free."""
    locked = Booking.objects.select_for_update(of=("self",)).get(pk=booking.pk)
    if locked.status != Booking.Status.RESERVED or locked.evse_id != session.evse_id:
        return None
    row = MoveOffer.objects.filter(booking=booking, session=session).first()
    if row is not None and (row.state != OfferState.OPEN or _still_free(row, booking, now)):
        return row
    evse = another(booking, now)
    if row is None:
        MoveOffer.objects.filter(booking=booking, state=OfferState.OPEN).update(
            state=OfferState.LAPSED, closed_at=now
        )
        row = MoveOffer.objects.create(booking=booking, session=session, evse=evse, created_at=now)
        _tell_operator(booking, session, evse, now)
        mails.tell(booking, "overrun", at=str(evse.pk) if evse else "", offer=evse)
        signals.after_commit(signals.slot_overrun, booking)
    elif row.evse_id != (evse and evse.pk):
        row.evse = evse
        row.save(update_fields=["evse"])
        if evse is not None:
            mails.tell(booking, "overrun", at=str(evse.pk), offer=evse)
    return row


def _still_free(row: MoveOffer, booking: Booking, now: datetime) -> bool:
    return row.evse is not None and any(evse.pk == row.evse_id for evse in equivalents(booking, now))


def another(booking: Booking, now: datetime) -> Evse | None:
    return next(iter(equivalents(booking, now)), None)


def equivalents(booking: Booking, now: datetime) -> list[Evse]:
    """EVSEs of the site that serve as well: free now and for the slot, same plug, as strong, not dearer.

    The least strong first, which leaves the stronger ones to those who need them.
    """
    site = booking.evse.station.site
    policy = availability.policies_of([site])[site.pk]
    until = booking.claim.period.upper
    taken = Claim.objects.filter(evse=OuterRef("pk"), period__overlap=(max(booking.starts_at, now), until))
    rows = (
        Evse.objects.public()
        .with_station()
        .filter(
            station__site=site,
            station__connection__isnull=False,
            state=State.AVAILABLE,
            wanted_operative=True,
        )
        .exclude(pk=booking.evse_id)
        .exclude(Exists(taken))
        .exclude(Exists(Session.objects.open().filter(evse=OuterRef("pk"))))
        .exclude(pk__in=policy.walk_in_only.values("pk") if policy.pk else [])
        .prefetch_related("connectors")
        .order_by("max_power_w", "station__name", "number")
    )
    return [
        evse for evse in affected.equivalents(booking, list(rows), now) if not authorising.keepings(evse, now)
    ]


@transaction.atomic
def accept(*, booking: Booking, now: datetime, evse_id: int | None = None) -> Booking:
    """Move the booking to the EVSE that was offered; raises `NoMove` with the offer renewed or gone.

    `evse_id`: the one that the driver was shown, so that nobody is sent to a place they have not seen.
    """
    row = (
        MoveOffer.objects.select_for_update(of=("self",))
        .select_related("evse__station__site", "session")
        .filter(booking=booking, state=OfferState.OPEN)
        .first()
    )
    if row is None:
        done = MoveOffer.objects.filter(booking=booking, state=OfferState.ACCEPTED, evse=evse_id).first()
        if done is not None and booking.evse_id == done.evse_id:
            return booking  # A double click.
        raise NoMove
    if row.evse is None or (evse_id is not None and evse_id != row.evse_id):
        raise NoMove
    if not _still_free(row, booking, now):
        raise NoMove
    try:
        moved = relocating.relocate(booking=booking, evse=row.evse, now=now)
    except (SlotTaken, NotBookable) as taken:
        raise NoMove from taken
    MoveOffer.objects.filter(pk=row.pk).update(state=OfferState.ACCEPTED, closed_at=now)
    return moved


def end_over(now: datetime) -> None:
    """Offers that nobody needs any more: the place is free again, or the booking over or elsewhere."""
    rows = MoveOffer.objects.filter(state=OfferState.OPEN)
    for row in rows.select_related("booking", "session"):
        booking, session = row.booking, row.session
        still = booking.status == Booking.Status.RESERVED and booking.evse_id == session.evse_id
        if not still or not session.is_open or booking.ends_at <= now:
            MoveOffer.objects.filter(pk=row.pk, state=OfferState.OPEN).update(
                state=OfferState.LAPSED, closed_at=now
            )


def open_offer(booking: Booking) -> MoveOffer | None:
    return (
        MoveOffer.objects.filter(booking=booking, state=OfferState.OPEN)
        .select_related("evse__station__site", "session")
        .first()
    )


def _tell_operator(booking: Booking, session: Session, evse: Evse | None, now: datetime) -> None:
    zone = booking.evse.station.site.zone
    slot = f"{booking.starts_at.astimezone(zone):%H:%M}–{booking.ends_at.astimezone(zone):%H:%M}"
    way_out = f"A move to {evse} was offered." if evse else "No other EVSE of the site is free for it."
    events.record(
        [
            Event(
                station_id=session.station_id,
                evse_id=session.evse_id,
                kind=Event.Kind.OTHER,
                code="Booking.Overrun",
                severity=4,
                at=now,
                received_at=now,
                text=f"The session runs into the booking of {slot}. {way_out}",
                transaction_id=session.transaction_id,
            )
        ]
    )
