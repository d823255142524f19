"""Close EVSEs for a time: who is affected is seen first, then moved, cancelled or left alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import models, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from bookings import actions, affected, closures, relocating
from bookings.affected import Affected
from bookings.exceptions import BookingRefused, ClosureConflict
from bookings.models import Booking, Claim, Closure
from evportal.accounts.models import ApiKey, User
from stations import availability as service
from stations import commands
from stations.exceptions import ChargerOffline
from stations.models import Evse, Session

#: Longer than any works; whoever needs more closes again.
LONGEST = timedelta(days=366)
#: A form is filled in within this: what begins in it begins now.
JUST_NOW = timedelta(minutes=5)


class Choice(models.TextChoices):
    """What becomes of bookings in that time."""

    MOVE = "move", _("Move each to an equivalent charger; cancel those for which none is free")
    CANCEL = "cancel", _("Cancel all of them")
    AROUND = "around", _("Leave them where they are, and close only the time between")


class ClosureRefused(BookingRefused):
    default = _("That can't be closed.")


class ClosureBackwards(ClosureRefused):
    default = _("It must end after it begins.")


class ClosureOver(ClosureRefused):
    default = _("That time is over already. A closure begins now or later.")


class ClosureTooLong(ClosureRefused):
    default = _("That is longer than a year. Close it for a shorter time, and again when it is over.")


class ClosedAlready(ClosureRefused):
    """`closures` are what overlaps."""

    default = _("It is closed already for some of that time.")

    def __init__(self, message="", closures=()):
        super().__init__(message)
        self.closures = list(closures)


class BookingsInTheWay(ClosureRefused):
    """`affected` are the bookings, each with where it could go."""

    default = _("There are bookings in that time. Say what becomes of them.")

    def __init__(self, message="", affected=()):
        super().__init__(message)
        self.affected = list(affected)


class LooksDifferent(BookingsInTheWay):
    default = _("The bookings in that time have changed since you looked. Look again.")


@dataclass(frozen=True)
class Preview:
    """What a closure would touch, as things are now."""

    evses: Sequence[Evse]
    starts_at: datetime
    ends_at: datetime
    affected: Sequence[Affected] = ()
    closures: Sequence[Closure] = ()
    #: Cars that charge there now and may still when it begins.
    sessions: Sequence[Session] = ()
    #: Taken by something else than bookings, closures included.
    is_closed_already: bool = False

    @property
    def movable(self) -> int:
        return sum(each.target is not None for each in self.affected)

    @property
    def seen(self) -> str:
        """Changes when somebody books, moves or cancels; where each would go may change without harm."""
        words = ",".join(sorted(f"{each.booking.pk}/{each.booking.sequence}" for each in self.affected))
        return hashlib.sha256(words.encode()).hexdigest()[:16]


@dataclass
class Closed:
    closures: list[Closure] = field(default_factory=list)
    moved: list[Booking] = field(default_factory=list)
    cancelled: list[Booking] = field(default_factory=list)
    stopped: list[Session] = field(default_factory=list)
    #: Sessions that should have been stopped, but whose charger can't be reached.
    unreached: list[Session] = field(default_factory=list)


def check(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    if ends_at <= starts_at:
        raise ClosureBackwards
    if starts_at < now - JUST_NOW or ends_at <= now:
        raise ClosureOver
    if ends_at - starts_at > LONGEST:
        raise ClosureTooLong


def preview(*, evses: Sequence[Evse], starts_at: datetime, ends_at: datetime, now: datetime) -> Preview:
    """What would be affected; raises `ClosureRefused` for times that can't be."""
    check(starts_at, ends_at, now)
    found = affected.bookings_on(evses, starts_at=starts_at, ends_at=ends_at, now=now)
    ids = {evse.pk for evse in evses}
    others = Claim.objects.filter(evse__in=ids, period__overlap=(starts_at, ends_at), booking=None)
    running = Session.objects.open().filter(evse__in=ids, started_at__lt=ends_at)
    return Preview(
        evses=evses,
        starts_at=starts_at,
        ends_at=ends_at,
        affected=affected.look(found, avoid=ids, now=now),
        closures=list(
            Closure.objects.filter(claim__in=others).select_related("evse__station").order_by("starts_at")
        ),
        sessions=list(running.with_place().select_related("booking").order_by("started_at")),
        is_closed_already=others.exists(),
    )


@transaction.atomic
def close(
    *,
    evses: Sequence[Evse],
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    reason: str = "",
    kind: str = Closure.Kind.CLOSURE,
    by: User | ApiKey | None = None,
    choice: str = "",
    seen: str | None = None,
    out_of_service: bool = False,
    stop_sessions: bool = False,
) -> Closed:
    """Close EVSEs of one site, after their bookings have been dealt with as chosen; all of it or nothing.

    Without a choice it is refused where bookings are in the way (`BookingsInTheWay`). `seen` is the mark of
    the preview that somebody decided on: if the bookings are others by now, it is refused (`LooksDifferent`).
    `out_of_service`: the chargers are told too, when it begins and when it ends. `stop_sessions`: what
    charges there is stopped, where it begins now; else it goes on to its end.
    """
    check(starts_at, ends_at, now)
    site = evses[0].station.site
    relocating.lock(site, evses)
    found = preview(evses=evses, starts_at=starts_at, ends_at=ends_at, now=now)
    if found.affected and not choice:
        raise BookingsInTheWay(affected=found.affected)
    if seen is not None and seen != found.seen:
        raise LooksDifferent(affected=found.affected)
    if found.is_closed_already and choice != Choice.AROUND:
        raise ClosedAlready(closures=found.closures)
    done = Closed()
    if choice in (Choice.MOVE, Choice.CANCEL):
        outcome = make_room(
            bookings=[each.booking for each in found.affected],
            evses=evses,
            now=now,
            reason=reason,
            choice=choice,
        )
        done.moved, done.cancelled = outcome.moved, outcome.cancelled
    for evse in evses:
        gaps = [(starts_at, ends_at)]
        if choice == Choice.AROUND:
            gaps = closures.free_gaps(evse, starts_at, ends_at)
        else:
            _free_from_sessions(evse, starts_at, ends_at)
        for gap_start, gap_end in gaps:
            done.closures.append(_claim(evse, gap_start, gap_end, now, reason, kind, by))
    if choice == Choice.AROUND and not done.closures:
        raise ClosedAlready(_g("There is nothing left to close in that time."), closures=found.closures)
    if stop_sessions and starts_at <= now:
        _stop(found.sessions, reason, by, done)
    if out_of_service:
        _tell_chargers(done, evses, starts_at, ends_at, reason, by, now)
    return done


@transaction.atomic
def make_room(
    *, bookings: Sequence[Booking], evses: Sequence[Evse], now: datetime, reason: str, choice: str
) -> relocating.Outcome:
    """Move the bookings off these EVSEs, or cancel them: every driver is told once what happened, and why."""
    why = reason or _g("The charger is closed at that time.")

    def give_up(booking: Booking) -> None:
        relocating.cancel(booking=booking, now=now, why=why)

    return relocating.clear(
        bookings=bookings,
        avoid={evse.pk for evse in evses},
        now=now,
        why=why,
        give_up=give_up,
        move=choice == Choice.MOVE,
    )


@transaction.atomic
def clear_for_plan(
    *,
    evses: Sequence[Evse],
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    reason: str,
    choice: str,
) -> relocating.Outcome:
    """Bookings out of the way of a charger's time out of service, before it is planned in the same step."""
    if not evses:
        return relocating.Outcome()
    relocating.lock(evses[0].station.site, evses)
    found = affected.bookings_on(evses, starts_at=starts_at, ends_at=ends_at, now=now)
    return make_room(bookings=found, evses=evses, now=now, reason=reason, choice=choice)


@transaction.atomic
def reopen(*, closure: Closure, now: datetime) -> None:
    """What has not begun will not be closed; what has, is open from now on. Its plan ends with it."""
    found = (
        Closure.objects.select_for_update(of=("self",)).select_related("plan").filter(pk=closure.pk).first()
    )
    if found is None or found.ends_at <= now:
        raise ClosureOver(_g("It is over already."))
    if found.plan is not None and found.plan.is_open:
        # Its other closures end too: they are one decision. Bookings follow when that is committed.
        service.cancel(plan=found.plan, now=now)
    if found.starts_at >= now:
        found.delete()
        return
    found.ends_at = now
    found.save(update_fields=["ends_at"])
    Claim.objects.filter(closure=found).update(period=DateTimeTZRange(found.starts_at, now))


@transaction.atomic
def end_or_forget(*, closure: Closure, now: datetime) -> None:
    """The same for the admin's deleting: what is over already is only a record, and goes."""
    if closure.ends_at <= now:
        closure.delete()
    else:
        reopen(closure=closure, now=now)


def _claim(evse, starts_at, ends_at, now, reason, kind, by) -> Closure:
    try:
        return actions.close_evse(
            evse=evse,
            starts_at=starts_at,
            ends_at=ends_at,
            now=now,
            reason=reason,
            by=by if isinstance(by, User) else None,
            kind=kind,
        )
    except ClosureConflict as conflict:
        # What we could neither see nor move in this transaction, such as a driver charging on their booking.
        raise ClosedAlready(_g("Something else has just been planned there."), conflict.closures) from None


def _free_from_sessions(evse: Evse, starts_at: datetime, ends_at: datetime) -> None:
    """Who is charging on a booking keeps charging, but no longer holds the time after the closure begins."""
    used = Claim.objects.filter(
        evse=evse, period__overlap=(starts_at, ends_at), booking__status=Booking.Status.FULFILLED
    )
    for claim in used.select_for_update(of=("self",)):
        if claim.period.lower >= starts_at:
            claim.delete()
        else:
            claim.period = DateTimeTZRange(claim.period.lower, starts_at)
            claim.save(update_fields=["period"])


def _stop(sessions: Sequence[Session], reason: str, by, done: Closed) -> None:
    for session in sessions:
        try:
            commands.remote_stop(session=session, by=by, reason=reason or "closed")
            done.stopped.append(session)
        except ChargerOffline:
            done.unreached.append(session)


def _tell_chargers(done: Closed, evses, starts_at, ends_at, reason, by, now) -> None:
    """A plan for each EVSE: the charger is told when it begins and ends, and again if it forgets."""
    for evse in evses:
        plan = service.plan(
            station=evse.station,
            evse=evse,
            starts_at=starts_at,
            ends_at=ends_at,
            reason=reason[:120],
            by=by,
            now=now,
        )
        mine = [closure.pk for closure in done.closures if closure.evse_id == evse.pk]
        Closure.objects.filter(pk__in=mine).update(plan=plan)
