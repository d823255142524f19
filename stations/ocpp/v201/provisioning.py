"""BootNotification, Heartbeat and reports of the device model (2.0.1 block B)."""

from __future__ import annotations

from stations import boot, quirks
from stations.ocpp.routing import Incoming


def boot_notification(incoming: Incoming) -> dict:
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
        "currentTime": quirks.time_text(incoming.station, incoming.received_at),
        "interval": boot.interval(status),
        "status": status,
    }


def heartbeat(incoming: Incoming) -> dict:
    return {"currentTime": quirks.time_text(incoming.station, incoming.received_at)}
