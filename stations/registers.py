"""From what a meter's register said to the energy of a session. Pure.

A register only ever counts up. Real ones are reset, roll over at their size, are swapped, count from the
session's start although the start was reported of the meter's whole life, and send a wild value now and then.
So the energy is a sum of steps, each of them believed or not, and the odd ones are named in `flags`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from stations.meter import ENERGY, Sample

Point = tuple[datetime, Decimal]

#: Half as much again as the EVSE can give, and slack for clocks that are a little off: what this must catch
#: are units and registers gone wrong, a thousand times too much.
SHARE, SLACK_WH = Decimal("1.5"), Decimal(5000)
#: A meter that reads a few Wh less than before is only rounding.
NOISE_WH = Decimal(10)
#: Where registers begin again at zero, in Wh: by digits (Wh and kWh with three decimals) and by bits.
WRAPS = tuple(Decimal(10) ** n for n in range(6, 13)) + tuple(
    Decimal(2**bits * factor) for bits in (31, 32) for factor in (1, 10, 100, 1000)
)
#: So many times what is possible was never delivered.
ABSURD = 10
#: A reading that belongs to the start or the stop may be taken so much before or after it.
AROUND = timedelta(minutes=1)
#: How many values a wild one is compared with before the register is taken to have really changed.
LOOK_AHEAD = 4
INTERVAL = "Energy.Active.Import.Interval"
#: Where the driver's energy is measured, best first: what leaves the outlet, then what is nearest to it.
LOCATIONS = ("Outlet", "Cable", "EV", "Body", "Inlet", "Upstream")

RESET, ROLLOVER, JUMP, BACKWARDS = "reset", "rollover", "jump", "backwards"
SPIKE, RELATIVE, NO_START, NO_STOP, MISMATCH = "spike", "relative", "no_start", "no_stop", "mismatch"
FLAGS = frozenset([RESET, ROLLOVER, JUMP, BACKWARDS, SPIKE, RELATIVE, NO_START, NO_STOP, MISMATCH])


@dataclass(frozen=True)
class Segment:
    """A stretch in which the register counted on without a break."""

    begins_at: datetime
    ends_at: datetime
    first_wh: Decimal
    last_wh: Decimal
    energy_wh: Decimal


@dataclass(frozen=True)
class EnergyResult:
    """`curve`: the energy since the start at each believed reading, never falling."""

    total_wh: Decimal = Decimal(0)
    curve: tuple[Point, ...] = ()
    segments: tuple[Segment, ...] = ()
    flags: frozenset[str] = frozenset()
    #: The register as last believed, from which the next reading counts on.
    last: Point | None = None


def most(power_w: int | Decimal, since: datetime, until: datetime) -> Decimal:
    """What an EVSE of this power can give at most in that time."""
    seconds = max((until - since).total_seconds(), 0)
    return Decimal(power_w) * Decimal(seconds) / 3600 * SHARE + SLACK_WH


# Which values count


def billable(samples: Iterable[Sample]) -> list[Point]:
    """The points of one register, in order of time: the best that was sent, whole values before sums.

    Where no whole register is sent, the phases of a moment are summed; where no register is sent at all, the
    intervals are.
    """
    sound = [each for each in samples if each.is_sound]
    for location in LOCATIONS:
        here = [each for each in sound if each.location == location]
        registers = [each for each in here if each.measurand == ENERGY]
        points = _at_most_once((each.at, each.value) for each in registers if not each.phase)
        points = points or _phases(registers)
        if points:
            return points
    for location in LOCATIONS:
        intervals = [
            each
            for each in sound
            if each.measurand == INTERVAL and each.location == location and each.value >= 0
        ]
        if intervals:
            return _running_sum(intervals)
    return []


def is_interval(samples: Iterable[Sample]) -> bool:
    """Whether only intervals are sent, whose sum begins at zero whatever the meter stood at."""
    sound = [each for each in samples if each.is_sound]
    return any(each.measurand == INTERVAL for each in sound) and not any(
        each.measurand == ENERGY for each in sound
    )


def _at_most_once(points: Iterable[Point]) -> list[Point]:
    """Of several values at one moment the highest: a register reads no less than what it has counted."""
    highest: dict[datetime, Decimal] = {}
    for at, wh in points:
        highest[at] = max(wh, highest.get(at, wh))
    return sorted(highest.items())


def _phases(samples: list[Sample]) -> list[Point]:
    moments: dict[datetime, dict[str, Decimal]] = {}
    for each in samples:
        moments.setdefault(each.at, {})[each.phase] = each.value
    families = (("L1", "L2", "L3"), ("L1-N", "L2-N", "L3-N"), ("L1",), ("L1-N",))
    for family in families:
        whole = {
            at: [found[phase] for phase in family] for at, found in moments.items() if {*family} <= {*found}
        }
        if whole:
            return sorted((at, sum(values, Decimal(0))) for at, values in whole.items())
    return []


def _running_sum(samples: list[Sample]) -> list[Point]:
    # A clock-aligned interval covers the sampled ones within it: one kind only.
    by_context: dict[str, dict[datetime, Decimal]] = {}
    for each in samples:
        by_context.setdefault(each.context, {})[each.at] = each.value
    best = max(by_context.values(), key=len)
    total, points = Decimal(0), []
    for at in sorted(best):
        total += best[at]
        points.append((at, total))
    return points


# The sum


@dataclass
class _Walk:
    power_w: Decimal
    total: Decimal = Decimal(0)
    curve: list[Point] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    #: Where the running segment began, and how much there was before it.
    first: Point | None = None
    before: Decimal = Decimal(0)
    last: Point | None = None

    def limit(self, until: datetime) -> Decimal:
        return most(self.power_w, self.last[0], until)

    def begin(self, point: Point) -> None:
        self.first = self.last = point
        self.before = self.total

    def count(self, point: Point, wh: Decimal) -> None:
        self.total += wh
        self.last = point
        self.curve.append((point[0], self.total))

    def close(self) -> None:
        if self.first is not None:
            energy = self.total - self.before
            self.segments.append(Segment(self.first[0], self.last[0], self.first[1], self.last[1], energy))

    def break_to(self, point: Point, wh: Decimal, flag: str) -> None:
        """The register goes on from elsewhere; `wh` was counted in between."""
        self.close()
        self.flags.add(flag)
        self.begin(point)
        self.count(point, wh)


def energy(
    readings: Iterable[Point],
    *,
    started_at: datetime,
    start_wh: Decimal | None,
    stopped_at: datetime | None = None,
    stop_wh: Decimal | None = None,
    max_power_w: int | Decimal,
) -> EnergyResult:
    """The energy of a session by its start, its readings in whatever order, and its stop if it has ended."""
    points = _within(_at_most_once(readings), started_at, stopped_at)
    if _is_relative(points, started_at, start_wh, stop_wh, max_power_w):
        return _relative(points, start_wh, stopped_at, stop_wh, max_power_w)
    walk = _Walk(Decimal(max_power_w))
    if start_wh is not None:
        walk.begin((started_at, start_wh))
    end = None
    if stopped_at is not None:
        if stop_wh is None:
            walk.flags.add(NO_STOP)
        else:
            end = (max(stopped_at, started_at), stop_wh)
    whole = [*points, end] if end is not None else points
    for index, point in enumerate(whole):
        if walk.first is None:
            walk.begin(point)
            walk.flags.add(NO_START)
            walk.curve.append((point[0], Decimal(0)))
            continue
        _step(walk, point, whole[index + 1 : index + 1 + LOOK_AHEAD], is_end=point is end)
    walk.close()
    return EnergyResult(walk.total, tuple(walk.curve), tuple(walk.segments), frozenset(walk.flags), walk.last)


def fixed(result: EnergyResult, total_wh: Decimal, at: datetime) -> EnergyResult:
    """The same course, ending in a total that is known better; nothing on the way is beyond it."""
    curve = [(moment, min(wh, total_wh)) for moment, wh in result.curve if moment < at]
    return replace(result, total_wh=total_wh, curve=(*curve, (at, total_wh)))


def _within(points: list[Point], started_at: datetime, stopped_at: datetime | None) -> list[Point]:
    """The readings of the session's time; those at its ends may be stamped a moment before or after."""
    latest = stopped_at or datetime.max.replace(tzinfo=started_at.tzinfo)
    inside = [point for point in points if started_at - AROUND <= point[0] and point[0] - AROUND <= latest]
    return _at_most_once((min(max(at, started_at), max(latest, started_at)), wh) for at, wh in inside)


def _step(walk: _Walk, point: Point, later: list[Point], *, is_end: bool) -> None:
    at, wh = point
    step, limit = wh - walk.last[1], walk.limit(at)
    if 0 <= step <= limit:
        walk.count(point, step)
    elif step > limit:
        _jump(walk, point, later, is_end)
    elif -step <= NOISE_WH:
        # Nothing is given back for rounding, and what follows counts from the higher value.
        walk.curve.append((at, walk.total))
    else:
        _fall(walk, point, later, limit, is_end)


def _jump(walk: _Walk, point: Point, later: list[Point], is_end: bool) -> None:
    if _goes_on(walk, later):
        walk.flags.add(SPIKE)
    elif later or is_end:
        # It stays up there. An EVSE that gives more than was entered for it is likelier than anything else,
        # so it is counted, for a person to decide on; a multiple of that is another register or unit.
        step = point[1] - walk.last[1]
        walk.break_to(point, step if step <= ABSURD * walk.limit(point[0]) else Decimal(0), JUMP)
    else:
        # The newest value: the next one will tell which it is.
        walk.flags.add(SPIKE)


def _fall(walk: _Walk, point: Point, later: list[Point], limit: Decimal, is_end: bool) -> None:
    at, wh = point
    round_trip = [size - walk.last[1] + wh for size in WRAPS if walk.last[1] < size]
    plausible = [each for each in round_trip if NOISE_WH < each <= limit and wh < each]
    if plausible:
        walk.break_to(point, min(plausible), ROLLOVER)
    elif not is_end and _goes_on(walk, later[:1]):
        walk.flags.add(SPIKE)
        if 0 <= later[0][1] - wh <= most(walk.power_w, at, later[0][0]):
            # A reset whose next value happens to be higher than the last one before it looks the same.
            walk.flags.add(MISMATCH)
    elif 0 <= wh <= limit:
        walk.break_to(point, wh, RESET)
    else:
        walk.break_to(point, Decimal(0), BACKWARDS)


def _goes_on(walk: _Walk, later: list[Point]) -> bool:
    """Whether the values after a wild one go on from the one before it."""
    return any(0 <= wh - walk.last[1] <= walk.limit(at) for at, wh in later)


def _is_relative(points, started_at, start_wh, stop_wh, power_w) -> bool:
    """Samples that count from the session's start, while the start was told of the meter's whole life."""
    if not points or start_wh is None or stop_wh is None or stop_wh < start_wh:
        return False
    first = points[0]
    rises = all(a[1] <= b[1] + NOISE_WH for a, b in zip(points, points[1:], strict=False))
    return rises and points[-1][1] < start_wh - NOISE_WH and first[1] <= most(power_w, started_at, first[0])


def _relative(points, start_wh, stopped_at, stop_wh, power_w) -> EnergyResult:
    total = stop_wh - start_wh
    at, wh = points[-1]
    flags = {RELATIVE}
    rest = total - wh
    if rest < -NOISE_WH or rest > most(power_w, at, stopped_at):
        flags.add(MISMATCH)
    curve, level = [], Decimal(0)
    for moment, value in points:
        level = min(max(level, value), total)
        curve.append((moment, level))
    curve.append((max(stopped_at, at), total))
    segment = Segment(points[0][0], stopped_at, start_wh, stop_wh, total)
    return EnergyResult(total, tuple(curve), (segment,), frozenset(flags), (stopped_at, stop_wh))
