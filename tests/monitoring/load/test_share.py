"""The rule that shares: tables, and random sites."""

import os
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitoring.load.release import may_rise
from monitoring.load.share import TURN_S, Demand, Fixed, Group, paths, share

EXAMPLES = int(os.environ.get("EVPORTAL_EXAMPLES", "60"))
ALL = (0, 1, 2)
SITE = [Group("site", (320, 320, 320))]


def given_to(demands, groups=SITE, fixed=()):
    return {key: grant.amps for key, grant in share(groups, demands, fixed).grants.items()}


def car(key, wants=320, **words):
    return Demand(key, words.pop("group", "site"), words.pop("phases", ALL), wants, **words)


@pytest.mark.parametrize(
    ("demands", "expected"),
    [
        ([car("a")], {"a": 320}),
        ([car("a"), car("b")], {"a": 160, "b": 160}),
        # What one doesn't want is the other's.
        ([car("a", 100), car("b")], {"a": 100, "b": 220}),
        # Tenths that can't be halved go to the first.
        ([car("a"), car("b"), car("c")], {"a": 107, "b": 107, "c": 106}),
        # Six least ones of six amperes are more than 32: the last waits.
        ([car(n) for n in "abcdef"], dict.fromkeys("abcde", 64) | {"f": 0}),
        ([car("a", 0), car("b")], {"a": 0, "b": 320}),
        # Less than the least is wanted: it gets the least, for there is nothing between it and zero.
        ([car("a", 20), car("b")], {"a": 60, "b": 260}),
        # Each on a phase of its own.
        ([car("a", phases=(0,)), car("b", phases=(1,))], {"a": 320, "b": 320}),
        ([car("a", phases=(0,)), car("b")], {"a": 160, "b": 160}),
        # A booked place has its promise first; what is left beyond the least ones is shared by all.
        ([car("a", promised=200), car("b")], {"a": 200, "b": 120}),
        ([car("a", 150, promised=200), car("b")], {"a": 150, "b": 170}),
        # By priority: everybody's least, then the first class.
        ([car("a", rank=1), car("b", rank=2)], {"a": 260, "b": 60}),
        ([car("a", rank=1, wants=100), car("b", rank=2)], {"a": 100, "b": 220}),
    ],
)
def test_one_limit(demands, expected):
    assert given_to(demands) == expected


def test_a_group_below_the_site():
    groups = [Group("site", (630, 630, 630)), Group("wall", (160, 160, 160), "site")]
    found = share(groups, [car("a", group="wall"), car("b", group="wall"), car("c"), car("d")])
    assert {key: grant.amps for key, grant in found.grants.items()} == {"a": 80, "b": 80, "c": 235, "d": 235}
    assert found.grants["a"].bound_by == "wall" and found.grants["c"].bound_by == "site"
    assert found.left == {"site": (0, 0, 0), "wall": (0, 0, 0)}


def test_other_loads_come_off_first_and_may_be_too_much():
    assert given_to([car("a")], fixed=[Fixed("site", (100, 20, 0))]) == {"a": 220}
    found = share(SITE, [car("a")], [Fixed("site", (400, 0, 0))])
    assert found.grants["a"].amps == 0 and found.grants["a"].why == "waits" and found.overrun == {"site"}


def test_who_waits_longest_goes_first_and_nobody_waits_for_ever():
    """Three cars on a connection for one: each charges a third of the time."""
    groups, quarter = [Group("site", (70, 70, 70))], TURN_S
    since = dict.fromkeys("abc", 0.0)
    charged = dict.fromkeys("abc", 0)
    having = None
    for n in range(12):
        now = n * quarter
        demands = [
            car(key, served_s=now - since[key]) if key == having else car(key, waiting_s=now - since[key])
            for key in "abc"
        ]
        [(key, _grant)] = [(k, g) for k, g in share(groups, demands).grants.items() if g.amps]
        if key != having:
            since[key] = since[having or key] = now
            having = key
        charged[key] += 1
    assert charged == {"a": 4, "b": 4, "c": 4}


def test_a_low_priority_waits_and_then_has_its_turn():
    groups = [Group("site", (70, 70, 70))]
    high, low = car("h", rank=0, served_s=9000), car("l", rank=2, waiting_s=3 * TURN_S)
    assert given_to([high, low], groups) == {"h": 70, "l": 0}
    low = car("l", rank=2, waiting_s=4 * TURN_S)
    assert given_to([high, low], groups) == {"h": 0, "l": 70}


def test_a_circle_is_refused():
    with pytest.raises(ValueError, match="end nowhere"):
        paths([Group("a", (1, 1, 1), "b"), Group("b", (1, 1, 1), "a")])
    with pytest.raises(ValueError, match="end nowhere"):
        paths([Group("a", (1, 1, 1), "missing")])


# --- any site ------------------------------------------------------------------------------------------

limits = st.one_of(st.integers(0, 4000).map(lambda amps: (amps,) * 3), st.tuples(*[st.integers(0, 4000)] * 3))
phases = st.sampled_from([ALL, (0,), (1,), (2,), (0, 1)])


@st.composite
def sites(draw):
    groups = [Group(0, draw(limits))]
    for key in range(1, draw(st.integers(1, 6))):
        groups.append(Group(key, draw(limits), draw(st.integers(0, key - 1))))
    places = st.integers(0, len(groups) - 1)
    demands = [
        Demand(
            key=f"e{n}",
            group=draw(places),
            phases=draw(phases),
            wants=draw(st.sampled_from([0, 30, 60, 100, 160, 320, 321, 2300])),
            least=draw(st.sampled_from([60, 60, 60, 10, 80])),
            promised=draw(st.sampled_from([0, 0, 0, 60, 160, 400])),
            rank=draw(st.integers(0, 2)),
            waiting_s=draw(st.sampled_from([0, 100, 1000, 5000])),
            served_s=draw(st.sampled_from([0, 100, 2000])),
        )
        for n in range(draw(st.integers(0, 24)))
    ]
    fixed = [
        Fixed(draw(places), draw(st.tuples(*[st.integers(0, 300)] * 3)))
        for _n in range(draw(st.integers(0, 3)))
    ]
    return groups, demands, fixed


def used(groups, currents):
    """(group → drawn on each phase) of pairs (group, three currents)."""
    above = paths(groups)
    found = {group.key: [0, 0, 0] for group in groups}
    for place, amps in currents:
        for key in above[place]:
            for phase in ALL:
                found[key][phase] += amps[phase]
    return found


def on(demand, amps):
    return tuple(amps if phase in demand.phases else 0 for phase in ALL)


every = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@every
@given(sites())
def test_any_site(site):
    """Never more than a limit, never less than a least but zero, and nothing left that somebody wanted."""
    groups, demands, fixed = site
    found = share(groups, demands, fixed)
    grants = [(each.group, on(each, found.grants[each.key].amps)) for each in demands]
    others = used(groups, [(each.group, each.currents) for each in fixed])
    total = used(groups, [*grants, *[(each.group, each.currents) for each in fixed]])
    above = paths(groups)
    by_key = {group.key: group for group in groups}
    for group in groups:
        for phase in ALL:
            assert total[group.key][phase] <= max(group.limit[phase], others[group.key][phase])
            assert found.left[group.key][phase] == max(0, group.limit[phase] - others[group.key][phase]) - (
                total[group.key][phase] - others[group.key][phase]
            )
    for each in demands:
        grant = found.grants[each.key]
        assert grant.amps == 0 or each.least <= grant.amps <= max(each.wants, each.least)
        assert grant.amps == 0 or each.wants > 0
        more = 1 if grant.amps else each.least
        if each.wants > 0 and grant.amps < max(each.wants, each.least):
            assert any(
                total[key][phase] + more > by_key[key].limit[phase]
                for key in above[each.group]
                for phase in each.phases
            )
            assert grant.bound_by in above[each.group]


@every
@given(sites())
def test_a_promise_is_not_cut_for_anybody_without_one(site):
    """Whatever the others want, who is promised something has as much of it as if they weren't there."""
    groups, demands, fixed = site
    found = share(groups, demands, fixed).grants
    booked = [each for each in demands if each.promised]
    alone = share(groups, booked, fixed).grants
    for each in booked:
        if each.wants > 0:
            promise = min(max(each.promised, each.least), max(each.wants, each.least))
            assert found[each.key].amps >= min(promise, alone[each.key].amps)


@every
@given(sites())
def test_no_envy_within_a_rank(site):
    """Who has less than another of the same rank in the same group, on the same phases, wanted no more."""
    groups, demands, fixed = site
    plain = [
        Demand(each.key, each.group, each.phases, each.wants, least=60, rank=each.rank) for each in demands
    ]
    found = share(groups, plain, fixed).grants
    by_place: dict = {}
    for each in plain:
        if found[each.key].amps:
            by_place.setdefault((each.group, each.phases, each.rank), []).append(each)
    for members in by_place.values():
        for one, other in pairwise(sorted(members, key=lambda each: found[each.key].amps)):
            less, more = found[one.key].amps, found[other.key].amps
            assert more - less <= 1 or less >= one.wants


@every
@given(sites(), st.randoms(use_true_random=False))
def test_whatever_order_the_answers_come_in(site, chance):
    """From one plan to the next, what chargers may draw never exceeds a limit in between."""
    groups, demands, fixed = site
    before = share(groups, demands, fixed)
    changed = [
        Demand(each.key, each.group, each.phases, chance.choice([0, 60, 160, 320]), each.least)
        for each in demands
    ]
    after = share(groups, changed, fixed)
    place = {each.key: each.group for each in demands}
    held = {each.key: on(each, before.grants[each.key].amps) for each in demands}
    wanted = {each.key: on(each, after.grants[each.key].amps) for each in demands}
    limit = {group.key: group.limit for group in groups}
    others = used(groups, [(each.group, each.currents) for each in fixed])

    def holds(told):
        sums = used(groups, [(place[key], amps) for key, amps in told.items()])
        assert all(
            sums[key][phase] + others[key][phase] <= max(limit[key][phase], others[key][phase])
            for key in limit
            for phase in ALL
        )

    for _round in range(len(demands) + 2):
        wished = {key: amps for key, amps in wanted.items() if max(amps) > max(held[key])}
        lower = {key: amps for key, amps in wanted.items() if max(amps) < max(held[key])}
        granted = may_rise(groups, place, held, wished, fixed)
        sent = lower | {key: wished[key] for key in granted}
        if not sent:
            break
        # Some answer, in any order; a raise counts from the moment when it leaves.
        worst = {
            key: tuple(max(two) for two in zip(held[key], sent.get(key, held[key]), strict=True))
            for key in held
        }
        holds(worst)
        for key in chance.sample(sorted(sent), chance.randint(1, len(sent))):
            held[key] = sent[key]
        holds(held)
    else:
        assert held == wanted
