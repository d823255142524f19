"""BootNotification and Heartbeat (1.6 §4.2, §4.6)."""

from __future__ import annotations

from stations import boot, quirks
from stations.ocpp.routing import Incoming


def boot_notification(incoming: Incoming) -> dict:
    payload = incoming.payload
    status = boot.boot(
        station=incoming.station,
        vendor=payload["chargePointVendor"],
        model=payload["chargePointModel"],
        serial_number=payload.get("chargePointSerialNumber") or payload.get("chargeBoxSerialNumber") or "",
        firmware=payload.get("firmwareVersion") or "",
        reason="",
        received_at=incoming.received_at,
    )
    return {
        "currentTime": quirks.time_text(incoming.station, incoming.received_at),
        "interval": boot.interval(status),
        "status": status,
    }


def heartbeat(incoming: Incoming) -> dict:
    return {"currentTime": quirks.time_text(incoming.station, incoming.received_at)}
