"""The bulk rule says of every slot what the rule for one slot says."""

from datetime import timedelta
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from bookings import rules
from bookings.grid import Grid, moment
from bookings.rules import Busy, Claims, Hours, Place
from stations import hours
from tests.bookings.test_rules import BERLIN, KATHMANDU, LORD_HOWE, NOON

MINUTE = timedelta(minutes=1)
WEEKS = ["24/7", "Mo-Fr 06:00-22:00", "Mo 10:00-14:10; Tu off", "22:00-06:00"]


@st.composite
def places(draw):
    at, busy = NOON - timedelta(hours=20), []
    for gap, length, is_closure in draw(
        st.lists(st.tuples(st.integers(0, 300), st.integers(1, 400), st.booleans()), max_size=12)
    ):
        start = at + gap * MINUTE
        at = start + length * MINUTE
        busy.append(Busy(start, at, is_closure))
    return Place(
        claims=Claims.of(busy),
        walk_in_only=draw(st.sampled_from([False, False, True])),
        in_use_until=draw(st.none() | st.integers(0, 300).map(lambda minutes: NOON + minutes * MINUTE)),
        out_of_order=draw(st.booleans()),
    )


policies = st.builds(
    lambda **fields: SimpleNamespace(**fields),
    bookable=st.sampled_from([True, True, True, False]),
    slot_minutes=st.sampled_from([5, 15, 30, 60]),
    min_minutes=st.sampled_from([15, 30]),
    max_minutes=st.sampled_from([60, 240]),
    notice_minutes=st.integers(0, 200),
    horizon_days=st.integers(0, 2),
    buffer_minutes=st.sampled_from([0, 0, 5, 20]),
    hours=st.builds(
        Hours,
        st.sampled_from([BERLIN, KATHMANDU, LORD_HOWE]),
        st.sampled_from(WEEKS).map(hours.parse),
        st.sampled_from([hours.NEVER, hours.parse("Mo-Su 16:00-18:00"), hours.parse("Mo 23:30-00:30")]),
    ),
)


@given(places(), policies, st.sampled_from([10, 30, 60, 300]), st.integers(0, 7200))
def test_each_slot_is_as_if_it_had_been_asked_about_alone(place, policy, minutes, seconds):
    now = NOON + timedelta(seconds=seconds)
    days = [NOON.date() + timedelta(days=offset) for offset in (-1, 0, 1, 2)]
    length = minutes * MINUTE
    grid = Grid.of(policy, days, length, now)
    states = grid.states(place)
    alone = [rules.slot_state(policy, place, at, at + length, now) for at in grid.moments()]
    assert states == alone
    free = [at for at, state in zip(grid.starts, states, strict=True) if state is rules.SlotState.FREE]
    assert grid.first(place) == (free[0] if free else None)
    assert all(moment(at) >= now for at in grid.starts)
