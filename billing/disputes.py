"""A dispute's life: the table of its states, and what each has done to the money. Pure; no Django.

News come late, twice and in any order, so a state only ever moves along this table.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum


class Status(StrEnum):
    """As `Dispute.Status`, the provider's words."""

    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    PREVENTED = "prevented"


S = Status
_ENDS = frozenset({S.WON, S.LOST, S.PREVENTED})

LEGAL: dict[Status, frozenset[Status]] = {
    # An inquiry may become a dispute proper, also after it was closed.
    S.WARNING_NEEDS_RESPONSE: _ENDS
    | {S.WARNING_UNDER_REVIEW, S.WARNING_CLOSED, S.NEEDS_RESPONSE, S.UNDER_REVIEW},
    S.WARNING_UNDER_REVIEW: _ENDS | {S.WARNING_CLOSED, S.NEEDS_RESPONSE, S.UNDER_REVIEW},
    S.WARNING_CLOSED: _ENDS | {S.NEEDS_RESPONSE, S.UNDER_REVIEW},
    S.NEEDS_RESPONSE: _ENDS | {S.UNDER_REVIEW},
    S.UNDER_REVIEW: _ENDS,
    S.WON: frozenset(),
    S.LOST: frozenset(),
    S.PREVENTED: frozenset(),
}

#: When these are reached, nobody answers any more.
CLOSED = _ENDS | {S.WARNING_CLOSED}


def after_news(now: str, status: str) -> Status | None:
    """The state to move to on hearing this, or None to stay. An unknown word of the provider's is no news."""
    try:
        then = Status(status)
    except ValueError:
        return None
    return then if then in LEGAL[Status(now)] else None


def lost(status: str, movements: Iterable[Decimal]) -> Decimal:
    """What a lost dispute has cost: all that was withdrawn and not given back (movements are signed)."""
    gone = -sum(movements, Decimal(0))
    return max(gone, Decimal(0)) if status == S.LOST else Decimal(0)
