"""Issue documents: the next number of the series and everything the document says, in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from billing import invoicing, parties, price_words, prices
from billing.actions import books, posting
from billing.documents import words
from billing.exceptions import DocumentRefused
from billing.lines import from_json
from billing.models import (
    AllowanceUse,
    Cdr,
    DocumentEvent,
    Invoice,
    InvoiceLine,
    Payment,
    PlanPeriod,
    Quote,
    Refund,
)
from bookings.models import Booking
from evportal.accounts.models import Operator, User
from evportal.money import exponent
from evportal.outbox.actions import queue_mail
from stations import signed_checks
from stations.models import Evse, Session, SignedCheck, Site

#: The document prints so many; all of them are on the receipt page.
MOST_SIGNED = 10

log = logging.getLogger(__name__)
Kind, Told = Invoice.Kind, DocumentEvent.Kind


@transaction.atomic
def issue_invoice(*, cdr: Cdr) -> Invoice:
    """The invoice for a priced session; asked twice, the first one."""
    Cdr.objects.select_for_update().get(pk=cdr.pk)
    known = Invoice.objects.filter(cdr=cdr, kind=Kind.INVOICE).order_by("pk").last()
    if known is not None:
        return known
    session = cdr.session
    site = session.station.site
    account = parties.account_of(session.user, site.operator)
    language = parties.language(session.user, account)
    invoice = issue(
        operator=site.operator,
        site=site,
        kind=Kind.INVOICE,
        lines=invoicing.lines_of(
            from_json(cdr.lines), how=cdr.vat_category, words=price_words.of_lines(language)
        ),
        currency=cdr.currency,
        supplied_on=session.stopped_at.astimezone(site.zone).date(),
        details=_place(session.evse)
        | _meter(session)
        | _signed(session)
        | _allowance(session)
        | _paid(session, cdr.gross),
        cdr=cdr,
        user=session.user,
        account=account,
        language=language,
        vat_country=site.country,
        seller=parties.seller(site.operator, site.country),
        buyer=parties.buyer(session.user, account) | _company(session),
    )
    Cdr.objects.filter(pk=cdr.pk).update(billed_on=invoice)
    mail_document(invoice=invoice, template="billing/mail/invoice")
    return invoice


@transaction.atomic
def issue_no_show(*, payment: Payment) -> Invoice | None:
    """The invoice for a slot that was not used, or was given back too late."""
    Payment.objects.select_for_update().get(pk=payment.pk)
    booking = payment.booking
    known = Invoice.objects.filter(booking=booking, kind=Kind.INVOICE).order_by("pk").last()
    if known is not None or not payment.amount_captured:
        return known
    site = booking.evse.station.site
    account = parties.account_of(booking.user, site.operator)
    language = parties.language(booking.user, account)
    line = invoicing.fee_line(
        text=fee_text(booking, language),
        gross=payment.amount_captured,
        vat_percent=fee_rate(booking, payment.quote),
        currency=payment.currency,
    )
    times = {"starts_at": booking.starts_at.isoformat(), "ends_at": booking.ends_at.isoformat()}
    invoice = issue(
        operator=site.operator,
        site=site,
        kind=Kind.INVOICE,
        lines=[line],
        currency=payment.currency,
        supplied_on=booking.starts_at.astimezone(site.zone).date(),
        details=_place(booking.evse) | times | {"paid": _paid_with(payment)},
        booking=booking,
        user=booking.user,
        account=account,
        language=language,
        vat_country=site.country,
        seller=parties.seller(site.operator, site.country),
        buyer=parties.buyer(booking.user, account),
    )
    mail_document(invoice=invoice, template="billing/mail/invoice")
    return invoice


def fee_text(booking: Booking, language: str) -> str:
    """What a closed booking's fee is for, on documents."""
    is_late = booking.status == Booking.Status.CANCELED
    return words.tariff(language)("Late cancellation" if is_late else "Booked slot not used")


def fee_rate(booking: Booking, quote: Quote | None) -> Decimal:
    """The VAT in a booking's fee: the tariff's own rate."""
    version = quote.version if quote else prices.required_version(booking.evse, booking.starts_at)
    rates = [part.vat for element in prices.tariff(version).elements for part in element.price_components]
    return next((rate for rate in rates if rate is not None), Decimal(0))


@transaction.atomic
def issue_credit_note(*, refund: Refund) -> Invoice | None:
    """The document of a refund, linked to the invoice that it corrects."""
    known = Invoice.objects.filter(refund=refund).first()
    if known is not None:
        return known
    payment = refund.payment
    original = billed(payment)
    if original is None:
        return None
    # Credit notes to one invoice share out what is left of it, so they are written one after the other.
    Invoice.objects.select_for_update(no_key=True).get(pk=original.pk)
    cdr, lines, credited = billed_lines(payment, original)
    say = words.tariff(original.language)
    chosen = dict(refund.lines.values_list("line__position", "gross"))
    refunded, rows = _credit(refund, lines, credited, chosen, say)
    site = original.site or (cdr.session.station.site if cdr is not None else None)
    note = issue(
        operator=original.operator,
        site=site,
        kind=Kind.CREDIT_NOTE,
        lines=refunded,
        line_rows=[{"cdr": cdr, "site": site, "corrects": line} for line in rows],
        currency=payment.currency,
        supplied_on=original.supplied_on,
        details={
            **original.details,
            "paid": _paid_with(payment, amount=refund.amount),
            "corrects": {"number": original.number, "issued_at": original.issued_at.isoformat()},
        },
        corrects=original,
        refund=refund,
        cdr=cdr,
        booking=original.booking,
        **same_parties(original),
    )
    tell(invoice=original, kind=Told.CREDITED, detail=note.number, by=refund.created_by)
    mail_document(invoice=note, template="billing/mail/credit_note")
    return note


def _credit(
    refund: Refund, lines: list[InvoiceLine], credited: list[InvoiceLine], chosen: dict, say
) -> tuple[list[invoicing.DocumentLine], list[InvoiceLine | None]]:
    """A credit note's lines, and the lines that they give back: those that were chosen, else by VAT rate."""
    currency = refund.payment.currency
    if chosen:
        try:
            pairs = invoicing.line_credits(
                lines,
                credited=credited,
                wanted=chosen,
                currency=currency,
                text=lambda line: f"{say('Refund')}: {line.text}",
            )
            return [line for _original, line in pairs], [original for original, _line in pairs]
        except invoicing.LineRefused as problem:
            # The money is on its way: another refund took of the same line meanwhile. It is credited by rate.
            log.warning("Refund %s: %s", refund.pk, problem)
    found = invoicing.credit_lines(
        lines,
        credited=credited,
        amount=refund.amount,
        currency=currency,
        text=f"{say('Refund')}: {refund.reason}" if refund.reason else say("Refund"),
    )
    return found, [None] * len(found)


def billed_lines(
    payment: Payment, original: Invoice
) -> tuple[Cdr | None, list[InvoiceLine], list[InvoiceLine]]:
    """What an invoice bills of this payment's charge, and what of it is credited already."""
    lines, credited = original.lines.all(), InvoiceLine.objects.filter(invoice__corrects=original)
    cdr = original.cdr
    if cdr is None and original.booking_id is None and payment.purpose != Payment.Purpose.PLAN:
        # A month's invoice: only what it bills for this charge is given back.
        cdr = Cdr.objects.get(session=payment.session_id)
        lines, credited = lines.filter(cdr=cdr), credited.filter(cdr=cdr)
    return cdr, list(lines), list(credited)


def billed(payment: Payment) -> Invoice | None:
    """The document that bills what was paid for, in its latest form."""
    if payment.purpose == Payment.Purpose.PLAN:
        return payment.plan_invoice.document
    if payment.purpose == Payment.Purpose.NO_SHOW:
        invoices = Invoice.objects.filter(kind=Kind.INVOICE, booking=payment.booking_id)
        return invoices.order_by("pk").last()
    cdr = Cdr.objects.select_related("billed_on").filter(session=payment.session_id).first()
    return cdr.billed_on if cdr is not None else None


def same_parties(original: Invoice) -> dict:
    """Who and in what words: a correction says it as its original did."""
    names = ("user", "account", "language", "vat_country", "seller", "buyer")
    return {name: getattr(original, name) for name in names}


@transaction.atomic
def reissue(*, invoice: Invoice, by: User | None) -> Invoice:
    """The same charge made out to whom the account names now: the first document is credited whole.

    The tax stays what it was: what the customer paid does not change by a name.
    """
    Invoice.objects.select_for_update(no_key=True).get(pk=invoice.pk)
    newer = Invoice.objects.filter(replaces=invoice).first()
    if newer is not None:
        return newer
    if invoice.kind != Kind.INVOICE or (invoice.cdr_id is None and invoice.booking_id is None):
        raise DocumentRefused("Only the invoice of one charge can be issued anew.")
    if invoice.credit_notes.exists():
        raise DocumentRefused("A part of it is refunded already, so it can't be issued anew.")
    account = parties.account_of(invoice.user, invoice.operator)
    lines = list(invoice.lines.all())
    corrects = {"number": invoice.number, "issued_at": invoice.issued_at.isoformat()}
    shared = {"operator": invoice.operator, "site": invoice.site, "currency": invoice.currency} | {
        "supplied_on": invoice.supplied_on, "cdr": invoice.cdr, "booking": invoice.booking,
    }  # fmt: skip
    note = issue(
        kind=Kind.CREDIT_NOTE,
        lines=invoicing.negated(lines, lambda line: line.text),
        details={**invoice.details, "paid": None, "corrects": corrects, "reissued": True},
        corrects=invoice,
        **shared,
        **same_parties(invoice),
    )
    new = issue(
        kind=Kind.INVOICE,
        lines=invoicing.negated(invoicing.negated(lines, lambda line: line.text), lambda line: line.text),
        details={**invoice.details, "replaces": corrects},
        replaces=invoice,
        **shared,
        **same_parties(invoice)
        | {"account": account, "buyer": parties.buyer(invoice.user, account)}
        | {"language": parties.language(invoice.user, account)},
    )
    if invoice.cdr_id is not None:
        Cdr.objects.filter(pk=invoice.cdr_id).update(billed_on=new)
    tell(invoice=invoice, kind=Told.CREDITED, detail=note.number, by=by)
    tell(invoice=invoice, kind=Told.REISSUED, detail=new.number, by=by)
    mail_document(invoice=new, template="billing/mail/invoice")
    return new


def issue(
    *,
    operator: Operator,
    site: Site | None,
    kind: str,
    lines: Sequence[invoicing.DocumentLine],
    line_rows: Sequence[dict] = (),
    currency: str,
    **fields,
) -> Invoice:
    """A document of any kind with its number and lines, in the caller's transaction.

    `line_rows` are further columns of each line (`cdr`, `site`), where a document is about several charges.
    """
    exponent(currency)  # An unknown currency has no smallest coin: nothing is issued in it.
    now = timezone.now()
    zone = site.zone if site is not None else books.zone_of(operator)
    today = now.astimezone(zone).date()
    booked_on, (series, sequence) = books.next_numbers(operator=operator, kind=kind, today=today)
    net, tax, gross = invoicing.total(lines)
    invoice = Invoice.objects.create(
        operator=operator,
        site=site,
        kind=kind,
        series=series,
        sequence=sequence,
        number=invoicing.number(series.prefix, sequence),
        issued_at=now,
        booked_on=booked_on,
        currency=currency,
        net=net,
        tax=tax,
        gross=gross,
        **fields,
    )
    rows = line_rows or [{"cdr": fields.get("cdr"), "site": site}] * len(lines)
    InvoiceLine.objects.bulk_create(
        (
            InvoiceLine(invoice=invoice, position=position, **asdict(line), **row)
            for position, (line, row) in enumerate(zip(lines, rows, strict=True), start=1)
        ),
        batch_size=1000,
    )
    tell(invoice=invoice, kind=Told.ISSUED)
    if not invoice.is_self_billed:
        # What a site's host is credited with is no sale of the operator's.
        posting.book(booking=posting.of_document(invoice))
    return invoice


def tell(*, invoice: Invoice, kind: str, detail: str = "", by: User | None = None) -> None:
    """A line of the document's audit trail."""
    DocumentEvent.objects.create(invoice=invoice, kind=kind, detail=detail[:200], by=by, at=timezone.now())


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


def _signed(session: Session) -> dict:
    """What the meter signed and how that was judged: the document carries it, for whoever checks it."""
    check = SignedCheck.objects.filter(session=session).first()
    if check is None:
        return {}
    values = session.signed_values.order_by("at", "pk").values_list("data", flat=True)[:MOST_SIGNED]
    signed = {
        "verdict": check.verdict,
        "meter": check.meter_serial,
        "key": signed_checks.public_key(session),
        "values": list(dict.fromkeys(signed_checks.plain_text(data) for data in values)),
    }
    if not check.is_good:
        return {"signed": signed}
    registers = {"meter_start_wh": str(check.start_wh), "meter_stop_wh": str(check.stop_wh)}
    return {"signed": signed} | registers


def _allowance(session: Session) -> dict:
    """What the driver's plan gave to the charge, and what it had left when the document was issued."""
    use = AllowanceUse.objects.filter(session=session, wh__gt=0).first()
    if use is None:
        return {}
    period = PlanPeriod.objects.select_related("subscription__plan").get(pk=use.period_id)
    return {
        "allowance": {
            "plan": period.subscription.plan.name,
            "used_wh": str(use.wh),
            "left_wh": str(period.left_wh),
            "included_wh": str(period.included_wh),
            "until": period.ends_at.isoformat(),
        }
    }


def _paid(session: Session, gross: Decimal) -> dict:
    """By which card, how much of it, and what is still open when the document is issued."""
    payments = list(session.payments.filter(state=Payment.State.CAPTURED).select_related("card"))
    if not payments:
        return {"paid": None}
    amount = sum(payment.amount_captured for payment in payments)
    return {"paid": _paid_with(payments[0], amount=amount) | {"open": str(gross - amount)}}


def _company(session: Session) -> dict:
    """Whom the bill is made out to, where somebody said so at the charger's terminal."""
    payment = session.payments.at_terminal().exclude(settlement__company=None).first()
    return invoicing.company(payment.settlement.company, payment.settlement.vat_number) if payment else {}


def _paid_with(payment: Payment, *, amount=None) -> dict:
    card = payment.card
    return {
        "amount": str(payment.amount_captured if amount is None else amount),
        "brand": card.brand if card else payment.method if payment.method != "card" else "",
        "last4": card.last4 if card else "",
    }


def mail_document(*, invoice: Invoice, template: str, again: str = "", by: User | None = None) -> None:
    """Written once; `again` is a word of its own for each time that somebody wants it sent once more."""
    to = invoice.buyer.get("email") or (invoice.user.mail_address if invoice.user else "")
    if invoice.is_self_billed:
        to = invoice.seller.get("email", "")
    if not to:
        return
    queue_mail(
        key=f"invoice {invoice.pk}{again and f' {again}'}",
        to=to,
        template=template,
        context={"invoice": invoice, "url": document_url(invoice.link)},
        language=invoice.user.language if invoice.user else invoice.language,
        attachments=[
            {
                "name": f"{invoice.number}.pdf",
                "type": "application/pdf",
                "source": "billing.invoice",
                "id": invoice.pk,
            }
        ],
    )
    tell(invoice=invoice, kind=Told.RESENT if again else Told.MAILED, detail=to, by=by)


#: What is mailed with each kind of document.
LETTERS = {
    Kind.INVOICE: "billing/mail/invoice",
    Kind.CREDIT_NOTE: "billing/mail/credit_note",
    Kind.SELF_BILLED: "billing/mail/host_statement",
}


@transaction.atomic
def resend(*, invoice: Invoice, by: User | None) -> str:
    """The same document once more, to the address that it was made out to, which is returned."""
    to = invoice.seller.get("email") if invoice.is_self_billed else invoice.buyer.get("email")
    if not to:
        raise DocumentRefused("No e-mail address is on this document.")
    times = invoice.events.filter(kind=Told.RESENT).count()
    mail_document(invoice=invoice, template=LETTERS[Kind(invoice.kind)], again=f"again {times + 1}", by=by)
    return to


def mail_free_receipt(*, cdr: Cdr) -> None:
    """Nothing to pay is worth a word too: the driver sees that the hold is free."""
    session = cdr.session
    if session.user is None:
        return
    queue_mail(
        key=f"free session {session.pk}",
        to=session.user.mail_address,
        template="billing/mail/free",
        context={"session": session, "cdr": cdr, "url": document_url(session.link)},
        language=session.user.language,
    )


def document_url(link: str) -> str:
    return settings.PUBLIC_URL + reverse("billing:receipt", args=[link])
