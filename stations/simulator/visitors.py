"""Walk-in life: cars come by chance, swipe a card, charge and leave."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .car import Car

if TYPE_CHECKING:
    from .charger import SimulatedCharger
    from .config import VisitorsConfig
    from .point import Point

LOOK_S = 15.0


async def street(charger: SimulatedCharger, config: VisitorsConfig) -> None:
    """Send cars to the EVSEs open to visitors until cancelled; those who find none free drive on."""
    rng = charger.rng
    async with asyncio.TaskGroup() as group:
        while True:
            await charger.clock.sleep(rng.expovariate(config.arrivals_per_hour / 3600))
            free = [p for p in charger.points if p.visitors and p.status == "Available"]
            if free:
                group.create_task(_visit(charger, rng.choice(free), rng.choice(config.tokens)))


async def _visit(charger: SimulatedCharger, point: Point, token: str) -> None:
    clock, rng = charger.clock, charger.rng
    car = Car.random(rng)
    point.plug_in(car)
    try:
        await clock.sleep(rng.uniform(5, 30))
        outcome = await point.swipe(token)
        if outcome == "started":
            await _charge(charger, point, car, stay_s=rng.uniform(15 * 60, 90 * 60))
            if point.transaction and rng.random() < 0.7:
                # Most people hold the card again; the others just pull the cable.
                await point.swipe(token)
        await clock.sleep(rng.uniform(10, 120))
    finally:
        # Nobody else's car is taken off the cable.
        if point.evse.car is car:
            point.unplug()


async def _charge(charger: SimulatedCharger, point: Point, car: Car, *, stay_s: float) -> None:
    """Until the visitor has to go, the car is full, or the charge was ended from outside."""
    until_s = charger.clock.seconds() + stay_s
    while point.transaction and not car.full and charger.clock.seconds() < until_s:
        await charger.clock.sleep(LOOK_S)
