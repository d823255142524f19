"""BootNotification, Heartbeat and reports of the device model (2.0.1 block B)."""

from __future__ import annotations

from stations import boot, quirks
from stations.configuration import progress
from stations.ocpp.routing import Incoming


def boot_notifications(incomings: list[Incoming]) -> list[dict]:
    """Keep what the stations say of themselves and tell them whether they may take part."""
    boots = [_boot(incoming) for incoming in incomings]
    registrations = boot.boot(boots=boots)
    for incoming, said in zip(incomings, boots, strict=True):
        # The socket's own row must know the make, too: what is known of it counts from this answer on.
        incoming.station.vendor, incoming.station.model = said.vendor[:60], said.model[:60]
    quirks.remember(incoming.station for incoming in incomings)
    return [_answer(*each) for each in zip(incomings, registrations, strict=True)]


def _boot(incoming: Incoming) -> boot.Boot:
    charger = incoming.payload["chargingStation"]
    return boot.Boot(
        station_id=incoming.station.pk,
        vendor=charger["vendorName"],
        model=charger["model"],
        serial_number=charger.get("serialNumber") or "",
        firmware=charger.get("firmwareVersion") or "",
        reason=incoming.payload["reason"],
        received_at=incoming.received_at,
    )


def _answer(incoming: Incoming, registration: str) -> dict:
    return {
        "currentTime": quirks.time_text(incoming.station, incoming.received_at),
        "interval": boot.interval(registration, incoming.station.pk),
        "status": registration,
    }


def heartbeat(incoming: Incoming) -> dict:
    """Notes that the charger is alive, and tells it the time."""
    return {"currentTime": quirks.time_text(incoming.station, incoming.received_at)}


def notify_report(incoming: Incoming) -> None:
    """Keeps one part of what the charger is set to (B07, B08)."""
    progress.report_part(station=incoming.station, payload=incoming.payload, received_at=incoming.received_at)
