"""A place kept at a station: what its answers mean, and when it has to be told again. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

#: A station that did not answer is asked again after so long.
SILENT_FOR = timedelta(minutes=5)


class Trouble(StrEnum):
    """Why the portal alone keeps a place; words for people are in `stations.models.reservation`."""

    NONE = ""
    OFFLINE = "offline"
    UNABLE = "unable"
    REFUSED = "refused"
    SILENT = "silent"
    DROPPED = "dropped"


class Outcome(NamedTuple):
    """What became of a ReserveNow; `said` is the station's own word."""

    trouble: Trouble
    said: str = ""


#: 2.x and 1.6 have no status for "I can't do that": stations answer with an error instead.
UNABLE_CODES = frozenset({"NotImplemented", "NotSupported"})


def outcome(*, status: str, response: dict | None, error_code: str) -> Outcome:
    """`status` in the words of `Command.Status`; the station's answer or error as it came."""
    if status == "answered":
        said = str((response or {}).get("status", ""))[:40]
        return Outcome(Trouble.NONE if said == "Accepted" else Trouble.REFUSED, said)
    if status == "offline":
        return Outcome(Trouble.OFFLINE)
    if status == "error":
        return Outcome(Trouble.UNABLE if error_code in UNABLE_CODES else Trouble.REFUSED, error_code[:40])
    return Outcome(Trouble.SILENT)


def tell_again(
    *,
    trouble: str,
    asked_at: datetime,
    answered_at: datetime | None,
    connected_at: datetime | None,
    booted_at: datetime | None,
    free_since: datetime | None,
    now: datetime,
) -> bool:
    """Whether a station that was asked to keep a place has to be asked again; the same id replaces the first.

    `free_since`: since when the EVSE says that it is free, None while it doesn't.
    """
    came_back = any(at is not None and at > asked_at for at in (connected_at, booted_at))
    if came_back:
        # It may have forgotten, or could not be asked.
        return True
    ended_at = answered_at or asked_at
    if trouble == Trouble.SILENT:
        return now - ended_at >= SILENT_FOR
    if trouble == Trouble.REFUSED:
        return free_since is not None and free_since > ended_at
    return False
