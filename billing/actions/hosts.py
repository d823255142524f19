"""Site hosts' statements: what a month of their sites' documents leaves them, written by the operator."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from billing import calendar, invoicing, settling
from billing.actions import books, invoices
from billing.documents import words
from billing.exceptions import DocumentRefused
from billing.models import Host, HostShare, Invoice, InvoiceLine
from evportal.accounts.models import User


def earned(host: Host, month: date) -> list[settling.Earned]:
    """Net revenue and energy of each of the host's sites, for each day's share, and each currency."""
    start, end = calendar.first_of(month), calendar.last_of(month)
    shares = HostShare.objects.filter(site__host_shares__host=host).distinct().select_related("site")
    by_site: dict[int, list[HostShare]] = defaultdict(list)
    for share in shares.order_by("valid_from"):
        by_site[share.site_id].append(share)
    found = []
    for rows in by_site.values():
        for share, since, until in settling.spans(rows, start, end):
            if share.host_id == host.pk:
                found += _revenue(share, since, until)
    return found


def _revenue(share: HostShare, since: date, until: date) -> list[settling.Earned]:
    lines = (
        InvoiceLine.objects.filter(
            invoice__operator=share.host.operator_id, invoice__booked_on__range=(since, until)
        )
        .exclude(invoice__kind=Invoice.Kind.SELF_BILLED)
        .annotate(place=Coalesce("site", "invoice__site"))
        .filter(place=share.site_id)
        .values("invoice__currency")
        .annotate(sum_net=Sum("net"), sum_energy=Sum("energy_wh"))
        .order_by("invoice__currency")
    )
    return [
        settling.Earned(
            site=share.site.name,
            currency=row["invoice__currency"],
            since=since,
            until=until,
            net=row["sum_net"],
            energy_wh=row["sum_energy"],
            percent=share.percent,
            per_kwh=share.per_kwh,
        )
        for row in lines
    ]


@transaction.atomic
def issue_statements(*, host: Host, month: date, by: User | None) -> list[Invoice]:
    """The host's statements of a month, one for each currency; asked twice, the first ones."""
    Host.objects.select_for_update().get(pk=host.pk)
    month = calendar.first_of(month)
    known = list(host.statements.filter(kind=Invoice.Kind.SELF_BILLED, period_start=month))
    if known:
        return known
    today = timezone.now().astimezone(books.zone_of(host.operator)).date()
    if today <= calendar.last_of(month):
        raise DocumentRefused("This month is not over yet.")
    by_currency: dict[str, list[settling.Earned]] = defaultdict(list)
    for row in earned(host, month):
        by_currency[row.currency].append(row)
    return [
        statement
        for currency, rows in sorted(by_currency.items())
        if (statement := _issue(host, month, currency, rows)) is not None
    ]


def _issue(host: Host, month: date, currency: str, rows: list[settling.Earned]) -> Invoice | None:
    lines = settling.lines(
        rows, currency=currency, vat_percent=host.vat_percent, words=words.tariff(host.language)
    )
    if not lines or invoicing.total(lines)[2] <= 0:
        return None
    operator = host.operator
    statement = invoices.issue(
        operator=operator,
        site=None,
        kind=Invoice.Kind.SELF_BILLED,
        lines=lines,
        currency=currency,
        host=host,
        language=host.language,
        vat_country=host.country,
        supplied_on=calendar.last_of(month),
        period_start=month,
        period_end=calendar.last_of(month),
        seller={
            "name": host.name, "street": host.street, "postcode": host.postcode, "city": host.city,
            "country": host.country, "vat_id": host.vat_id, "tax_number": host.tax_number,
            "email": host.email, "iban": host.iban,
        },
        buyer=invoicing.seller(operator),
        details={"time_zone": books.books_of(operator).time_zone},
    )  # fmt: skip
    invoices.mail_document(invoice=statement, template="billing/mail/host_statement")
    return statement


def owed(host: Host, month: date) -> dict[str, Decimal]:
    """What a statement of the month would come to, before tax, by currency."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in earned(host, month):
        sums[row.currency] += settling.share_of(row)
    return dict(sums)
