"""Pure: how many stations a campaign begins at a time, and when it has seen enough failures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tally:
    """How a campaign's stations are; the ones left out and cancelled were never tried."""

    pending: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0

    @property
    def tried(self) -> int:
        return self.running + self.done + self.failed

    @property
    def total(self) -> int:
        return self.pending + self.tried


def size(total: int, wave_size: int, wave_percent: int | None) -> int:
    """Stations in a wave: a number, or a share of all of them; one at least."""
    if wave_percent is None:
        return max(1, wave_size)
    return max(1, -(-total * wave_percent // 100))


def must_stop(tally: Tally, percent: int, forgiven: int = 0) -> bool:
    """More than that share of all has failed, or of those tried once a wave is over; `forgiven` ones apart.

    Measured against all, so that one failure of a first wave of five does not end a campaign of thousands
    while its wave still runs; against those tried, so that a first wave that failed whole ends it at once.
    """
    failed = tally.failed - forgiven
    if failed * 100 > percent * tally.total:
        return True
    return tally.running == 0 and failed * 100 > percent * (tally.tried - forgiven)
