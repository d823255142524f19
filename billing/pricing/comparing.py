"""Two prices of the same use, line by line; and typical sessions to try a tariff with. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from billing.pricing.engine import price
from billing.pricing.tariff import Tariff
from billing.pricing.totals import Line, Priced
from billing.pricing.usage import Period, Usage

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Compared:
    """A line of the bill before and after; None: it isn't there. Amounts with tax."""

    description: str
    old: Line | None
    new: Line | None

    @property
    def difference(self) -> Decimal:
        return (self.new.gross if self.new else ZERO) - (self.old.gross if self.old else ZERO)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A use by both prices; `old` is None where there was none before."""

    lines: tuple[Compared, ...]
    old: Priced | None
    new: Priced

    @property
    def difference(self) -> Decimal:
        return self.new.gross - (self.old.gross if self.old else ZERO)


def compare(old: Tariff | None, new: Tariff, usage: Usage, groups: Iterable[str] = ()) -> Comparison:
    """What this use costs by both; raises UsageError where it can't be priced."""
    names = tuple(groups)
    before = price(old, usage, names) if old is not None else None
    after = price(new, usage, names)
    return Comparison(pair(before.lines if before else (), after.lines), before, after)


def pair(old: Sequence[Line], new: Sequence[Line]) -> tuple[Compared, ...]:
    """Lines of the same kind and words beside each other; then those of the same kind, in order."""
    left = list(old)
    found: list[Compared] = []
    partner: dict[int, Line] = {}
    for same in (
        lambda a, b: (a.kind, a.description) == (b.kind, b.description),
        lambda a, b: a.kind == b.kind,
    ):
        for index, line in enumerate(new):
            if index in partner:
                continue
            match = next((each for each in left if same(each, line)), None)
            if match is not None:
                partner[index] = match
                left.remove(match)
    for index, line in enumerate(new):
        found.append(Compared(line.description, partner.get(index), line))
    return (*found, *(Compared(line.description, line, None) for line in left))


@dataclass(frozen=True, slots=True)
class Sample:
    """A typical session; `words` say what it is."""

    key: str
    words: str
    usage: Usage


def samples(day: datetime, tz: ZoneInfo) -> list[Sample]:
    """Sessions on that day, at the site's clock: AC, DC, over night, idle for long, and one that failed."""

    def at(hour: int, minute: int = 0) -> datetime:
        return day.astimezone(tz).replace(hour=hour, minute=minute, second=0, microsecond=0)

    def use(start: datetime, *parts: tuple[int, int]) -> Usage:
        """(minutes, Wh), one after the other; 0 Wh is a car that only stands there."""
        periods, begin = [], start
        for minutes, wh in parts:
            end = begin + timedelta(minutes=minutes)
            periods.append(Period(begin, end, wh, charging=wh > 0))
            begin = end
        return Usage(start, begin, tz, tuple(periods))

    return [
        Sample("city", "Small car, AC: 7 kWh in 60 minutes, at noon", use(at(12), (60, 7_000))),
        Sample("long", "Long DC stop: 62 kWh in 40 minutes, at 17:30", use(at(17, 30), (40, 62_000))),
        Sample(
            "night",
            "Over night: 38 kWh in 4 hours from 21:00, away at 07:00",
            use(at(21), (240, 38_000), (360, 0)),
        ),
        Sample(
            "idle",
            "Left standing: 20 kWh in 50 minutes from 09:00, then 2 hours idle",
            use(at(9), (50, 20_000), (120, 0)),
        ),
        Sample("broken", "Came to nothing: 0.2 kWh in 2 minutes, at 08:00", use(at(8), (2, 200))),
    ]
