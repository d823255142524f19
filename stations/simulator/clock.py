"""Time for the simulated world: it may run faster than the wall clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Demo time, `speed` times as fast as real time.

    Physics and the chargers' timers live in demo seconds; the network does not (a socket's time-outs and
    back-off are real seconds), because the portal at its other end is not sped up.

    `wall_stamps` puts the real time on messages even when physics run faster. Then the portal does not see
    time stamps from the future, but power times duration no longer equals energy.
    """

    def __init__(self, speed: float = 1.0, *, wall_stamps: bool = False) -> None:
        if speed <= 0:
            raise ValueError("The speed of a clock must be positive.")
        self.speed = speed
        self.wall_stamps = wall_stamps
        self._epoch = datetime.now(UTC)
        self._zero = time.monotonic()

    def seconds(self) -> float:
        """Demo seconds since this clock was made; never jumps back."""
        return (time.monotonic() - self._zero) * self.speed

    def now(self) -> datetime:
        """The aware time that goes on a message."""
        if self.wall_stamps:
            return datetime.now(UTC)
        return self._epoch + timedelta(seconds=self.seconds())

    async def sleep(self, seconds: float) -> None:
        """Sleep for that many demo seconds."""
        await asyncio.sleep(max(0.0, seconds) / self.speed)


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as chargers send it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def parse_stamp(text: str) -> datetime:
    """An aware time from a portal's time stamp; one without a zone is taken for UTC."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
