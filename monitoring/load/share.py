"""Who gets how much: a site's current shared among its EVSEs. Pure.

Currents are whole tenths of an ampere per phase: OCPP's profiles have one decimal, and sums stay exact.
A group's limit holds for all that hangs below it; the site itself is the group without a parent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

#: IEC 61851-1 knows no current between zero and six amperes.
LEAST = 60
#: Who has waited so long at zero takes the place of who has charged longest.
TURN_S = 15 * 60
#: After so many turns at zero a lower priority no longer counts.
AGED_TURNS = 4

Key = Hashable
Phases = tuple[int, int, int]


@dataclass(frozen=True)
class Group:
    """A fuse, a cable or the grid connection: at most `limit` on each of the phases L1, L2, L3."""

    key: Key
    limit: Phases
    parent: Key | None = None


@dataclass(frozen=True)
class Demand:
    """What one EVSE would use on each of `phases` (indices of L1, L2, L3), if it could have it.

    It gets zero or at least `least`. `promised` goes before everybody else's; a lower `rank` before a higher.
    `waiting_s` is how long it has had zero, `served_s` how long more than that.
    """

    key: Key
    group: Key
    phases: tuple[int, ...]
    wants: int
    least: int = LEAST
    promised: int = 0
    rank: int = 0
    waiting_s: float = 0
    served_s: float = 0


@dataclass(frozen=True)
class Fixed:
    """Current that nobody can be told about: another load, or a charger that doesn't follow."""

    group: Key
    currents: Phases
    key: Key | None = None


@dataclass(frozen=True)
class Grant:
    """`amps` is in tenths; `why` is a word of `showing.WHY`; `bound_by` the group that allowed no more."""

    amps: int
    why: str
    bound_by: Key | None = None


@dataclass(frozen=True)
class Shared:
    grants: dict[Key, Grant]
    #: What is left in each group, on each phase.
    left: dict[Key, Phases]
    #: Groups in which what can't be told anything takes more than the limit.
    overrun: frozenset[Key] = field(default_factory=frozenset)


def paths(groups: Iterable[Group]) -> dict[Key, tuple[Key, ...]]:
    """Each group with all above it, itself first. Raises ValueError for a circle or a missing parent."""
    parents = {group.key: group.parent for group in groups}
    found: dict[Key, tuple[Key, ...]] = {}
    for key in parents:
        path: list[Key] = []
        at: Key | None = key
        while at is not None:
            if at in path or at not in parents:
                raise ValueError(f"The groups above {key} end nowhere.")
            path.append(at)
            at = parents[at]
        found[key] = tuple(path)
    return found


def turn(demand: Demand) -> tuple:
    """Who comes first where not all can have their least: by rank, then who waits longest, in turns."""
    aged = demand.waiting_s >= TURN_S * AGED_TURNS
    rank = -1 if aged else demand.rank
    if demand.waiting_s >= TURN_S:
        place = (0, -demand.waiting_s)
    elif demand.served_s > 0:
        # Who charges goes on until somebody's turn has come; then who has charged longest makes way.
        place = (1, demand.served_s)
    else:
        place = (2, -demand.waiting_s)
    return (rank, *place, str(demand.key))


class _Pool:
    """What is left on each phase of each group, in one list; a demand takes from a few places of it."""

    def __init__(self, groups: Sequence[Group], fixed: Iterable[Fixed]) -> None:
        self.paths = paths(groups)
        self.index = {group.key: 3 * number for number, group in enumerate(groups)}
        self.left = [amps for group in groups for amps in group.limit]
        for each in fixed:
            for key in self.paths[each.group]:
                for phase, amps in enumerate(each.currents):
                    self.left[self.index[key] + phase] -= amps
        self.overrun = frozenset(
            group.key
            for group in groups
            if min(self.left[self.index[group.key] + phase] for phase in range(3)) < 0
        )
        self.left = [max(0, amps) for amps in self.left]

    def places(self, demand: Demand) -> tuple[int, ...]:
        return tuple(self.index[key] + phase for key in self.paths[demand.group] for phase in demand.phases)

    def bound_by(self, demand: Demand, more: int) -> Key | None:
        """The nearest group that couldn't carry so much more of it."""
        for key in self.paths[demand.group]:
            if any(self.left[self.index[key] + phase] < more for phase in demand.phases):
                return key
        return None


def share(groups: Sequence[Group], demands: Iterable[Demand], fixed: Iterable[Fixed] = ()) -> Shared:
    """Max-min fair within each rank, promises first; see `Shared`.

    No sum exceeds a limit unless `fixed` alone does, nobody gets less than their least but zero, and whoever
    wants more could not have it without another giving way.
    """
    pool = _Pool(groups, fixed)
    everybody = sorted(demands, key=turn)
    wanting = [demand for demand in everybody if demand.wants > 0]
    places = {demand.key: pool.places(demand) for demand in wanting}
    goals = {demand.key: max(demand.wants, demand.least) for demand in wanting}
    amps = {demand.key: 0 for demand in wanting}

    booked = [demand for demand in wanting if demand.promised > 0]
    _admit(booked, amps, places, pool.left)
    promises = {
        each.key: min(max(each.promised, each.least), goals[each.key]) for each in booked if amps[each.key]
    }
    _fill(promises, amps, places, pool.left)
    _admit([demand for demand in wanting if not amps[demand.key]], amps, places, pool.left)
    for rank in sorted({demand.rank for demand in wanting}):
        members = {each.key: goals[each.key] for each in wanting if each.rank == rank and amps[each.key]}
        _fill(members, amps, places, pool.left)

    grants = {demand.key: _grant(demand, amps, goals, pool) for demand in everybody}
    left = {group.key: tuple(pool.left[pool.index[group.key] :][:3]) for group in groups}
    return Shared(grants, left, pool.overrun)


def _admit(demands: Iterable[Demand], amps: dict, places: Mapping, left: list[int]) -> None:
    """Their least, to as many as it can be given to, in their order."""
    for demand in demands:
        if all(left[place] >= demand.least for place in places[demand.key]):
            amps[demand.key] = demand.least
            for place in places[demand.key]:
                left[place] -= demand.least


def _fill(goals: Mapping[Key, int], amps: dict, places: Mapping, left: list[int]) -> None:
    """Raise those who have least, alike, until each has reached its goal or a limit (progressive filling)."""
    active = [key for key, goal in goals.items() if amps[key] < goal]
    while active:
        level = min(amps[key] for key in active)
        lowest = [key for key in active if amps[key] == level]
        takers = Counter(place for key in lowest for place in places[key])
        step = min(
            min(goals[key] for key in lowest) - level,
            min((left[place] // count for place, count in takers.items()), default=0),
        )
        if len(lowest) < len(active):
            step = min(step, min(amps[key] for key in active if amps[key] > level) - level)
        if step > 0:
            for key in lowest:
                amps[key] += step
            for place, count in takers.items():
                left[place] -= step * count
            active = [key for key in active if amps[key] < goals[key]]
            continue
        # Somewhere there is less than a tenth for each: the first ones get it, and there nobody gets more.
        stuck = set()
        for key in lowest:
            if all(left[place] > 0 for place in places[key]):
                amps[key] += 1
                for place in places[key]:
                    left[place] -= 1
            else:
                stuck.add(key)
        active = [key for key in active if key not in stuck and amps[key] < goals[key]]


def _grant(demand: Demand, amps: Mapping, goals: Mapping, pool: _Pool) -> Grant:
    if demand.wants <= 0:
        return Grant(0, "nothing")
    given = amps[demand.key]
    if not given:
        return Grant(0, "waits", pool.bound_by(demand, demand.least))
    if given >= goals[demand.key]:
        return Grant(given, "all")
    why = "promised" if demand.promised and given >= demand.promised else "shared"
    return Grant(given, why, pool.bound_by(demand, 1))
