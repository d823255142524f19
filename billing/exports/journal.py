"""The journal as CSV for accountants: streamed, one row per side, and the same bytes each time."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from decimal import Decimal

from billing.ledger import Code
from billing.models import Entry
from evportal.money import round_money
from evportal.spreadsheets import safe

HEAD = (
    "at",
    "journal",
    "event",
    "reference",
    "operator",
    "account",
    "account_name",
    "debit",
    "credit",
    "currency",
)

#: In English, whoever exports: the same export twice has the same bytes.
NAMES = {code.value: code.name.lower() for code in Code}


class _Echo:
    def write(self, value: str) -> str:
        return value


def rows(entries: Iterable[Entry]) -> Iterator[str]:
    """The entries in their order, then a control total of both sides per currency. Times are UTC."""
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    # A byte order mark, without which spreadsheets take the file for their own alphabet.
    yield "\ufeff" + writer.writerow(HEAD)
    totals: dict[str, list[Decimal]] = {}
    for entry in entries:
        row, account = entry.journal, entry.account
        so_far = totals.setdefault(row.currency, [Decimal(0), Decimal(0)])
        so_far[0] += entry.debit
        so_far[1] += entry.credit
        yield writer.writerow(
            [
                f"{row.at:%Y-%m-%dT%H:%M:%SZ}",
                row.pk,
                row.kind,
                safe(row.reference),
                safe(row.operator.name),
                account.code,
                NAMES[account.code],
                *_money(entry.debit, entry.credit, row.currency),
            ]
        )
    for currency in sorted(totals):
        yield writer.writerow(["TOTAL", *[""] * 6, *_money(*totals[currency], currency)])


def _money(debit: Decimal, credit: Decimal, currency: str) -> list[str]:
    return [f"{round_money(debit, currency):f}", f"{round_money(credit, currency):f}", currency]
