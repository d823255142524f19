"""Run a fleet until told to stop; `__main__` and a management command may both call it."""

from __future__ import annotations

import asyncio
import signal

from .config import FleetConfig
from .fleet import Fleet
from .panel import Panel


async def run(
    config: FleetConfig, *, control_port: int | None = None, control_host: str = "127.0.0.1"
) -> None:
    """Simulate until SIGINT or SIGTERM; the panel listens when it is given a port."""
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, done.set)
    fleet = Fleet(config)
    panel = Panel(fleet, port=control_port, host=control_host) if control_port is not None else None
    if panel:
        await panel.start()
    await fleet.start()
    try:
        await done.wait()
    finally:
        if panel:
            await panel.stop()
        await fleet.stop()
