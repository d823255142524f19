"""May this token start here now? Values in, a `Decision` out; no database, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """OCPP 2.x AuthorizationStatusEnumType; 1.6 knows the first five (its spelling is the same)."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT_TX = "ConcurrentTx"
    NOT_AT_THIS_TIME = "NotAtThisTime"
    UNKNOWN = "Unknown"


@dataclass(frozen=True)
class Token:
    """What is known of a token; `status` in the words of `IdToken.Status`."""

    token: str
    status: str = "accepted"
    expires_at: datetime | None = None
    group: str = ""
    user_id: int | None = None


@dataclass(frozen=True)
class Keeping:
    """An EVSE is being kept for somebody until `ends_at`."""

    token: str
    group: str
    user_id: int | None
    ends_at: datetime

    def is_for(self, token: Token) -> bool:
        """The token itself, another token of the same driver, or one of the same group."""
        return (
            token.token.upper() == self.token.upper()
            or (self.user_id is not None and token.user_id == self.user_id)
            or bool(self.group and self.group.upper() in (token.group.upper(), token.token.upper()))
        )


@dataclass(frozen=True)
class Decision:
    """The answer to a charger, and the same in words for people."""

    verdict: Verdict
    reason: str = ""
    group: str = ""

    @property
    def allowed(self) -> bool:
        return self.verdict is Verdict.ACCEPTED


def may_charge(token: Token | None, *, now: datetime) -> Decision:
    """Whether the token is good at all, wherever it is used."""
    if token is None:
        return Decision(Verdict.INVALID, "This card is not known here.")
    if token.status == "blocked":
        return Decision(Verdict.BLOCKED, "This card is blocked.", token.group)
    if token.status == "expired" or (token.expires_at is not None and token.expires_at <= now):
        return Decision(Verdict.EXPIRED, "This card has expired.", token.group)
    if token.status != "accepted":
        return Decision(Verdict.INVALID, "This card is not valid.", token.group)
    return Decision(Verdict.ACCEPTED, group=token.group)


def may_start(
    token: Token | None, *, now: datetime, keepings: Iterable[Keeping] = (), charging_elsewhere: bool = False
) -> Decision:
    """Whether the token may start on one EVSE, which `keepings` keep for somebody."""
    decision = may_charge(token, now=now)
    if not decision.allowed or token is None:
        return decision
    kept = next(
        (keeping for keeping in keepings if keeping.ends_at > now and not keeping.is_for(token)), None
    )
    if kept is not None:
        return Decision(Verdict.NOT_AT_THIS_TIME, "Somebody else has booked this place now.", token.group)
    if charging_elsewhere:
        return Decision(Verdict.CONCURRENT_TX, "This card is already charging elsewhere.", token.group)
    return decision
