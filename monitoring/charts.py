"""Readings as the columns of a chart. No database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

#: What is drawn, in this order: measurand → (label, unit, divisor, colour by a state's name).
DRAWN = {
    "Power.Active.Import": ("Power", "kW", Decimal(1000), "charging"),
    "SoC": ("Battery", "%", Decimal(1), "available"),
    "Energy.Active.Import.Register": ("Meter", "kWh", Decimal(1000), "reserved"),
}
#: More points than a chart is wide help nobody.
POINTS = 300


@dataclass
class Series:
    label: str
    unit: str
    token: str
    values: list[float | None] = field(default_factory=list)


@dataclass(frozen=True)
class Chart:
    times: list[datetime]
    series: list[Series]

    @property
    def data(self) -> dict:
        """As static/js/chart.js wants it."""
        return {
            "x": [int(at.timestamp()) for at in self.times],
            "series": [vars(one) for one in self.series],
        }


def chart(readings: Iterable[tuple[datetime, str, Decimal]], *, points: int = POINTS) -> Chart | None:
    """From (at, measurand, value) in order of time; the meter is drawn only where power isn't reported."""
    columns: dict[str, dict[datetime, float]] = {}
    for at, measurand, value in readings:
        if measurand in DRAWN:
            divisor = DRAWN[measurand][2]
            columns.setdefault(measurand, {})[at] = round(float(value / divisor), 3)
    if "Power.Active.Import" in columns:
        columns.pop("Energy.Active.Import.Register", None)
    if not columns:
        return None
    times = thin(sorted(set().union(*columns.values())), points)
    series = [
        Series(label, unit, token, [columns[measurand].get(at) for at in times])
        for measurand, (label, unit, _divisor, token) in DRAWN.items()
        if measurand in columns
    ]
    return Chart(times, series)


def thin(times: list[datetime], points: int) -> list[datetime]:
    """Every n-th of them, the last one always, so that the newest value is never left out."""
    step = -(-len(times) // points) if points else 1
    return times[:1] + times[1:][::-1][::step][::-1] if step > 1 else times
