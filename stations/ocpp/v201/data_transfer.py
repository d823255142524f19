"""DataTransfer (2.0.1 block P)."""

from __future__ import annotations

from stations.ocpp.routing import Incoming


def data_transfer(incoming: Incoming) -> dict:
    """Keeps a maker's own message in the message log; none of them means anything to the portal."""
    return {"status": "UnknownVendorId"}
