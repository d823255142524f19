"""Until when a running session may charge: its own booking's end, the next booking's beginning. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum

#: Drivers are told so long before.
TELL_BEFORE = timedelta(minutes=10)
#: Who comes just before a place has to be free may stay so long at least, if that is before it is kept.
LEAST = timedelta(minutes=5)
#: A stop that has not worked is asked for again after so long, and so often at most.
AGAIN, MOST_TRIES = timedelta(minutes=1), 10


class Why(StrEnum):
    """In the words of `StopTime.Why`."""

    NEXT = "next"
    END = "end"
    FEE = "fee"


@dataclass(frozen=True)
class Own:
    """The booking that the session uses."""

    ends_at: datetime
    late_stop_minutes: int
    late_stop_fee: Decimal

    @property
    def late_from(self) -> datetime:
        return self.ends_at + timedelta(minutes=self.late_stop_minutes)


@dataclass(frozen=True)
class Next:
    """The booking after it: from `opens_at` the place is kept, and so long before it must be free."""

    opens_at: datetime
    buffer: timedelta = timedelta(0)


@dataclass(frozen=True)
class Plan:
    at: datetime
    why: Why


def plan(*, started_at: datetime, own: Own | None, following: Next | None) -> Plan | None:
    """When the session is stopped, or with `FEE` begins to cost more; None: as long as it likes."""
    found = []
    if following is not None:
        at = make_room_at(started_at, following)
        # Whoever has booked the time has it to its end.
        found.append(Plan(max(at, own.ends_at) if own else at, Why.NEXT))
    if own is not None:
        found.append(Plan(own.late_from, Why.FEE if own.late_stop_fee else Why.END))
    if not found:
        return None
    # Where both come together, the place is needed: a fee buys no time that is another driver's.
    return min(found, key=lambda one: (one.at, one.why is not Why.NEXT))


def make_room_at(started_at: datetime, following: Next) -> datetime:
    """The buffer before the place is kept; who begins in the buffer gets a few minutes, if there are."""
    wanted = following.opens_at - following.buffer
    return wanted if started_at + LEAST <= wanted else min(started_at + LEAST, following.opens_at)


def is_to_tell(at: datetime, told_of: datetime | None, now: datetime) -> bool:
    return now >= at - TELL_BEFORE and told_of != at


def is_to_stop(plan: Plan, *, asked_at: datetime | None, tries: int, now: datetime) -> bool:
    """Whether the charger is asked now; again where it has been, and the session still runs."""
    if plan.why is Why.FEE or now < plan.at or tries >= MOST_TRIES:
        return False
    return asked_at is None or asked_at < plan.at or now - asked_at >= AGAIN


def is_overrun(plan: Plan, *, opens_at: datetime, stop_failed: bool, now: datetime) -> bool:
    """Whether the next driver has to be warned: the place is in use when it should be kept, or will be.

    A stop that was asked for just now gets a moment to work.
    """
    return plan.why is Why.NEXT and (now >= max(opens_at, plan.at + AGAIN) or stop_failed)


def late_minutes(late_from: datetime, stopped_at: datetime) -> int:
    """Minutes begun after the end and what is allowed after it."""
    seconds = Decimal(max(0.0, (stopped_at - late_from).total_seconds()))
    return int((seconds / 60).to_integral_value(ROUND_CEILING))


def late_fee(*, fee: Decimal, per: str, minutes: int) -> Decimal:
    """What charging on so long costs, tax included."""
    if not minutes:
        return Decimal(0)
    return fee * minutes if per == "minute" else fee
