"""What an operator's calendar shows: each EVSE's bookings, closures and sessions, and their conflicts.

Read with the same few queries, however many EVSEs and bookings there are. Times come out in the site's zone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from bookings import rescue, rules
from bookings.models import Booking, Claim
from evportal.accounts.access import Access
from monitoring.looks import look_of, word_of
from stations.models import AvailabilityPlan, Evse, Node, Session, Site

#: A column of the day. Bookings may begin between two: then both columns are theirs.
STEP = timedelta(minutes=15)
#: A charger that is down now is a conflict for whoever comes within this time.
SOON = timedelta(hours=2)
DAYS_OF_A_WEEK = 7


@dataclass(frozen=True)
class Entry:
    """Something on an EVSE for a time; half-open. `look` is one of the design system's states."""

    kind: str
    look: str
    what: str
    starts_at: datetime
    ends_at: datetime
    url: str = ""
    who: str = ""
    #: In words; each is shown with its icon.
    conflicts: tuple[str, ...] = ()
    is_closed: bool = False
    #: Goes on, as far as we know.
    is_open: bool = False


@dataclass
class Row:
    evse: Evse
    look: str
    word: str
    planned: list[Entry] = field(default_factory=list)
    sessions: list[Entry] = field(default_factory=list)

    @property
    def entries(self) -> list[Entry]:
        return sorted([*self.planned, *self.sessions], key=lambda entry: (entry.starts_at, entry.kind))


@dataclass(frozen=True)
class Cell:
    """A stretch of a day's table: an entry, or nothing."""

    span: int
    entry: Entry | None = None


def sites_of(access: Access) -> list[Site]:
    return list(
        Site.objects.visible_to(access, "view_bookings").select_related("operator").order_by("name", "pk")
    )


def busiest(sites: Sequence[Site], starts_at: datetime, ends_at: datetime) -> Site | None:
    """The site with most planned in that time; the first where nothing is."""
    counts = dict(
        Claim.objects.filter(evse__station__site__in=sites, period__overlap=(starts_at, ends_at))
        .values_list("evse__station__site")
        .annotate(Count("pk"))
    )
    return max(sites, key=lambda site: counts.get(site.pk, 0), default=None)


def load(
    site: Site, starts_at: datetime, ends_at: datetime, *, now: datetime, may_see_drivers: bool
) -> list[Row]:
    """Every EVSE of the site with what is on it in that time."""
    evses = list(
        Evse.objects.filter(station__site=site).select_related("station").order_by("station__name", "number")
    )
    rows = {evse.pk: Row(evse, look_of(evse), word_of(evse)) for evse in evses}
    listening_since = Node.listening_since(now)
    sessions = _sessions(rows, starts_at, ends_at)
    plans = _plans(site, starts_at, ends_at)
    for claim in _claims(rows, starts_at, ends_at, now):
        row = rows[claim.evse_id]
        row.evse.station.site = site
        if claim.booking is None:
            entry = _closure(claim, sessions[claim.evse_id], now)
        else:
            entry = _booking(claim, may_see_drivers)
            conflicts = [
                *_down(row.evse, claim.booking, listening_since, now),
                *_overrun(row.evse, claim.booking, sessions[claim.evse_id], now),
                *_planned_out(row.evse, claim.booking, plans),
            ]
            entry = replace(entry, conflicts=tuple(conflicts))
        row.planned.append(entry)
    for evse_id, found in sessions.items():
        rows[evse_id].sessions = [_session(session, now, may_see_drivers) for session in found]
    return list(rows.values())


def _claims(rows: Iterable[int], starts_at: datetime, ends_at: datetime, now: datetime):
    expired = Q(booking__status=Booking.Status.PENDING, booking__hold_expires_at__lte=now)
    return (
        Claim.objects.filter(evse__in=list(rows), period__overlap=(starts_at, ends_at))
        .exclude(expired)
        .select_related("booking__user", "booking__id_token", "closure")
        .order_by("period")
    )


def _sessions(rows: Iterable[int], starts_at: datetime, ends_at: datetime) -> dict[int, list[Session]]:
    found = defaultdict(list)
    current = Q(stopped_at=None) | Q(stopped_at__gt=starts_at)
    for session in (
        Session.objects.filter(current, evse__in=list(rows), started_at__lt=ends_at)
        .select_related("booking", "user", "id_token", "evse")
        .order_by("started_at")
    ):
        found[session.evse_id].append(session)
    return found


def _plans(site: Site, starts_at: datetime, ends_at: datetime) -> list[AvailabilityPlan]:
    current = Q(ends_at=None) | Q(ends_at__gt=starts_at)
    return list(
        AvailabilityPlan.objects.open().filter(
            current, station__site=site, connector=None, starts_at__lt=ends_at
        )
    )


# --- entries ------------------------------------------------------------------------------------


def _booking(claim: Claim, may_see_drivers: bool) -> Entry:
    booking = claim.booking
    looks = {Booking.Status.PENDING: "preparing", Booking.Status.FULFILLED: "available"}
    who = booking.user.get_full_name() or booking.user.email
    return Entry(
        kind="booking",
        look=looks.get(booking.status, "reserved"),
        what=_("Booking: %s") % booking.get_status_display().lower(),
        starts_at=max(claim.period.lower, booking.starts_at),
        ends_at=min(claim.period.upper, booking.ends_at),
        url=reverse("ops:calendar_booking", args=[booking.pk]),
        who=who if may_see_drivers else "",
    )


def _closure(claim: Claim, sessions: Sequence[Session], now: datetime) -> Entry:
    closure = claim.closure
    what = closure.get_kind_display() if closure is not None else _("Maintenance")
    begins_over = [
        session
        for session in sessions
        if session.is_open and claim.period.lower <= max(now, session.started_at) < claim.period.upper
    ]
    return Entry(
        kind="closure",
        look="offline",
        what=f"{what}: {closure.reason}" if closure is not None and closure.reason else what,
        starts_at=claim.period.lower,
        ends_at=claim.period.upper,
        url=reverse("ops:calendar_closure", args=[closure.pk]) if closure is not None else "",
        conflicts=(_("Somebody is charging there in spite of it."),) if begins_over else (),
        is_closed=True,
    )


def _session(session: Session, now: datetime, may_see_drivers: bool) -> Entry:
    who = ""
    if may_see_drivers and session.user is not None:
        who = session.user.get_full_name() or session.user.email
    return Entry(
        kind="session",
        look="charging" if session.is_open else "available",
        what=_("Charging") if session.is_open else _("Charged %s kWh") % f"{session.energy_kwh:.1f}",
        starts_at=session.started_at,
        ends_at=session.stopped_at or _expected_end(session, now),
        url=reverse("ops:session", args=[session.pk]),
        who=who,
        is_open=session.is_open,
    )


def _expected_end(session: Session, now: datetime) -> datetime:
    booking = getattr(session, "booking", None)
    return rules.in_use_until(session.started_at, booking and booking.ends_at, session.evse.max_power_w, now)


# --- what doesn't go together -------------------------------------------------------------------


def _down(evse: Evse, booking: Booking, listening_since: datetime | None, now: datetime) -> list[str]:
    if booking.status not in Booking.OPEN or not booking.starts_at - SOON <= now < booking.ends_at:
        return []
    trouble = rescue.trouble_of(evse, listening_since, now)
    if trouble is None and not evse.station.is_online:
        return [_("The charger is offline.")]
    if trouble is None:
        return []
    return [
        {
            "faulted": _("The charger is faulted."),
            "unavailable": _("The charger is out of service."),
            "offline": _("The charger is offline."),
        }[trouble[0].value]
    ]


def _overrun(evse: Evse, booking: Booking, sessions: Sequence[Session], now: datetime) -> list[str]:
    """Somebody else's car is still there, or is expected to be, when the slot begins."""
    if booking.status not in Booking.OPEN:
        return []
    for session in sessions:
        if not session.is_open or session.started_at >= booking.ends_at:
            continue
        until = _expected_end(session, now)
        if booking.starts_at <= now < booking.ends_at:
            return [_("Another car is still charging there.")]
        if now < booking.starts_at < until:
            return [_("Another car may still be charging there when it begins.")]
    return []


def _planned_out(evse: Evse, booking: Booking, plans: Sequence[AvailabilityPlan]) -> list[str]:
    if booking.status not in Booking.OPEN:
        return []
    for plan in plans:
        if (
            plan.covers(evse)
            and plan.starts_at < booking.ends_at
            and (plan.ends_at is None or plan.ends_at > booking.starts_at)
        ):
            return [_("The charger is planned to be out of service then.")]
    return []


# --- as tables ----------------------------------------------------------------------------------


def columns(starts_at: datetime, ends_at: datetime) -> list[datetime]:
    """Where each column of a day begins: by elapsed time, so a day of 25 hours has four more."""
    found = []
    at = starts_at
    while at < ends_at:
        found.append(at)
        at += STEP
    return found


def cells(entries: Sequence[Entry], starts: Sequence[datetime], ends_at: datetime) -> list[Cell]:
    """Entries as stretches of columns, and the gaps; one that shares its column follows in the next."""
    found: list[Cell] = []
    at = 0
    for entry in sorted(entries, key=lambda entry: entry.starts_at):
        first = max(at, sum(start <= entry.starts_at for start in starts) - 1, 0)
        last = sum(start < min(entry.ends_at, ends_at) for start in starts)
        if first >= len(starts) or entry.ends_at <= starts[0]:
            continue
        last = max(last, first + 1)
        if first > at:
            found.append(Cell(first - at))
        found.append(Cell(last - first, entry))
        at = last
    if at < len(starts):
        found.append(Cell(len(starts) - at))
    return found


def hours(starts: Sequence[datetime], zone) -> list[tuple[str, int]]:
    """The head of the day's table: the clock on the wall at each full hour, and how many columns."""
    found: list[tuple[str, int]] = []
    for start in starts:
        local = start.astimezone(zone)
        if not found or local.minute == 0:
            found.append((rules.wall_clock(start, zone), 1))
        else:
            found[-1] = (found[-1][0], found[-1][1] + 1)
    return found


def by_day(entries: Sequence[Entry], days: Sequence[date], zone) -> list[list[Entry]]:
    """For each day of a week what touches it."""
    found = []
    for day in days:
        begin, end = rules.day_bounds(day, zone)
        found.append([entry for entry in entries if entry.starts_at < end and begin < entry.ends_at])
    return found
