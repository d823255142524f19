"""Certificates and security events (2.0.1 blocks A and M)."""

from __future__ import annotations

from stations.ocpp.routing import Incoming


def failed(incoming: Incoming) -> dict:
    """Answers that the certificate could not be checked."""
    return {"status": "Failed"}


def no_certificate(incoming: Incoming) -> dict:
    """Answers that no contract certificate can be had."""
    return {"status": "Failed", "exiResponse": ""}
