"""From what a charger's meter said to currents on the grid's phases. Pure; see `wishes` for the units."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from monitoring.load.share import Phases
from monitoring.load.wishes import PHASE_VOLTAGE, dc_draw, on

CURRENT, POWER = "Current.Import", "Power.Active.Import"
#: Currents this much older than the power say nothing about it.
APART = timedelta(seconds=60)
#: A phase that carries more than this is one that the car uses.
USED = 10


@dataclass(frozen=True)
class Sample:
    at: datetime
    measurand: str
    #: L1, L2, L3 as the charger counts them; empty: the whole.
    phase: str
    #: A or W.
    value: Decimal


@dataclass(frozen=True)
class Measured:
    draw: Phases
    #: What a car on one phase would be taking, where the meter doesn't tell phases apart.
    at_most: int
    #: None where it can't be told.
    used: tuple[int, ...] | None = None


def measured(samples: Iterable[Sample], *, wired: tuple[int, ...], is_dc: bool) -> Measured | None:
    """The newest of each; None where there is nothing to go by. Amperes are rounded up to tenths."""
    currents = {each.phase[:2]: each for each in samples if each.measurand == CURRENT}
    powers = {each.phase[:2]: each for each in samples if each.measurand == POWER}
    power = powers.get("")
    if is_dc:
        # Its current is the battery's; only power says what the grid gives.
        return None if power is None else Measured(on((0, 1, 2), (amps := dc_draw(power.value))), amps)
    phases = [each for name in ("L1", "L2", "L3") if (each := currents.get(name))]
    newest = max((each.at for each in phases), default=None)
    if newest is not None and (power is None or newest >= power.at - APART):
        return _by_phase(currents, wired)
    if "" in currents and (power is None or currents[""].at >= power.at - APART):
        amps = _tenths(currents[""].value)
        return Measured(on(wired, amps), amps)
    if power is not None:
        whole = _tenths(power.value / PHASE_VOLTAGE)
        return Measured(on(wired, -(-whole // len(wired))), whole)
    return None


def _by_phase(currents: dict[str, Sample], wired: tuple[int, ...]) -> Measured:
    drawn = [0, 0, 0]
    for own, grid in enumerate(wired):
        if sample := currents.get(f"L{own + 1}"):
            drawn[grid] = _tenths(sample.value)
    used = tuple(phase for phase in range(3) if drawn[phase] > USED)
    return Measured((drawn[0], drawn[1], drawn[2]), max(drawn), used or None)


def _tenths(amps: Decimal) -> int:
    return max(0, int((amps * 10).to_integral_value(ROUND_CEILING)))
