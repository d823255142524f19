"""The fee for charging on past a booking's end: a line of its own on what is shown, billed and invoiced."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from billing import invoicing, pricing
from bookings import stop_times
from bookings.at_charger import last_of
from bookings.models import Booking
from stations.models import Session


def late_from(booking: Booking) -> datetime:
    return booking.ends_at + timedelta(minutes=booking.late_stop_minutes)


def with_fee(
    priced: pricing.Priced, *, tariff: pricing.Tariff, session: Session, until: datetime
) -> pricing.Priced:
    """The bill with the fee, if this session goes on past its booking until then and the terms have one."""
    booking = getattr(session, "booking", None)
    if booking is None or booking.status != Booking.Status.FULFILLED or until <= late_from(booking):
        return priced
    booking = last_of(booking)
    if not booking.late_stop_fee:
        return priced
    begins = late_from(booking)
    minutes = stop_times.late_minutes(begins, until)
    gross = stop_times.late_fee(fee=booking.late_stop_fee, per=booking.late_stop_fee_per, minutes=minutes)
    if not gross:
        return priced
    rate = vat_rate(tariff)
    net = gross if rate is None else invoicing.net_of(gross, rate, priced.currency)
    is_inclusive = priced.tax_included is not pricing.TaxIncluded.NO
    by_minute = is_inclusive and booking.late_stop_fee_per == "minute"
    line = pricing.Line(
        kind=pricing.Kind.LATE_STOP,
        description=f"Charging past the booked time ({minutes} min)",
        quantity=Decimal(minutes if by_minute else 1),
        unit="min" if by_minute else "",
        unit_price=booking.late_stop_fee if by_minute else gross if is_inclusive else net,
        per=1,
        vat=rate,
        net=net,
        tax=gross - net,
        gross=gross,
        start=begins,
        end=max(until, begins),
    )
    return replace(
        priced,
        lines=(*priced.lines, line),
        taxes=_taxes((*priced.lines, line)),
        net=priced.net + net,
        tax=priced.tax + line.tax,
        gross=priced.gross + gross,
    )


def vat_rate(tariff: pricing.Tariff) -> Decimal | None:
    """The tariff's own rate, as for other fees of a booking; None where its prices know no tax."""
    if tariff.tax_included is pricing.TaxIncluded.N_A:
        return None
    rates = [part.vat for element in tariff.elements for part in element.price_components]
    return Decimal(next((rate for rate in rates if rate is not None), 0))


def _taxes(lines: tuple[pricing.Line, ...]) -> tuple[pricing.TaxSummary, ...]:
    found: dict[Decimal | None, pricing.TaxSummary] = {}
    for line in lines:
        so_far = found.get(line.vat, pricing.TaxSummary(line.vat, Decimal(0), Decimal(0), Decimal(0)))
        found[line.vat] = pricing.TaxSummary(
            line.vat, so_far.net + line.net, so_far.tax + line.tax, so_far.gross + line.gross
        )
    return tuple(found.values())
