"""What is priced: a session's periods in order, each charging or parking, and the reservation before it.

Instants are aware, energy is in Wh. Between the ends of a period energy and time advance evenly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

# A meter's noise and a charger's own needs stay below this; a car that charges doesn't.
CHARGING_ABOVE_W = 100


class UsageError(ValueError):
    """This use can't be priced; the message says why."""


@dataclass(frozen=True, slots=True)
class Period:
    """From start until end; `charging` is False while the car is plugged but takes no power.

    Power (W) and current (A, over all phases) are what the meter said; None says that it didn't, and then the
    average power of the period stands in.
    """

    start: datetime
    end: datetime
    energy_wh: int | Decimal = 0
    charging: bool = True
    power_w: int | Decimal | None = None
    current_a: int | Decimal | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """From when it was made until the driver began to charge, or until it expired unused."""

    start: datetime
    end: datetime
    expired: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """A session from start until end at a site in this time zone; none where a reservation expired."""

    start: datetime
    end: datetime
    tz: ZoneInfo
    periods: tuple[Period, ...] = ()
    reservation: Reservation | None = None

    def __post_init__(self) -> None:
        reserved = self.reservation
        moments = [self.start, self.end]
        moments += [moment for period in self.periods for moment in (period.start, period.end)]
        moments += [reserved.start, reserved.end] if reserved else []
        if any(moment.utcoffset() is None for moment in moments):
            raise UsageError("Times need a time zone.")
        if self.end < self.start:
            raise UsageError("The session ends before it starts.")
        if reserved and reserved.end < reserved.start:
            raise UsageError("The reservation ends before it starts.")
        if reserved and reserved.expired and self.periods:
            raise UsageError("A reservation that expired has no session after it.")
        at = self.start
        for period in self.periods:
            if period.start != at or period.end < period.start:
                raise UsageError("Periods follow each other without gap or overlap.")
            if period.energy_wh < 0:
                raise UsageError("A period's energy can't be negative.")
            at = period.end
        if self.periods and at != self.end:
            raise UsageError("The last period ends with the session.")

    @property
    def energy_wh(self) -> Decimal:
        return sum((Decimal(period.energy_wh) for period in self.periods), Decimal(0))

    @property
    def charging_time(self) -> timedelta:
        return sum((period.end - period.start for period in self.periods if period.charging), timedelta())

    @property
    def parking_time(self) -> timedelta:
        return sum((period.end - period.start for period in self.periods if not period.charging), timedelta())


def quote_usage(
    start: datetime,
    end: datetime | None = None,
    *,
    tz: ZoneInfo,
    energy_kwh: Decimal | int | None = None,
    power_w: Decimal | int | None = None,
    reservation: Reservation | None = None,
) -> Usage:
    """A planned session: a slot, a slot with so much energy, or so much energy at this power ("20 kWh").

    Two of end, energy and power are needed. With all three the car charges at that power until it has its
    energy and stays plugged for the rest of the slot.
    """
    if end is not None and end < start:
        raise UsageError("The session ends before it starts.")
    if (energy_kwh is not None and energy_kwh < 0) or (power_w is not None and power_w < 0):
        raise UsageError("Energy and power can't be negative.")
    wh = None if energy_kwh is None else Decimal(energy_kwh) * 1000
    if end is None:
        if wh is None or not power_w:
            raise UsageError("An estimate needs an end, or both energy and power.")
        full = end = start + _charging_time(wh, power_w)
    elif wh is None:
        if power_w is None:
            raise UsageError("An estimate needs energy or power.")
        full = end
        seconds = Decimal((end - start) // timedelta(seconds=1))
        wh = (Decimal(power_w) * seconds / 3600).quantize(Decimal(1), ROUND_HALF_UP)
    else:
        full = min(end, start + _charging_time(wh, power_w)) if power_w else end
    if not wh:
        full = start
    periods = []
    if full > start or wh:
        periods.append(Period(start, full, wh, charging=True, power_w=power_w))
    if end > full:
        periods.append(Period(full, end, charging=False))
    return Usage(start, end, tz, tuple(periods), reservation)


def _charging_time(wh: Decimal, power_w: Decimal | int) -> timedelta:
    # Whole seconds, as a driver reads a clock.
    return timedelta(seconds=int((wh * 3600 / Decimal(power_w)).quantize(Decimal(1), ROUND_HALF_UP)))


def usage_from_readings(
    started_at: datetime,
    stopped_at: datetime,
    meter_start_wh: int,
    meter_stop_wh: int,
    readings: Iterable[tuple[datetime, int]],
    tz: ZoneInfo,
    *,
    charging_above_w: int = CHARGING_ABOVE_W,
    reservation: Reservation | None = None,
) -> Usage:
    """A session's periods from its energy register (Wh, never falling: stations.meter sees to that).

    An interval whose average power is above `charging_above_w` is charging, else parking: the one in which
    the car got full counts as charging throughout, so an idle fee begins late rather than early.
    """
    if meter_stop_wh < meter_start_wh:
        raise UsageError("The meter stands lower at the end than at the start.")
    # Readings from outside the session (a late one, a clock that jumped) say nothing about it. Of several at
    # one instant the highest counts. Each value stays between the two that bound the bill.
    inside = sorted((at.astimezone(UTC), wh) for at, wh in readings if started_at < at < stopped_at)
    points = [*dict(inside).items(), (stopped_at.astimezone(UTC), meter_stop_wh)]
    periods: list[Period] = []
    at, register = started_at.astimezone(UTC), meter_start_wh
    for until, reading in points:
        wh = min(max(reading, register), meter_stop_wh) - register
        seconds = Decimal((until - at) // timedelta(microseconds=1)) / 1_000_000
        charging = wh > 0 and wh * 3600 > charging_above_w * seconds
        periods.append(Period(at, until, wh, charging=charging))
        at, register = until, register + wh
    return Usage(started_at.astimezone(UTC), stopped_at.astimezone(UTC), tz, tuple(periods), reservation)
