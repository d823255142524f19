"""Who is offered what next: values in, values out; no database, no clock.

Fair means: in the order of the queue, nobody is passed over whom a free slot would suit, and no slot is
offered to two. Whoever pauses, or can't take a slot right now, keeps the place and is not waited for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bookings import rules
from bookings.rules import MINUTE, Place, Policy

#: A slot that begins “now” begins at the next such step of the clock.
NOW_STEP = timedelta(minutes=5)
#: Offers that somebody may leave unanswered before the place is given up.
PATIENCE = 2


@dataclass(frozen=True)
class Waiting:
    """One place in the queue, and what its driver can't do at the moment."""

    id: object
    queued_at: datetime
    starts_after: datetime
    ends_before: datetime
    length: timedelta
    is_now: bool = False
    standard: str = ""
    min_power_w: int = 0
    paused_until: datetime | None = None
    #: Has an offer to answer, as many bookings as are allowed, or (for “now”) a car that is charging.
    is_busy: bool = False
    #: (start, end) of what the driver has booked or holds, wherever that is.
    own: tuple[tuple[datetime, datetime], ...] = ()

    def can_take(self, now: datetime) -> bool:
        return not self.is_busy and (self.paused_until is None or self.paused_until <= now)


@dataclass(frozen=True)
class Candidate:
    """An EVSE of the site; `place` is what is known of its time."""

    id: int
    standards: frozenset[str]
    max_power_w: int
    place: Place
    #: Nobody is plugged in, and it works: what “now” needs.
    is_free_now: bool = True

    def suits(self, wish: Waiting) -> bool:
        return self.max_power_w >= wish.min_power_w and (not wish.standard or wish.standard in self.standards)


@dataclass(frozen=True, order=True)
class Found:
    """The earliest slot is the best; among those, the weakest EVSE that does, as others need the strong."""

    starts_at: datetime
    max_power_w: int
    evse_id: int
    ends_at: datetime


def in_order(queue: Iterable[Waiting]) -> list[Waiting]:
    return sorted(queue, key=lambda wish: (wish.queued_at, str(wish.id)))


def next_offer(
    queue: Iterable[Waiting], candidates: Sequence[Candidate], policy: Policy, zone: ZoneInfo, now: datetime
) -> tuple[Waiting, Found] | None:
    """The first in the queue for whom something is free, and what that is."""
    for wish in in_order(queue):
        if wish.can_take(now) and (found := best(wish, candidates, policy, zone, now)):
            return wish, found
    return None


def best(
    wish: Waiting, candidates: Sequence[Candidate], policy: Policy, zone: ZoneInfo, now: datetime
) -> Found | None:
    """The slot that suits this wish best, if one is free."""
    found = [
        Found(starts_at, each.max_power_w, each.id, starts_at + wish.length)
        for each in candidates
        if each.suits(wish) and (starts_at := _first_start(wish, each, policy, zone, now))
    ]
    return min(found, default=None)


def _first_start(
    wish: Waiting, evse: Candidate, policy: Policy, zone: ZoneInfo, now: datetime
) -> datetime | None:
    if wish.is_now and not evse.is_free_now:
        return None
    for starts_at in starts(wish, policy, zone, now):
        ends_at = starts_at + wish.length
        if any(begin < ends_at and end > starts_at for begin, end in wish.own):
            continue
        if rules.problem(policy, evse.place, starts_at, ends_at, now) is None:
            return starts_at
    return None


def starts(wish: Waiting, policy: Policy, zone: ZoneInfo, now: datetime) -> Iterator[datetime]:
    """When a slot for this wish may begin: at once, or wherever the site's slots begin in the window."""
    earliest = max(wish.starts_after, rules.earliest(policy, now))
    latest = wish.ends_before - wish.length
    if wish.is_now:
        starts_at = next_step(earliest)
        if starts_at <= latest:
            yield starts_at
        return
    day, last = earliest.astimezone(zone).date(), latest.astimezone(zone).date()
    while day <= last:
        for starts_at in rules.slot_starts(day, zone, policy.slot_minutes):
            if earliest <= starts_at <= latest:
                yield starts_at
        day += timedelta(days=1)


def next_step(moment: datetime) -> datetime:
    """The next multiple of five minutes; every zone's clock shows it as one."""
    past = timedelta(minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond) % NOW_STEP
    return moment if not past else moment + NOW_STEP - past


def offer_until(
    found: Found, offer_minutes: int, noshow_minutes: int, is_now: bool, now: datetime
) -> datetime:
    """Until when an offer may be answered: not past the slot's start, but with “now” there is still the
    time in which nobody would count as not having come. Never less than two minutes."""
    usual = now + timedelta(minutes=offer_minutes)
    grace = timedelta(minutes=noshow_minutes / 2 if is_now else 0)
    return max(min(usual, found.starts_at + grace), now + 2 * MINUTE)


def is_over(wish_ends_before: datetime, length: timedelta, now: datetime) -> bool:
    """Whether no slot could begin any more."""
    return now > wish_ends_before - length


@dataclass(frozen=True)
class Standing:
    """What is honest to say of a place: how many before it compete for the same, how many of them pause."""

    ahead: int
    paused: int
    waiting: int


def standing(
    wish: Waiting, queue: Iterable[Waiting], candidates: Sequence[Candidate], now: datetime
) -> Standing:
    """Only whom the same EVSE could serve in the same time counts as being ahead."""
    line = in_order(queue)
    mine = {each.id for each in candidates if each.suits(wish)}
    ahead = [
        other
        for other in line[: next((at for at, each in enumerate(line) if each.id == wish.id), len(line))]
        if other.starts_after < wish.ends_before
        and other.ends_before > wish.starts_after
        and any(each.suits(other) for each in candidates if each.id in mine)
    ]
    paused = sum(other.paused_until is not None and other.paused_until > now for other in ahead)
    return Standing(len(ahead), paused, len(line))
