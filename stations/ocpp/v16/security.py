"""Certificates and security events (1.6 security extensions, §5)."""

from __future__ import annotations

from stations import security_events
from stations.certificates import issuing
from stations.models import Certificate
from stations.ocpp import wire
from stations.ocpp.routing import Incoming


def sign_certificate(incoming: Incoming) -> dict:
    """Has a certificate made for the charger, which gets it with CertificateSigned."""
    row = issuing.request(
        station=incoming.station, csr=incoming.payload["csr"], received_at=incoming.received_at
    )
    return {"status": "Rejected" if row.status == Certificate.Status.REFUSED else "Accepted"}


def security_event(incoming: Incoming) -> None:
    """Keeps it as an event; a grave one opens an alert."""
    payload = incoming.payload
    at, _flag = wire.device_time(payload["timestamp"], incoming.received_at)
    security_events.record(
        station=incoming.station,
        code=payload["type"],
        text=payload.get("techInfo") or "",
        at=at,
        received_at=incoming.received_at,
    )
