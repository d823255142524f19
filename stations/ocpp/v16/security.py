"""Certificates and security events (1.6 security extensions, §5)."""

from __future__ import annotations

from stations.ocpp.routing import Incoming


def sign_certificate(incoming: Incoming) -> dict:
    """Refuses the certificate: nobody here signs any."""
    return {"status": "Rejected"}
