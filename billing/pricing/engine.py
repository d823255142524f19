"""The price of a session: one function for quote, running cost and bill (DESIGN.md §5.3).

A session is cut at every moment at which a restriction may begin or cease to hold. In each piece the first
element that applies is looked up for every dimension by itself. What was used of each price component is
summed exactly over the whole session and only then priced, so it makes no difference into how many periods a
charger happened to report it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import groupby

from billing.pricing.additions import Additions
from billing.pricing.elements import (
    Dimension,
    PriceComponent,
    ReservationKind,
    TariffElement,
    TaxIncluded,
)
from billing.pricing.moments import Moment, Thresholds, applies
from billing.pricing.personal import resolve
from billing.pricing.tariff import Tariff
from billing.pricing.totals import Charge, Kind, Priced, settle, to_decimal
from billing.pricing.usage import Period, Reservation, Usage
from billing.pricing.words import conditions, per_minute

_MICROSECOND = timedelta(microseconds=1)
_MILLION = 1_000_000
# Where a meter gives power but no current: what an outlet's phases carry together at this voltage.
_VOLTS = 230
_ORDER = (Dimension.FLAT, Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME)
_TIMES = (Dimension.TIME, Dimension.PARKING_TIME)


def price(tariff: Tariff, usage: Usage, groups: Iterable[str] = ()) -> Priced:
    """What this use costs a driver in these groups.

    A session that still runs is priced as if it ended at usage.end.
    """
    tariff = resolve(tariff, groups)
    charges: list[Charge] = []
    first, last = usage.start, usage.end
    if usage.reservation is not None:
        first = min(first, usage.reservation.start)
        charges += _reservation_charges(tariff, usage.reservation, usage)
    charges += _session_charges(tariff, usage)
    return settle(
        charges,
        tariff,
        energy_wh=usage.energy_wh,
        start=first,
        end=last,
        with_minimum=bool(usage.periods),
    )


@dataclass(slots=True)
class _Use:
    """How much of one price component was used: Wh, seconds or one."""

    element: int
    component: PriceComponent
    start: datetime
    end: datetime
    quantity: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a period in which nothing changes."""

    moment: Moment
    start: datetime
    end: datetime
    wh: Fraction
    seconds: Fraction
    charging: bool
    time_is_free: bool


class _Uses:
    """What was used, by price component, in a session or in a reservation."""

    def __init__(self, elements: Sequence[tuple[int, TariffElement]]) -> None:
        self._found: dict[tuple[int, Dimension], _Use] = {}
        self._by_dimension = {
            dimension: [
                (index, element, component)
                for index, element in elements
                if (component := element.component(dimension)) is not None
            ]
            for dimension in Dimension
        }
        self._flat_done = False
        self._last: dict[str, tuple[int, Dimension]] = {}

    def add(self, piece: _Piece) -> None:
        self._use(Dimension.ENERGY, piece, piece.wh)
        if not piece.time_is_free:
            self._use(Dimension.TIME if piece.charging else Dimension.PARKING_TIME, piece, piece.seconds)
        # A fee is paid once: by the first element that applies at any moment, not anew by each later one.
        if not self._flat_done:
            self._flat_done = self._use(Dimension.FLAT, piece, Fraction(1))

    def _use(self, dimension: Dimension, piece: _Piece, quantity: Fraction) -> bool:
        if not quantity:
            return False
        for index, element, component in self._by_dimension[dimension]:
            if applies(element.when, piece.moment):
                key = (index, dimension)
                use = self._found.get(key)
                if use is None:
                    use = self._found[key] = _Use(index, component, piece.start, piece.start)
                if dimension is not Dimension.FLAT:
                    use.end = piece.end
                use.quantity += quantity
                self._last["time" if dimension in _TIMES else dimension] = key
                return True
        return False

    def stepped(self) -> list[_Use]:
        """With step_size applied (mod_cdrs, step_size): once for energy and once for all time together.

        The last component used gives the step; the total of its dimension is rounded up, and what that adds
        is billed at the last component's price.
        """
        for kind in (Dimension.ENERGY, "time"):
            key = self._last.get(kind)
            if key is None:
                continue
            last = self._found[key]
            step = last.component.step_size
            if step:
                total = sum(
                    (use.quantity for use in self._found.values() if use.component.type == key[1]), Fraction()
                )
                last.quantity += -(-total // step) * step - total
        return sorted(self._found.values(), key=lambda use: (_ORDER.index(use.component.type), use.element))


def _session_charges(tariff: Tariff, usage: Usage) -> list[Charge]:
    elements = [
        (index, element) for index, element in enumerate(tariff.elements) if not element.when.reservation
    ]
    uses = _Uses(elements)
    thresholds = Thresholds.of(element.when for _, element in elements)
    for piece in _pieces(tariff, usage, thresholds):
        uses.add(piece)
    found = uses.stepped()
    if _start_fee_is_waived(tariff, usage):
        found = [use for use in found if use.component.type is not Dimension.FLAT]
    return [_charge(tariff, use, reserved=False) for use in found]


def _start_fee_is_waived(tariff: Tariff, usage: Usage) -> bool:
    waiver = tariff.own.start_fee_waiver
    minutes = Decimal((usage.end - usage.start) // _MICROSECOND) / (60 * _MILLION)
    return waiver is not None and waiver.holds(kwh=usage.energy_wh / 1000, minutes=minutes)


def _reservation_charges(tariff: Tariff, reservation: Reservation, usage: Usage) -> list[Charge]:
    """A reservation is a session of its own that has time only (mod_tariffs, ReservationRestrictionType)."""
    kinds = [ReservationKind.RESERVATION]
    if reservation.expired:
        # What expiry costs takes the place of what a reservation costs, wherever it stands in the list.
        kinds.insert(0, ReservationKind.RESERVATION_EXPIRES)
    elements = [
        (index, element)
        for kind in kinds
        for index, element in enumerate(tariff.elements)
        if element.when.reservation is kind
    ]
    uses = _Uses(elements)
    thresholds = Thresholds.of(element.when for _, element in elements)
    waiting = Usage(
        reservation.start, reservation.end, usage.tz, (Period(reservation.start, reservation.end),)
    )
    # It knows holidays, and no free minutes.
    plain = replace(tariff, additions=Additions(holidays=tariff.own.holidays))
    for piece in _pieces(plain, waiting, thresholds, reserved=kinds[0]):
        uses.add(piece)
    return [_charge(tariff, use, reserved=True) for use in uses.stepped()]


def _pieces(
    tariff: Tariff, usage: Usage, thresholds: Thresholds, *, reserved: ReservationKind | None = None
) -> Iterator[_Piece]:
    """The usage, cut wherever an element may begin or cease to apply or free time ends."""

    def since_start(instant: datetime) -> Fraction:
        return Fraction((instant - usage.start) // _MICROSECOND, _MILLION)

    grace = Fraction((tariff.own.idle_grace_minutes or 0) * 60)
    free = Fraction((tariff.own.free_minutes or 0) * 60)
    times = [since_start(instant) for instant in thresholds.instants(usage.start, usage.end, usage.tz)]
    times += thresholds.seconds
    energies = [bound * 1000 for bound in thresholds.kwh]
    # When it was that energy flowed matters only where something depends on it.
    exact = bool(times or energies or thresholds.by_power)
    times.append(free)
    wh, parked = Fraction(0), Fraction(0)
    for period in usage.periods if exact else _merged(usage.periods):
        begin, gained = since_start(period.start), Fraction(period.energy_wh)
        length = since_start(period.end) - begin
        power, current = _power(period, gained, length, reserved)
        ends_of_grace = [] if period.charging else [begin + grace - parked]
        # Positions within the period, from 0 to 1, at which something may change.
        cuts = {(at - begin) / length for at in [*times, *ends_of_grace] if begin < at < begin + length}
        cuts |= {(at - wh) / gained for at in energies if wh < at < wh + gained}
        marks = [Fraction(0), *sorted(cuts), Fraction(1)]
        for here, there in zip(marks, marks[1:], strict=False):
            at = begin + here * length
            start = usage.start + _micros(at)
            yield _Piece(
                moment=Moment(
                    local=start.astimezone(usage.tz),
                    kwh=(wh + here * gained) / 1000,
                    seconds=at,
                    power_kw=power,
                    current_a=current,
                    reservation=reserved,
                    holidays=tariff.own.holidays,
                ),
                start=start,
                end=usage.start + _micros(begin + there * length),
                wh=(there - here) * gained,
                seconds=(there - here) * length,
                charging=period.charging,
                time_is_free=at < free or (not period.charging and parked + here * length < grace),
            )
        wh += gained
        if not period.charging:
            parked += length


def _micros(seconds: Fraction) -> timedelta:
    return timedelta(microseconds=int(seconds * _MILLION))


def _merged(periods: Sequence[Period]) -> Iterator[Period]:
    for charging, run in groupby(periods, key=lambda period: period.charging):
        parts = list(run)
        energy_wh = sum((Decimal(part.energy_wh) for part in parts), Decimal(0))
        yield Period(parts[0].start, parts[-1].end, energy_wh, charging)


def _power(
    period: Period, wh: Fraction, seconds: Fraction, reserved: ReservationKind | None
) -> tuple[Fraction | None, Fraction | None]:
    """kW and A during a period: as measured, else by its average; a reservation has neither."""
    if reserved is not None:
        return None, None
    if period.power_w is not None:
        watts = Fraction(period.power_w)
    else:
        watts = wh * 3600 / seconds if seconds else Fraction(0)
    current = Fraction(period.current_a) if period.current_a is not None else watts / _VOLTS
    return watts / 1000, current


_KINDS = {
    Dimension.ENERGY: (Kind.ENERGY, "Energy"),
    Dimension.TIME: (Kind.TIME, "Charging time"),
    Dimension.PARKING_TIME: (Kind.PARKING_TIME, "Parking time"),
    Dimension.FLAT: (Kind.FLAT, "Start fee"),
}


def _charge(tariff: Tariff, use: _Use, *, reserved: bool) -> Charge:
    component, when = use.component, tariff.elements[use.element].when
    kind, words = _KINDS[component.type]
    if reserved:
        kind = Kind.RESERVATION_FEE if component.type is Dimension.FLAT else Kind.RESERVATION
        unused = when.reservation is ReservationKind.RESERVATION_EXPIRES
        words = "Unused reservation" if unused else kind.replace("_", " ").capitalize()
    limits = conditions(when)
    unit_price, per = component.price, 1
    match component.type:
        case Dimension.ENERGY:
            quantity, unit, amount = use.quantity / 1000, "kWh", use.quantity / 1000
        case Dimension.FLAT:
            quantity, unit, amount = use.quantity, "", use.quantity
        case _:
            quantity, unit, amount = use.quantity / 60, "min", use.quantity / 3600
            unit_price, per = per_minute(component.price)
    return Charge(
        kind=kind,
        description=f"{words} ({limits})" if limits else words,
        quantity=_shown(quantity),
        unit=unit,
        unit_price=unit_price,
        per=per,
        vat=None if tariff.tax_included is TaxIncluded.N_A else component.vat,
        amount=amount * Fraction(component.price),
        start=use.start,
        end=use.end,
    )


def _shown(quantity: Fraction) -> Decimal:
    """A quantity for people and invoices; the amount was reckoned from the exact one."""
    rounded = to_decimal(quantity).quantize(Decimal("0.000001"), ROUND_HALF_UP)
    plain = rounded.normalize()
    return plain if plain.as_tuple().exponent <= 0 else plain.quantize(Decimal(1))  # type: ignore[operator]
