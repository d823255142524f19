"""Id tokens at the charger: the card in a hand, the local list and the cache of earlier answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

ACCEPTED = "Accepted"


@dataclass(frozen=True)
class Token:
    """An id token; OCPP compares them without regard to case."""

    value: str
    type: str = "ISO14443"

    def same_as(self, other: Token | None) -> bool:
        return other is not None and self.value.casefold() == other.value.casefold()


@dataclass(frozen=True)
class Verdict:
    """What is known about a token: OCPP's status, its group (parent) and until when that holds."""

    status: str
    group: Token | None = None
    expires_at: datetime | None = None

    def at(self, now: datetime) -> Verdict:
        if self.expires_at and self.expires_at <= now and self.status == ACCEPTED:
            return Verdict("Expired", self.group, self.expires_at)
        return self

    @property
    def accepted(self) -> bool:
        return self.status == ACCEPTED


@dataclass
class TokenMemory:
    """The local authorisation list (sent by the portal) and the cache (learnt from its answers)."""

    list_version: int = 0
    listed: dict[str, Verdict] = field(default_factory=dict)
    cached: dict[str, Verdict] = field(default_factory=dict)

    def remember(self, token: Token, verdict: Verdict) -> None:
        self.cached[token.value.casefold()] = verdict

    def recall(self, token: Token, now: datetime) -> Verdict | None:
        """The list decides before the cache."""
        key = token.value.casefold()
        known = self.listed.get(key) or self.cached.get(key)
        return known.at(now) if known else None

    def forget(self, token: Token) -> None:
        """What was learnt about it; the list is the portal's own."""
        self.cached.pop(token.value.casefold(), None)

    def update_list(self, version: int, kind: str, entries: list[tuple[Token, Verdict | None]]) -> str:
        """Take a Full or Differential update; an entry without a verdict goes. Returns OCPP's status."""
        if kind == "Differential" and version <= self.list_version:
            return "VersionMismatch"
        if kind == "Full":
            self.listed = {}
        for token, verdict in entries:
            if verdict is None:
                self.listed.pop(token.value.casefold(), None)
            else:
                self.listed[token.value.casefold()] = verdict
        self.list_version = version
        return ACCEPTED
