"""DataTransfer (1.6 §4.3)."""

from __future__ import annotations

from stations.ocpp.routing import Incoming


def data_transfer(incoming: Incoming) -> dict:
    return {"status": "UnknownVendorId"}
