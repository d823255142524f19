"""FirmwareStatusNotification (1.6 §4.5) and its signed sister of the security extension."""

from __future__ import annotations

from stations.firmware import updates
from stations.ocpp.routing import Incoming


def status_notification(incoming: Incoming) -> None:
    """Moves the update of its firmware on; a failure is an event.

    Without a number, the newest update under way is meant."""
    payload = incoming.payload
    updates.report(
        station=incoming.station,
        status=payload["status"],
        request_id=payload.get("requestId"),
        received_at=incoming.received_at,
    )
