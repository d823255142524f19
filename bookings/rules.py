"""What may be booked when, and what giving it back costs: values in, values out; no database, no clock.

A site's rules and a booking's terms come in as they are stored (`SiteRules`, `Booking`); the protocols below
name what is read of them. Moments are aware, ranges are half-open: 10–11 and 11–12 do not collide.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from math import gcd
from typing import Protocol
from zoneinfo import ZoneInfo

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


class Policy(Protocol):
    """What may be booked at a site."""

    bookable: bool
    slot_minutes: int
    min_minutes: int
    max_minutes: int
    notice_minutes: int
    horizon_days: int


class Terms(Protocol):
    """What the driver agreed to."""

    change_until_minutes: int
    cancel_until_minutes: int
    early_start_minutes: int
    noshow_timeout_minutes: int
    noshow_fee: Decimal


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
    Problem.PAST: SlotState.PAST,
    Problem.TOO_SOON: SlotState.PAST,
}


@dataclass(frozen=True)
class Busy:
    """A stretch of time that a booking or a closure has claimed."""

    starts_at: datetime
    ends_at: datetime
    is_closure: bool = False


@dataclass(frozen=True)
class Place:
    """What is known of one EVSE; `busy` is in order and, as the database sees to it, without overlaps."""

    busy: Sequence[Busy] = ()
    walk_in_only: bool = False
    in_use_until: datetime | None = None
    out_of_order: bool = False
    _ends: list[datetime] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ends", [busy.ends_at for busy in self.busy])

    def claimed(self, starts_at: datetime, ends_at: datetime) -> Busy | None:
        """What has claimed some of this range."""
        index = bisect_right(self._ends, starts_at)
        if index < len(self.busy) and self.busy[index].starts_at < ends_at:
            return self.busy[index]
        return None


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
    if starts_at < now:
        return Problem.PAST
    if starts_at < earliest(policy, now):
        return Problem.TOO_SOON
    if starts_at > now + timedelta(days=policy.horizon_days):
        return Problem.TOO_FAR
    minutes = (ends_at - starts_at) / MINUTE
    if minutes < policy.min_minutes:
        return Problem.TOO_SHORT
    if minutes > policy.max_minutes:
        return Problem.TOO_LONG
    claimed = place.claimed(starts_at, ends_at)
    if claimed is not None:
        return Problem.CLOSED if claimed.is_closure else Problem.TAKEN
    if place.in_use_until is not None and starts_at < place.in_use_until:
        return Problem.IN_USE
    if place.out_of_order and starts_at < now + OUT_OF_ORDER_FOR:
        return Problem.OUT_OF_ORDER
    return None


def slot_state(
    policy: Policy, place: Place, starts_at: datetime, ends_at: datetime, now: datetime
) -> SlotState:
    return _SHOWN_AS.get(problem(policy, place, starts_at, ends_at, now), SlotState.CLOSED)


def earliest(policy: Policy, now: datetime) -> datetime:
    return now + timedelta(minutes=policy.notice_minutes)


def first_start(
    policy: Policy, place: Place, length: timedelta, zone: ZoneInfo, now: datetime, days: int
) -> datetime | None:
    """The first slot of this length that is free within so many days; leaps over what is claimed."""
    if not policy.bookable or place.walk_in_only:
        return None
    not_before = earliest(policy, now)
    today = now.astimezone(zone).date()
    for day in (today + timedelta(days=offset) for offset in range(days)):
        starts = slot_starts(day, zone, policy.slot_minutes)
        index = bisect_left(starts, not_before)
        while index < len(starts):
            starts_at = starts[index]
            claimed = place.claimed(starts_at, starts_at + length)
            if claimed is not None:
                index = max(index + 1, bisect_left(starts, claimed.ends_at))
            elif problem(policy, place, starts_at, starts_at + length, now) is None:
                return starts_at
            else:
                index += 1
    return None


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


def no_show_at(terms: Terms, starts_at: datetime, ends_at: datetime) -> datetime:
    """When a driver who hasn't come loses the slot."""
    return min(starts_at + timedelta(minutes=terms.noshow_timeout_minutes), ends_at)


def cancel_fee(terms: Terms, starts_at: datetime, now: datetime) -> Decimal:
    """What the driver's cancelling a confirmed booking costs at this moment, tax included."""
    return Decimal(0) if now <= free_cancel_until(terms, starts_at) else terms.noshow_fee
