"""The kWh that a plan includes, taken off a bill as lines of their own. Pure.

Covered first is what was charged first: a bill's energy lines in the order in which they began, at each
line's own price. Energy that costs nothing covers nothing. A bill never falls below zero by it, so where a
maximum price has cut the bill already, only what it cuts to is covered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from billing import invoicing
from billing.pricing import Kind, Line, Priced, TaxIncluded, TaxSummary
from billing.pricing.totals import to_decimal
from evportal.money import round_money

WORDS = "Included in your plan"


@dataclass(frozen=True, slots=True)
class Covered:
    """The bill with its lines of included energy, and how much that was."""

    priced: Priced
    wh: Decimal


def cover(priced: Priced, left_wh: Decimal) -> Covered:
    """The bill after at most so much included energy."""
    left, used, found = max(left_wh, Decimal(0)), Decimal(0), []
    rest = priced.gross
    lines = sorted(
        (line for line in priced.lines if line.kind is Kind.ENERGY and line.gross > 0 and line.quantity > 0),
        key=lambda line: line.start,
    )
    for line in lines:
        wh = line.quantity * 1000
        here = min(wh, left)
        if here <= 0 or rest <= 0:
            break
        share = Fraction(here) / Fraction(wh)
        gross = min(_part(line.gross, share, priced.currency), rest)
        if not gross:
            continue
        found.append(_line(line, here, gross, priced))
        left, used, rest = left - here, used + here, rest - gross
    if not found:
        return Covered(priced, Decimal(0))
    every = (*priced.lines, *found)
    net, tax, gross = _total(every)
    return Covered(replace(priced, lines=every, taxes=_taxes(every), net=net, tax=tax, gross=gross), used)


def _part(amount: Decimal, share: Fraction, currency: str) -> Decimal:
    return amount if share == 1 else round_money(to_decimal(Fraction(amount) * share), currency)


def _line(line: Line, wh: Decimal, gross: Decimal, priced: Priced) -> Line:
    if gross == line.gross:
        net = line.net
    else:
        net = gross if line.vat is None else invoicing.net_of(gross, line.vat, priced.currency)
        # A rounding must not take back more tax than the line has.
        net = min(max(net, gross - line.tax), line.net)
    whole = priced.tax_included is not TaxIncluded.NO
    kwh = wh / 1000
    price = line.unit_price if line.per == 1 else (gross if whole else net) / kwh
    return Line(
        kind=Kind.INCLUDED,
        description=WORDS,
        quantity=-kwh,
        unit="kWh",
        unit_price=price,
        per=1,
        vat=line.vat,
        net=-net,
        tax=net - gross,
        gross=-gross,
        start=line.start,
        end=line.end,
    )


def _total(lines: Iterable[Line]) -> tuple[Decimal, Decimal, Decimal]:
    net = tax = gross = Decimal(0)
    for line in lines:
        net, tax, gross = net + line.net, tax + line.tax, gross + line.gross
    return net, tax, gross


def _taxes(lines: Iterable[Line]) -> tuple[TaxSummary, ...]:
    found: dict[Decimal | None, TaxSummary] = {}
    for line in lines:
        so_far = found.get(line.vat, TaxSummary(line.vat, Decimal(0), Decimal(0), Decimal(0)))
        found[line.vat] = TaxSummary(
            line.vat, so_far.net + line.net, so_far.tax + line.tax, so_far.gross + line.gross
        )
    return tuple(found.values())
