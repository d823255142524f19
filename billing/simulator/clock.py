"""Time that a test can move."""

import time


class Clock:
    """Wall time plus an offset; given a start it stands still until advanced."""

    def __init__(self, start: int | None = None):
        self.start = start
        self.offset = 0

    def now(self) -> int:
        """Seconds since the epoch, as Stripe writes its times."""
        return (int(time.time()) if self.start is None else self.start) + self.offset

    def advance(self, *, days=0, hours=0, minutes=0, seconds=0) -> int:
        """Move forward; the callers then settle what fell due. Time never runs back."""
        step = int(days * 86400 + hours * 3600 + minutes * 60 + seconds)
        if step < 0:
            raise ValueError("Time does not run backwards.")
        self.offset += step
        return self.now()
