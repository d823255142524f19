"""When a tariff element applies: its restrictions at one moment, and the moments at which that may change.

Pure geometry of time and energy; no money. The site's wall clock decides, also on the days on which it is
put forward or back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from billing.pricing.additions import Holidays
from billing.pricing.elements import WEEK, Day, ReservationKind, TariffRestrictions

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Moment:
    """What restrictions ask about. Energy in kWh and time in s since the session (or reservation) began."""

    local: datetime
    kwh: Fraction
    seconds: Fraction
    power_kw: Fraction | None
    current_a: Fraction | None
    reservation: ReservationKind | None = None
    holidays: Holidays | None = None

    @property
    def is_holiday(self) -> bool:
        return self.holidays is not None and self.local.date() in self.holidays.dates

    @property
    def day(self) -> Day:
        """The day of the week whose prices hold: on holidays another one's, where the tariff says so."""
        if self.holidays is not None and self.holidays.as_day is not None and self.is_holiday:
            return self.holidays.as_day
        return WEEK[self.local.weekday()]


def applies(when: TariffRestrictions, moment: Moment) -> bool:
    """Whether all that is set holds now. Lower bounds are inclusive, upper bounds exclusive."""
    return (
        _fits_reservation(when.reservation, moment.reservation)
        and in_hours(when, moment.local.time())
        and (when.start_date is None or when.start_date <= moment.local.date())
        and (when.end_date is None or moment.local.date() < when.end_date)
        and (not when.day_of_week or moment.day in when.day_of_week)
        and (not when.on_holidays or moment.is_holiday)
        and _between(when.min_kwh, moment.kwh, when.max_kwh)
        and _between(when.min_duration, moment.seconds, when.max_duration)
        and _between(when.min_power, moment.power_kw, when.max_power)
        and _between(when.min_current, moment.current_a, when.max_current)
    )


def in_hours(when: TariffRestrictions, now: time) -> bool:
    """Whether the time of day is within start_time and end_time; 22:00 to 06:00 goes over midnight."""
    start, end = when.start_time or time.min, when.end_time or time.min
    if start == end:
        return True
    if start < end:
        return start <= now < end
    return now >= start or now < end


def _fits_reservation(wanted: ReservationKind | None, given: ReservationKind | None) -> bool:
    if wanted is ReservationKind.RESERVATION:
        # A reservation that expires was a reservation too.
        return given is not None
    return wanted is given


def _between(low: object, value: Fraction | None, high: object) -> bool:
    if low is None and high is None:
        return True
    # A power or current that nobody measured meets no restriction on it.
    return value is not None and (low is None or low <= value) and (high is None or value < high)  # type: ignore[operator]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Everything at which one of these restrictions may begin or cease to hold."""

    by_calendar: bool
    times: tuple[time, ...]
    kwh: tuple[Fraction, ...]
    seconds: tuple[Fraction, ...]
    by_power: bool

    @classmethod
    def of(cls, restrictions: Iterable[TariffRestrictions]) -> Thresholds:
        every = list(restrictions)
        times = {moment for one in every for moment in (one.start_time, one.end_time) if moment is not None}
        dated = any(one.day_of_week or one.start_date or one.end_date or one.on_holidays for one in every)
        kwh = {Fraction(bound) for one in every for bound in (one.min_kwh, one.max_kwh) if bound is not None}
        seconds = {
            Fraction(bound)
            for one in every
            for bound in (one.min_duration, one.max_duration)
            if bound is not None
        }
        bounds = ("min_power", "max_power", "min_current", "max_current")
        return cls(
            by_calendar=bool(times) or dated,
            times=tuple(sorted(times | {time.min})),
            kwh=tuple(sorted(kwh)),
            seconds=tuple(sorted(seconds)),
            by_power=any(getattr(one, bound) is not None for one in every for bound in bounds),
        )

    def instants(self, start: datetime, end: datetime, tz: ZoneInfo) -> list[datetime]:
        """The instants after start and before end at which the wall clock passes one of the times."""
        if not self.by_calendar:
            return []
        found: set[datetime] = set()
        day = start.astimezone(tz).date() - _DAY
        last = end.astimezone(tz).date() + _DAY
        while day <= last:
            for moment in self.times:
                # An hour that comes twice passes the same time twice.
                for fold in (0, 1):
                    wall = datetime.combine(day, moment, tz).replace(fold=fold)
                    found.add(wall.astimezone(UTC))
            found.update(_clock_changes(day, tz))
            day += _DAY
        return sorted(instant for instant in found if start < instant < end)


def _clock_changes(day: date, tz: ZoneInfo) -> Iterator[datetime]:
    """The instant of this UTC day, if any, at which the clock jumps and may pass a time unshown."""
    midnight = datetime.combine(day, time.min, UTC)

    def offset(second: int) -> timedelta | None:
        return (midnight + second * _SECOND).astimezone(tz).utcoffset()

    before, after = 0, 86_400
    if offset(before) == offset(after):
        return
    while after - before > 1:
        middle = (before + after) // 2
        if offset(middle) == offset(before):
            before = middle
        else:
            after = middle
    yield midnight + after * _SECOND
