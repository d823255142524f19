"""A worker that has much to do lets those go first whom it keeps from a processor."""

import time
from pathlib import Path

#: Linux: nanoseconds of running, nanoseconds of waiting for a processor, turns.
SCHEDULING = Path("/proc/thread-self/schedstat")
#: Even on a machine that is always full, work goes on.
LONGEST = 0.5


def waited() -> float:
    """Seconds for which this thread has waited for a processor since it began; 0 where nobody counts them."""
    try:
        return int(SCHEDULING.read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


class Courtesy:
    """Between two pieces of work, rest for as long as the last one waited for a processor.

    Where there are processors enough nobody waits, and nothing is lost. Where chargers are being answered on
    the same ones, what can wait takes a smaller part of them than its priority alone would give it: a
    process of low priority still holds its processor for milliseconds after somebody else could use it.
    """

    def __init__(self):
        self._waited = waited()

    def pause(self) -> None:
        """Call it between two pieces of work."""
        now = waited()
        time.sleep(min(now - self._waited, LONGEST))
        self._waited = waited()
