"""Smart charging (2.0.1 block K): profiles at the station, limits by others, what cars need."""

from __future__ import annotations

from stations import charging_needs
from stations.charging_profiles import answers
from stations.ocpp.routing import Incoming


def report_profiles(incoming: Incoming) -> None:
    """Keeps what profiles the charger holds, part by part."""
    answers.reported(station=incoming.station, payload=incoming.payload, now=incoming.received_at)


def charging_limit(incoming: Incoming) -> None:
    """Keeps that somebody else limits the charger, and by how much (K11, K12)."""
    answers.limited_by_others(station=incoming.station, payload=incoming.payload, now=incoming.received_at)


def charging_limit_cleared(incoming: Incoming) -> None:
    """Keeps that somebody else’s limit is gone (K13)."""
    answers.freed_by_others(station=incoming.station, payload=incoming.payload, now=incoming.received_at)


def ev_needs(incoming: Incoming) -> dict:
    """Keeps what the car needs, and has it sent the profile that the answer promises (K15)."""
    status = charging_needs.notified(
        station=incoming.station,
        version=incoming.version,
        payload=incoming.payload,
        received_at=incoming.received_at,
    )
    return _status(status)


def ev_schedule(incoming: Incoming) -> dict:
    """Keeps what the car means to draw within its limit (K17)."""
    status = charging_needs.planned(
        station=incoming.station, payload=incoming.payload, received_at=incoming.received_at
    )
    return _status(status)


def _status(status: str) -> dict:
    if status != charging_needs.REJECTED:
        return {"status": status}
    info = {"reasonCode": "TxNotFound", "additionalInfo": "No session is known to run at this EVSE."}
    return {"status": status, "statusInfo": info}
