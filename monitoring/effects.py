"""What was seen to happen after a command: an answer only says what the charger means to do. No database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext_noop as _

STARTS = ("RemoteStartTransaction", "RequestStartTransaction")
#: A charger that said yes and did not start within this will not any more: nobody plugged in.
START_WITHIN = timedelta(minutes=3)
TRIGGERS = ("TriggerMessage", "ExtendedTriggerMessage")
STOPS = ("RemoteStopTransaction", "RequestStopTransaction")


#: Which message comes when it is asked for under another name.
COMES_AS = {
    "SignChargePointCertificate": "SignCertificate",
    "SignChargingStationCertificate": "SignCertificate",
    "SignCombinedCertificate": "SignCertificate",
    "SignV2G20Certificate": "SignCertificate",
    "SignV2GCertificate": "SignCertificate",
}


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
    #: How long ago the charger said that it will.
    promised: timedelta = timedelta()


@dataclass(frozen=True)
class Effect:
    """`at` None: not seen yet; `failed`: it won't be seen any more."""

    words: str
    at: datetime | None = None
    failed: bool = False

    @property
    def is_over(self) -> bool:
        return self.at is not None or self.failed


def expected(action: str) -> bool:
    """Whether the action has an effect that the portal can see by itself."""
    return action in (*STARTS, *STOPS, "Reset", "ChangeAvailability", *TRIGGERS)


def observed(action: str, payload: dict, facts: Facts) -> Effect | None:
    """What was seen, or what is being waited for; None where there is nothing to see."""
    if action in STARTS:
        if facts.started_at is None and facts.promised > START_WITHIN:
            return Effect(_("It did not start: nobody plugged in, or the car did not answer"), failed=True)
        return _seen(facts.started_at, _("A session has started"), _("Waiting for the session to start"))
    if action in STOPS:
        return _seen(facts.stopped_at, _("The session has ended"), _("Waiting for the session to end"))
    if action == "Reset":
        return _seen(facts.booted_at, _("The charger has restarted"), _("Waiting for the charger to restart"))
    if action in TRIGGERS:
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
