"""Certificates and security events (2.0.1 blocks A and M)."""

from __future__ import annotations

from stations.ocpp.routing import Incoming


def failed(incoming: Incoming) -> dict:
    return {"status": "Failed"}


def no_certificate(incoming: Incoming) -> dict:
    return {"status": "Failed", "exiResponse": ""}
