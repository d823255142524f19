"""What was seen to happen after a command: an answer only says what the charger means to do. No database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_noop as _

STARTS = ("RemoteStartTransaction", "RequestStartTransaction")
STOPS = ("RemoteStopTransaction", "RequestStopTransaction")


@dataclass(frozen=True)
class Facts:
    """What is known of the station after the command was made."""

    started_at: datetime | None = None
    stopped_at: datetime | None = None
    booted_at: datetime | None = None
    state: str = ""
    state_since: datetime | None = None
    #: When a message of the kind that was asked for came.
    triggered_at: datetime | None = None


@dataclass(frozen=True)
class Effect:
    """`at` None: not seen yet."""

    words: str
    at: datetime | None = None


def expected(action: str) -> bool:
    """Whether the action has an effect that the portal can see by itself."""
    return action in (*STARTS, *STOPS, "Reset", "ChangeAvailability", "TriggerMessage")


def observed(action: str, payload: dict, facts: Facts) -> Effect | None:
    """What was seen, or what is being waited for; None where there is nothing to see."""
    if action in STARTS:
        return _seen(facts.started_at, _("A session has started"), _("Waiting for the session to start"))
    if action in STOPS:
        return _seen(facts.stopped_at, _("The session has ended"), _("Waiting for the session to end"))
    if action == "Reset":
        return _seen(facts.booted_at, _("The charger has restarted"), _("Waiting for the charger to restart"))
    if action == "TriggerMessage":
        return _seen(facts.triggered_at, _("The message came"), _("Waiting for the message"))
    if action == "ChangeAvailability":
        inoperative = "Inoperative" in (payload.get("type"), payload.get("operationalStatus"))
        there = facts.state == "unavailable" if inoperative else facts.state not in ("", "unavailable")
        done = _("It is out of service now") if inoperative else _("It is in service")
        return _seen(
            facts.state_since if there else None, done, _("Waiting for the charger to report its new state")
        )
    return None


def _seen(at: datetime | None, seen: str, waiting: str) -> Effect:
    return Effect(seen, at) if at else Effect(waiting)
