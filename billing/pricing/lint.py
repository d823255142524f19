"""What an operator should look at before a tariff is published: law, tax, hours without a price, dead prices.

The tariff is tried at one point of every region that its restrictions can tell apart: each day, the hours
between its times, below, between and above its thresholds. So a finding is a fact, not a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import islice, product

from billing.pricing.additions import GroupPrices, Holidays
from billing.pricing.elements import ALWAYS, Dimension, ReservationKind, TariffRestrictions, TaxIncluded
from billing.pricing.moments import Moment, applies
from billing.pricing.personal import resolve, sources
from billing.pricing.tariff import Tariff

# AFIR, (EU) 2023/1804 article 5(4): from this power on, per kWh and at most an occupancy fee per minute.
AFIR_POWER_W = 50_000
# Regions tried at most. A tariff that needs more is past being understood, which is a finding in itself.
_MOST_REGIONS = 50_000
_MONDAY = date(2024, 1, 1)


class Level(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` is for programs, `path` names the field, `message` is for the operator."""

    level: Level
    code: str
    path: str
    message: str


def lint(tariff: Tariff, max_power_w: int) -> list[Finding]:
    """Findings for a tariff on a connector that gives at most this power, the gravest first.

    The public price is looked at as a whole; of what a group of drivers pays, only what is theirs.
    """
    public = _View.of(tariff)
    findings = [
        *_tax(public),
        *_afir(public, max_power_w),
        *_limits(tariff),
        *_overnight(public),
        *_holidays(tariff),
        *_regions(public),
    ]
    for number, group in enumerate(tariff.own.groups):
        theirs = _View.of(tariff, [group.group])
        place = f"evportal.groups[{number}]"
        found = [*_tax(theirs), *_overnight(theirs), *_regions(theirs)]
        findings += [finding for finding in found if finding.path.startswith(place)]
        if group == GroupPrices(group.group):
            message = f"Nothing is different for the group {group.group}."
            findings.append(Finding(Level.NOTE, "group_without_prices", place, message))
    return sorted(findings, key=lambda finding: list(Level).index(finding.level))


@dataclass(frozen=True, slots=True)
class _View:
    """A tariff as some drivers have it, and where in the document each of its elements stands."""

    tariff: Tariff
    paths: tuple[str, ...]

    @classmethod
    def of(cls, tariff: Tariff, groups: Iterable[str] = ()) -> _View:
        names = tuple(groups)
        return cls(resolve(tariff, names), tuple(path for path, _element in sources(tariff, names)))


def _components(view: _View) -> Iterator[tuple[str, int, Dimension, Decimal, Decimal | None]]:
    for index, element in enumerate(view.tariff.elements):
        for place, part in enumerate(element.price_components):
            path = f"{view.paths[index]}.price_components[{place}]"
            yield path, index, part.type, part.price, part.vat


def _tax(view: _View) -> Iterator[Finding]:
    for path, _, dimension, price, vat in _components(view):
        if view.tariff.tax_included is TaxIncluded.N_A:
            if vat:
                yield Finding(
                    Level.WARNING,
                    "tax_ignored",
                    f"{path}.vat",
                    f"The tariff says that no tax applies, so the rate on {dimension} is ignored.",
                )
        elif vat is None and price:
            yield Finding(
                Level.WARNING,
                "tax_missing",
                f"{path}.vat",
                f"The price of {dimension} has no VAT rate: invoices will show no tax for it.",
            )


def _afir(view: _View, max_power_w: int) -> Iterator[Finding]:
    if max_power_w < AFIR_POWER_W:
        return
    priced = [
        (path, dimension)
        for path, index, dimension, price, _ in _components(view)
        if price and view.tariff.elements[index].when.reservation is None
    ]
    for path, dimension in priced:
        if dimension in (Dimension.FLAT, Dimension.TIME):
            what = "a start fee" if dimension is Dimension.FLAT else "a price for charging time"
            yield Finding(
                Level.ERROR,
                "afir_components",
                path,
                f"At 50 kW and more, ad hoc prices are per kWh, with at most a fee per minute of occupancy "
                f"(AFIR article 5): {what} isn't allowed.",
            )
    if priced and all(dimension is not Dimension.ENERGY for _, dimension in priced):
        yield Finding(
            Level.ERROR,
            "afir_no_energy",
            "elements",
            "At 50 kW and more, ad hoc charging has a price per kWh (AFIR article 5).",
        )


def _limits(tariff: Tariff) -> Iterator[Finding]:
    low, high = tariff.min_price, tariff.max_price
    if low is not None and high is not None:
        crossed = low.before_taxes > high.before_taxes
        if low.after_taxes is not None and high.after_taxes is not None:
            crossed = crossed or low.after_taxes > high.after_taxes
        if crossed:
            yield Finding(
                Level.ERROR, "limits_crossed", "min_price", "The minimum price is above the maximum price."
            )


def _holidays(tariff: Tariff) -> Iterator[Finding]:
    holidays = tariff.own.holidays
    if holidays is None:
        return
    differs = bool(holidays.elements) or holidays.as_day is not None
    if differs and not holidays.dates:
        message = "Holidays have prices of their own, but no day is named as one."
        yield Finding(Level.WARNING, "holidays_missing", "evportal.holidays.dates", message)
    if holidays.dates and not differs:
        message = "Holidays are named, but nothing is priced differently on them."
        yield Finding(Level.NOTE, "holidays_unused", "evportal.holidays.dates", message)


def _overnight(view: _View) -> Iterator[Finding]:
    for path, element in zip(view.paths, view.tariff.elements, strict=True):
        when = element.when
        start, end = when.start_time or time.min, when.end_time or time.min
        if when.day_of_week and end != time.min and end < start:
            yield Finding(
                Level.NOTE,
                "days_over_midnight",
                f"{path}.restrictions",
                "Hours over midnight with days: the hours after midnight count on the days named, "
                "not on the day after each.",
            )


@dataclass(frozen=True, slots=True)
class _Region:
    moment: Moment
    charging: bool


def _regions(view: _View) -> Iterator[Finding]:
    """Prices that never apply, and hours in which something priced at other times has no price."""
    tariff = view.tariff
    won: set[tuple[int, Dimension]] = set()
    gaps: dict[Dimension, Moment] = {}
    overlaps: dict[tuple[int, int, Dimension], Moment] = {}
    regions = list(islice(_every_region(tariff), _MOST_REGIONS + 1))
    if len(regions) > _MOST_REGIONS:
        yield Finding(
            Level.WARNING,
            "too_complex",
            "elements",
            "This tariff has too many combinations of restrictions to be checked, or to be understood.",
        )
        return
    for region in regions:
        for dimension in Dimension:
            if not _possible(dimension, region):
                continue
            winners = [
                index
                for index, element in enumerate(tariff.elements)
                if element.component(dimension) is not None and applies(element.when, region.moment)
            ]
            if len(winners) > 1 and region.moment.reservation is None:
                first, second = winners[:2]
                if _overlap(view, first, second):
                    overlaps.setdefault((first, second, dimension), region.moment)
            if winners:
                # What expiry costs takes the place of what a reservation costs (engine).
                won.add((_first(tariff, winners, region.moment.reservation), dimension))
            elif region.moment.reservation is None:
                gaps.setdefault(dimension, region.moment)
    for path, index, dimension, _, _ in _components(view):
        if (index, dimension) not in won:
            yield Finding(
                Level.WARNING,
                "shadowed",
                path,
                f"This price of {dimension} never applies: its conditions can't be met, or an element "
                "before it always wins.",
            )
    for (first, second, dimension), moment in overlaps.items():
        if (second, dimension) in won:
            yield Finding(
                Level.WARNING,
                "overlap",
                view.paths[second],
                f"Two prices of {dimension} hold at once, for example on {moment.local:%A at %H:%M}"
                f"{_circumstances(moment)}: {view.paths[first]} counts, being the first.",
            )
    priced = {
        dimension
        for _, index, dimension, _, _ in _components(view)
        if tariff.elements[index].when.reservation is None
    }
    for dimension, moment in gaps.items():
        if dimension in priced:
            # A start fee or an idle fee at some hours only is a usual wish; free energy at some hours isn't.
            usual = dimension in (Dimension.FLAT, Dimension.PARKING_TIME)
            yield Finding(
                Level.NOTE if usual else Level.WARNING,
                "gap",
                "elements",
                f"{dimension} has no price, so it is free, for example on {moment.local:%A at %H:%M}"
                f"{_circumstances(moment)}.",
            )


def _overlap(view: _View, first: int, second: int) -> bool:
    """Two prices with conditions of their own: what always holds behind them is the usual case, not one."""
    elements = view.tariff.elements[first], view.tariff.elements[second]
    both = all(element.when != ALWAYS and not element.on_holidays for element in elements)
    return both and all(view.paths[index].startswith("elements[") for index in (first, second))


def _first(tariff: Tariff, winners: list[int], reservation: ReservationKind | None) -> int:
    return min(winners, key=lambda index: (tariff.elements[index].when.reservation is not reservation, index))


def _possible(dimension: Dimension, region: _Region) -> bool:
    if region.moment.reservation is not None:
        return dimension in (Dimension.FLAT, Dimension.TIME)
    if dimension is Dimension.PARKING_TIME:
        return not region.charging
    # Fees are looked at while charging, so that each is counted once.
    return region.charging


def _every_region(tariff: Tariff) -> Iterator[_Region]:
    session = [element.when for element in tariff.elements if element.when.reservation is None]
    reserved = [element.when for element in tariff.elements if element.when.reservation is not None]
    kinds: list[tuple[ReservationKind | None, list[TariffRestrictions]]] = [(None, session)]
    kinds += [(kind, reserved) for kind in ReservationKind if reserved]
    holidays = tariff.own.holidays
    for kind, every in kinds:
        moments = product(
            _locals(every, holidays),
            _points(every, "min_kwh", "max_kwh"),
            _points(every, "min_duration", "max_duration"),
        )
        powers = list(
            product(_points(every, "min_power", "max_power"), _points(every, "min_current", "max_current"))
        )
        for (local, kwh, seconds), (power, current) in product(moments, powers):
            if kind is not None:
                yield _Region(Moment(local, Fraction(0), seconds, None, None, kind, holidays), charging=False)
                continue
            yield _Region(Moment(local, kwh, seconds, power, current, None, holidays), charging=True)
            if (power, current) == powers[0]:
                # A parked car takes nothing.
                yield _Region(
                    Moment(local, kwh, seconds, Fraction(0), Fraction(0), None, holidays), charging=False
                )


def _locals(every: list[TariffRestrictions], holidays: Holidays | None) -> list[datetime]:
    times = {time.min}
    times |= {moment for when in every for moment in (when.start_time, when.end_time) if moment}
    bounds = {moment for when in every for moment in (when.start_date, when.end_date) if moment}
    weekly = any(when.day_of_week for when in every)
    # A week before the first date, and one from each date on: every day of the week is seen in each.
    weeks = sorted(bounds)
    starts = [weeks[0] - timedelta(days=7), *weeks] if weeks else [_MONDAY]
    days = {start + timedelta(days=offset) for start in starts for offset in range(7 if weekly else 1)}
    # All holidays are alike, as long as no dates are named beside them.
    days |= set(holidays.dates if bounds else holidays.dates[:1]) if holidays is not None else set()
    return [datetime.combine(day, moment) for day in sorted(days) for moment in sorted(times)]


def _points(every: list[TariffRestrictions], low: str, high: str) -> list[Fraction]:
    """Zero and every threshold: between two of them nothing changes, as lower bounds are inclusive."""
    bounds = {Fraction(value) for when in every for name in (low, high) if (value := getattr(when, name))}
    return [Fraction(0), *sorted(bounds)]


def _circumstances(moment: Moment) -> str:
    facts = [
        f"from {float(value):g} {unit}"
        for value, unit in (
            (moment.kwh, "kWh"),
            (moment.power_kw, "kW"),
            (moment.current_a, "A"),
            (moment.seconds / 60, "minutes"),
        )
        if value
    ]
    return f" {', '.join(facts)}" if facts else ""
