"""What a station's payment terminal settled: each word of it once, and billing told of it.

What went wrong is an event as well, one for each payment, and over when the terminal settles it after all.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from stations import events, signals
from stations.models import Event, Session, Settlement, Station

Status = Settlement.Status

#: Severities of OCPP: an error wants somebody, a notice is for the log.
ERROR, NOTICE = 4, 7


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
        _tell(row)
        signals.after_commit(signals.settlement_recorded, settlement=row)
    return row


@transaction.atomic
def claim(*, session: Session) -> int:
    """Take what was settled before the station told of the charge itself; how many there were."""
    mine = Q(psp_ref=session.token) if session.token else Q(pk__in=[])
    if session.transaction_id:
        mine = Q(transaction_id=session.transaction_id) | mine & Q(transaction_id="")
    early = Settlement.objects.select_for_update().filter(mine, station=session.station_id, session=None)
    rows = list(early)
    for row in rows:
        row.session = session
        row.save(update_fields=["session"])
        if row.status == Status.SETTLED and session.user_id is None:
            _record(row, NOTICE, f"{row.amount} belongs to a charge after all.", is_cleared=True)
        elif row.status == Status.SETTLED:
            _tell(row)
    return len(rows)


def _tell(row: Settlement) -> None:
    """The event of a settlement that isn't as it should be, or of one that makes good for it."""
    about = f"{row.get_status_display()}: {row.amount}"
    if row.info:
        about += f" ({row.info})"
    if row.status in (Status.REJECTED, Status.FAILED):
        _record(row, ERROR, f"The terminal's payment did not come in. {about}")
    elif row.status == Status.CANCELED:
        has_charged = row.session is not None and row.session.energy_wh > 0
        _record(row, ERROR if has_charged else NOTICE, f"The terminal's payment was given up. {about}")
    elif row.session is not None and row.session.user_id is not None and row.amount > 0:
        _record(row, ERROR, f"The terminal took money for a charge that a driver is billed for. {about}")
    elif row.session is None and row.amount > 0:
        _record(row, ERROR, f"The terminal took money for no charge that is known. {about}")
    elif Event.objects.filter(station=row.station, code="NotifySettlement", variable=_name(row)).exists():
        _record(row, NOTICE, f"The terminal's payment came in after all. {about}", is_cleared=True)


def _name(row: Settlement) -> str:
    return row.psp_ref[: events.LENGTHS["variable"]]


def _record(row: Settlement, severity: int, text: str, *, is_cleared: bool = False) -> None:
    events.record(
        [
            Event(
                station=row.station,
                kind=Event.Kind.OTHER,
                code="NotifySettlement",
                severity=severity,
                at=row.settled_at,
                received_at=row.received_at,
                component="Payment",
                variable=_name(row),
                transaction_id=row.transaction_id,
                text=text,
                is_cleared=is_cleared,
            )
        ]
    )
