"""StatusNotification (2.0.1 block G)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from stations import facts
from stations.models import State

#: What a station says of a connector, an EVSE or itself.
STATES = {
    "Available": State.AVAILABLE,
    "Occupied": State.OCCUPIED,
    "Reserved": State.RESERVED,
    "Unavailable": State.UNAVAILABLE,
    "Faulted": State.FAULTED,
}


def status_facts(payload: dict, received_at: datetime) -> Iterator[facts.Fact]:
    """Keeps the state of an EVSE, and what is wrong with it; drivers and operators see it at once."""
    if payload["evseId"] > 0:
        yield facts.Reported(payload["evseId"], STATES[payload["connectorStatus"]], received_at)
