"""What was seen of an EVSE, as a history of its condition, and the outages in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring.uptime.formulas import FAULTED, OFFLINE, OUT_OF_SERVICE, Down

UP = "up"
CONDITIONS = (UP, OFFLINE, FAULTED, OUT_OF_SERVICE)
#: States (stations.models.State) in which an EVSE can't dispense; in every other it is available or in use.
DOWN = {"faulted": FAULTED, "unavailable": OUT_OF_SERVICE}
TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Facts:
    """What the rows of an EVSE and its station say now."""

    is_online: bool
    connected_at: datetime | None
    disconnected_at: datetime | None
    state: str
    state_since: datetime | None
    #: The station's own, where it said one.
    station_state: str = ""
    station_state_since: datetime | None = None


@dataclass(frozen=True)
class Seen:
    at: datetime
    condition: str


def news(facts: Facts, last: Seen | None, now: datetime) -> list[Seen]:
    """What has to be added to the history, in order; nothing where it says so already.

    A station that came and went between two looks left the moments on its row, so neither is missed.
    """
    if facts.connected_at is None:
        return []  # Never connected: it isn't in use yet.
    found: list[Seen] = []

    def add(condition: str, at: datetime | None) -> None:
        before = found[-1] if found else last
        if before is not None and before.condition == condition:
            return
        at = min(at or now, now)
        found.append(Seen(at if before is None else max(at, before.at + TICK), condition))

    went, came = facts.disconnected_at, facts.connected_at
    condition, since = _condition(facts)
    if facts.is_online:
        if last is not None and last.condition != OFFLINE and went and last.at < went < came:
            add(OFFLINE, went)
        came_back = (found[-1] if found else last) is None or (
            found[-1] if found else last
        ).condition == OFFLINE
        add(condition, max(filter(None, [came if came_back else None, since]), default=came))
    else:
        if last is not None and last.condition == OFFLINE and went and last.at < came < went:
            add(UP, came)
        if last is None and went and came < went:
            add(UP, came)
        add(OFFLINE, went)
    return found


def _condition(facts: Facts) -> tuple[str, datetime | None]:
    if facts.station_state in DOWN:
        return DOWN[facts.station_state], facts.station_state_since
    since = max(filter(None, [facts.state_since, facts.station_state_since]), default=None)
    return DOWN.get(facts.state, UP), since


def outages(history: Iterable[Seen]) -> list[Down]:
    """Each stretch of one condition that is not `up`; the last one may still go on."""
    found: list[Down] = []
    began: Seen | None = None
    for seen in sorted(history, key=lambda each: each.at):
        if began is not None and seen.condition != began.condition:
            found.append(Down(began.at, seen.at, began.condition))
            began = None
        if began is None and seen.condition != UP:
            began = seen
    if began is not None:
        found.append(Down(began.at, None, began.condition))
    return found
