"""What is wrong with a configuration, in words. Pure; amperes are Decimal, per phase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.translation import gettext as _g

#: No fuse of a charging site has more.
MOST = Decimal(4000)
PHASES = ("L1", "L2", "L3")
Amps = tuple[Decimal, Decimal, Decimal]


@dataclass(frozen=True)
class Limit:
    """A group as it is wished for; `parent` is another's name, empty for the site itself."""

    name: str
    limit: Amps
    parent: str = ""


@dataclass(frozen=True)
class Seat:
    """An EVSE in its group. `phases` are the indices of the phases that it uses, `least` what a car needs."""

    evse: str
    group: str
    safe_default: Decimal = Decimal(0)
    least: Decimal = Decimal(6)
    phases: tuple[int, ...] = (0, 1, 2)
    #: Reserved whatever the plan says, because the charger can't be told.
    reserved: Decimal = Decimal(0)


@dataclass(frozen=True)
class Wish:
    limits: Sequence[Limit]
    seats: Sequence[Seat]
    #: Not all can charge at once: cars may take turns.
    takes_turns: bool = False
    #: The part of each limit that is never given away, in percent.
    margin: Decimal = Decimal(0)
    #: What another load takes while its meter is silent.
    building: Amps = field(default=(Decimal(0), Decimal(0), Decimal(0)))


def problems(wish: Wish) -> list[str]:
    """Everything that can't be so, worst first; empty if it can."""
    found = _shape(wish)
    return found or _sums(wish)


def _shape(wish: Wish) -> list[str]:
    found = []
    names = [limit.name for limit in wish.limits]
    for name in sorted({name for name in names if names.count(name) > 1}):
        found.append(_g("There are two groups of the name “%(name)s”.") % {"name": name})
    roots = [limit for limit in wish.limits if not limit.parent]
    if len(roots) != 1:
        found.append(_g("One group is the site itself: it is in no other group, and all others are in it."))
    for limit in wish.limits:
        if any(amps < 0 for amps in limit.limit):
            found.append(_g("“%(name)s”: a limit can't be negative.") % {"name": limit.name})
        elif any(amps > MOST for amps in limit.limit):
            found.append(
                _g("“%(name)s”: more than %(most)s A can't be right.") % {"name": limit.name, "most": MOST}
            )
        if limit.parent and limit.parent not in names:
            found.append(
                _g("“%(name)s” is in “%(parent)s”, which isn't there.")
                % {"name": limit.name, "parent": limit.parent}
            )
    found += _circles(wish.limits)
    evses = [seat.evse for seat in wish.seats]
    for evse in sorted({evse for evse in evses if evses.count(evse) > 1}):
        found.append(_g("%(evse)s is in two groups.") % {"evse": evse})
    for seat in wish.seats:
        if seat.group not in names:
            found.append(
                _g("%(evse)s is in “%(group)s”, which isn't there.")
                % {"evse": seat.evse, "group": seat.group}
            )
        if seat.safe_default < 0:
            found.append(_g("%(evse)s: a current can't be negative.") % {"evse": seat.evse})
        elif 0 < seat.safe_default < seat.least:
            found.append(
                _g("%(evse)s: a car takes %(least)s A or more, or nothing: choose 0 or at least that.")
                % {"evse": seat.evse, "least": _n(seat.least)}
            )
    if not 0 <= wish.margin <= 50:
        found.append(_g("The margin is between 0 and 50 %."))
    if any(amps < 0 for amps in wish.building):
        found.append(_g("What the building takes can't be negative."))
    return found


def _circles(limits: Sequence[Limit]) -> list[str]:
    parents = {limit.name: limit.parent for limit in limits}
    for name in parents:
        path, at = [], name
        while at:
            if at in path:
                return [_g("The groups are in a circle: %(path)s.") % {"path": " → ".join([*path, at])}]
            path.append(at)
            at = parents.get(at, "")
    return []


def _sums(wish: Wish) -> list[str]:
    parents = {limit.name: limit.parent for limit in wish.limits}
    safe = {name: [Decimal(0)] * 3 for name in parents}
    least = {name: [Decimal(0)] * 3 for name in parents}
    smallest: dict[str, Decimal] = {}
    for seat in wish.seats:
        at = seat.group
        while at:
            for phase in seat.phases:
                safe[at][phase] += max(seat.safe_default, seat.reserved)
                least[at][phase] += max(seat.least, seat.reserved)
            smallest[at] = min(smallest.get(at, seat.least), seat.least)
            at = parents[at]
    found = []
    for limit in wish.limits:
        building = wish.building if not limit.parent else (Decimal(0),) * 3
        free = [
            amps * (100 - wish.margin) / 100 - other
            for amps, other in zip(limit.limit, building, strict=True)
        ]
        for phase in range(3):
            words = {"name": limit.name, "phase": PHASES[phase], "limit": _n(max(free[phase], Decimal(0)))}
            if safe[limit.name][phase] > free[phase]:
                found.append(
                    _g(
                        "“%(name)s”, %(phase)s: the safe defaults add up to %(sum)s A, and %(limit)s A may be"
                        " drawn. When contact is lost, all of them may be in use at once."
                    )
                    % (words | {"sum": _n(safe[limit.name][phase])})
                )
            elif limit.name in smallest and free[phase] < smallest[limit.name]:
                found.append(
                    _g("“%(name)s”, %(phase)s: with %(limit)s A not even one car can charge.") % words
                )
            elif not wish.takes_turns and least[limit.name][phase] > free[phase]:
                found.append(
                    _g(
                        "“%(name)s”, %(phase)s: the least that its EVSEs need adds up to %(sum)s A, and"
                        " %(limit)s A may be drawn. Raise the limit, or let cars take turns."
                    )
                    % (words | {"sum": _n(least[limit.name][phase])})
                )
            else:
                continue
            break
    return found


def _n(amps: Decimal) -> str:
    return f"{amps.quantize(Decimal('0.1')).normalize():f}"
