"""Firmware (block L): FirmwareStatusNotification and PublishFirmwareStatusNotification."""

from __future__ import annotations

from stations.firmware import publications, updates
from stations.ocpp.routing import Incoming


def info_of(payload: dict) -> str:
    """2.1 says why, in a code and words of its own."""
    info = payload.get("statusInfo") or {}
    return " ".join(filter(None, [info.get("reasonCode"), info.get("additionalInfo")]))[:200]


def status_notification(incoming: Incoming) -> None:
    """Moves the update of its firmware on; a failure is an event."""
    payload = incoming.payload
    updates.report(
        station=incoming.station,
        status=payload["status"],
        request_id=payload.get("requestId"),
        received_at=incoming.received_at,
        info=info_of(payload),
    )


def publish_status(incoming: Incoming) -> None:
    """Moves on what a local controller publishes for its neighbours."""
    payload = incoming.payload
    publications.report(
        station=incoming.station,
        status=payload["status"],
        request_id=payload.get("requestId"),
        locations=payload.get("location") or [],
        received_at=incoming.received_at,
        info=info_of(payload),
    )
