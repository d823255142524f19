"""When a charger that is down costs a booking its place: values in, values out; no database, no clock.

Most faults clear by themselves, and a socket that is lost is mostly back within a minute. So nobody is moved
for what has not lasted, and whoever comes much later is left where they are: by then it may be mended. Nearer
to the slot a booking moves as soon as there is somewhere to go, and only when the driver would soon set out
for a charger that can't serve is it given up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MINUTE = timedelta(minutes=1)


class Trouble(StrEnum):
    FAULTED = "faulted"
    UNAVAILABLE = "unavailable"
    OFFLINE = "offline"


class Step(StrEnum):
    """What to do with one booking now."""

    WAIT = "wait"
    #: If an equivalent EVSE is free; else wait.
    MOVE = "move"
    #: If an equivalent EVSE is free; else it is cancelled.
    MOVE_OR_CANCEL = "move or cancel"


@dataclass(frozen=True)
class Patience:
    """How long trouble must have lasted, and how long before the slot something is done about it."""

    lasting: timedelta
    move_within: timedelta
    cancel_within: timedelta


PATIENCE = {
    Trouble.FAULTED: Patience(3 * MINUTE, 45 * MINUTE, 15 * MINUTE),
    Trouble.UNAVAILABLE: Patience(3 * MINUTE, 45 * MINUTE, 15 * MINUTE),
    # It may well charge while it can't be reached, and often is back before anybody stands there.
    Trouble.OFFLINE: Patience(5 * MINUTE, 30 * MINUTE, 5 * MINUTE),
}
#: Beyond this nothing needs to be looked at.
REACH = max(each.move_within for each in PATIENCE.values())


def step(*, trouble: Trouble, since: datetime, starts_at: datetime, now: datetime) -> Step:
    """What becomes of a booking whose EVSE has been in trouble since then; one that has begun is nearest."""
    patience = PATIENCE[trouble]
    if now - since < patience.lasting:
        return Step.WAIT
    if starts_at - now <= patience.cancel_within:
        return Step.MOVE_OR_CANCEL
    return Step.MOVE if starts_at - now <= patience.move_within else Step.WAIT


def trouble(
    *,
    state: str,
    state_since: datetime | None,
    station_state: str,
    station_since: datetime | None,
    is_online: bool,
    offline_since: datetime | None,
    listening_since: datetime | None,
    now: datetime,
) -> tuple[Trouble, datetime] | None:
    """What keeps an EVSE from serving, and since when; None where nothing that we know of does.

    `listening_since`: since when chargers could reach us at all. While none could, none is offline by its own
    fault; and what a silent charger said last says nothing about now.
    """
    if not is_online:
        if listening_since is None:
            return None
        return Trouble.OFFLINE, max(offline_since or listening_since, listening_since)
    found = [
        (Trouble(said), since or now)
        for said, since in ((state, state_since), (station_state, station_since))
        if said in (Trouble.FAULTED, Trouble.UNAVAILABLE)
    ]
    return min(found, key=lambda each: each[1]) if found else None
