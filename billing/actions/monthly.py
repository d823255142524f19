"""The month's invoices: every charge and fee that waits for one, by customer, in pieces that fit into memory.

A run may be killed at any moment and started again: what an invoice bills is marked in the transaction that
issues it, so nothing is billed twice and nothing is left out.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from billing import calendar, invoicing, parties
from billing.actions import books, fleet_fees, invoices, posting
from billing.documents import words
from billing.lines import from_json
from billing.models import Account, AccountDriver, Cdr, DocumentEvent, FeeDebt, Invoice, InvoiceLine, Refund
from evportal.accounts.models import Operator

log = logging.getLogger(__name__)

#: Customers in one transaction; a customer with more charges than fit is read in one piece all the same.
CUSTOMERS = 200
Key = tuple[int, str, str]


@dataclass
class Month:
    """What one document is about."""

    cdrs: list[Cdr] = field(default_factory=list)
    fees: list[FeeDebt] = field(default_factory=list)

    def sites(self) -> dict:
        found = [cdr.session.station.site for cdr in self.cdrs]
        found += [fee.booking.evse.station.site for fee in self.fees]
        return {site.pk: site for site in found}

    def began_on(self, zone) -> date:
        moments = [cdr.session.started_at for cdr in self.cdrs] + [fee.booking.closed_at for fee in self.fees]
        return min(moments).astimezone(zone).date()

    def on_account(self) -> Decimal:
        """What nobody has paid with a card."""
        amounts = [cdr.gross for cdr in self.cdrs if cdr.state == Cdr.State.ON_ACCOUNT]
        return sum([*amounts, *(fee.amount for fee in self.fees)], Decimal(0))


def waiting(*, operator: Operator, month: date):
    """Charges that ended in the month or before and that no document bills yet."""
    _start, end = calendar.bounds(month, books.zone_of(operator))
    return Cdr.objects.filter(
        session__station__site__operator=operator,
        session__stopped_at__lt=end,
        state__in=[Cdr.State.SETTLED, Cdr.State.ON_ACCOUNT],
        gross__gt=0,
        billed_on=None,
        session__user__isnull=False,
    )


def bill_month(*, operator: Operator, month: date, piece: int = CUSTOMERS) -> int:
    """Issue what is waiting, and say how many documents that were. A month that is not over is refused."""
    month = calendar.first_of(month)
    today = timezone.now().astimezone(books.zone_of(operator)).date()
    if today <= calendar.last_of(month):
        raise ValueError("This month is not over yet.")
    issued = 0
    for accounts in _pieces(_accounts(operator, month), piece):
        issued += _bill(operator, month, accounts)
    return issued


def _accounts(operator: Operator, month: date) -> Iterator[Account]:
    """Whoever is billed monthly here: fleets of this operator, and drivers who want it so.

    A fleet that owes a fee is asked for it even if it has each charge invoiced by now.
    """
    drivers = waiting(operator=operator, month=month).values("session__user")
    owing = fleet_fees.waiting(operator=operator, month=month).values("account")
    monthly = Q(invoicing=Account.Invoicing.MONTHLY) & (Q(operator=operator) | Q(user__in=drivers))
    chosen = Account.objects.filter(monthly | Q(pk__in=owing))
    return chosen.select_related("user").order_by("pk").iterator(chunk_size=CUSTOMERS)


def _pieces(rows: Iterable, size: int) -> Iterator[list]:
    found = iter(rows)
    while piece := list(islice(found, size)):
        yield piece


@transaction.atomic
def _bill(operator: Operator, month: date, accounts: list[Account]) -> int:
    by_user, fleets = {}, {account.pk: account for account in accounts if account.operator_id}
    for account in accounts:
        if account.user_id:
            by_user[account.user_id] = account
    # Somebody in a fleet here is the fleet's customer, whatever their own account says.
    mine = AccountDriver.objects.filter(operator=operator)
    elsewhere = set(
        mine.filter(user__in=by_user).exclude(account__in=fleets).values_list("user_id", flat=True)
    )
    for user_id in elsewhere:
        del by_user[user_id]
    for place in mine.filter(account__in=fleets):
        by_user[place.user_id] = fleets[place.account_id]
    cdrs = (
        waiting(operator=operator, month=month)
        .filter(session__user__in=by_user)
        .select_for_update(of=("self",))
        .select_related("session__evse", "session__station__site", "session__user")
        .order_by("session__started_at", "pk")
    )
    fees = (
        fleet_fees.waiting(operator=operator, month=month)
        .filter(account__in=fleets)
        .select_for_update(of=("self",))
        .select_related("booking__evse__station__site")
        .order_by("booking__closed_at", "pk")
    )
    groups: dict[Key, Month] = defaultdict(Month)
    # A document is in one currency, and of one country's tax.
    for cdr in cdrs:
        account = by_user[cdr.session.user_id]
        groups[account.pk, cdr.currency, cdr.session.station.site.country].cdrs.append(cdr)
    for fee in fees:
        groups[fee.account_id, fee.currency, fee.booking.evse.station.site.country].fees.append(fee)
    if not groups:
        return 0
    known = fleets | {account.pk: account for account in by_user.values()}
    return _issue(operator, month, [(known[key[0]], key, group) for key, group in sorted(groups.items())])


def _issue(operator: Operator, month: date, batch: list[tuple[Account, Key, Month]]) -> int:
    """All documents of the piece with one statement for each table."""
    now = timezone.now()
    zone = books.zone_of(operator)
    today = now.astimezone(zone).date()
    booked_on, (series, first) = books.next_numbers(
        operator=operator, kind=Invoice.Kind.INVOICE, today=today, count=len(batch)
    )
    documents, lines = [], []
    for sequence, (account, (_pk, currency, country), about) in enumerate(batch, start=first):
        language = parties.language(account.user, account)
        parts = [(line, _of(cdr)) for cdr in about.cdrs for line in _lines(cdr, language)]
        parts += [(fleet_fees.line(fee, language), _of_fee(fee)) for fee in about.fees]
        net, tax, gross = invoicing.total(line for line, _row in parts)
        sites = about.sites()
        invoice = Invoice(
            operator=operator,
            site=next(iter(sites.values())) if len(sites) == 1 else None,
            kind=Invoice.Kind.INVOICE,
            series=series,
            sequence=sequence,
            number=invoicing.number(series.prefix, sequence),
            account=account,
            user=account.user,
            language=language,
            issued_at=now,
            booked_on=booked_on,
            supplied_on=calendar.last_of(month),
            period_start=about.began_on(zone),
            period_end=calendar.last_of(month),
            due_on=today + timedelta(days=account.payment_days) if account.on_account or about.fees else None,
            vat_country=country,
            currency=currency,
            seller=parties.seller(operator, country),
            buyer=parties.buyer(account.user, account),
            details=_details(about, gross, zone.key),
            net=net,
            tax=tax,
            gross=gross,
        )
        documents.append(invoice)
        lines += [(invoice, position, line, row) for position, (line, row) in enumerate(parts, start=1)]
    Invoice.objects.bulk_create(documents, batch_size=500)
    InvoiceLine.objects.bulk_create(
        (
            InvoiceLine(invoice=invoice, position=position, **row, **asdict(line))
            for invoice, position, line, row in lines
        ),
        batch_size=1000,
    )
    for invoice, (_account, _key, about) in zip(documents, batch, strict=True):
        Cdr.objects.filter(pk__in=[cdr.pk for cdr in about.cdrs]).update(billed_on=invoice)
        if about.fees:
            FeeDebt.objects.filter(pk__in=[fee.pk for fee in about.fees]).update(billed_on=invoice)
    DocumentEvent.objects.bulk_create(
        (DocumentEvent(invoice=invoice, kind=DocumentEvent.Kind.ISSUED, at=now) for invoice in documents),
        batch_size=1000,
    )
    posting.book_all(bookings=[posting.of_document(invoice) for invoice in documents])
    _mail(documents)
    _credit(documents)
    return len(documents)


def _of(cdr: Cdr) -> dict:
    return {"cdr": cdr, "site": cdr.session.station.site}


def _of_fee(fee: FeeDebt) -> dict:
    return {"booking": fee.booking, "site": fee.booking.evse.station.site}


def _lines(cdr: Cdr, language: str) -> list[invoicing.DocumentLine]:
    session = cdr.session
    site = session.station.site
    at = session.started_at.astimezone(site.zone)
    kwh = f"{session.energy_wh / 1000:.2f}"
    text = f"{words.day(at.date(), language)} {at:%H:%M}, {site.name}, {session.evse.public_id}, {kwh} kWh"
    say = words.tariff(language)
    lines = invoicing.lines_of(from_json(cdr.lines), how=cdr.vat_category, words=say)
    return invoicing.session_lines(lines, text=text, energy_wh=session.energy_wh)


def _details(about: Month, gross: Decimal, zone: str) -> dict:
    on_account = about.on_account()
    paid = None
    if on_account < gross:
        paid = {
            "amount": str(gross - on_account),
            "open": str(on_account),
            "cards": True,
            "brand": "",
            "last4": "",
        }
    return {
        "time_zone": zone,
        "charges": len(about.cdrs),
        "energy_wh": str(sum(cdr.session.energy_wh for cdr in about.cdrs)),
        "paid": paid,
    }


def _mail(documents: list[Invoice]) -> None:
    for invoice in documents:
        invoices.mail_document(invoice=invoice, template="billing/mail/month")


def _credit(documents: list[Invoice]) -> None:
    """What was paid back before its charge had a document."""
    paid_back = Refund.objects.filter(
        state=Refund.State.DONE, credit_note=None, payment__session__cdr__billed_on__in=documents
    )
    for refund in paid_back.select_related("payment", "created_by").order_by("created_at"):
        invoices.issue_credit_note(refund=refund)


def bill_all(*, now: datetime) -> None:
    """The month before, at every operator; one operator's trouble is not the others'."""
    for operator in Operator.objects.all():
        zone = books.zone_of(operator)
        month = calendar.first_of(calendar.first_of(now.astimezone(zone).date()) - timedelta(days=1))
        try:
            bill_month(operator=operator, month=month)
        except Exception:
            log.exception("The invoices of %s at %s could not be issued", month, operator)
