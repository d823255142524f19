"""Sessions that have to end in time for a booking, or at their own booking's end: told, stopped, once each.

The bookings decide, looked at anew on every run: a next booking that is cancelled lifts the stop time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from bookings import overrun, stop_news, stop_times
from bookings.fulfilling import is_for
from bookings.models import Booking, SiteRules, StopTime
from bookings.stop_times import Next, Own, Plan, Why
from evportal.accounts.models import User
from stations import commands
from stations.exceptions import Refused
from stations.models import Evse, Session

Status = Booking.Status
#: A booking further ahead stops nobody who charges now.
AHEAD = timedelta(hours=24)
REASON = {Why.NEXT: "booked by another driver", Why.END: "booked time over"}


def follow(now: datetime) -> None:
    """Give every running session its stop time, tell its driver, stop it, warn who comes next."""
    for session, plan, booking in planned(_running(now)[:1000], now):
        row = _remember(session, plan, booking)
        if row is None:
            continue
        stop_news.tell(row, now)
        _stop(row, plan, now)
        if booking is not None:
            overrun.look(row=row, plan=plan, booking=booking, now=now)
    overrun.end_over(now)


def follow_session(*, session: Session, now: datetime) -> None:
    """A session has begun: its display shows at once until when it may charge."""
    # Most have nothing to do with a booking, and this question costs a tenth of the next one.
    if not Booking.objects.filter(Q(session=session) | Q(_coming_to(now), evse=session.evse_id)).exists():
        return
    for found, plan, booking in planned(_running(now).filter(pk=session.pk), now):
        row = _remember(found, plan, booking)
        if row is not None:
            stop_news.show(row)
            stop_news.tell(row, now)


def planned(sessions: Iterable[Session], now: datetime) -> list[tuple[Session, Plan | None, Booking | None]]:
    """Each session's plan, and the next booking where that is the reason."""
    rows = list(sessions)
    coming = _coming([row.evse_id for row in rows], now)
    buffers = _buffers({row.station.site_id for row in rows})
    found = []
    for session in rows:
        buffer = buffers.get(session.station.site_id, timedelta(0))
        plan, booking = _plan(session, coming[session.evse_id], buffer)
        found.append((session, plan, booking))
    return found


def stop_of(session: Session, now: datetime) -> Plan | None:
    """For pages: until when this running session may charge, as the bookings stand at this moment."""
    return planned([session], now)[0][1] if session.is_open else None


def last_of(booking: Booking) -> Booking:
    """The booking with which its driver's time there ends: they may have booked on without a gap."""
    site_id = booking.evse.station.site_id
    buffer = _buffers({site_id}).get(site_id, timedelta(0))
    # Those that the same session uses too, or will.
    theirs = Q(status=Status.RESERVED) | Q(status=Status.FULFILLED, session=None)
    rows = Booking.objects.filter(theirs, evse=booking.evse_id, user=booking.user_id)
    last = booking
    for row in rows.filter(starts_at__gte=booking.ends_at).order_by("starts_at")[:20]:
        if row.starts_at > last.ends_at + buffer:
            break
        last = row
    return last


def walk_in_plan(evse: Evse, user: User | None, now: datetime) -> tuple[Plan, Booking] | None:
    """For whoever would start now without a booking: when they would be stopped, and for which booking."""
    buffer = _buffers({evse.station.site_id}).get(evse.station.site_id, timedelta(0))
    for booking in _coming([evse.pk], now)[evse.pk]:
        if user is None or booking.user_id != user.pk:
            following = Next(booking.opens_at, buffer)
            plan = stop_times.plan(started_at=now, own=None, following=following)
            return (plan, booking) if plan else None
    return None


# --- how ----------------------------------------------------------------------------------------


def _coming_to(now: datetime) -> Q:
    """Bookings that are still to be kept, and may stop who charges now."""
    return Q(status=Status.RESERVED, ends_at__gt=now, starts_at__lt=now + AHEAD)


def _running(now: datetime) -> QuerySet[Session]:
    """Open sessions that some booking has to do with, or had."""
    next_one = Booking.objects.filter(_coming_to(now), evse=OuterRef("evse"))
    concerned = Q(booking__isnull=False) | Q(stop_time__isnull=False) | Exists(next_one)
    rows = Session.objects.open().filter(concerned).with_place()
    return rows.select_related("booking", "id_token").order_by("started_at")


def _coming(evse_ids: Sequence[int], now: datetime) -> dict[int, list[Booking]]:
    """Bookings that are still to be kept, by EVSE in their order."""
    rows = Booking.objects.filter(_coming_to(now), evse__in=evse_ids)
    found = defaultdict(list)
    for booking in rows.with_place().select_related("id_token").order_by("starts_at"):
        found[booking.evse_id].append(booking)
    return found


def _buffers(site_ids: Iterable[int]) -> dict[int, timedelta]:
    rows = SiteRules.objects.filter(site__in=site_ids).values_list("site", "buffer_minutes")
    return {site_id: timedelta(minutes=minutes) for site_id, minutes in rows}


def _plan(
    session: Session, coming: Sequence[Booking], buffer: timedelta
) -> tuple[Plan | None, Booking | None]:
    booked = getattr(session, "booking", None)
    own = None
    if booked is not None:
        last = last_of(booked)
        own = Own(last.ends_at, last.late_stop_minutes, last.late_stop_fee)
    following = next((booking for booking in coming if not is_for(booking, session)), None)
    plan = stop_times.plan(
        started_at=session.start_received_at,
        own=own,
        following=Next(following.opens_at, buffer) if following else None,
    )
    return plan, following if plan and plan.why is Why.NEXT else None


@transaction.atomic
def _remember(session: Session, plan: Plan | None, booking: Booking | None) -> StopTime | None:
    """The plan as a row; one that changed is told and asked for anew."""
    row = StopTime.objects.select_for_update(of=("self",)).filter(session=session).first()
    if plan is None:
        if row is not None:
            row.delete()
        return None
    if row is None:
        row, _is_new = StopTime.objects.get_or_create(
            session=session, defaults={"at": plan.at, "why": plan.why.value, "booking": booking}
        )
    elif (row.at, row.why, row.booking_id) != (plan.at, plan.why.value, booking and booking.pk):
        if row.at != plan.at:
            row.tries = 0
        row.at, row.why, row.booking = plan.at, plan.why.value, booking
        row.save(update_fields=["at", "why", "booking", "tries"])
    row.session, row.booking = session, booking
    return row


def _stop(row: StopTime, plan: Plan, now: datetime) -> None:
    """Ask the charger, once for each try; a charger that is away can't be asked, and is when it is back."""
    if not stop_times.is_to_stop(plan, asked_at=row.asked_at, tries=row.tries, now=now):
        return
    if not row.session.station.is_online:
        return
    with transaction.atomic():
        mine = StopTime.objects.filter(pk=row.pk, asked_at=row.asked_at)
        if not mine.update(asked_at=now, tries=F("tries") + 1):
            return
        try:
            row.command = commands.remote_stop(session=row.session, reason=REASON[plan.why])
        except Refused:
            # It went away between the look and now.
            mine = StopTime.objects.filter(pk=row.pk)
            mine.update(asked_at=row.asked_at, tries=F("tries") - 1)
            return
        StopTime.objects.filter(pk=row.pk).update(command=row.command)
        row.asked_at, row.tries = now, row.tries + 1
