"""What an operator should look at before a tariff is published: law, tax, hours without a price, dead prices.

The tariff is tried at one point of every region that its restrictions can tell apart: each day, the hours
between its times, below, between and above its thresholds. So a finding is a fact, not a guess.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import islice, product

from billing.pricing.elements import Dimension, ReservationKind, TariffRestrictions, TaxIncluded
from billing.pricing.moments import Moment, applies
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
    """Findings for a tariff on a connector that gives at most this power, the gravest first."""
    findings = [
        *_tax(tariff),
        *_afir(tariff, max_power_w),
        *_limits(tariff),
        *_overnight(tariff),
        *_regions(tariff),
    ]
    return sorted(findings, key=lambda finding: list(Level).index(finding.level))


def _components(tariff: Tariff) -> Iterator[tuple[str, int, Dimension, Decimal, Decimal | None]]:
    for index, element in enumerate(tariff.elements):
        for place, part in enumerate(element.price_components):
            path = f"elements[{index}].price_components[{place}]"
            yield path, index, part.type, part.price, part.vat


def _tax(tariff: Tariff) -> Iterator[Finding]:
    for path, _, dimension, price, vat in _components(tariff):
        if tariff.tax_included is TaxIncluded.N_A:
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


def _afir(tariff: Tariff, max_power_w: int) -> Iterator[Finding]:
    if max_power_w < AFIR_POWER_W:
        return
    priced = [
        (path, dimension)
        for path, index, dimension, price, _ in _components(tariff)
        if price and tariff.elements[index].when.reservation is None
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


def _overnight(tariff: Tariff) -> Iterator[Finding]:
    for index, element in enumerate(tariff.elements):
        when = element.when
        start, end = when.start_time or time.min, when.end_time or time.min
        if when.day_of_week and end != time.min and end < start:
            yield Finding(
                Level.NOTE,
                "days_over_midnight",
                f"elements[{index}].restrictions",
                "Hours over midnight with days: the hours after midnight count on the days named, "
                "not on the day after each.",
            )


@dataclass(frozen=True, slots=True)
class _Region:
    moment: Moment
    charging: bool


def _regions(tariff: Tariff) -> Iterator[Finding]:
    """Prices that never apply, and hours in which something priced at other times has no price."""
    won: set[tuple[int, Dimension]] = set()
    gaps: dict[Dimension, Moment] = {}
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
            if winners:
                # What expiry costs takes the place of what a reservation costs (engine).
                won.add((_first(tariff, winners, region.moment.reservation), dimension))
            elif region.moment.reservation is None:
                gaps.setdefault(dimension, region.moment)
    for path, index, dimension, _, _ in _components(tariff):
        if (index, dimension) not in won:
            yield Finding(
                Level.WARNING,
                "shadowed",
                path,
                f"This price of {dimension} never applies: its conditions can't be met, or an element "
                "before it always wins.",
            )
    priced = {
        dimension
        for _, index, dimension, _, _ in _components(tariff)
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
    for kind, every in kinds:
        moments = product(
            _locals(every),
            _points(every, "min_kwh", "max_kwh"),
            _points(every, "min_duration", "max_duration"),
        )
        powers = list(
            product(_points(every, "min_power", "max_power"), _points(every, "min_current", "max_current"))
        )
        for (local, kwh, seconds), (power, current) in product(moments, powers):
            if kind is not None:
                yield _Region(Moment(local, Fraction(0), seconds, None, None, kind), charging=False)
                continue
            yield _Region(Moment(local, kwh, seconds, power, current), charging=True)
            if (power, current) == powers[0]:
                # A parked car takes nothing.
                yield _Region(Moment(local, kwh, seconds, Fraction(0), Fraction(0)), charging=False)


def _locals(every: list[TariffRestrictions]) -> list[datetime]:
    times = {time.min}
    times |= {moment for when in every for moment in (when.start_time, when.end_time) if moment}
    bounds = {moment for when in every for moment in (when.start_date, when.end_date) if moment}
    weekly = any(when.day_of_week for when in every)
    # A week before the first date, and one from each date on: every day of the week is seen in each.
    weeks = sorted(bounds)
    starts = [weeks[0] - timedelta(days=7), *weeks] if weeks else [_MONDAY]
    days = {start + timedelta(days=offset) for start in starts for offset in range(7 if weekly else 1)}
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
