"""What a station's payment terminal settled: each word of it once, and billing told of it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from stations import signals
from stations.models import Session, Settlement, Station


@transaction.atomic
def settle(
    *,
    station: Station,
    psp_ref: str,
    status: str,
    amount: Decimal,
    settled_at: datetime,
    received_at: datetime,
    transaction_id: str = "",
    **more,
) -> Settlement:
    """Keep a settlement; a repeated one finds the first. Its session is the station's own, or none."""
    session = None
    if transaction_id:
        session = Session.objects.filter(station=station, transaction_id=transaction_id).first()
    if session is None:
        # Ended by the driver before the transaction had an id, or told under the payment's reference.
        session = Session.objects.filter(station=station, token=psp_ref).order_by("-started_at").first()
    row, is_new = Settlement.objects.get_or_create(
        station=station,
        psp_ref=psp_ref,
        transaction_id=transaction_id,
        status=status,
        settled_at=settled_at,
        defaults={"session": session, "amount": amount, "received_at": received_at, **more},
    )
    if is_new:
        signals.after_commit(signals.settlement_recorded, settlement=row)
    return row
