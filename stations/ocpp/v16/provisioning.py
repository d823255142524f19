"""BootNotification and Heartbeat (1.6 §4.2, §4.6)."""

from __future__ import annotations

from stations import boot
from stations.ocpp import wire
from stations.ocpp.routing import Incoming


def boot_notification(incoming: Incoming) -> dict:
    """Keeps what the charger says it is, and tells it whether it is accepted."""
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
        "currentTime": wire.time_text(incoming.received_at),
        "interval": boot.interval(status),
        "status": status,
    }


def heartbeat(incoming: Incoming) -> dict:
    """Notes that the charger is alive, and tells it the time."""
    return {"currentTime": wire.time_text(incoming.received_at)}
