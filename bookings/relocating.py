"""Take bookings elsewhere, or give them up: what the operator decides and what a failing charger leaves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from bookings import actions, affected, availability, rules, slots
from bookings.exceptions import (
    AlreadyOver,
    BookingRefused,
    HoldExpired,
    NotBookable,
    NothingToChange,
    SlotTaken,
)
from bookings.models import Booking, SiteRules
from bookings.rules import Problem
from stations.models import Evse, Site

Status = Booking.Status
#: A place that looked free may be taken while we move; so often we look again.
ROUNDS = 3


@dataclass
class Outcome:
    """What became of bookings that could not stay."""

    moved: list[Booking] = field(default_factory=list)
    cancelled: list[Booking] = field(default_factory=list)


@transaction.atomic
def relocate(
    *,
    booking: Booking,
    evse: Evse,
    now: datetime,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    why: str = "",
) -> Booking:
    """Take a booking to another EVSE of its site or to another time, whatever its terms say about changes.

    Its price stays the one that was agreed. Raises `BookingRefused`, and `SlotTaken` with what is near.
    """
    booking = slots.locked(booking)
    starts_at, ends_at = starts_at or booking.starts_at, ends_at or booking.ends_at
    policy = _may_go(booking, evse, starts_at, ends_at, now)
    # What is over can't be claimed any more: somebody else may have had it.
    claim_from = starts_at if evse.pk == booking.evse_id else max(starts_at, now)
    until = ends_at + timedelta(minutes=policy.buffer_minutes)
    if not slots.take(booking.claim, evse, claim_from, until, now):
        raise SlotTaken(
            alternatives=availability.nearest(evse=evse, starts_at=starts_at, ends_at=ends_at, now=now)
        )
    return slots.moved(booking, evse, starts_at, ends_at, why)


def _may_go(booking: Booking, evse: Evse, starts_at: datetime, ends_at: datetime, now: datetime) -> SiteRules:
    if booking.status == Status.PENDING and booking.hold_expires_at <= now:
        raise HoldExpired
    if not booking.is_open:
        raise AlreadyOver
    site = booking.evse.station.site
    if evse.station.site_id != site.pk:
        raise BookingRefused("A booking can only be moved within its site.")
    if (evse.pk, starts_at, ends_at) == (booking.evse_id, booking.starts_at, booking.ends_at):
        raise NothingToChange
    policy = availability.policies_of([site])[site.pk]
    if ends_at <= starts_at:
        raise NotBookable(Problem.REVERSED)
    if ends_at <= now or (starts_at < now and starts_at != booking.starts_at):
        raise NotBookable(Problem.PAST)
    if ends_at - starts_at > max(timedelta(minutes=policy.max_minutes), booking.ends_at - booking.starts_at):
        raise NotBookable(Problem.TOO_LONG)
    if starts_at > max(now + timedelta(days=policy.horizon_days), booking.starts_at):
        raise NotBookable(Problem.TOO_FAR)
    place = availability.place_of(evse, policy, now)
    if evse.pk != booking.evse_id and place.in_use_until and max(starts_at, now) < place.in_use_until:
        raise NotBookable(Problem.IN_USE)
    if evse.pk != booking.evse_id and place.out_of_order and starts_at < now + rules.OUT_OF_ORDER_FOR:
        raise NotBookable(Problem.OUT_OF_ORDER)
    return policy


@transaction.atomic
def cancel(*, booking: Booking, now: datetime, why: str = "") -> Booking:
    """The operator gives a booking up: nothing is owed, and what was held or paid goes back."""
    return actions.cancel(booking=booking, by=None, now=now, reason=why)


@transaction.atomic
def clear(
    *,
    bookings: Sequence[Booking],
    avoid: Collection[int],
    now: datetime,
    why: str,
    give_up: Callable[[Booking], None],
    move: bool = True,
    may_give_up: Collection[UUID] | None = None,
) -> Outcome:
    """Move each booking to an equivalent EVSE, and give up those for which there is none.

    `avoid`: EVSEs that nobody is sent to, by id. `give_up` ends one booking. `may_give_up`: the only ones
    that may be; the rest stay where they are and are tried again later. Run twice, it changes nothing: what
    has been moved isn't on its old EVSE any more.
    """
    outcome = Outcome()
    was_on = {booking.pk: booking.evse_id for booking in bookings}
    left = set(_still_there(was_on))
    for _round in range(ROUNDS if move else 0):
        rows = affected.by_id(left, now=now)
        chosen = affected.targets(rows, avoid=avoid, now=now) if rows else {}
        if not chosen:
            break
        for booking in rows:
            if booking.pk not in chosen:
                continue
            try:
                moved = relocate(booking=booking, evse=chosen[booking.pk], now=now, why=why)
            except SlotTaken:
                continue
            except BookingRefused:
                # It ended, or is being charged at: no longer ours to move.
                left.discard(booking.pk)
                continue
            outcome.moved.append(moved)
            left.discard(booking.pk)
    for booking in affected.by_id(left, now=now):
        if may_give_up is None or booking.pk in may_give_up:
            give_up(booking)
            outcome.cancelled.append(booking)
    return outcome


def _still_there(was_on: dict[UUID, int]) -> list[UUID]:
    """Lock them, one order for everybody, and see which are still open where they were."""
    rows = Booking.objects.open().filter(pk__in=was_on).order_by("pk").select_for_update(of=("self",))
    return [booking.pk for booking in rows if booking.evse_id == was_on[booking.pk]]


def lock(site: Site, evses: Sequence[Evse] = ()) -> None:
    """One at a time at a site, so that two who move bookings don't wait for each other in a circle.

    Nobody books these EVSEs until we are done.
    """
    keys = [
        f"moves at {site.pk}",
        *(f"claims of {evse.pk}" for evse in sorted(evses, key=lambda evse: evse.pk)),
    ]
    with connection.cursor() as cursor:
        for key in keys:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
