"""Readings as the columns of a chart. No database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from stations import downsample, series

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
    times = _times(columns, points)
    lines = [
        Series(label, unit, token, [columns[measurand].get(at) for at in times])
        for measurand, (label, unit, _divisor, token) in DRAWN.items()
        if measurand in columns
    ]
    return Chart(times, lines)


def _times(columns: dict[str, dict[datetime, float]], points: int) -> list[datetime]:
    """The moments that shape the lines: each line has its share of `points`."""
    moments = set().union(*columns.values())
    if len(moments) <= points:
        return sorted(moments)
    chosen: set[datetime] = set()
    for line in columns.values():
        values = sorted(line.items())
        kept = downsample.thin([(at.timestamp(), value) for at, value in values], points // len(columns))
        chosen.update(values[index][0] for index in kept)
    return sorted(chosen)


def year(buckets: list[series.Bucket], energy: str, power: str) -> Chart:
    """Energy and highest power of each day, week or month."""
    return Chart(
        [bucket.starts_at for bucket in buckets],
        [
            Series(energy, "kWh", "charging", [round(float(each.energy_wh) / 1000, 3) for each in buckets]),
            Series(
                power,
                "kW",
                "available",
                [
                    None if each.max_power_w is None else round(float(each.max_power_w) / 1000, 1)
                    for each in buckets
                ],
            ),
        ],
    )
