"""NotifySettlement, VatNumberValidation (2.1 block C) and BatterySwap (block S)."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.urls import reverse
from django.utils.module_loading import import_string

from stations import events, paying
from stations.models import Event
from stations.ocpp import wire
from stations.ocpp.routing import Incoming


def notify_settlement(incoming: Incoming) -> dict:
    """Keeps once what a payment terminal took, which pays the bill of its charge; a failure is an event.

    Stored before it is answered: it is about money."""
    payload = incoming.payload
    settled_at, _flag = wire.device_time(payload["settlementTime"], incoming.received_at)
    amount = wire.number(payload["settlementAmount"]) or Decimal(0)
    row = paying.settle(
        station=incoming.station,
        psp_ref=_text(payload["pspRef"]),
        status=payload["status"],
        amount=amount,
        settled_at=settled_at,
        received_at=incoming.received_at,
        transaction_id=_text(payload.get("transactionId")),
        info=_text(payload.get("statusInfo"))[:500],
        receipt_id=_text(payload.get("receiptId")),
        receipt_url=_text(payload.get("receiptUrl")),
        vat_number=_text(payload.get("vatNumber")),
        company=payload.get("vatCompany"),
    )
    if row.session is None or row.receipt_url:
        return {}
    # The station shows it as a QR code: the driver finds the session, and the receipt when it is written.
    return {"receiptUrl": f"{settings.PUBLIC_URL}{reverse('billing:receipt', args=[row.session.link])}"}


def _text(value: str | None) -> str:
    return (value or "").replace("\x00", "")


def vat_number_validation(incoming: Incoming) -> dict:
    """Answers whether the VAT number is well formed, or what `VAT_NUMBER_CHECK` says."""
    payload = incoming.payload
    is_good = import_string(settings.VAT_NUMBER_CHECK)(payload["vatNumber"])
    asked_about = {name: payload[name] for name in ("vatNumber", "evseId") if name in payload}
    return asked_about | {"status": "Accepted" if is_good else "Rejected"}


def battery_swap(incoming: Incoming) -> None:
    """Keeps each battery that went in or came out as an event.

    One event per battery; what goes in and what comes out of a swap share its request's number.
    """
    payload = incoming.payload
    events.record(
        Event(
            station=incoming.station,
            kind=Event.Kind.OTHER,
            code=payload["eventType"],
            severity=7 if payload["eventType"] == "BatteryOutTimeout" else 8,
            at=incoming.received_at,
            received_at=incoming.received_at,
            component=f"BatterySwap slot {battery['evseId']}",
            variable=str(payload["requestId"]),
            value=battery["serialNumber"],
            text=f"Battery {battery['serialNumber']}, charge {battery['soC']} %, health {battery['soH']} %",
        )
        for battery in payload["batteryData"]
    )
