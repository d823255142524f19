"""Issue documents: the next number of the series and everything the document says, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from billing import invoicing, prices
from billing.actions import posting
from billing.lines import from_json
from billing.models import Cdr, Invoice, InvoiceLine, Payment, Refund, Series
from bookings.models import Booking
from evportal.accounts.models import Operator
from evportal.outbox.actions import queue_mail
from stations.models import Evse, Session

Kind = Invoice.Kind


@transaction.atomic
def issue_invoice(*, cdr: Cdr) -> Invoice:
    """The invoice for a priced session; asked twice, the first one."""
    Cdr.objects.select_for_update().get(pk=cdr.pk)
    known = Invoice.objects.filter(cdr=cdr, kind=Kind.INVOICE).first()
    if known is not None:
        return known
    session = cdr.session
    site = session.station.site
    invoice = _issue(
        operator=site.operator,
        site=site,
        kind=Kind.INVOICE,
        lines=invoicing.lines_of(from_json(cdr.lines)),
        currency=cdr.currency,
        supplied_on=session.stopped_at.astimezone(site.zone).date(),
        details=_place(session.evse) | _meter(session) | _paid(session, cdr.gross),
        cdr=cdr,
        user=session.user,
        seller=invoicing.seller(site.operator),
        buyer=invoicing.buyer(session.user),
    )
    mail_document(invoice=invoice, template="billing/mail/invoice")
    return invoice


@transaction.atomic
def issue_no_show(*, payment: Payment) -> Invoice | None:
    """The invoice for a slot that was not used, or was given back too late."""
    Payment.objects.select_for_update().get(pk=payment.pk)
    booking = payment.booking
    known = Invoice.objects.filter(booking=booking, kind=Kind.INVOICE).first()
    if known is not None or not payment.amount_captured:
        return known
    site = booking.evse.station.site
    version = (
        payment.quote.version if payment.quote else prices.required_version(booking.evse, booking.starts_at)
    )
    rates = [part.vat for element in prices.tariff(version).elements for part in element.price_components]
    line = invoicing.fee_line(
        text="Late cancellation" if booking.status == Booking.Status.CANCELED else "Booked slot not used",
        gross=payment.amount_captured,
        vat_percent=next((rate for rate in rates if rate is not None), 0),
        currency=payment.currency,
    )
    times = {"starts_at": booking.starts_at.isoformat(), "ends_at": booking.ends_at.isoformat()}
    invoice = _issue(
        operator=site.operator,
        site=site,
        kind=Kind.INVOICE,
        lines=[line],
        currency=payment.currency,
        supplied_on=booking.starts_at.astimezone(site.zone).date(),
        details=_place(booking.evse) | times | {"paid": _paid_with(payment)},
        booking=booking,
        user=booking.user,
        seller=invoicing.seller(site.operator),
        buyer=invoicing.buyer(booking.user),
    )
    mail_document(invoice=invoice, template="billing/mail/invoice")
    return invoice


@transaction.atomic
def issue_credit_note(*, refund: Refund) -> Invoice | None:
    """The document of a refund, linked to the invoice that it corrects."""
    known = Invoice.objects.filter(refund=refund).first()
    if known is not None:
        return known
    payment = refund.payment
    invoices = Invoice.objects.filter(kind=Kind.INVOICE)
    if payment.purpose == Payment.Purpose.NO_SHOW:
        original = invoices.filter(booking=payment.booking_id).first()
    else:
        original = invoices.filter(cdr__session=payment.session_id).first()
    if original is None:
        return None
    # Credit notes to one invoice share out what is left of it, so they are written one after the other.
    Invoice.objects.select_for_update(no_key=True).get(pk=original.pk)
    note = _issue(
        operator=original.operator,
        site=original.site,
        kind=Kind.CREDIT_NOTE,
        lines=invoicing.credit_lines(
            list(original.lines.all()),
            credited=list(InvoiceLine.objects.filter(invoice__corrects=original)),
            amount=refund.amount,
            currency=payment.currency,
            text=f"Refund: {refund.reason}" if refund.reason else "Refund",
        ),
        currency=payment.currency,
        supplied_on=original.supplied_on,
        details={
            **original.details,
            "paid": _paid_with(payment, amount=refund.amount),
            "corrects": {"number": original.number, "issued_at": original.issued_at.isoformat()},
        },
        corrects=original,
        refund=refund,
        cdr=original.cdr,
        booking=original.booking,
        user=original.user,
        seller=original.seller,
        buyer=original.buyer,
    )
    mail_document(invoice=note, template="billing/mail/credit_note")
    return note


def _issue(
    *, operator: Operator, site, kind: str, lines: Sequence[invoicing.DocumentLine], currency: str, **fields
) -> Invoice:
    now = timezone.now()
    series, sequence = next_number(
        operator=operator, credit_note=kind == Kind.CREDIT_NOTE, at=now.astimezone(site.zone)
    )
    net, tax, gross = invoicing.total(lines)
    invoice = Invoice.objects.create(
        operator=operator,
        site=site,
        kind=kind,
        series=series,
        sequence=sequence,
        number=invoicing.number(series.prefix, sequence),
        issued_at=now,
        currency=currency,
        net=net,
        tax=tax,
        gross=gross,
        **fields,
    )
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            invoice=invoice,
            position=position,
            kind=line.kind,
            text=line.text,
            quantity=line.quantity,
            unit=line.unit,
            unit_price=line.unit_price,
            per=line.per,
            vat_percent=line.vat_percent,
            net=line.net,
            tax=line.tax,
            gross=line.gross,
        )
        for position, line in enumerate(lines, start=1)
    )
    posting.book(booking=posting.of_document(invoice))
    return invoice


def next_number(*, operator: Operator, credit_note: bool, at: datetime) -> tuple[Series, int]:
    """Taken under a lock that lasts until the document is committed: a number without a document can't be."""
    prefix = invoicing.series_prefix(party_id=operator.party_id, year=at.year, credit_note=credit_note)
    Series.objects.get_or_create(operator=operator, prefix=prefix)
    series = Series.objects.select_for_update().get(operator=operator, prefix=prefix)
    series.last_number += 1
    series.save(update_fields=["last_number"])
    return series, series.last_number


def _place(evse: Evse) -> dict:
    site = evse.station.site
    return {
        "site": site.name,
        "address": site.address,
        "country": site.country,
        "time_zone": site.time_zone,
        "evse": evse.public_id,
    }


def _meter(session: Session) -> dict:
    start, stop = session.meter_start_wh, session.meter_stop_wh
    return {
        "starts_at": session.started_at.isoformat(),
        "ends_at": session.stopped_at.isoformat(),
        "meter_start_wh": None if start is None else str(start),
        "meter_stop_wh": None if stop is None else str(stop),
        "energy_wh": str(session.energy_wh),
        "session": session.transaction_id,
        "estimated": session.is_estimated,
    }


def _paid(session: Session, gross: Decimal) -> dict:
    """By which card, how much of it, and what is still open when the document is issued."""
    payments = list(session.payments.filter(state=Payment.State.CAPTURED).select_related("card"))
    if not payments:
        return {"paid": None}
    amount = sum(payment.amount_captured for payment in payments)
    return {"paid": _paid_with(payments[0], amount=amount) | {"open": str(gross - amount)}}


def _paid_with(payment: Payment, *, amount=None) -> dict:
    card = payment.card
    return {
        "amount": str(payment.amount_captured if amount is None else amount),
        "brand": card.brand if card else payment.method if payment.method != "card" else "",
        "last4": card.last4 if card else "",
    }


def mail_document(*, invoice: Invoice, template: str) -> None:
    if invoice.user is None:
        return
    queue_mail(
        key=f"invoice {invoice.pk}",
        to=invoice.user.email,
        template=template,
        context={"invoice": invoice, "url": document_url(invoice.link)},
        language=invoice.user.language,
        attachments=[
            {
                "name": f"{invoice.number}.pdf",
                "type": "application/pdf",
                "source": "billing.invoice",
                "id": invoice.pk,
            }
        ],
    )


def mail_free_receipt(*, cdr: Cdr) -> None:
    """Nothing to pay is worth a word too: the driver sees that the hold is free."""
    session = cdr.session
    if session.user is None:
        return
    queue_mail(
        key=f"free session {session.pk}",
        to=session.user.email,
        template="billing/mail/free",
        context={"session": session, "cdr": cdr, "url": document_url(session.link)},
        language=session.user.language,
    )


def document_url(link: str) -> str:
    return settings.PUBLIC_URL + reverse("billing:receipt", args=[link])
