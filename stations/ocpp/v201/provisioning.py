"""BootNotification, Heartbeat and reports of the device model (2.0.1 block B)."""

from __future__ import annotations

from stations import boot
from stations.ocpp import wire
from stations.ocpp.routing import Incoming


def boot_notification(incoming: Incoming) -> dict:
    """Keeps what the charger says it is, and tells it whether it is accepted."""
    charger = incoming.payload["chargingStation"]
    status = boot.boot(
        station=incoming.station,
        vendor=charger["vendorName"],
        model=charger["model"],
        serial_number=charger.get("serialNumber") or "",
        firmware=charger.get("firmwareVersion") or "",
        reason=incoming.payload["reason"],
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
