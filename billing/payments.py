"""A payment's life: the table of legal steps, and what the provider's word means for us. Pure; no Django.

The provider's news come late, twice and in any order, so a state only ever moves along this table.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """As `Payment.State`; kept here too so that the table needs no database."""

    NEW = "new"
    NEEDS_ACTION = "needs_action"
    HELD = "held"
    CAPTURING = "capturing"
    CAPTURED = "captured"
    RELEASING = "releasing"
    RELEASED = "released"
    FAILED = "failed"


S = State

LEGAL: dict[State, frozenset[State]] = {
    S.NEW: frozenset({S.NEEDS_ACTION, S.HELD, S.FAILED, S.RELEASING, S.RELEASED, S.CAPTURED}),
    S.NEEDS_ACTION: frozenset({S.HELD, S.FAILED, S.RELEASING, S.RELEASED, S.CAPTURED}),
    # A hold may end without us: it expires, or somebody acts in the provider's dashboard.
    S.HELD: frozenset({S.CAPTURING, S.RELEASING, S.RELEASED, S.CAPTURED}),
    S.CAPTURING: frozenset({S.CAPTURED, S.RELEASED}),
    S.RELEASING: frozenset({S.RELEASED, S.CAPTURED}),
    S.CAPTURED: frozenset(),
    S.RELEASED: frozenset(),
    S.FAILED: frozenset(),
}

FINAL = frozenset(state for state, following in LEGAL.items() if not following)


def may(now: str, then: str) -> bool:
    """Whether a payment may go from one state to the other."""
    return State(then) in LEGAL[State(now)]


def meaning(status: str, *, refused: bool = False) -> State | None:
    """Our state for a PaymentIntent's status; None while it says nothing yet.

    `refused`: the intent carries an error of its last attempt. Without one, `requires_payment_method` is
    simply how an intent begins.
    """
    match status:
        case "requires_payment_method":
            return S.FAILED if refused else None
        case "requires_action":
            return S.NEEDS_ACTION
        case "requires_capture":
            return S.HELD
        case "succeeded":
            return S.CAPTURED
        case "canceled":
            return S.RELEASED
    return None


def after_news(now: str, status: str, *, refused: bool = False) -> State | None:
    """The state to move to on reading this intent, or None to stay: never back, never sideways."""
    news = meaning(status, refused=refused)
    if news is None or news == now or not may(now, news):
        return None
    return news


def may_refund(amount, captured, refunded) -> bool:
    return 0 < amount <= captured - refunded
