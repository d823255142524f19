"""A tariff in words, as drivers read it: in AFIR's order, prices with tax, restrictions spelled out.

Regulation (EU) 2023/1804, article 5(4): price per kWh, then per minute, then per session, then all else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time, timedelta
from decimal import Decimal
from fractions import Fraction

from billing.pricing.elements import (
    WEEK,
    Dimension,
    PriceComponent,
    PriceLimit,
    ReservationKind,
    TariffRestrictions,
    TaxIncluded,
)
from billing.pricing.personal import asked, resolve
from billing.pricing.tariff import Tariff
from evportal.money import format_money, format_unit_price

_NAMES = {"kWh": "Energy", "session": "Start", "reservation": "Reservation"}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# A price per minute finer than this is shown per hour, in which it was written.
_FINEST_PER_MINUTE = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One price: its text as a whole, and the parts for pages that set them apart. `price` is as shown."""

    kind: str
    text: str
    price: Decimal
    unit: str
    conditions: str
    tax: str


def describe(tariff: Tariff, locale: str = "en", groups: Iterable[str] = ()) -> list[PriceLine]:
    """The tariff for drivers in these groups, prices with tax where the rate is known."""
    tariff = resolve(tariff, groups)
    order = (Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME, Dimension.FLAT)
    session: list[PriceLine] = []
    other: list[PriceLine] = []
    for dimension in order:
        # What always holds is said before what holds on a few days of the year.
        for element, component in sorted(asked(tariff, dimension), key=lambda pair: pair[0].on_holidays):
            session.append(_price_line(tariff, component, element.when, locale))
        for element in tariff.elements:
            component = element.component(dimension)
            if component is not None and element.when.reservation is not None:
                other.append(_price_line(tariff, component, element.when, locale))
    if len(session) == 1 and not session[0].price and not other:
        session = [PriceLine("FREE", "Free of charge", Decimal(0), "", "", "")]
    limits = (("MIN_PRICE", "At least", tariff.min_price), ("MAX_PRICE", "At most", tariff.max_price))
    holidays = tariff.own.holidays
    if holidays is not None and holidays.as_day is not None and holidays.dates:
        day = _DAYS[WEEK.index(holidays.as_day)]
        other.append(PriceLine("HOLIDAYS", f"Holidays are priced as {day}", Decimal(0), "", "", ""))
    other += [
        _limit_line(tariff, kind, words, limit, locale) for kind, words, limit in limits if limit is not None
    ]
    return session + other


def _price_line(
    tariff: Tariff, component: PriceComponent, when: TariffRestrictions, locale: str
) -> PriceLine:
    shown, tax = _with_tax(tariff, component)
    unit, after = "session", ""
    match component.type:
        case Dimension.ENERGY:
            unit = "kWh"
        case Dimension.TIME | Dimension.PARKING_TIME:
            shown, per = per_minute(shown)
            unit = "minute" if per == 1 else "hour"
            after = " while charging" if component.type is Dimension.TIME else " after charging ends"
    free = _free_minutes(tariff, component.type) if when.reservation is None else 0
    if when.reservation is not None:
        after = ""
        if component.type is Dimension.FLAT:
            unit = "reservation"
        else:
            after = " of reservation"
        if when.reservation is ReservationKind.RESERVATION_EXPIRES:
            after += " that is not used"
    bounds = conditions(when)
    text = f"{format_unit_price(shown, tariff.currency, locale)} per {unit}{after}"
    if not shown:
        text = f"{_NAMES.get(unit, 'Time')}{after} free"
    text += f", {bounds}" if bounds else ""
    text += f" (first {free} minutes free)" if free and shown else ""
    if component.type is Dimension.FLAT and when.reservation is None and shown:
        text += _waiver(tariff)
    text += f", plus {tax[5:]}" if tax.startswith("plus ") else ""
    return PriceLine(component.type.value, text, shown, unit, bounds, tax)


def _waiver(tariff: Tariff) -> str:
    waiver = tariff.own.start_fee_waiver
    if waiver is None:
        return ""
    when = []
    if waiver.below_kwh:
        when.append(f"below {plain(waiver.below_kwh)} kWh")
    if waiver.from_kwh is not None:
        when.append(f"from {plain(waiver.from_kwh)} kWh")
    if waiver.within_minutes:
        when.append(f"within {waiver.within_minutes} minutes")
    return f" (not charged {' or '.join(when)})" if when else ""


def _with_tax(tariff: Tariff, component: PriceComponent) -> tuple[Decimal, str]:
    rate = component.vat
    if tariff.tax_included is TaxIncluded.N_A:
        return component.price, ""
    if rate is None:
        return component.price, "incl. tax" if tariff.tax_included is TaxIncluded.YES else "plus tax"
    words = f"incl. {plain(rate)}% VAT"
    if tariff.tax_included is TaxIncluded.YES:
        return component.price, words
    return component.price * (1 + rate / 100), words


def _free_minutes(tariff: Tariff, dimension: Dimension) -> int:
    match dimension:
        case Dimension.PARKING_TIME:
            return tariff.own.idle_grace_minutes or 0
        case Dimension.TIME:
            return tariff.own.free_minutes or 0
    return 0


def _limit_line(tariff: Tariff, kind: str, words: str, limit: PriceLimit, locale: str) -> PriceLine:
    gross = limit.after_taxes if tariff.tax_included is not TaxIncluded.N_A else None
    shown = limit.before_taxes if gross is None else gross
    tax = "plus tax" if gross is None and tariff.tax_included is not TaxIncluded.N_A else ""
    text = f"{words} {format_money(shown, tariff.currency, locale)} per session"
    return PriceLine(kind, f"{text}, {tax}" if tax else text, shown, "session", "", tax)


def per_minute(per_hour: Decimal) -> tuple[Decimal, int]:
    """A price per hour as a price for so many minutes: 12.00 → (0.20, 1); 5.00 stays (5.00, 60)."""
    minute = Fraction(per_hour) / 60
    if (minute / Fraction(_FINEST_PER_MINUTE)).denominator != 1:
        return per_hour, 60
    exact = (per_hour / 60).quantize(_FINEST_PER_MINUTE).normalize()
    return (exact if exact.as_tuple().exponent <= -2 else exact.quantize(Decimal("0.01"))), 1  # type: ignore[operator]


def conditions(when: TariffRestrictions) -> str:
    """When a price applies: "Mon–Fri 08:00–20:00", "from 20 kWh, below 50 kW"; "" is always."""
    holidays = "on holidays" if when.on_holidays else ""
    parts = [holidays, " ".join(part for part in (_days(when), _hours(when)) if part), _dates(when)]
    parts.append(_range(when.min_kwh, when.max_kwh, "kWh"))
    parts.append(_range(when.min_power, when.max_power, "kW"))
    parts.append(_range(when.min_current, when.max_current, "A"))
    parts.append(_duration(when))
    return ", ".join(part for part in parts if part)


def _days(when: TariffRestrictions) -> str:
    """Runs of days: Mon–Fri, Sat–Sun; Tue, Thu."""
    chosen = [index for index, day in enumerate(WEEK) if day in when.day_of_week]
    if len(chosen) == len(WEEK):
        return ""
    runs: list[list[int]] = []
    for day in chosen:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(_DAYS[run[0]] if len(run) == 1 else f"{_DAYS[run[0]]}–{_DAYS[run[-1]]}" for run in runs)


def _hours(when: TariffRestrictions) -> str:
    start, end = when.start_time or time.min, when.end_time or time.min
    if start == end:
        return ""
    return f"{start:%H:%M}–{'24:00' if end == time.min else f'{end:%H:%M}'}"


def _dates(when: TariffRestrictions) -> str:
    # The end date is the first day on which the price no longer applies.
    last = when.end_date - timedelta(days=1) if when.end_date else None
    if when.start_date and last:
        return f"{when.start_date} to {last}" if when.start_date != last else f"on {last}"
    if when.start_date:
        return f"from {when.start_date}"
    return f"until {last}" if last else ""


def _range(low: Decimal | None, high: Decimal | None, unit: str) -> str:
    if low and high is not None:
        return f"from {plain(low)} to {plain(high)} {unit}"
    if low:
        return f"from {plain(low)} {unit}"
    return f"below {plain(high)} {unit}" if high is not None else ""


def _duration(when: TariffRestrictions) -> str:
    low, high = when.min_duration, when.max_duration
    if low and high is not None:
        return f"from minute {_minutes(low)} to {_minutes(high)}"
    if low:
        return f"after {_minutes(low)} minutes"
    return f"in the first {_minutes(high)} minutes" if high is not None else ""


def _minutes(seconds: int) -> str:
    return plain((Decimal(seconds) / 60).quantize(Decimal("0.1")))


def plain(number: Decimal) -> str:
    """19.0 → 19, 5.20 → 5.2, 1E+1 → 10."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
