"""BootNotification and Heartbeat (1.6 §4.2, §4.6)."""

from __future__ import annotations

from stations import boot, quirks
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
    payload = incoming.payload
    return boot.Boot(
        station_id=incoming.station.pk,
        vendor=payload["chargePointVendor"],
        model=payload["chargePointModel"],
        serial_number=payload.get("chargePointSerialNumber") or payload.get("chargeBoxSerialNumber") or "",
        firmware=payload.get("firmwareVersion") or "",
        reason="",
        received_at=incoming.received_at,
    )


def _answer(incoming: Incoming, registration: str) -> dict:
    return {
        "status": registration,
        "currentTime": quirks.time_text(incoming.station, incoming.received_at),
        "interval": boot.interval(registration, incoming.station.pk),
    }


def heartbeat(incoming: Incoming) -> dict:
    """Notes that the charger is alive, and tells it the time."""
    return {"currentTime": quirks.time_text(incoming.station, incoming.received_at)}
