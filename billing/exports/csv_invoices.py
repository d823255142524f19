"""Invoices as CSV for accountants: streamed, with control totals, and the same bytes each time."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from decimal import Decimal

from billing.invoicing import by_rate
from billing.models import Invoice
from evportal.money import round_money
from evportal.spreadsheets import safe

HEAD = (
    "number",
    "kind",
    "issued_at",
    "supplied_on",
    "site",
    "evse",
    "buyer",
    "buyer_email",
    "corrects",
    "vat_percent",
    "net",
    "tax",
    "gross",
    "currency",
    "card",
)


class _Echo:
    def write(self, value: str) -> str:
        return value


def rows(invoices: Iterable[Invoice]) -> Iterator[str]:
    """One row per document and VAT rate, then a control total per currency. Times are UTC."""
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    # A byte order mark, without which spreadsheets take the file for their own alphabet.
    yield "\ufeff" + writer.writerow(HEAD)
    totals: dict[str, list[Decimal]] = {}
    count: dict[str, int] = {}
    for invoice in invoices:
        count[invoice.currency] = count.get(invoice.currency, 0) + 1
        for rate in by_rate(invoice.lines.all()):
            amounts = [rate.net, rate.tax, rate.gross]
            so_far = totals.setdefault(invoice.currency, [Decimal(0)] * 3)
            totals[invoice.currency] = [a + b for a, b in zip(so_far, amounts, strict=True)]
            figures = [f"{rate.vat_percent:f}", *_money(amounts, invoice.currency)]
            yield writer.writerow(
                [*_words(invoice), *figures, (invoice.details.get("paid") or {}).get("last4", "")]
            )
    for currency in sorted(totals):
        blank = [""] * 8
        label = f"{count[currency]} documents"
        yield writer.writerow(["TOTAL", label, *blank, *_money(totals[currency], currency), ""])


def _words(invoice: Invoice) -> list[str]:
    details = invoice.details
    return [
        safe(invoice.number),
        "credit note" if invoice.is_credit_note else "invoice",
        f"{invoice.issued_at:%Y-%m-%dT%H:%M:%SZ}",
        f"{invoice.supplied_on:%Y-%m-%d}",
        safe(details.get("site", "")),
        safe(details.get("evse", "")),
        safe(invoice.buyer.get("name", "")),
        safe(invoice.buyer.get("email", "")),
        safe((details.get("corrects") or {}).get("number", "")),
    ]


def _money(amounts: list[Decimal], currency: str) -> list[str]:
    # Numbers stay numbers, below zero too.
    return [f"{round_money(amount, currency):f}" for amount in amounts] + [currency]
