"""What becomes of a subscription: its states, when its plan counts, and what a period includes. Pure.

The provider's word is the truth about a subscription. Ours are fewer:

incomplete  the driver is on the provider's page; nothing is paid
active      paid for the current period
cancelling  active, and ends with a period
past_due    a renewal was not paid; the plan counts through the days of grace
ended       over, or never begun; final
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction

from billing.pricing.totals import to_decimal


class State(StrEnum):
    INCOMPLETE = "incomplete"
    ACTIVE = "active"
    CANCELLING = "cancelling"
    PAST_DUE = "past_due"
    ENDED = "ended"


#: The provider's states in ours; what it has no name for yet is no reason to charge other prices.
_STATES = {
    "incomplete": State.INCOMPLETE,
    "incomplete_expired": State.ENDED,
    "trialing": State.ACTIVE,
    "active": State.ACTIVE,
    "past_due": State.PAST_DUE,
    "unpaid": State.PAST_DUE,
    "paused": State.PAST_DUE,
    "canceled": State.ENDED,
}

RUNNING = frozenset({State.ACTIVE, State.CANCELLING, State.PAST_DUE})

#: From → to. Staying is always legal.
MOVES: dict[State, frozenset[State]] = {
    State.INCOMPLETE: frozenset({State.ACTIVE, State.CANCELLING, State.PAST_DUE, State.ENDED}),
    State.ACTIVE: frozenset({State.CANCELLING, State.PAST_DUE, State.ENDED}),
    State.CANCELLING: frozenset({State.ACTIVE, State.PAST_DUE, State.ENDED}),
    State.PAST_DUE: frozenset({State.ACTIVE, State.CANCELLING, State.ENDED}),
    State.ENDED: frozenset(),
}


def state_of(status: str, *, ends: bool) -> State:
    """Our state for the provider's; `ends`: it was canceled for the end of a period."""
    found = _STATES.get(status, State.ACTIVE)
    return State.CANCELLING if found is State.ACTIVE and ends else found


def may_move(before: State, after: State) -> bool:
    return before == after or after in MOVES[before]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a subscription when somebody asks for its prices."""

    state: State
    started_at: datetime | None
    #: Until when it was canceled to last.
    ends_at: datetime | None = None
    ended_at: datetime | None = None
    past_due_since: datetime | None = None
    grace: timedelta = timedelta(0)


def counts(facts: Facts, at: datetime) -> bool:
    """Whether a charge that begins then is charged by the plan."""
    if facts.state == State.INCOMPLETE or facts.started_at is None or at < facts.started_at:
        return False
    if facts.ended_at is not None and at >= facts.ended_at:
        return False
    if facts.ends_at is not None and at >= facts.ends_at:
        return False
    if facts.past_due_since is not None:
        return at < facts.past_due_since + facts.grace
    return facts.state != State.ENDED or facts.ended_at is not None


def ends_at(
    *, period_start: datetime, period_end: datetime, started_at: datetime, least_months: int
) -> datetime:
    """When a subscription ends that is canceled now: with this period, or later if it is bound longer."""
    return first_renewal(
        period_start=period_start, period_end=period_end, not_before=_months_after(started_at, least_months)
    )


def first_renewal(*, period_start: datetime, period_end: datetime, not_before: datetime) -> datetime:
    """The first end of a period that is not before this moment."""
    found, months = period_end, 1
    while found < not_before:
        months += 1
        found = _months_after(period_start, months)
    return found


def _months_after(at: datetime, months: int) -> datetime:
    """Months keep the day where the month has it, as the provider counts."""
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    first = at.replace(year=year, month=month + 1, day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return first.replace(day=min(at.day, (following - timedelta(days=1)).day))


def included_after_switch(
    *, old_wh: Decimal, new_wh: Decimal, used_wh: Decimal, start: datetime, at: datetime, end: datetime
) -> Decimal:
    """What a period includes in which the plan was switched: of each plan its share of the time, to the Wh.

    Never less than was used of it already.
    """
    left = Fraction((end - at) // timedelta(seconds=1), max((end - start) // timedelta(seconds=1), 1))
    left = min(max(left, Fraction(0)), Fraction(1))
    exact = Fraction(old_wh) * (1 - left) + Fraction(new_wh) * left
    return max(to_decimal(exact).quantize(Decimal(1), ROUND_HALF_UP), used_wh)
