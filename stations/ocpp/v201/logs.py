"""Logs and customer information (block N): LogStatusNotification, NotifyCustomerInformation."""

from __future__ import annotations

from stations import customer_information, logs
from stations.ocpp.routing import Incoming
from stations.ocpp.v201.firmware import info_of


def status_notification(incoming: Incoming) -> None:
    """Moves the request for a log on: uploading, there, or failed."""
    payload = incoming.payload
    logs.report(
        station=incoming.station,
        status=payload["status"],
        request_id=payload.get("requestId"),
        received_at=incoming.received_at,
        info=info_of(payload),
    )


def customer_part(incoming: Incoming) -> None:
    """Keeps one part of what the charger knows of a customer, where somebody asked."""
    payload = incoming.payload
    customer_information.collect(
        station=incoming.station,
        request_id=payload["requestId"],
        seq_no=payload["seqNo"],
        data=payload["data"],
        is_last=not payload.get("tbc", False),
        received_at=incoming.received_at,
    )
