"""ReservationStatusUpdate (2.0.1 block H)."""

from __future__ import annotations

from stations import reservations
from stations.ocpp.routing import Incoming


def status_update(incoming: Incoming) -> None:
    """Notes that the charger no longer keeps the place; until its time is over the portal keeps it alone."""
    reservations.dropped(
        station=incoming.station,
        number=incoming.payload["reservationId"],
        status=incoming.payload["reservationUpdateStatus"],
        received_at=incoming.received_at,
    )
