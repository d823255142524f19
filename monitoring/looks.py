"""How a state looks on operators' screens: one of the design system's looks, and how bad it is."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from stations.models import Evse, State

LOOKS: dict[str, str] = {
    State.UNKNOWN: "unknown",
    State.AVAILABLE: "available",
    State.PREPARING: "preparing",
    State.OCCUPIED: "preparing",
    State.CHARGING: "charging",
    State.SUSPENDED_EV: "preparing",
    State.SUSPENDED_EVSE: "preparing",
    # The car is done and still in the way, or the place is closed: somebody may have to act.
    State.FINISHING: "attention",
    State.UNAVAILABLE: "attention",
    State.RESERVED: "reserved",
    State.FAULTED: "faulted",
}

#: Worst first.
ORDER = ("faulted", "offline", "attention", "unknown", "reserved", "preparing", "charging", "available")

WORDS = {
    "faulted": _("Faulted"),
    "offline": _("Offline"),
    "attention": _("Needs attention"),
    "unknown": _("Unknown"),
    "reserved": _("Reserved"),
    "preparing": _("Plugged in"),
    "charging": _("Charging"),
    "available": _("Available"),
}

#: Which states a look stands for, to filter rows by look.
STATES = {look: [state for state, its in LOOKS.items() if its == look] for look in ORDER if look != "offline"}


def look(state: str, *, is_online: bool) -> str:
    """A silent station's last word is worth nothing, so it looks offline whatever it said."""
    return LOOKS[state] if is_online else "offline"


def word(state: str, *, is_online: bool) -> str:
    return str(State(state).label if is_online else WORDS["offline"])


def look_of(evse: Evse) -> str:
    return look(evse.state, is_online=evse.station.is_online)


def word_of(evse: Evse) -> str:
    return word(evse.state, is_online=evse.station.is_online)


def worst(looks) -> str:
    return min(looks, key=ORDER.index, default="unknown")
