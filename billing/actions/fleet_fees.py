"""A booking's fee of a fleet's driver: it waits for the fleet's monthly invoice, as the sessions do."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from billing import calendar, invoicing, parties, vat
from billing.actions import books, invoices
from billing.documents import words
from billing.models import Account, FeeDebt, Invoice, InvoiceLine, Quote
from bookings.models import Booking
from evportal.accounts.models import Operator

State = FeeDebt.State


@transaction.atomic
def put_on_account(*, booking: Booking, account: Account) -> FeeDebt | None:
    """Owed by the fleet, at the VAT category and rate of now; once however often this is called."""
    if booking.fee <= 0:
        return None
    site = booking.evse.station.site
    quote = Quote.objects.filter(booking=booking).first()
    currency = quote.currency if quote is not None else site.operator.currency
    how = parties.category(place=site.country, operator=site.operator, account=account)
    rate, amount = invoices.fee_rate(booking, quote), booking.fee
    if how not in (vat.STANDARD, vat.ZERO):
        amount, rate = invoicing.net_of(amount, rate, currency), 0
    fee, _is_new = FeeDebt.objects.get_or_create(
        booking=booking,
        defaults={
            "operator": site.operator,
            "user": booking.user,
            "account": account,
            "state": State.ACCOUNT,
            "currency": currency,
            "amount": amount,
            "vat_percent": rate,
            "vat_category": how,
        },
    )
    return fee


def waiting(*, operator: Operator, month: date) -> QuerySet[FeeDebt]:
    """Fees of slots that were closed in the month or before, and that no document bills yet."""
    _start, end = calendar.bounds(month, books.zone_of(operator))
    return FeeDebt.objects.filter(
        operator=operator, state=State.ACCOUNT, billed_on=None, booking__closed_at__lt=end
    )


def line(fee: FeeDebt, language: str) -> invoicing.DocumentLine:
    """The fee on its month's document."""
    booking = fee.booking
    site = booking.evse.station.site
    at = booking.starts_at.astimezone(site.zone)
    where = f"{words.day(at.date(), language)} {at:%H:%M}, {site.name}, {booking.evse.public_id}"
    return invoicing.fee_line(
        text=f"{where}, {invoices.fee_text(booking, language)}",
        gross=fee.amount,
        vat_percent=fee.vat_percent,
        currency=fee.currency,
        how=fee.vat_category,
    )


@transaction.atomic
def take_back(*, booking: Booking) -> None:
    """Nothing is owed after all; what a month's invoice has billed already is credited. Once."""
    fee = FeeDebt.objects.select_for_update().filter(booking=booking, state=State.ACCOUNT).first()
    if fee is None:
        return
    fee.state, fee.decided_at = State.WAIVED, timezone.now()
    fee.save(update_fields=["state", "decided_at"])
    if fee.billed_on_id is not None:
        _credit(Invoice.objects.select_for_update(no_key=True).get(pk=fee.billed_on_id), booking)


def _credit(original: Invoice, booking: Booking) -> Invoice:
    billed: InvoiceLine = original.lines.get(booking=booking)
    note = invoices.issue(
        operator=original.operator,
        site=billed.site,
        kind=Invoice.Kind.CREDIT_NOTE,
        lines=invoicing.negated([billed], lambda one: one.text),
        line_rows=[{"booking": booking, "site": billed.site, "corrects": billed}],
        currency=original.currency,
        supplied_on=original.supplied_on,
        details={
            "time_zone": original.details["time_zone"],
            "paid": None,
            "corrects": {"number": original.number, "issued_at": original.issued_at.isoformat()},
            "set_off": str(billed.gross),
        },
        corrects=original,
        **invoices.same_parties(original),
    )
    invoices.tell(invoice=original, kind=invoices.Told.CREDITED, detail=note.number)
    invoices.mail_document(invoice=note, template="billing/mail/credit_note")
    return note
