"""A host's share: which agreement holds on which days, and the lines of a statement. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from billing import vat
from billing.invoicing import DocumentLine
from evportal.money import round_money


@dataclass(frozen=True, slots=True)
class Earned:
    """What a site brought in from one day to another (both included), and the host's share of it."""

    site: str
    currency: str
    since: date
    until: date
    net: Decimal
    energy_wh: Decimal
    percent: Decimal
    per_kwh: Decimal

    @property
    def from_revenue(self) -> Decimal:
        return round_money(self.net * self.percent / 100, self.currency)

    @property
    def from_energy(self) -> Decimal:
        return round_money(self.energy_wh / 1000 * self.per_kwh, self.currency)


def share_of(earned: Earned) -> Decimal:
    return earned.from_revenue + earned.from_energy


def spans(rows: Sequence[Any], start: date, end: date) -> Iterator[tuple[Any, date, date]]:
    """Each agreement of a site, sorted by `valid_from`, with its days between start and end."""
    for position, row in enumerate(rows):
        since = max(start, row.valid_from)
        until = end
        if position + 1 < len(rows):
            until = min(end, rows[position + 1].valid_from - timedelta(days=1))
        if since <= until:
            yield row, since, until


def lines(
    rows: Sequence[Earned], *, currency: str, vat_percent: Decimal, words: Callable[[str], str]
) -> list[DocumentLine]:
    """Two lines a row at most: of the revenue, and for the energy. A loss is shown as one."""
    found = []
    for row in rows:
        period = f"{row.site}, {row.since:%d.%m.}–{row.until:%d.%m.%Y}"
        if row.from_revenue:
            net = f"{round_money(row.net, currency):f} {currency}"
            text = f"{words('Revenue share')} {row.percent.normalize():f} % × {net}, {period}"
            found.append(_line(text, row.from_revenue, currency, vat_percent))
        if row.from_energy:
            kwh = f"{row.energy_wh / 1000:.3f} kWh"
            text = f"{words('Energy share')} {row.per_kwh.normalize():f} {currency} × {kwh}, {period}"
            found.append(_line(text, row.from_energy, currency, vat_percent))
    return found


def _line(text: str, net: Decimal, currency: str, vat_percent: Decimal) -> DocumentLine:
    tax = round_money(net * vat_percent / 100, currency)
    how = vat.STANDARD if vat_percent else vat.EXEMPT
    return DocumentLine("SHARE", text[:200], Decimal(1), "", net, 1, vat_percent, net, tax, net + tax, how)
