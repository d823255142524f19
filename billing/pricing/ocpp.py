"""A tariff in the words of OCPP 2.1 (TariffType), and what those words can't say. Pure.

OCPP's prices are before tax, so a tariff with tax included is divided by its rate: a station's sum may differ
from the bill in the last digit. The bill is what counts; the station shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from billing.pricing.elements import (
    Dimension,
    PriceComponent,
    PriceLimit,
    ReservationKind,
    TariffElement,
    TariffRestrictions,
    TaxIncluded,
)
from billing.pricing.tariff import Tariff

Json = dict[str, Any]

#: (field of TariffType, field of its prices) by dimension, for charging and for a reservation.
CHARGING = {
    Dimension.ENERGY: ("energy", "priceKwh"),
    Dimension.TIME: ("chargingTime", "priceMinute"),
    Dimension.PARKING_TIME: ("idleTime", "priceMinute"),
    Dimension.FLAT: ("fixedFee", "priceFixed"),
}
RESERVED = {
    Dimension.TIME: ("reservationTime", "priceMinute"),
    Dimension.FLAT: ("reservationFixed", "priceFixed"),
}
FINEST = Decimal("0.000001")


def station_tariff(tariff: Tariff, tariff_id: str) -> tuple[Json, list[str]]:
    """(the tariff for a station, what is left out of it, in words)."""
    left_out: list[str] = []
    document: Json = {"tariffId": tariff_id[:60], "currency": tariff.currency}
    for element in tariff.elements:
        for part in element.price_components:
            _add(document, tariff, element, part, left_out)
    if tariff.own.free_minutes:
        left_out.append(f"the first {tariff.own.free_minutes} minutes are free")
    if tariff.own.start_fee_waiver is not None:
        left_out.append("when the start fee is waived")
    if tariff.own.holidays is not None:
        left_out.append("prices of holidays")
    for name, limit in (("minCost", tariff.min_price), ("maxCost", tariff.max_price)):
        if limit is not None:
            document[name] = _limit(tariff, limit)
    return document, list(dict.fromkeys(left_out))


def _add(
    document: Json, tariff: Tariff, element: TariffElement, part: PriceComponent, left_out: list[str]
) -> None:
    when = element.when
    if when.reservation is ReservationKind.RESERVATION_EXPIRES:
        left_out.append("the price of a reservation that is not used")
        return
    names = (RESERVED if when.reservation is not None else CHARGING)[part.type]
    field, price_field = names
    # In OCPP a dimension has one set of taxes for all of its prices.
    rates = [] if part.vat is None else [{"type": "VAT", "tax": _number(part.vat)}]
    known = document.get(field)
    if known is not None and known.get("taxRates", []) != rates:
        left_out.append(f"a second VAT rate for {part.type.value}: {part.vat} %")
        return
    conditions, lost = _conditions(when, is_fixed=part.type is Dimension.FLAT)
    left_out.extend(lost)
    if lost:
        # A price under a condition that can't be said must not become one without it.
        return
    if part.type is Dimension.PARKING_TIME and tariff.own.idle_grace_minutes:
        conditions["minIdleTime"] = tariff.own.idle_grace_minutes * 60
    if part.step_size > 1 and part.type is not Dimension.FLAT:
        unit = "Wh" if part.type is Dimension.ENERGY else "seconds"
        left_out.append(f"billing {part.type.value} in blocks of {part.step_size} {unit}")
    price = _before_tax(tariff, part)
    if price_field == "priceMinute":
        price /= 60
    entry: Json = {price_field: _number(price)}
    if conditions:
        entry["conditions"] = conditions
    if known is None:
        known = document[field] = {"prices": []} | ({"taxRates": rates} if rates else {})
    known["prices"].append(entry)


def _before_tax(tariff: Tariff, part: PriceComponent) -> Decimal:
    if tariff.tax_included is TaxIncluded.YES and part.vat is not None:
        return part.price / (1 + part.vat / 100)
    return part.price


def _number(value: Decimal) -> float:
    return float(value.quantize(FINEST))


def _conditions(when: TariffRestrictions, *, is_fixed: bool) -> tuple[Json, list[str]]:
    found = dict(_time_conditions(when))
    amounts = dict(_amount_conditions(when))
    if is_fixed and amounts:
        return {}, ["a fee that depends on energy, power or time"]
    return found | amounts, []


def _time_conditions(when: TariffRestrictions) -> Iterator[tuple[str, Any]]:
    if when.start_time is not None:
        yield "startTimeOfDay", f"{when.start_time:%H:%M}"
    if when.end_time is not None:
        yield "endTimeOfDay", f"{when.end_time:%H:%M}"
    if when.day_of_week:
        yield "dayOfWeek", [day.value.title() for day in when.day_of_week]
    if when.start_date is not None:
        yield "validFromDate", when.start_date.isoformat()
    if when.end_date is not None:
        yield "validToDate", when.end_date.isoformat()


def _amount_conditions(when: TariffRestrictions) -> Iterator[tuple[str, Any]]:
    thousand = Decimal(1000)
    for name, value, factor in (
        ("minEnergy", when.min_kwh, thousand),
        ("maxEnergy", when.max_kwh, thousand),
        ("minCurrent", when.min_current, Decimal(1)),
        ("maxCurrent", when.max_current, Decimal(1)),
        ("minPower", when.min_power, thousand),
        ("maxPower", when.max_power, thousand),
    ):
        if value is not None:
            yield name, _number(value * factor)
    if when.min_duration is not None:
        yield "minTime", when.min_duration
    if when.max_duration is not None:
        yield "maxTime", when.max_duration


def _limit(tariff: Tariff, limit: PriceLimit) -> Json:
    price: Json = {"exclTax": _number(limit.before_taxes)}
    if limit.after_taxes is not None:
        price["inclTax"] = _number(limit.after_taxes)
    return price
