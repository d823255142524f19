"""Signed meter values: taken out of either version's messages, and stored exactly as they came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from stations import facts as said
from stations import meter, signals
from stations.models import Evse, Session, SignedValue
from stations.ocpp import wire


def facts(
    meter_values: Iterable[dict], received_at: datetime, evse_number: int, transaction_id: str
) -> Iterator[said.Signed]:
    for meter_value in meter_values:
        at, _flag = wire.device_time(meter_value.get("timestamp"), received_at)
        for one in meter_value.get("sampledValue") or []:
            data = meter.signed_text(one)
            if not data:
                continue
            about = one.get("signedMeterValue") or {}
            yield said.Signed(
                evse_number,
                transaction_id,
                at,
                str(one.get("context") or "Sample.Periodic")[:24],
                # PostgreSQL's text holds none.
                data.replace("\x00", ""),
                str(about.get("signingMethod") or "")[:50],
                str(about.get("encodingMethod") or "")[:50],
                str(about.get("publicKey") or "").replace("\x00", ""),
            )


def keep(session: Session | None, meter_values: Iterable[dict], received_at: datetime) -> None:
    """What an end's own message carries, within the decision on it.

    The bill follows the end at once, before workers have read that message from the journal; they then find
    the same rows.
    """
    if session is None:
        return
    found = facts(meter_values, received_at, 0, session.transaction_id)
    store((fact, session.evse, session, received_at) for fact in found)


def store(found: Iterable[tuple[said.Signed, Evse, Session | None, datetime]]) -> None:
    """A repeated report is stored once. What comes after its session's end has that billed anew."""
    found = list(found)
    SignedValue.objects.bulk_create(
        [
            SignedValue(
                evse=evse,
                session=session,
                at=fact.at,
                received_at=received_at,
                context=fact.context,
                data=fact.data,
                method=fact.method,
                encoding=fact.encoding,
                public_key=fact.public_key,
            )
            for fact, evse, session, received_at in found
        ],
        ignore_conflicts=True,
    )
    late = {
        session.pk: session
        for _fact, _evse, session, received_at in found
        if session is not None and session.stop_received_at and received_at > session.stop_received_at
    }
    for session in late.values():
        signals.after_commit(
            signals.session_corrected,
            session=session,
            previous_energy_wh=session.energy_wh,
            previous_stopped_at=session.stopped_at,
        )
