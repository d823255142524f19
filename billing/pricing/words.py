"""A tariff in words, as drivers read it: in AFIR's order, prices with tax, restrictions spelled out.

Regulation (EU) 2023/1804, article 5(4): price per kWh, then per minute, then per session, then all else.
The words are for translation catalogues; `speech.Speech` says them in a language.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time, timedelta
from decimal import Decimal
from fractions import Fraction

from billing.pricing import speech
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
from billing.pricing.speech import ENGLISH, Pattern, Speech, gettext_noop, ngettext
from billing.pricing.tariff import Tariff

_DAYS = (
    gettext_noop("Mon"),
    gettext_noop("Tue"),
    gettext_noop("Wed"),
    gettext_noop("Thu"),
    gettext_noop("Fri"),
    gettext_noop("Sat"),
    gettext_noop("Sun"),
)
_KEPT, _UNUSED = ReservationKind.RESERVATION, ReservationKind.RESERVATION_EXPIRES
#: Of each kind of price, by its unit and kind of reservation: with its price, and where it is nothing.
_PRICES: dict[tuple[Dimension, str, ReservationKind | None], tuple[str, str]] = {
    (Dimension.ENERGY, "kWh", None): (gettext_noop("%(price)s per kWh"), gettext_noop("Energy free")),
    (Dimension.TIME, "minute", None): (
        gettext_noop("%(price)s per minute while charging"),
        gettext_noop("Time while charging free"),
    ),
    (Dimension.TIME, "hour", None): (gettext_noop("%(price)s per hour while charging"), ""),
    (Dimension.PARKING_TIME, "minute", None): (
        gettext_noop("%(price)s per minute after charging ends"),
        gettext_noop("Time after charging ends free"),
    ),
    (Dimension.PARKING_TIME, "hour", None): (gettext_noop("%(price)s per hour after charging ends"), ""),
    (Dimension.FLAT, "session", None): (gettext_noop("%(price)s per session"), gettext_noop("Start free")),
    (Dimension.TIME, "minute", _KEPT): (
        gettext_noop("%(price)s per minute of reservation"),
        gettext_noop("Time of reservation free"),
    ),
    (Dimension.TIME, "hour", _KEPT): (gettext_noop("%(price)s per hour of reservation"), ""),
    (Dimension.FLAT, "reservation", _KEPT): (
        gettext_noop("%(price)s per reservation"),
        gettext_noop("Reservation free"),
    ),
    (Dimension.TIME, "minute", _UNUSED): (
        gettext_noop("%(price)s per minute of reservation that is not used"),
        gettext_noop("Time of reservation that is not used free"),
    ),
    (Dimension.TIME, "hour", _UNUSED): (
        gettext_noop("%(price)s per hour of reservation that is not used"),
        "",
    ),
    (Dimension.FLAT, "reservation", _UNUSED): (
        gettext_noop("%(price)s per reservation that is not used"),
        gettext_noop("Reservation that is not used free"),
    ),
    (Dimension.ENERGY, "kWh", _KEPT): (
        gettext_noop("%(price)s per kWh of reservation"),
        gettext_noop("Energy of reservation free"),
    ),
    (Dimension.ENERGY, "kWh", _UNUSED): (
        gettext_noop("%(price)s per kWh of reservation that is not used"),
        gettext_noop("Energy of reservation that is not used free"),
    ),
}
# A price per minute finer than this is shown per hour, in which it was written.
_FINEST_PER_MINUTE = Decimal("0.0001")

_ON_HOLIDAYS = Pattern(gettext_noop("on holidays"))
_BETWEEN_DAYS = Pattern(gettext_noop("%(first)s to %(last)s"))
_ON_DAY = Pattern(gettext_noop("on %(day)s"))
_FROM_DAY = Pattern(gettext_noop("from %(day)s"))
_UNTIL_DAY = Pattern(gettext_noop("until %(day)s"))
#: From so much to so much, from so much, below so much.
_RANGES = {
    "kWh": (
        Pattern(gettext_noop("from %(low)s to %(high)s kWh")),
        Pattern(gettext_noop("from %(low)s kWh")),
        Pattern(gettext_noop("below %(high)s kWh")),
    ),
    "kW": (
        Pattern(gettext_noop("from %(low)s to %(high)s kW")),
        Pattern(gettext_noop("from %(low)s kW")),
        Pattern(gettext_noop("below %(high)s kW")),
    ),
    "A": (
        Pattern(gettext_noop("from %(low)s to %(high)s A")),
        Pattern(gettext_noop("from %(low)s A")),
        Pattern(gettext_noop("below %(high)s A")),
    ),
}
_BETWEEN_MINUTES = Pattern(gettext_noop("from minute %(low)s to %(high)s"))
_AFTER_MINUTES = Pattern(*ngettext("after %(minutes)s minute", "after %(minutes)s minutes"))
_FIRST_MINUTES = Pattern(*ngettext("in the first %(minutes)s minute", "in the first %(minutes)s minutes"))
_PATTERNS = (
    _ON_HOLIDAYS, _BETWEEN_DAYS, _ON_DAY, _FROM_DAY, _UNTIL_DAY,
    *(pattern for patterns in _RANGES.values() for pattern in patterns),
    _BETWEEN_MINUTES, _AFTER_MINUTES, _FIRST_MINUTES,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One price: its text as a whole, and the parts for pages that set them apart. `price` is as shown."""

    kind: str
    text: str
    price: Decimal
    unit: str
    conditions: str
    tax: str


def describe(tariff: Tariff, _: Speech = ENGLISH, groups: Iterable[str] = ()) -> list[PriceLine]:
    """The tariff for drivers in these groups, prices with tax where the rate is known."""
    tariff = resolve(tariff, groups)
    order = (Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME, Dimension.FLAT)
    session: list[PriceLine] = []
    other: list[PriceLine] = []
    for dimension in order:
        # What always holds is said before what holds on a few days of the year.
        for element, component in sorted(asked(tariff, dimension), key=lambda pair: pair[0].on_holidays):
            session.append(_price_line(tariff, component, element.when, _))
        for element in tariff.elements:
            component = element.component(dimension)
            if component is not None and element.when.reservation is not None:
                other.append(_price_line(tariff, component, element.when, _))
    if len(session) == 1 and not session[0].price and not other:
        session = [PriceLine("FREE", _("Free of charge"), Decimal(0), "", "", "")]
    holidays = tariff.own.holidays
    if holidays is not None and holidays.as_day is not None and holidays.dates:
        day = _(_DAYS[WEEK.index(holidays.as_day)])
        said = _("Holidays are priced as %(day)s", day=day)
        other.append(PriceLine("HOLIDAYS", said, Decimal(0), "", "", ""))
    for kind, text, limit in (
        ("MIN_PRICE", gettext_noop("At least %(amount)s per session"), tariff.min_price),
        ("MAX_PRICE", gettext_noop("At most %(amount)s per session"), tariff.max_price),
    ):
        if limit is not None:
            other.append(_limit_line(tariff, kind, text, limit, _))
    return session + other


def _price_line(tariff: Tariff, component: PriceComponent, when: TariffRestrictions, _: Speech) -> PriceLine:
    shown, tax, is_before_tax = _with_tax(tariff, component, _)
    unit = "session" if when.reservation is None else "reservation"
    match component.type:
        case Dimension.ENERGY:
            unit = "kWh"
        case Dimension.TIME | Dimension.PARKING_TIME:
            shown, per = per_minute(shown)
            unit = "minute" if per == 1 else "hour"
    free = _free_minutes(tariff, component.type) if when.reservation is None else 0
    bounds = conditions(when, _)
    priced, nothing = _PRICES[component.type, unit, when.reservation]
    text = _(priced, price=_.unit_price(shown, tariff.currency)) if shown else _(nothing)
    text += f", {bounds}" if bounds else ""
    if free and shown:
        forms = ngettext("first %(minutes)s minute free", "first %(minutes)s minutes free")
        text += f" ({_.counted(forms, free, minutes=free)})"
    if component.type is Dimension.FLAT and when.reservation is None and shown:
        text += _waiver(tariff, _)
    text += f", {tax}" if is_before_tax else ""
    return PriceLine(component.type.value, text, shown, unit, bounds, tax)


def _waiver(tariff: Tariff, _: Speech) -> str:
    waiver = tariff.own.start_fee_waiver
    if waiver is None:
        return ""
    when = []
    if waiver.below_kwh:
        when.append(_("below %(high)s kWh", high=_.number(waiver.below_kwh)))
    if waiver.from_kwh is not None:
        when.append(_("from %(low)s kWh", low=_.number(waiver.from_kwh)))
    if waiver.within_minutes:
        forms = ngettext("within %(minutes)s minute", "within %(minutes)s minutes")
        when.append(_.counted(forms, waiver.within_minutes, minutes=waiver.within_minutes))
    if not when:
        return ""
    said = _("not charged %(when)s", when=_(" or ").join(when))
    return f" ({said})"


def _with_tax(tariff: Tariff, component: PriceComponent, _: Speech) -> tuple[Decimal, str, bool]:
    """The price with its tax if the rate is known, what to say of the tax, and whether it comes on top."""
    rate = component.vat
    if tariff.tax_included is TaxIncluded.N_A:
        return component.price, "", False
    if rate is None:
        if tariff.tax_included is TaxIncluded.YES:
            return component.price, _("incl. tax"), False
        return component.price, _("plus tax"), True
    said = _("incl. %(rate)s%% VAT", rate=_.number(rate))
    if tariff.tax_included is TaxIncluded.YES:
        return component.price, said, False
    return component.price * (1 + rate / 100), said, False


def _free_minutes(tariff: Tariff, dimension: Dimension) -> int:
    match dimension:
        case Dimension.PARKING_TIME:
            return tariff.own.idle_grace_minutes or 0
        case Dimension.TIME:
            return tariff.own.free_minutes or 0
    return 0


def _limit_line(tariff: Tariff, kind: str, text: str, limit: PriceLimit, _: Speech) -> PriceLine:
    gross = limit.after_taxes if tariff.tax_included is not TaxIncluded.N_A else None
    shown = limit.before_taxes if gross is None else gross
    tax = _("plus tax") if gross is None and tariff.tax_included is not TaxIncluded.N_A else ""
    said = _(text, amount=_.money(shown, tariff.currency))
    return PriceLine(kind, f"{said}, {tax}" if tax else said, shown, "session", "", tax)


def per_minute(per_hour: Decimal) -> tuple[Decimal, int]:
    """A price per hour as a price for so many minutes: 12.00 → (0.20, 1); 5.00 stays (5.00, 60)."""
    minute = Fraction(per_hour) / 60
    if (minute / Fraction(_FINEST_PER_MINUTE)).denominator != 1:
        return per_hour, 60
    exact = (per_hour / 60).quantize(_FINEST_PER_MINUTE).normalize()
    return (exact if exact.as_tuple().exponent <= -2 else exact.quantize(Decimal("0.01"))), 1  # type: ignore[operator]


def conditions(when: TariffRestrictions, _: Speech = ENGLISH) -> str:
    """When a price applies: "Mon–Fri 08:00–20:00", "from 20 kWh, below 50 kW"; "" is always."""
    parts = [_ON_HOLIDAYS.say(_) if when.on_holidays else ""]
    parts += [" ".join(part for part in (_days(when, _), _hours(when)) if part), _dates(when, _)]
    parts.append(_range(when.min_kwh, when.max_kwh, "kWh", _))
    parts.append(_range(when.min_power, when.max_power, "kW", _))
    parts.append(_range(when.min_current, when.max_current, "A", _))
    parts.append(_duration(when, _))
    return ", ".join(part for part in parts if part)


def conditions_again(text: str, _: Speech) -> str:
    """Conditions that a bill keeps in English, in another language; what isn't one stays as it is."""
    return ", ".join(_again(part, _) for part in text.split(", "))


def _again(part: str, _: Speech) -> str:
    said = speech.again(part, _PATTERNS, _)
    if said is not None:
        return said
    days, blank, hours = part.partition(" ")
    names = days.split("–")
    if all(name in _DAYS for name in names):
        return "–".join(_(name) for name in names) + blank + hours
    return part


def _days(when: TariffRestrictions, _: Speech) -> str:
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
    return ", ".join("–".join(_(_DAYS[day]) for day in dict.fromkeys((run[0], run[-1]))) for run in runs)


def _hours(when: TariffRestrictions) -> str:
    start, end = when.start_time or time.min, when.end_time or time.min
    if start == end:
        return ""
    return f"{start:%H:%M}–{'24:00' if end == time.min else f'{end:%H:%M}'}"


def _dates(when: TariffRestrictions, _: Speech) -> str:
    # The end date is the first day on which the price no longer applies.
    last = when.end_date - timedelta(days=1) if when.end_date else None
    if when.start_date and last:
        if when.start_date == last:
            return _ON_DAY.say(_, day=last)
        return _BETWEEN_DAYS.say(_, first=when.start_date, last=last)
    if when.start_date:
        return _FROM_DAY.say(_, day=when.start_date)
    return _UNTIL_DAY.say(_, day=last) if last else ""


def _range(low: Decimal | None, high: Decimal | None, unit: str, _: Speech) -> str:
    between, above, below = _RANGES[unit]
    if low and high is not None:
        return between.say(_, low=low, high=high)
    if low:
        return above.say(_, low=low)
    return below.say(_, high=high) if high is not None else ""


def _duration(when: TariffRestrictions, _: Speech) -> str:
    low, high = when.min_duration, when.max_duration
    if low and high is not None:
        return _BETWEEN_MINUTES.say(_, low=_minutes(low), high=_minutes(high))
    if low:
        return _AFTER_MINUTES.say(_, minutes=_minutes(low))
    return _FIRST_MINUTES.say(_, minutes=_minutes(high)) if high is not None else ""


def _minutes(seconds: int) -> Decimal:
    return (Decimal(seconds) / 60).quantize(Decimal("0.1"))
