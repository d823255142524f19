"""Places kept for a token (OCPP ReserveNow)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .tokens import Token


@dataclass(frozen=True)
class Reservation:
    """EVSE `evse` is kept for `token`, or anyone of its `group`, until `expires_at`."""

    id: int
    evse: int
    token: Token
    group: Token | None
    expires_at: datetime

    def admits(self, token: Token, group: Token | None) -> bool:
        return self.token.same_as(token) or bool(self.group and self.group.same_as(group))


class Reservations:
    """At most one per EVSE."""

    def __init__(self) -> None:
        self._all: dict[int, Reservation] = {}

    def add(self, reservation: Reservation) -> None:
        """A known id is replaced, as the portal changes a reservation by sending it again."""
        self._all[reservation.id] = reservation

    def get(self, id: int) -> Reservation | None:
        return self._all.get(id)

    def remove(self, id: int) -> Reservation | None:
        return self._all.pop(id, None)

    def holding(self, evse: int) -> Reservation | None:
        return next((held for held in self._all.values() if held.evse == evse), None)

    def redeem(self, evse: int, token: Token, group: Token | None) -> Reservation | None:
        """Take the reservation on `evse` that `token` came for; it is used up."""
        held = self.holding(evse)
        return self.remove(held.id) if held and held.admits(token, group) else None

    def expired(self, now: datetime) -> list[Reservation]:
        return [held for held in self._all.values() if held.expires_at <= now]
