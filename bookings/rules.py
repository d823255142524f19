"""What may be booked when, and what giving it back costs: values in, values out; no database, no clock.

A site's rules and a booking's terms come in as they are stored (`SiteRules`, `Booking`); the protocols below
name what is read of them. Moments are aware, ranges are half-open: 10–11 and 11–12 do not collide.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from itertools import repeat
from math import gcd
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from stations import hours
from stations.hours import ALWAYS, NEVER, Week

MINUTE = timedelta(minutes=1)
#: Every zone of today keeps its clock a multiple of this from UTC.
ZONE_STEP_MINUTES = 15
#: How long somebody who plugged in without a booking usually stays, at a fast and at a slow EVSE.
USUAL_FAST, USUAL_SLOW = timedelta(minutes=45), timedelta(hours=3)
FAST_W = 50_000
#: One that stays longer than usual is expected to stay this much longer still.
LINGERING = timedelta(minutes=15)
#: A faulted EVSE isn't promised to anybody who would be there before a technician could.
OUT_OF_ORDER_FOR = timedelta(hours=1)


@dataclass(frozen=True)
class Hours:
    """When a site is open, and when its EVSEs are left to drivers without a booking; by its own clock."""

    zone: ZoneInfo
    opening: Week = ALWAYS
    walk_in: Week = NEVER

    def problem(self, starts_at: datetime, ends_at: datetime) -> Problem | None:
        if not hours.covers(self.opening, self.zone, starts_at, ends_at):
            return Problem.OUTSIDE_HOURS
        if self.walk_in is not NEVER and hours.touches(self.walk_in, self.zone, starts_at, ends_at):
            return Problem.WALK_IN_HOURS
        return None


class Policy(Protocol):
    """What may be booked at a site."""

    bookable: bool
    slot_minutes: int
    min_minutes: int
    max_minutes: int
    notice_minutes: int
    horizon_days: int
    buffer_minutes: int

    @property
    def hours(self) -> Hours: ...


def same(policy: Policy) -> tuple:
    """Equal for two policies that allow the same."""
    return tuple(getattr(policy, name) for name in (*Policy.__annotations__, "hours"))


class Terms(Protocol):
    """What the driver agreed to."""

    change_until_minutes: int
    cancel_until_minutes: int
    early_start_minutes: int
    noshow_timeout_minutes: int
    noshow_fee: Decimal
    late_stop_minutes: int
    overlapping_bookings_allowed: bool


class Problem(StrEnum):
    """Why a range can't be booked; the sentences for people are in `exceptions`."""

    REVERSED = "reversed"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    NOT_BOOKABLE = "not_bookable"
    WALK_IN = "walk_in"
    PAST = "past"
    TOO_SOON = "too_soon"
    TOO_FAR = "too_far"
    OUTSIDE_HOURS = "outside_hours"
    WALK_IN_HOURS = "walk_in_hours"
    OUT_OF_ORDER = "out_of_order"
    CLOSED = "closed"
    TAKEN = "taken"
    IN_USE = "in_use"


class SlotState(StrEnum):
    """A slot as the picker shows it."""

    FREE = "free"
    TAKEN = "taken"
    CLOSED = "closed"
    PAST = "past"
    WALK_IN = "walk_in"


_SHOWN_AS = {
    None: SlotState.FREE,
    Problem.TAKEN: SlotState.TAKEN,
    Problem.IN_USE: SlotState.TAKEN,
    Problem.WALK_IN: SlotState.WALK_IN,
    Problem.WALK_IN_HOURS: SlotState.WALK_IN,
    Problem.PAST: SlotState.PAST,
    Problem.TOO_SOON: SlotState.PAST,
}


class Busy(NamedTuple):
    """A stretch of time that a booking or a closure has claimed."""

    starts_at: datetime
    ends_at: datetime
    is_closure: bool = False


class Claims(NamedTuple):
    """What is claimed of an EVSE, in order and, as the database sees to it, without overlaps.

    Columns of whole seconds since 1970, because a site's fortnight has thousands of claims, each compared
    with many slots.
    """

    starts: Sequence[int] = ()
    ends: Sequence[int] = ()
    is_closure: Sequence[bool] = ()

    @classmethod
    def of(cls, busy: Iterable[Busy]) -> Claims:
        rows = sorted(busy)
        return cls(
            [seconds(row.starts_at) for row in rows],
            [seconds(row.ends_at) for row in rows],
            [row.is_closure for row in rows],
        )

    @classmethod
    def of_columns(
        cls,
        starts: Sequence[int],
        ends: Sequence[int],
        closed_from: Sequence[int] = (),
        closed_until: Sequence[int] = (),
    ) -> Claims:
        """Bookings and closures, each in order."""
        if not closed_from:
            return cls(starts, ends, [False] * len(starts))
        rows = [
            *zip(starts, ends, repeat(False), strict=False),
            *zip(closed_from, closed_until, repeat(True), strict=False),
        ]
        return cls(*zip(*sorted(rows), strict=True))

    def first(self, starts_at: int, ends_at: int) -> int | None:
        """Which of them has some of this range."""
        index = bisect_right(self.ends, starts_at)
        return index if index < len(self.ends) and self.starts[index] < ends_at else None


@dataclass(frozen=True)
class Place:
    """What is known of one EVSE."""

    claims: Claims = Claims()
    walk_in_only: bool = False
    in_use_until: datetime | None = None
    out_of_order: bool = False


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


# --- the clock of a site ------------------------------------------------------------------------


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """A local day in UTC: 23, 24 or 25 hours, or half an hour more or less than a day at Lord Howe."""
    start, end = (
        datetime.combine(each, time(), zone).astimezone(UTC) for each in (day, day + timedelta(days=1))
    )
    return start, end


@lru_cache(maxsize=4096)
def slot_starts(day: date, zone: ZoneInfo, step_minutes: int) -> tuple[datetime, ...]:
    """When slots begin on a local day: wherever the clock on the wall shows a multiple of the step.

    A time that the clock skips has no slot, and one that it shows twice has two.
    """
    starts_at, end = day_bounds(day, zone)
    unit = timedelta(minutes=gcd(step_minutes, ZONE_STEP_MINUTES))
    found = []
    while starts_at < end:
        wall = starts_at.astimezone(zone)
        if (wall.hour * 60 + wall.minute) % step_minutes == 0:
            found.append(starts_at)
        starts_at += unit
    return tuple(found)


@lru_cache(maxsize=4096)
def slot_seconds(day: date, zone: ZoneInfo, step_minutes: int) -> tuple[int, ...]:
    """The same in whole seconds since 1970."""
    return tuple(seconds(starts_at) for starts_at in slot_starts(day, zone, step_minutes))


def wall_clock(moment: datetime, zone: ZoneInfo) -> str:
    """The time on the wall there, with the zone's name where the wall shows that time twice: 02:30 CEST."""
    local = moment.astimezone(zone)
    is_repeated = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{local:%H:%M} {local.tzname()}" if is_repeated else f"{local:%H:%M}"


# --- what may be booked -------------------------------------------------------------------------


def problem(
    policy: Policy, place: Place, starts_at: datetime, ends_at: datetime, now: datetime
) -> Problem | None:
    """Why this range can't be booked on this EVSE, or None. Pages and actions both ask here."""
    if ends_at <= starts_at:
        return Problem.REVERSED
    if not policy.bookable:
        return Problem.NOT_BOOKABLE
    if place.walk_in_only:
        return Problem.WALK_IN
    why = site_problem(policy, starts_at, ends_at, now)
    if why is not None:
        return why
    return place_problem(place, starts_at, ends_at + timedelta(minutes=policy.buffer_minutes), now)


def site_problem(policy: Policy, starts_at: datetime, ends_at: datetime, now: datetime) -> Problem | None:
    """What of it is the same for every EVSE of the site that can be booked at all."""
    if starts_at < now:
        return Problem.PAST
    if starts_at < earliest(policy, now):
        return Problem.TOO_SOON
    if starts_at > now + timedelta(days=policy.horizon_days):
        return Problem.TOO_FAR
    return length_problem(policy, starts_at, ends_at) or policy.hours.problem(starts_at, ends_at)


def length_problem(policy: Policy, starts_at: datetime, ends_at: datetime) -> Problem | None:
    minutes = (ends_at - starts_at) / MINUTE
    if minutes < policy.min_minutes:
        return Problem.TOO_SHORT
    if minutes > policy.max_minutes:
        return Problem.TOO_LONG
    return None


def place_problem(place: Place, starts_at: datetime, ends_at: datetime, now: datetime) -> Problem | None:
    """What of it is this EVSE's; the end is that of the buffer after the slot."""
    claimed = place.claims.first(seconds(starts_at), seconds(ends_at))
    if claimed is not None:
        return Problem.CLOSED if place.claims.is_closure[claimed] else Problem.TAKEN
    if place.in_use_until is not None and starts_at < place.in_use_until:
        return Problem.IN_USE
    if place.out_of_order and starts_at < now + OUT_OF_ORDER_FOR:
        return Problem.OUT_OF_ORDER
    return None


def slot_state(
    policy: Policy, place: Place, starts_at: datetime, ends_at: datetime, now: datetime
) -> SlotState:
    return shown_as(problem(policy, place, starts_at, ends_at, now))


def shown_as(why: Problem | None) -> SlotState:
    return _SHOWN_AS.get(why, SlotState.CLOSED)


def earliest(policy: Policy, now: datetime) -> datetime:
    return now + timedelta(minutes=policy.notice_minutes)


def durations(policy: Policy) -> Iterator[int]:
    """The lengths to offer, in minutes: every slot up to an hour, then half hours, then hours."""
    minutes = policy.min_minutes
    while minutes <= policy.max_minutes:
        yield minutes
        step = policy.slot_minutes if minutes < 60 else 30 if minutes < 120 else 60
        minutes += max(step, policy.slot_minutes)


def in_use_until(
    started_at: datetime, booked_until: datetime | None, max_power_w: int, now: datetime
) -> datetime:
    """When a running session is expected to leave: at its booking's end, else after as long as is usual."""
    usual = USUAL_FAST if max_power_w >= FAST_W else USUAL_SLOW
    expected = booked_until or started_at + usual
    return expected if expected > now else now + LINGERING


# --- what was agreed ----------------------------------------------------------------------------


def free_cancel_until(terms: Terms, starts_at: datetime) -> datetime:
    return starts_at - timedelta(minutes=terms.cancel_until_minutes)


def change_until(terms: Terms, starts_at: datetime) -> datetime:
    return starts_at - timedelta(minutes=terms.change_until_minutes)


def start_from(terms: Terms, starts_at: datetime) -> datetime:
    """From when the EVSE is kept for the driver, and charging may start."""
    return starts_at - timedelta(minutes=terms.early_start_minutes)


def no_show_at(terms: Terms, starts_at: datetime, ends_at: datetime, late_minutes: int = 0) -> datetime:
    """When a driver who hasn't come loses the slot; who has said that they are late is waited for longer."""
    return min(starts_at + timedelta(minutes=terms.noshow_timeout_minutes + late_minutes), ends_at)


def cancel_fee(terms: Terms, starts_at: datetime, now: datetime) -> Decimal:
    """What the driver's cancelling a confirmed booking costs at this moment, tax included."""
    return Decimal(0) if now <= free_cancel_until(terms, starts_at) else terms.noshow_fee


def as_ocpi(terms: Terms) -> dict:
    """A booking's terms by OCPI 2.3's names: what is allowed at all, and within how many minutes."""
    return {
        "change_until_minutes": terms.change_until_minutes,
        "cancel_until_minutes": terms.cancel_until_minutes,
        "early_start_allowed": terms.early_start_minutes > 0,
        "early_start_time": terms.early_start_minutes,
        "noshow_timeout": terms.noshow_timeout_minutes,
        "noshow_fee": terms.noshow_fee,
        "late_stop_allowed": terms.late_stop_minutes > 0,
        "late_stop_time": terms.late_stop_minutes,
        "overlapping_bookings_allowed": terms.overlapping_bookings_allowed,
    }
