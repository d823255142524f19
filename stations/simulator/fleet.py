"""All simulated stations of one process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from .charger import SimulatedCharger
from .clock import Clock
from .config import FleetConfig

# Connections a second while starting: thousands at once would test the kernel, not the portal.
RAMP_PER_S = 200.0


class Fleet:
    """`await fleet.start()`, then `fleet["CP-1"].evse(1).plug_in(Car())`; `await fleet.stop()` at the end."""

    def __init__(self, config: FleetConfig) -> None:
        self.clock = Clock(config.speed, wall_stamps=config.wall_stamps)
        self._chargers = {
            station.identity: SimulatedCharger(
                station,
                url=config.url,
                clock=self.clock,
                seed=config.seed,
                first_backoff_s=config.first_backoff_s,
                call_timeout_s=config.call_timeout_s,
            )
            for station in config.stations
        }

    def __getitem__(self, identity: str) -> SimulatedCharger:
        return self._chargers[identity]

    def __iter__(self) -> Iterator[SimulatedCharger]:
        return iter(self._chargers.values())

    def __len__(self) -> int:
        return len(self._chargers)

    async def __aenter__(self) -> Fleet:
        await self.start()
        return self

    async def __aexit__(self, *_exc) -> None:
        await self.stop()

    async def start(self) -> None:
        """Switch every station on; they connect one after another in the background."""
        for position, charger in enumerate(self):
            charger.start(delay_s=position / RAMP_PER_S)

    async def ready(self, timeout_s: float = 10.0) -> None:
        """Wait (real seconds) until every station has booted; TimeoutError when some have not."""
        async with asyncio.timeout(timeout_s):
            while not all(charger.booted for charger in self):
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        await asyncio.gather(*(charger.stop() for charger in self))
