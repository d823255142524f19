"""From charges to a bill: minimum and maximum price, tax per rate, and lines that add up to the cent.

Each line's amount is rounded once, before tax where prices exclude it and after tax where they include it.
Tax is rounded once for the whole bill and then handed to rates and lines by largest remainder. Rounding it
per line or per rate would add cents that nobody owes: the standard's complex example comes to 10.30, and to
10.31 when its 0.375 of tax is rounded twice. A rate's tax so differs from its own rounding by one smallest
unit at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

from billing.pricing.elements import PriceLimit, TaxIncluded
from billing.pricing.limits import Limit, lowered, raised
from billing.pricing.tariff import Tariff
from evportal.money import exponent, from_minor, round_money, to_minor

Rate = Decimal | None

# Far finer than any tie at half a cent, so that the one rounding after it is the only one that shows.
_EXACT = Context(prec=60)


class Kind(StrEnum):
    ENERGY = "ENERGY"
    TIME = "TIME"
    PARKING_TIME = "PARKING_TIME"
    FLAT = "FLAT"
    RESERVATION = "RESERVATION"
    RESERVATION_FEE = "RESERVATION_FEE"
    MIN_PRICE = "MIN_PRICE"
    MAX_PRICE = "MAX_PRICE"
    #: For charging past a booking's end: of the booking's terms, not of the tariff.
    LATE_STOP = "LATE_STOP"
    #: Energy that the driver's plan includes, taken off again: of the plan, not of the tariff.
    INCLUDED = "INCLUDED"


@dataclass(frozen=True, slots=True)
class Line:
    """`quantity` of `unit` (kWh, min, or "" for a fee) at `unit_price` for every `per` units.

    The unit price is before or after tax as the tariff's prices are; net + tax = gross always.
    """

    kind: Kind
    description: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    per: int
    vat: Rate
    net: Decimal
    tax: Decimal
    gross: Decimal
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class TaxSummary:
    """All lines of one rate (a percentage; None where the tariff gives none)."""

    vat: Rate
    net: Decimal
    tax: Decimal
    gross: Decimal


@dataclass(frozen=True, slots=True)
class Priced:
    """A bill: lines that add up to the totals. Without a known rate, tax is 0 and `tax_known` is False."""

    tariff_id: str
    currency: str
    tax_included: TaxIncluded
    lines: tuple[Line, ...]
    taxes: tuple[TaxSummary, ...]
    net: Decimal
    tax: Decimal
    gross: Decimal
    energy_wh: Decimal

    @property
    def tax_known(self) -> bool:
        return self.tax_included is TaxIncluded.N_A or all(line.vat is not None for line in self.lines)

    def to_ocpi_price(self) -> dict[str, Any]:
        """The total as OCPI's Price, with a TaxAmount per rate."""
        return {
            "before_taxes": float(self.net),
            "taxes": [
                {"name": "VAT", "percentage": float(part.vat), "amount": float(part.tax)}
                for part in self.taxes
                if part.vat is not None
            ],
        }


@dataclass(frozen=True, slots=True)
class Charge:
    """A line to be: `amount` is exact, on the side of tax on which the tariff's prices are."""

    kind: Kind
    description: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    per: int
    vat: Rate
    amount: Fraction
    start: datetime
    end: datetime


def settle(
    charges: Sequence[Charge],
    tariff: Tariff,
    *,
    energy_wh: Decimal,
    start: datetime,
    end: datetime,
    with_minimum: bool,
) -> Priced:
    """The bill for these charges. The minimum holds for sessions, the maximum for whatever is billed."""
    bill = _Bill(tariff, start, end)
    for charge in charges:
        bill.add(charge, round_money(to_decimal(charge.amount), tariff.currency))
    if with_minimum and tariff.min_price is not None:
        bill.adjust(Kind.MIN_PRICE, tariff.min_price)
    if tariff.max_price is not None:
        bill.adjust(Kind.MAX_PRICE, tariff.max_price)
    return bill.priced(energy_wh, with_minimum=with_minimum)


def to_decimal(exact: Fraction) -> Decimal:
    return _EXACT.divide(Decimal(exact.numerator), Decimal(exact.denominator))


class _Bill:
    """Charges with their rounded amounts, on the side of tax on which the tariff's prices are."""

    def __init__(self, tariff: Tariff, start: datetime, end: datetime) -> None:
        self.tariff = tariff
        self.currency = tariff.currency
        self.inclusive = tariff.tax_included is TaxIncluded.YES
        self.start, self.end = start, end
        self.charges: list[tuple[Charge, Decimal]] = []

    def add(self, charge: Charge, amount: Decimal) -> None:
        self.charges.append((charge, amount))

    def net(self, amount: Decimal, rate: Rate) -> Fraction:
        return Fraction(amount) / (1 + share(rate)) if self.inclusive else Fraction(amount)

    def nets(self) -> dict[Rate, Fraction]:
        """Exact amounts before tax, by rate."""
        found: dict[Rate, Fraction] = {}
        for charge, amount in self.charges:
            found[charge.vat] = found.get(charge.vat, Fraction(0)) + self.net(amount, charge.vat)
        return found

    def limit(self, price: PriceLimit) -> Limit:
        def rounded(amount: Decimal) -> Fraction:
            return Fraction(round_money(amount, self.currency))

        # A tariff without taxes has one price; what it says about the other side has no meaning.
        taxed = price.after_taxes is not None and self.tariff.tax_included is not TaxIncluded.N_A
        after = rounded(price.after_taxes) if taxed and price.after_taxes is not None else None
        return Limit(before=rounded(price.before_taxes), after=after)

    def adjust(self, kind: Kind, price: PriceLimit) -> None:
        """One line per rate that brings the total to the limit, where it is beyond it."""
        now = self.nets()
        rates = {rate: share(rate) for rate in now}
        limit = self.limit(price)
        if kind is Kind.MIN_PRICE:
            if not now:
                now, rates = (
                    {self._usual_rate(): Fraction(0)},
                    {self._usual_rate(): share(self._usual_rate())},
                )
            wanted = raised(now, rates, limit)
        else:
            wanted = lowered(now, rates, limit)
        if wanted == now:
            return

        def on_our_side(nets: Mapping[Rate, Fraction], rate: Rate) -> Fraction:
            return nets[rate] * (1 + share(rate)) if self.inclusive else nets[rate]

        aim = round_money(
            to_decimal(sum((on_our_side(wanted, rate) for rate in wanted), Fraction())), self.currency
        )
        missing = aim - sum((amount for _, amount in self.charges), Decimal(0))
        parts = [on_our_side(wanted, rate) - on_our_side(now, rate) for rate in wanted]
        for rate, amount in zip(wanted, self._split(missing, parts), strict=True):
            if amount:
                words = "Minimum price" if kind is Kind.MIN_PRICE else "Maximum price"
                charge = Charge(
                    kind, words, Decimal(1), "", amount, 1, rate, Fraction(amount), self.start, self.end
                )
                self.add(charge, amount)

    def _usual_rate(self) -> Rate:
        if self.tariff.tax_included is TaxIncluded.N_A:
            return None
        parts = [part for element in self.tariff.elements for part in element.price_components]
        return min(parts, key=lambda part: part.type != "ENERGY").vat

    def _split(self, total: Decimal, parts: Sequence[Fraction]) -> list[Decimal]:
        unit = 10 ** exponent(self.currency)
        minors = split(to_minor(total, self.currency), [part * unit for part in parts])
        return [from_minor(minor, self.currency) for minor in minors]

    def priced(self, energy_wh: Decimal, *, with_minimum: bool) -> Priced:
        ours = sum((amount for _, amount in self.charges), Decimal(0))
        owed = [self._tax(amount, charge.vat) for charge, amount in self.charges]
        tax = round_money(to_decimal(sum(owed, Fraction())), self.currency)
        tax = self._within_limits(ours, tax, with_minimum=with_minimum)
        by_rate: dict[Rate, list[int]] = {}
        for index, (charge, _) in enumerate(self.charges):
            by_rate.setdefault(charge.vat, []).append(index)
        shares = self._split(tax, [sum((owed[i] for i in lines), Fraction()) for lines in by_rate.values()])
        taxes: dict[int, Decimal] = {}
        for lines, part in zip(by_rate.values(), shares, strict=True):
            taxes |= dict(zip(lines, self._split(part, [owed[i] for i in lines]), strict=True))
        lines_ = tuple(self._line(*pair, taxes[index]) for index, pair in enumerate(self.charges))
        return Priced(
            tariff_id=self.tariff.id,
            currency=self.currency,
            tax_included=self.tariff.tax_included,
            lines=lines_,
            taxes=_summaries(lines_),
            net=self._sum(line.net for line in lines_),
            tax=self._sum(line.tax for line in lines_),
            gross=self._sum(line.gross for line in lines_),
            energy_wh=energy_wh,
        )

    def _tax(self, amount: Decimal, rate: Rate) -> Fraction:
        return self.net(amount, rate) * share(rate)

    def _within_limits(self, ours: Decimal, tax: Decimal, *, with_minimum: bool) -> Decimal:
        """Rounding must not carry the other side of tax over a limit that holds exactly."""
        if not tax:
            return tax
        theirs = ours - tax if self.inclusive else ours + tax
        # A minimum that the maximum has undone no longer holds.
        undone = any(charge.kind is Kind.MAX_PRICE for charge, _ in self.charges)
        if with_minimum and self.tariff.min_price is not None and not undone:
            least = self._other_side(self.tariff.min_price)
            theirs = theirs if least is None else max(theirs, least)
        if self.tariff.max_price is not None:
            most = self._other_side(self.tariff.max_price)
            theirs = theirs if most is None else min(theirs, most)
        return abs(theirs - ours)

    def _other_side(self, price: PriceLimit) -> Decimal | None:
        limit = self.limit(price)
        side = limit.before if self.inclusive else limit.after
        return None if side is None else to_decimal(side)

    def _line(self, charge: Charge, amount: Decimal, tax: Decimal) -> Line:
        net, gross = (amount - tax, amount) if self.inclusive else (amount, amount + tax)
        return Line(
            kind=charge.kind,
            description=charge.description,
            quantity=charge.quantity,
            unit=charge.unit,
            unit_price=charge.unit_price,
            per=charge.per,
            vat=charge.vat,
            net=net,
            tax=tax,
            gross=gross,
            start=charge.start,
            end=charge.end,
        )

    def _sum(self, amounts: Iterable[Decimal]) -> Decimal:
        return round_money(sum(amounts, Decimal(0)), self.currency)


def share(rate: Rate) -> Fraction:
    """19 (per cent) → 19/100; without a rate no tax is added."""
    return Fraction(rate) / 100 if rate is not None else Fraction(0)


def split(total: int, parts: Sequence[Fraction]) -> list[int]:
    """Whole numbers that add up to total, each as near to its part as can be (largest remainder)."""
    given = [part.numerator // part.denominator for part in parts]
    left = total - sum(given)
    # A part of nothing (no tax due) is given nothing.
    order = sorted(
        (index for index, part in enumerate(parts) if part),
        key=lambda index: parts[index] - given[index],
        reverse=left > 0,
    )
    for turn in range(abs(left)):
        given[order[turn % len(order)]] += 1 if left > 0 else -1
    return given


def _summaries(lines: Iterable[Line]) -> tuple[TaxSummary, ...]:
    found: dict[Rate, TaxSummary] = {}
    for line in lines:
        so_far = found.get(line.vat, TaxSummary(line.vat, Decimal(0), Decimal(0), Decimal(0)))
        found[line.vat] = TaxSummary(
            line.vat, so_far.net + line.net, so_far.tax + line.tax, so_far.gross + line.gross
        )
    # Highest rate first, unknown last.
    return tuple(sorted(found.values(), key=lambda part: -1 if part.vat is None else part.vat, reverse=True))
