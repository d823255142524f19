"""The tables that accountants take away: documents, journal, VAT, revenue. Rows come as they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Count, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from billing.exports.sheets import Cell
from billing.invoicing import by_rate
from billing.models import Invoice, InvoiceLine
from evportal.money import round_money

CHUNK = 500


@dataclass
class Control:
    """What came out, counted while it was written."""

    rows: int = 0
    documents: int = 0
    by_currency: dict[str, list] = field(default_factory=dict)
    #: Called now and then with the documents written so far.
    progress: Callable[[int], None] = lambda done: None

    def count(self, invoice: Invoice) -> None:
        self.documents += 1
        sums = self.by_currency.setdefault(invoice.currency, [0, Decimal(0), Decimal(0), Decimal(0)])
        sums[0] += 1
        for position, amount in enumerate((invoice.net, invoice.tax, invoice.gross), start=1):
            sums[position] += amount
        if self.documents % CHUNK == 0:
            self.progress(self.documents)

    def totals(self) -> dict[str, dict]:
        return {
            currency: {
                "documents": sums[0],
                **{
                    name: f"{round_money(amount, currency):f}"
                    for name, amount in zip(("net", "tax", "gross"), sums[1:], strict=True)
                },
            }
            for currency, sums in sorted(self.by_currency.items())
        }


def read(documents, control: Control) -> Iterator[Invoice]:
    """From the database in pieces (a cursor on the server), counted as they pass."""
    for invoice in documents.prefetch_related("lines").iterator(chunk_size=CHUNK):
        control.count(invoice)
        yield invoice


@dataclass(frozen=True)
class Table:
    title: str
    head: tuple[str, ...]
    rows: Callable[..., Iterable[tuple[Cell, ...]]]


KINDS = {"380": "invoice", "381": "credit note", "389": "self-billed"}


def _invoices(documents, control: Control) -> Iterator[tuple[Cell, ...]]:
    """A row per document and VAT rate."""
    for invoice in read(documents, control):
        details, currency = invoice.details, invoice.currency
        for rate in by_rate(invoice.lines.all()):
            control.rows += 1
            yield (
                invoice.number,
                KINDS[invoice.kind],
                f"{invoice.issued_at:%Y-%m-%dT%H:%M:%SZ}",
                invoice.booked_on,
                invoice.supplied_on,
                details.get("site", ""),
                details.get("evse", ""),
                invoice.buyer.get("name", ""),
                invoice.buyer.get("vat_id", ""),
                invoice.buyer.get("email", ""),
                (details.get("corrects") or {}).get("number", ""),
                invoice.vat_country,
                rate.vat_category,
                rate.vat_percent,
                *(round_money(amount, currency) for amount in (rate.net, rate.tax, rate.gross)),
                currency,
                (details.get("paid") or {}).get("last4", ""),
            )
    for currency, sums in control.totals().items():
        yield (
            "TOTAL",
            f"{sums['documents']} documents",
            *[""] * 12,
            *(Decimal(sums[name]) for name in ("net", "tax", "gross")),
            currency,
            "",
        )


def _journal(documents, control: Control) -> Iterator[tuple[Cell, ...]]:
    """Each document as entries whose debits are its credits: what is owed against revenue and tax."""
    for invoice in read(documents, control):
        currency = invoice.currency
        entries = [("receivable", "", invoice.gross)]
        for rate in by_rate(invoice.lines.all()):
            how = f"{invoice.vat_country} {rate.vat_category} {rate.vat_percent.normalize():f} %"
            entries += [("revenue", how, -rate.net), ("VAT", how, -rate.tax)]
        if invoice.is_self_billed:
            entries = [(_BOUGHT[name], how, -amount) for name, how, amount in entries]
        for name, how, amount in entries:
            if not amount:
                continue
            control.rows += 1
            shown = round_money(abs(amount), currency)
            yield (
                invoice.booked_on,
                invoice.number,
                KINDS[invoice.kind],
                name,
                how,
                shown if amount > 0 else None,
                shown if amount < 0 else None,
                currency,
                invoice.buyer.get("name", ""),
            )


_BOUGHT = {"receivable": "payable", "revenue": "host shares", "VAT": "input VAT"}


def _vat(documents, control: Control) -> Iterator[tuple[Cell, ...]]:
    for invoice in documents.only("currency", "net", "tax", "gross").order_by("pk").iterator(CHUNK):
        control.count(invoice)
    sums = (
        InvoiceLine.objects.filter(invoice__in=documents.order_by().values("pk"))
        .values("invoice__vat_country", "vat_category", "vat_percent", "invoice__currency")
        .annotate(
            documents=Count("invoice", distinct=True),
            sum_net=Sum("net"),
            sum_tax=Sum("tax"),
            sum_gross=Sum("gross"),
        )
        .order_by("invoice__vat_country", "vat_category", "-vat_percent", "invoice__currency")
    )
    for row in sums:
        control.rows += 1
        currency = row["invoice__currency"]
        yield (
            row["invoice__vat_country"],
            row["vat_category"],
            row["vat_percent"],
            row["documents"],
            *(round_money(row[f"sum_{name}"], currency) for name in ("net", "tax", "gross")),
            currency,
        )


def _revenue(documents, control: Control) -> Iterator[tuple[Cell, ...]]:
    for invoice in documents.only("currency", "net", "tax", "gross").order_by("pk").iterator(CHUNK):
        control.count(invoice)
    sums = (
        InvoiceLine.objects.filter(invoice__in=documents.order_by().values("pk"))
        .annotate(place=Coalesce("site__name", "invoice__site__name"))
        .values("place", "invoice__currency")
        .annotate(
            documents=Count("invoice", distinct=True),
            energy=Sum("energy_wh"),
            sum_net=Sum("net"),
            sum_tax=Sum("tax"),
            sum_gross=Sum("gross"),
        )
        .order_by("place", "invoice__currency")
    )
    for row in sums:
        control.rows += 1
        currency = row["invoice__currency"]
        yield (
            row["place"] or "",
            row["documents"],
            (row["energy"] / 1000).quantize(Decimal("0.001")),
            *(round_money(row[f"sum_{name}"], currency) for name in ("net", "tax", "gross")),
            currency,
        )


_AMOUNTS = ("net", "tax", "gross", "currency")
TABLES = {
    "invoices": Table(
        _("Invoices"),
        (
            "number", "kind", "issued_at", "booked_on", "supplied_on", "site", "evse", "buyer",
            "buyer_vat_id", "buyer_email", "corrects", "vat_country", "vat_category",
            "vat_percent", *_AMOUNTS, "card",
        ),
        _invoices,
    ),
    "journal": Table(
        _("Journal"),
        ("date", "document", "kind", "account", "vat", "debit", "credit", "currency", "buyer"),
        _journal,
    ),
    "vat": Table(
        _("VAT by country and rate"),
        ("vat_country", "vat_category", "vat_percent", "documents", *_AMOUNTS),
        _vat,
    ),
    "revenue": Table(_("Revenue by site"), ("site", "documents", "energy_kwh", *_AMOUNTS), _revenue),
}  # fmt: skip
