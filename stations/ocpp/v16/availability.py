"""StatusNotification (1.6 §4.9)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from stations import facts
from stations.models import State

STATES = {
    "Available": State.AVAILABLE,
    "Preparing": State.PREPARING,
    "Charging": State.CHARGING,
    "SuspendedEV": State.SUSPENDED_EV,
    "SuspendedEVSE": State.SUSPENDED_EVSE,
    "Finishing": State.FINISHING,
    "Reserved": State.RESERVED,
    "Unavailable": State.UNAVAILABLE,
    "Faulted": State.FAULTED,
}


def status_facts(payload: dict, received_at: datetime) -> Iterator[facts.Fact]:
    """Keeps the state of an EVSE, and what is wrong with it; drivers and operators see it at once."""
    # Connector 0 is the station as a whole; its EVSEs report for themselves.
    if payload["connectorId"] < 0:
        return
    error = payload["errorCode"]
    yield facts.Reported(
        payload["connectorId"],
        STATES[payload["status"]],
        received_at,
        error_code="" if error == "NoError" else error,
        vendor_error=payload.get("vendorErrorCode") or "",
        info=payload.get("info") or "",
    )
