"""May this token start here now? Values in, a `Decision` out; no database, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class Verdict(StrEnum):
    """OCPP 2.x AuthorizationStatusEnumType; 1.6 knows the first five (its spelling is the same)."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT_TX = "ConcurrentTx"
    NOT_AT_THIS_LOCATION = "NotAtThisLocation"
    NOT_AT_THIS_TIME = "NotAtThisTime"
    UNKNOWN = "Unknown"


#: A reader that knows both kinds of card names whichever it likes.
CARDS = frozenset({"ISO14443", "ISO15693"})


def same_type(known: str, said: str) -> bool:
    """Whether the station may mean this token: a card's number typed into a key pad is not the card."""
    return not said or not known or known == said or {known, said} <= CARDS


def spellings(token: str, kind: str) -> tuple[str, ...]:
    """How the token may have been entered: a contract's number goes with and without its hyphens."""
    bare = token.replace("-", "")
    return (token, bare) if kind == "eMAID" and bare != token else (token,)


@dataclass(frozen=True)
class Token:
    """What is known of a token; `status` in the words of `IdToken.Status`.

    `status_since` and `status_before` tell what held earlier, for starts that are reported late.
    `sites` and `evses` (primary keys) limit where it may be used; both empty: everywhere.
    """

    token: str
    status: str = "accepted"
    expires_at: datetime | None = None
    group: str = ""
    user_id: int | None = None
    type: str = ""
    status_since: datetime | None = None
    status_before: str = ""
    concurrent_allowed: bool = False
    is_master: bool = False
    sites: frozenset[int] = frozenset()
    evses: frozenset[int] = frozenset()
    language: str = ""
    second_language: str = ""
    priority: int = 0
    message: str = ""

    def as_of(self, moment: datetime) -> Token:
        """The token as it was at that moment, as far back as is remembered."""
        if self.status_since is None or moment >= self.status_since or not self.status_before:
            return self
        return replace(self, status=self.status_before)

    def is_for_place(self, place: Place | None) -> bool:
        if place is None or not (self.sites or self.evses):
            return True
        return place.site_id in self.sites or place.evse_id in self.evses

    def is_known_to(self, other: Token) -> bool:
        """The same token, another one of the same driver, or one of the same group."""
        return (
            self.token.upper() == other.token.upper()
            or (self.user_id is not None and self.user_id == other.user_id)
            or bool(self.group and self.group.upper() in (other.group.upper(), other.token.upper()))
            or bool(other.group and other.group.upper() == self.token.upper())
        )


@dataclass(frozen=True)
class Place:
    """Where the token is shown."""

    site_id: int
    evse_id: int


@dataclass(frozen=True)
class Keeping:
    """An EVSE is being kept for somebody until `ends_at`."""

    token: str
    group: str
    user_id: int | None
    ends_at: datetime
    #: The group that the station keeps it for, as it was told.
    wire_group: str = ""

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
    token: Token | None = None
    #: EVSE numbers where an accepted token may charge; empty: on all of the station's.
    evse_numbers: tuple[int, ...] = ()
    #: A finished or running session that the station started while it could not ask.
    is_late: bool = False

    @property
    def allowed(self) -> bool:
        return self.verdict is Verdict.ACCEPTED


def may_charge(token: Token | None, *, now: datetime) -> Decision:
    """Whether the token is good at all, wherever it is used."""
    if token is None:
        return Decision(Verdict.INVALID, "This card is not known here.")
    if token.status == "blocked":
        return Decision(Verdict.BLOCKED, "This card is blocked.", token.group, token)
    if token.status == "expired" or (token.expires_at is not None and token.expires_at <= now):
        return Decision(Verdict.EXPIRED, "This card has expired.", token.group, token)
    if token.status != "accepted":
        return Decision(Verdict.INVALID, "This card is not valid.", token.group, token)
    return Decision(Verdict.ACCEPTED, "", token.group, token)


def may_start(
    token: Token | None,
    *,
    now: datetime,
    keepings: Iterable[Keeping] = (),
    charging_elsewhere: bool = False,
    place: Place | None = None,
) -> Decision:
    """Whether the token may start on one EVSE, which `keepings` keep for somebody."""
    decision, keepings = may_charge(token, now=now), list(keepings)
    if not decision.allowed or token is None:
        return decision
    if token.is_master:
        return replace(
            decision, verdict=Verdict.INVALID, reason="This card stops sessions; it can't start one."
        )
    if not token.is_for_place(place):
        return replace(
            decision, verdict=Verdict.NOT_AT_THIS_LOCATION, reason="This card is not for this charger."
        )
    kept = next(
        (keeping for keeping in keepings if keeping.ends_at > now and not keeping.is_for(token)), None
    )
    if kept is not None:
        return replace(
            decision, verdict=Verdict.NOT_AT_THIS_TIME, reason="Somebody else has booked this place now."
        )
    if charging_elsewhere and not token.concurrent_allowed:
        return replace(
            decision, verdict=Verdict.CONCURRENT_TX, reason="This card is already charging elsewhere."
        )
    own = next((keeping for keeping in keepings if keeping.ends_at > now and keeping.wire_group), None)
    if own is not None and own.token.upper() != token.token.upper():
        # A station that keeps the place itself lets in who comes with the group that it was told.
        return replace(decision, group=own.wire_group)
    return decision


def may_have_started(token: Token | None, *, started_at: datetime, place: Place | None = None) -> Decision:
    """A start that comes out of a station's offline queue: what held when it happened counts.

    Whether the place was kept for somebody, or the card in use elsewhere, the station could not know; the
    energy has flowed to a card that was good.
    """
    then = token.as_of(started_at) if token is not None else None
    return replace(may_start(then, now=started_at, place=place), is_late=True)


def may_stop(stopper: Token | None, token: Token | None) -> bool:
    """Whether the one who stopped a session had a part in it: its own card, driver or group, or a master."""
    if stopper is None:
        return False
    return stopper.is_master or (token is not None and stopper.is_known_to(token))


#: A start reported so long after it happened comes out of an offline queue, where the station doesn't say so.
LATE = timedelta(minutes=10)


def is_late(
    *,
    says_offline: bool,
    started_at: datetime,
    received_at: datetime,
    connected_at: datetime | None = None,
) -> bool:
    """Whether the station started this without being able to ask.

    1.6 has no word for it. What it says began since it has been connected did not begin offline: then only
    its clock is slow, and that must not get anybody past a booking.
    """
    if says_offline:
        return True
    is_old = received_at - started_at > LATE
    return is_old and (connected_at is None or started_at < connected_at)
