"""What the demo's past charges were like: when, where, how much, and what the meter said on the way. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from evportal.demo.customers import Customer

#: When people charge, in the site's time.
HOURS = (7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 17, 18, 18, 19, 20)
#: Readings on the way, beside the first and the last.
STEPS = 8
#: Between two cars at one plug.
APART = timedelta(minutes=10)


@dataclass(frozen=True)
class Plug:
    """An EVSE; `key` is the caller's."""

    key: int
    site: str
    power_w: int
    is_dc: bool


@dataclass(frozen=True)
class Charge:
    customer: Customer
    plug: Plug
    started_at: datetime
    full_at: datetime
    stopped_at: datetime
    energy_wh: int
    soc_from: int
    soc_to: int


@dataclass(frozen=True)
class Point:
    at: datetime
    wh: int
    power_w: int
    soc: int


def plan(
    people: Sequence[tuple[Customer, int]],
    plugs: Sequence[Plug],
    *,
    start: datetime,
    end: datetime,
    until: datetime,
    taken: list[Charge],
) -> list[Charge]:
    """So many charges of each in a month, never two at one plug; those that are not over by then are left
    out. The same month has the same charges each time. `taken` are those planned before.
    """
    dice = Random(f"{start:%Y-%m}")  # noqa: S311
    days = (end - start).days
    found: list[Charge] = []
    for customer, count in people:
        mine = [plug for plug in plugs if customer.site in ("", plug.site)]
        for n in range(count):
            day = min(days - 1, int((n + dice.random()) * days / count))
            found += _one(customer, mine, start + timedelta(days=day), dice, [*taken, *found])
    return sorted((one for one in found if one.stopped_at < until), key=lambda one: one.stopped_at)


def _one(
    customer: Customer, plugs: Sequence[Plug], day: datetime, dice: Random, others: Iterable[Charge]
) -> list[Charge]:
    """At the first try at which the plug is free and the driver isn't charging elsewhere."""
    for _try in range(20):
        charge = _drawn(customer, dice.choice(plugs), day, dice)
        if not any(_meets(charge, other) for other in others):
            return [charge]
    return []


def _meets(one: Charge, other: Charge) -> bool:
    if one.plug != other.plug and one.customer != other.customer:
        return False
    return one.started_at < other.stopped_at + APART and other.started_at < one.stopped_at + APART


def _drawn(customer: Customer, plug: Plug, day: datetime, dice: Random) -> Charge:
    started_at = day.replace(hour=dice.choice(HOURS), minute=dice.randrange(60), second=dice.randrange(60))
    soc_from = dice.randrange(9, 46)
    if plug.is_dc:
        soc_to, mean_w = dice.randrange(68, 86), min(plug.power_w * 0.55, dice.uniform(55_000, 105_000))
        stays = timedelta(minutes=dice.choice((1, 2, 3, 5, 24)))
    else:
        soc_to, mean_w = min(100, soc_from + dice.randrange(25, 60)), min(plug.power_w * 0.9, 10_800)
        stays = timedelta(minutes=dice.choice((2, 6, 14, 45)))
    energy_wh = round((soc_to - soc_from) * dice.choice((520, 580, 640, 774)))
    full_at = started_at + timedelta(seconds=round(energy_wh / mean_w * 3600))
    return Charge(customer, plug, started_at, full_at, full_at + stays, energy_wh, soc_from, soc_to)


def curve(charge: Charge) -> list[Point]:
    """What the meter said: a fast charger gives less and less, a slow one always the same."""
    seconds = (charge.full_at - charge.started_at).total_seconds()
    shape = [(1.45 - 0.9 * n / STEPS) if charge.plug.is_dc else 1.0 for n in range(STEPS + 1)]
    parts = [(a + b) / 2 for a, b in zip(shape, shape[1:], strict=False)]
    mean_w = charge.energy_wh / seconds * 3600 * STEPS / sum(parts)
    points, done = [], 0.0
    for n, height in enumerate(shape):
        share = done / sum(parts)
        points.append(
            Point(
                charge.started_at + timedelta(seconds=seconds * n / STEPS),
                round(charge.energy_wh * share),
                round(mean_w * height),
                round(charge.soc_from + (charge.soc_to - charge.soc_from) * share),
            )
        )
        done += parts[n] if n < STEPS else 0
    idle = (charge.full_at + timedelta(seconds=30), charge.stopped_at)
    return [*points, *(Point(at, charge.energy_wh, 0, charge.soc_to) for at in idle)]


#: What meters counted before.
FIRST_WH = Decimal(1_204_300)
