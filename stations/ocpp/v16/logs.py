"""DiagnosticsStatusNotification (1.6 §4.4) and LogStatusNotification of the security extension."""

from __future__ import annotations

from stations import logs
from stations.ocpp.routing import Incoming


def status_notification(incoming: Incoming) -> None:
    payload = incoming.payload
    logs.report(
        station=incoming.station,
        status=payload["status"],
        request_id=payload.get("requestId"),
        received_at=incoming.received_at,
    )
