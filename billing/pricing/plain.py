"""A tariff as a form has it: prices per kWh and minute, a week of hours, a few fees. To and from OCPI. Pure.

Most tariffs fit; `of` says of the others why they don't, and those are written as OCPI's JSON. What the form
doesn't show (names, texts, prices of reservations, fields we don't know) is kept as it stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from decimal import Decimal
from itertools import groupby

from billing.pricing.additions import Additions, GroupPrices, Holidays, Waiver
from billing.pricing.elements import (
    ALWAYS,
    WEEK,
    Day,
    Dimension,
    PriceComponent,
    PriceLimit,
    TariffElement,
    TariffRestrictions,
    TaxIncluded,
)
from billing.pricing.moments import in_hours
from billing.pricing.tariff import Tariff
from evportal.money import round_money

HOURS = 24
LETTERS = "ABCDEF"
#: A price per hour that is finer than this per minute is what it was before the form rounded it.
_SAME = Decimal("0.0001")


class NotPlain(ValueError):
    """The form can't show this tariff; the message says what it has no field for."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What charging costs in some hours: per kWh and per hour; None: no such price."""

    kwh: Decimal | None = None
    hour: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """What a group of drivers pays: prices of their own, or less of the others."""

    group: str
    rate: Rate = Rate()
    discount_percent: Decimal | None = None
    no_start_fee: bool = False
    free_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Plain:
    """`week` has a letter for each hour from Monday 00:00 on, which names one of the `rates`.

    Amounts are before or after tax as `tax_included` says; `vat` is a percentage.
    """

    tax_included: TaxIncluded
    vat: Decimal | None
    rates: tuple[Rate, ...]
    week: str = "A" * (len(WEEK) * HOURS)
    start_fee: Decimal | None = None
    waiver: Waiver = Waiver()
    idle_hour: Decimal | None = None
    idle_from: int = 0
    idle_until: int = 0
    idle_grace_minutes: int | None = None
    free_minutes: int | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    holidays: tuple[date, ...] = ()
    holidays_as: Day | None = None
    holiday_rate: Rate | None = None
    groups: tuple[Group, ...] = ()


# From a tariff


def of(tariff: Tariff) -> Plain:
    """Raises NotPlain."""
    elements = [element for element in tariff.elements if element.when.reservation is None]
    _refuse_conditions(elements)
    rates, week = _week(elements)
    idle, idle_from, idle_until = _idle(elements)
    own = tariff.own
    holidays = own.holidays or Holidays()
    return Plain(
        tax_included=tariff.tax_included,
        vat=_vat(tariff),
        rates=rates,
        week=week,
        start_fee=_start_fee(elements),
        waiver=own.start_fee_waiver or Waiver(),
        idle_hour=idle,
        idle_from=idle_from,
        idle_until=idle_until,
        idle_grace_minutes=own.idle_grace_minutes,
        free_minutes=own.free_minutes,
        min_price=_limit_of(tariff, tariff.min_price),
        max_price=_limit_of(tariff, tariff.max_price),
        holidays=holidays.dates,
        holidays_as=holidays.as_day,
        holiday_rate=_only_rate(holidays.elements, "Holidays") if holidays.elements else None,
        groups=tuple(_group(each) for each in own.groups),
    )


def _refuse_conditions(elements: Iterable[TariffElement]) -> None:
    for element in elements:
        when = element.when
        hours = replace(when, start_time=None, end_time=None, day_of_week=(), extra={})
        if hours != ALWAYS or when.extra:
            raise NotPlain("A price depends on more than hours and days.")
        if any(moment and moment.minute for moment in (when.start_time, when.end_time)):
            raise NotPlain("A price begins or ends within an hour.")
        if element.extra or any(part.extra for part in element.price_components):
            raise NotPlain("An element has fields that are not ours.")


def _vat(tariff: Tariff) -> Decimal | None:
    own = tariff.own
    every = [*tariff.elements, *(own.holidays.elements if own.holidays else ())]
    every += [element for group in own.groups for element in group.elements]
    rates = {part.vat for element in every for part in element.price_components}
    if len(rates) > 1:
        raise NotPlain("There is more than one rate of VAT.")
    return rates.pop() if rates else None


def _week(elements: list[TariffElement]) -> tuple[tuple[Rate, ...], str]:
    cells = [
        Rate(
            _price(elements, Dimension.ENERGY, day, hour),
            _price(elements, Dimension.TIME, day, hour),
        )
        for day in WEEK
        for hour in range(HOURS)
    ]
    # The usual price is A; the others in the order in which the week has them.
    (usual, _count), *_rest = Counter(cells).most_common()
    rates = [usual, *dict.fromkeys(cell for cell in cells if cell != usual)]
    if len(rates) > len(LETTERS):
        raise NotPlain(f"The week has more than {len(LETTERS)} different prices.")
    return tuple(rates), "".join(LETTERS[rates.index(cell)] for cell in cells)


def _price(elements: list[TariffElement], dimension: Dimension, day: Day, hour: int) -> Decimal | None:
    for element in elements:
        component = element.component(dimension)
        when = element.when
        if component is None or (when.day_of_week and day not in when.day_of_week):
            continue
        if in_hours(when, time(hour)):
            return component.price
    return None


def _start_fee(elements: list[TariffElement]) -> Decimal | None:
    fees = [(element.when, part) for element in elements if (part := element.component(Dimension.FLAT))]
    if len(fees) > 1 or any(when != ALWAYS for when, _part in fees):
        raise NotPlain("The start fee isn't the same at all hours.")
    return fees[0][1].price if fees else None


def _idle(elements: list[TariffElement]) -> tuple[Decimal | None, int, int]:
    fees = [
        (element.when, part) for element in elements if (part := element.component(Dimension.PARKING_TIME))
    ]
    if len(fees) > 1 or any(when.day_of_week for when, _part in fees):
        raise NotPlain("The idle fee isn't the same on all days, or has more than one price.")
    if not fees:
        return None, 0, 0
    when, part = fees[0]
    return part.price, (when.start_time or time.min).hour, (when.end_time or time.min).hour


def _limit_of(tariff: Tariff, limit: PriceLimit | None) -> Decimal | None:
    if limit is None:
        return None
    if limit.extra:
        raise NotPlain("A limit has fields that are not ours.")
    if tariff.tax_included is not TaxIncluded.YES:
        return limit.before_taxes
    if limit.after_taxes is None:
        raise NotPlain("A limit is given before tax only, and prices after tax.")
    return limit.after_taxes


def _only_rate(elements: tuple[TariffElement, ...], what: str) -> Rate:
    """The one price of a set of elements that hold at all hours."""
    if not elements:
        return Rate()
    parts = elements[0].price_components
    kinds = {part.type for part in parts}
    plain = elements[0].restrictions in (None, ALWAYS) and not elements[0].extra
    if len(elements) > 1 or not plain or kinds - {Dimension.ENERGY, Dimension.TIME}:
        raise NotPlain(f"{what}: there is more than one price per kWh and per minute.")
    found = {part.type: part.price for part in parts}
    return Rate(found.get(Dimension.ENERGY), found.get(Dimension.TIME))


def _group(prices: GroupPrices) -> Group:
    if prices.idle_grace_minutes is not None or prices.extra:
        raise NotPlain(f"The group {prices.group} has more than the form shows.")
    return Group(
        prices.group,
        _only_rate(prices.elements, f"The group {prices.group}"),
        prices.discount_percent,
        prices.no_start_fee,
        prices.free_minutes,
    )


# To a tariff


def to_tariff(plain: Plain, base: Tariff) -> Tariff:
    """The form's prices in the tariff `base`. What wasn't changed in the form isn't changed in the tariff."""
    try:
        if of(base) == plain:
            return base
    except NotPlain:
        pass
    writing = _Writing(plain, base)
    own = base.own
    holidays = Holidays(
        plain.holidays,
        plain.holidays_as,
        writing.holiday_elements(),
        own.holidays.extra if own.holidays else {},
    )
    additions = replace(
        own,
        idle_grace_minutes=plain.idle_grace_minutes or None,
        free_minutes=plain.free_minutes or None,
        start_fee_waiver=plain.waiver if plain.waiver != Waiver() else None,
        holidays=holidays if holidays != Holidays() else None,
        groups=tuple(writing.group(each) for each in plain.groups),
    )
    return replace(
        base,
        tax_included=plain.tax_included,
        elements=writing.elements(),
        min_price=writing.limit(plain.min_price, base.min_price),
        max_price=writing.limit(plain.max_price, base.max_price),
        additions=additions if additions != Additions() else None,
    )


class _Writing:
    def __init__(self, plain: Plain, base: Tariff) -> None:
        self.plain, self.base = plain, base
        known = [part for element in base.elements for part in element.price_components]
        self.steps: Mapping[Dimension, int] = {part.type: part.step_size for part in reversed(known)}
        self.prices = {part.type: [each.price for each in known if each.type is part.type] for part in known}

    def component(self, dimension: Dimension, price: Decimal) -> PriceComponent:
        if dimension in (Dimension.TIME, Dimension.PARKING_TIME):
            # 5.00 an hour is 0.083333… a minute: what the form rounded is taken back as it was.
            price = next((old for old in self.prices.get(dimension, ()) if abs(old - price) < _SAME), price)
        return PriceComponent(dimension, price, self.plain.vat, self.steps.get(dimension, 1))

    def parts(self, rate: Rate) -> tuple[PriceComponent, ...]:
        both = ((Dimension.ENERGY, rate.kwh), (Dimension.TIME, rate.hour))
        return tuple(self.component(kind, price) for kind, price in both if price is not None)

    def elements(self) -> tuple[TariffElement, ...]:
        plain = self.plain
        found: list[TariffElement] = []
        for letter, rate in zip(LETTERS[1:], plain.rates[1:], strict=False):
            # Where charging costs nothing at some hours, a price of nothing says so.
            full = Rate(
                rate.kwh if rate.kwh is not None or plain.rates[0].kwh is None else Decimal(0),
                rate.hour if rate.hour is not None or plain.rates[0].hour is None else Decimal(0),
            )
            for when in _hours_of(plain.week, letter):
                if parts := self.parts(full):
                    found.append(TariffElement(parts, when))
        always = self.parts(plain.rates[0])
        if plain.start_fee is not None:
            always += (self.component(Dimension.FLAT, plain.start_fee),)
        if plain.idle_hour is not None:
            idle = self.component(Dimension.PARKING_TIME, plain.idle_hour)
            if plain.idle_from == plain.idle_until:
                always += (idle,)
            else:
                hours = TariffRestrictions(start_time=time(plain.idle_from), end_time=time(plain.idle_until))
                found.append(TariffElement((idle,), hours))
        if always:
            found.append(TariffElement(always))
        reserved = [element for element in self.base.elements if element.when.reservation is not None]
        return (*found, *reserved)

    def holiday_elements(self) -> tuple[TariffElement, ...]:
        rate = self.plain.holiday_rate
        parts = self.parts(rate) if rate is not None else ()
        return (TariffElement(parts, on_holidays=True),) if parts else ()

    def group(self, each: Group) -> GroupPrices:
        parts = self.parts(each.rate)
        return GroupPrices(
            each.group,
            (TariffElement(parts),) if parts else (),
            each.discount_percent,
            each.no_start_fee,
            each.free_minutes,
        )

    def limit(self, amount: Decimal | None, before: PriceLimit | None) -> PriceLimit | None:
        plain = self.plain
        if amount is None:
            return None
        if before is not None and plain.tax_included is self.base.tax_included:
            try:
                if _limit_of(self.base, before) == amount:
                    return before
            except NotPlain:
                pass
        if plain.tax_included is TaxIncluded.N_A:
            return PriceLimit(amount)
        share = 1 + (plain.vat or Decimal(0)) / 100
        if plain.tax_included is TaxIncluded.YES:
            return PriceLimit(round_money(amount / share, self.base.currency), amount)
        return PriceLimit(amount, round_money(amount * share, self.base.currency))


def _hours_of(week: str, letter: str) -> Iterator[TariffRestrictions]:
    """The hours of a letter in few restrictions: same hours of several days are one, as over midnight."""
    days: dict[tuple[tuple[int, int], ...], list[Day]] = {}
    for number, day in enumerate(WEEK):
        row = week[number * HOURS : (number + 1) * HOURS]
        runs = tuple(_runs(row, letter))
        if runs:
            days.setdefault(runs, []).append(day)
    by_run: dict[tuple[int, int], list[Day]] = {}
    for runs, of_days in days.items():
        for run in _over_midnight(runs):
            by_run.setdefault(run, []).extend(of_days)
    for (begin, end), of_days in sorted(by_run.items()):
        whole = (begin, end) == (0, HOURS)
        yield TariffRestrictions(
            start_time=None if whole else time(begin),
            end_time=None if whole else time(end % HOURS),
            day_of_week=() if len(of_days) == len(WEEK) else tuple(sorted(of_days, key=WEEK.index)),
        )


def _runs(row: str, letter: str) -> Iterator[tuple[int, int]]:
    at = 0
    for sign, cells in groupby(row):
        length = len(list(cells))
        if sign == letter:
            yield at, at + length
        at += length


def _over_midnight(runs: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    """22–24 and 0–6 on the same days are 22–6: hours after midnight count on the days that are named."""
    if len(runs) > 1 and runs[0][0] == 0 and runs[-1][1] == HOURS:
        return [*runs[1:-1], (runs[-1][0], runs[0][1])]
    return list(runs)
