"""What may be told now: lower limits at once, higher ones only into room that is free already. Pure.

A charger goes on as it was told until it has accepted something lower, so what it was told counts until then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from monitoring.load.share import Fixed, Group, Key, Phases, paths

ZERO: Phases = (0, 0, 0)


def may_rise(
    groups: Sequence[Group],
    places: Mapping[Key, Key],
    held: Mapping[Key, Phases],
    wished: Mapping[Key, Phases],
    fixed: Iterable[Fixed] = (),
) -> set[Key]:
    """Of `wished` (EVSE → currents, more than held on a phase) those for which there is room, in turn.

    `places` names each EVSE's group, `held` what each may draw by what it was told. Whatever order the
    answers come in, no sum exceeds a limit that it didn't exceed before.
    """
    above = paths(groups)
    used = {group.key: [0, 0, 0] for group in groups}
    limits = {group.key: group.limit for group in groups}

    def add(group: Key, currents: Phases, sign: int = 1) -> None:
        for key in above[group]:
            for phase, amps in enumerate(currents):
                used[key][phase] += sign * amps

    for each in fixed:
        add(each.group, each.currents)
    for evse, currents in held.items():
        add(places[evse], currents)
    granted = set()
    for evse, currents in wished.items():
        before = held.get(evse, ZERO)
        # While it is on its way, either may hold: the greater counts on each phase.
        after = tuple(max(old, new) for old, new in zip(before, currents, strict=True))
        more = tuple(new - old for old, new in zip(before, after, strict=True))
        if all(
            not more[phase] or used[key][phase] + more[phase] <= limits[key][phase]
            for key in above[places[evse]]
            for phase in range(3)
        ):
            add(places[evse], more)
            granted.add(evse)
    return granted
