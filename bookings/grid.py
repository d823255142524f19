"""Many slots at once: what `rules.problem` says of each, in one walk over a site's days; pure.

A fortnight of half hours at twenty EVSEs is thirteen thousand slots. What is the same for every EVSE is asked
once per start, and claims are laid over whole stretches of starts.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from bookings import rules
from bookings.rules import Place, Policy, SlotState


@dataclass(frozen=True)
class Grid:
    """A site's starts over some days, for slots of one length."""

    policy: Policy
    starts: Sequence[int]
    length: timedelta
    now: datetime

    @classmethod
    def of(cls, policy: Policy, days: Iterable[date], length: timedelta, now: datetime) -> Grid:
        """Every start of these days that is not over."""
        zone, step = policy.hours.zone, policy.slot_minutes
        starts = [at for day in days for at in rules.slot_seconds(day, zone, step)]
        return cls(policy, starts[bisect_left(starts, now.timestamp()) :], length, now)

    def moments(self) -> list[datetime]:
        return [moment(at) for at in self.starts]

    @property
    def claimed(self) -> timedelta:
        """What a booking claims: its length, and the buffer after it."""
        return self.length + timedelta(minutes=self.policy.buffer_minutes)

    @cached_property
    def _claimed(self) -> int:
        return int(self.claimed.total_seconds())

    @cached_property
    def _site_states(self) -> list[tuple[int, SlotState]]:
        """Which starts no EVSE has, and how they are shown."""
        found = []
        for index, at in enumerate(self.starts):
            starts_at = moment(at)
            why = rules.site_problem(self.policy, starts_at, starts_at + self.length, self.now)
            if why is not None:
                found.append((index, rules.shown_as(why)))
        return found

    def states(self, place: Place) -> list[SlotState]:
        """One for each start, as `rules.slot_state` would say."""
        starts, count = self.starts, len(self.starts)
        if self.length <= timedelta():
            return [SlotState.CLOSED] * count
        if not self.policy.bookable:
            return [SlotState.CLOSED] * count
        if place.walk_in_only:
            return [SlotState.WALK_IN] * count
        states = [SlotState.FREE] * count
        if place.out_of_order:
            ends = (self.now + rules.OUT_OF_ORDER_FOR).timestamp()
            reach = bisect_left(starts, ends)
            states[:reach] = [SlotState.CLOSED] * reach
        if place.in_use_until is not None:
            reach = bisect_left(starts, place.in_use_until.timestamp())
            states[:reach] = [SlotState.TAKEN] * reach
        length = self._claimed
        done = 0
        for begin, end, is_closure in zip(*place.claims, strict=True):
            # What begins before the claim's end and ends after its begin; the first claim in the way counts.
            first = max(done, bisect_right(starts, begin - length))
            done = max(first, bisect_left(starts, end))
            if done > first:
                states[first:done] = [SlotState.CLOSED if is_closure else SlotState.TAKEN] * (done - first)
        for index, state in self._site_states:
            states[index] = state
        return states

    def first(self, place: Place) -> int | None:
        """The first start that is free; leaps over what is claimed."""
        if not self.policy.bookable or place.walk_in_only:
            return None
        starts, length = self.starts, self._claimed
        index = self._opening
        if place.in_use_until is not None:
            index = max(index, bisect_left(starts, place.in_use_until.timestamp()))
        if place.out_of_order:
            index = max(index, bisect_left(starts, (self.now + rules.OUT_OF_ORDER_FOR).timestamp()))
        blocked = self._blocked
        while index < len(starts):
            at = starts[index]
            claimed = place.claims.first(at, at + length)
            if claimed is not None:
                index = max(index + 1, bisect_left(starts, place.claims.ends[claimed]))
            elif blocked(index):
                index += 1
            else:
                return at
        return None

    @cached_property
    def _opening(self) -> int:
        """The first start that the site's rules allow; how many there are, where they allow none."""
        index = bisect_left(self.starts, rules.earliest(self.policy, self.now).timestamp())
        while index < len(self.starts) and self._blocked(index):
            index += 1
        return index

    @cached_property
    def _known(self) -> dict[int, bool]:
        return {}

    def _blocked(self, index: int) -> bool:
        """Whether the site's rules say no; asked only of starts that are looked at, once for all EVSEs."""
        known = self._known.get(index)
        if known is None:
            starts_at = moment(self.starts[index])
            known = self._known[index] = (
                rules.site_problem(self.policy, starts_at, starts_at + self.length, self.now) is not None
            )
        return known


def moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
