"""What our records say about a disputed payment: in words for the bank, and as a bundle for people.

The words go to the provider in the fields that its banks read; the bundle has the same with the documents and
the log of the charger's messages, for whoever wants to look closer.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Q

from billing import documents
from billing.models import Dispute, Invoice, Payment
from bookings.models import Booking
from evportal.spreadsheets import plain
from stations.models import Message, Reading, Session

#: The provider takes so many characters in a field.
LONGEST = 20_000
#: Frames and readings of one session that are worth a bank's time.
MOST_ROWS = 5_000
#: A charger reports its start and end some seconds before and after.
MARGIN = timedelta(minutes=2)
#: Frames that name a card and no transaction yet.
STARTS = ("Authorize", "StartTransaction", "RemoteStartTransaction", "RequestStartTransaction")


def words(dispute: Dispute, *, explanation: str = "") -> dict[str, str]:
    """The provider's fields of evidence, those that we can fill."""
    session, booking = session_of(dispute), booking_of(dispute)
    user = _user(dispute)
    found = {
        "product_description": _product(dispute, session, booking),
        "service_date": _service_date(dispute, session, booking),
        "customer_name": user.name if user is not None else "",
        "customer_email_address": user.email if user is not None else "",
        "access_activity_log": "\n".join(_activity(session)) if session is not None else "",
        "cancellation_policy_disclosure": "\n".join(terms(booking)) if booking is not None else "",
        "uncategorized_text": explanation.strip(),
    }
    return {name: text[:LONGEST] for name, text in found.items() if text}


def session_of(dispute: Dispute) -> Session | None:
    payment = dispute.payment
    if payment is None or payment.session_id is None:
        return None
    return Session.objects.with_place().get(pk=payment.session_id)


def booking_of(dispute: Dispute) -> Booking | None:
    payment = dispute.payment
    if payment is None:
        return None
    if payment.booking is not None:
        return payment.booking
    return Booking.objects.filter(session=payment.session_id).first() if payment.session_id else None


def invoices_of(dispute: Dispute) -> list[Invoice]:
    """The documents about what was paid for, credit notes too."""
    payment = dispute.payment
    if payment is None:
        return []
    found = Invoice.objects.sales().with_place().order_by("pk")
    if payment.purpose == Payment.Purpose.PLAN:
        document = payment.plan_invoice.document
        return list(found.filter(Q(pk=document.pk) | Q(corrects=document))) if document is not None else []
    if payment.purpose == Payment.Purpose.NO_SHOW:
        return list(found.filter(booking=payment.booking_id)) if payment.booking_id else []
    return list(found.filter(lines__cdr__session=payment.session_id).distinct()) if payment.session_id else []


def _user(dispute: Dispute):
    return (dispute.payment or dispute.top_up).user


def _product(dispute: Dispute, session: Session | None, booking: Booking | None) -> str:
    if session is not None:
        site = session.station.site
        return (
            f"Charging of an electric vehicle: {_kwh(session.energy_wh)} at {site.name}, {site.address}, "
            f"charging point {session.evse.public_id}, from {_at(session.started_at)} to "
            f"{_at(session.stopped_at)}."
        )
    if booking is not None:
        return (
            f"A charging point that was booked and not used: {booking.evse.public_id} from "
            f"{_at(booking.starts_at)} to {_at(booking.ends_at)}."
        )
    if dispute.payment is not None and dispute.payment.purpose == Payment.Purpose.PLAN:
        row = dispute.payment.plan_invoice.subscription
        return (
            f"A month of the charging plan {row.plan.name} of {row.operator}, subscribed to on "
            f"{_at(row.started_at)} on the payment page."
        )
    return f"Credit for charging, {dispute.amount} {dispute.currency}, kept in the driver's wallet."


def _service_date(dispute: Dispute, session: Session | None, booking: Booking | None) -> str:
    if session is not None:
        return session.started_at.date().isoformat()
    if booking is not None:
        return booking.starts_at.date().isoformat()
    return (dispute.payment or dispute.top_up).created_at.date().isoformat()


def _activity(session: Session) -> Iterator[str]:
    """What the charger reported, a line for each fact. Times are UTC."""
    yield f"Session {session.transaction_id} at charging point {session.evse.public_id}"
    yield f"{_at(session.started_at)}  start, meter {_kwh(session.meter_start_wh)}"
    for row in _readings(session)[:200]:
        yield f"{_at(row.at)}  meter {row.value} {row.unit}"
    why = session.stop_reason or "–"
    yield f"{_at(session.stopped_at)}  stop, meter {_kwh(session.meter_stop_wh)}, {why}"
    yield f"Energy delivered: {_kwh(session.energy_wh)}"


def terms(booking: Booking) -> Iterator[str]:
    """What the driver agreed to, as it was frozen when the booking was made."""
    yield f"Booking {booking.pk}, made {_at(booking.created_at)}"
    yield f"Slot: {_at(booking.starts_at)} to {_at(booking.ends_at)}, {booking.evse.public_id}"
    yield f"State: {booking.get_status_display()}"
    for name in booking.TERMS:
        if getattr(booking, name) is None:
            continue
        yield f"{booking._meta.get_field(name).verbose_name}: {getattr(booking, name)}"


def _kwh(wh: Decimal | None) -> str:
    return "unknown" if wh is None else f"{Decimal(wh) / 1000:.3f} kWh"


def _at(at: datetime | None) -> str:
    return "–" if at is None else f"{at:%Y-%m-%d %H:%M:%S}Z"


def _readings(session: Session) -> list[Reading]:
    rows = Reading.objects.filter(session=session, measurand="Energy.Active.Import.Register", phase="")
    return list(rows.order_by("at")[:MOST_ROWS])


# The bundle


def bundle(dispute: Dispute) -> bytes:
    """Everything as one zip; the same records make the same bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files(dispute):
            # A fixed time, so that two downloads are alike.
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return target.getvalue()


def files(dispute: Dispute) -> Iterator[tuple[str, bytes]]:
    yield "case.json", _json(_case(dispute))
    session, booking = session_of(dispute), booking_of(dispute)
    if session is not None:
        yield "session.json", _json(_facts(session))
        rows = ((_at(row.at), f"{row.value}", row.unit, row.context) for row in _readings(session))
        yield "meter.csv", _csv(("at", "value", "unit", "context"), rows)
        frames = ((_at(m.at), m.from_station, m.action, m.frame, m.answer or "") for m in messages(session))
        yield "messages.csv", _csv(("at", "from_charger", "action", "frame", "answer"), frames)
    if booking is not None:
        yield "booking.txt", "\n".join([*terms(booking), ""]).encode()
    for invoice in invoices_of(dispute):
        yield documents.file_name(invoice), documents.pdf(invoice)


def contents(dispute: Dispute) -> list[str]:
    """What the bundle has, without making it."""
    session, booking = session_of(dispute), booking_of(dispute)
    names = ["case.json"]
    if session is not None:
        names += ["session.json", "meter.csv", "messages.csv"]
    if booking is not None:
        names.append("booking.txt")
    return names + [documents.file_name(invoice) for invoice in invoices_of(dispute)]


def _case(dispute: Dispute) -> dict:
    paid = dispute.payment or dispute.top_up
    return {
        "dispute": dispute.stripe_id,
        "charge": dispute.stripe_charge,
        "payment_intent": paid.stripe_intent,
        "payment": str(paid.pk),
        "amount": f"{dispute.amount}",
        "currency": dispute.currency,
        "reason": dispute.reason,
        "opened_at": _at(dispute.opened_at),
        "due_at": _at(dispute.due_at),
        "evidence": words(dispute),
    }


def _facts(session: Session) -> dict:
    return {
        "transaction": session.transaction_id,
        "site": session.station.site.name,
        "address": session.station.site.address,
        "evse": session.evse.public_id,
        "started_at": _at(session.started_at),
        "stopped_at": _at(session.stopped_at),
        "start_received_at": _at(session.start_received_at),
        "stop_received_at": _at(session.stop_received_at),
        "meter_start_wh": _text(session.meter_start_wh),
        "meter_stop_wh": _text(session.meter_stop_wh),
        "energy_wh": _text(session.energy_wh),
        "stop_reason": session.stop_reason,
        "estimated": session.is_estimated,
        "doubts": session.review,
    }


def _text(value) -> str | None:
    return None if value is None else f"{value}"


def messages(session: Session) -> list[Message]:
    """Frames about this session alone: a charger has other drivers too."""
    around = Message.objects.filter(
        station=session.station_id,
        at__gte=session.started_at - MARGIN,
        at__lte=(session.stop_received_at or session.stopped_at or session.started_at) + MARGIN,
    ).order_by("at", "id")
    rows = list(around[: MOST_ROWS * 4])
    ours = {(row.connection, row.message_id) for row in rows if _is_about(row, session)}
    return [row for row in rows if (row.connection, row.message_id) in ours][:MOST_ROWS]


def _is_about(row: Message, session: Session) -> bool:
    try:
        said = json.loads(row.frame)
    except ValueError:
        return False
    named = {f"{value}" for name, value in _members(said) if name == "transactionId"}
    if named:
        return session.transaction_id in named
    if row.action not in STARTS or not session.token:
        return False
    names = ("idTag", "idToken")
    return any(
        name in names and f"{value}".lower() == session.token.lower() for name, value in _members(said)
    )


def _members(value, depth: int = 0) -> Iterator[tuple[str, object]]:
    """Every name and value in a frame that is no deeper than frames are."""
    if depth > 12:
        return
    if isinstance(value, list):
        for item in value:
            yield from _members(item, depth + 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name, item
            yield from _members(item, depth + 1)


def _json(content: dict) -> bytes:
    return json.dumps(content, indent=2, ensure_ascii=False).encode()


def _csv(columns, rows) -> bytes:
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    writer.writerow(columns)
    writer.writerows([plain(cell) for cell in row] for row in rows)
    return target.getvalue().encode()
