"""Who is offered what: a table of cases, and what holds in every case."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookings import rules as booking_rules
from bookings.grid import moment
from bookings.rules import Busy, Claims, Hours, Place
from bookings.waitlist import rules
from bookings.waitlist.rules import Candidate, Found, Standing, Waiting

NOW = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)
NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
HOUR, HALF, MINUTE = timedelta(hours=1), timedelta(minutes=30), timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True)
class Policy:
    bookable: bool = True
    hours: Hours = Hours(BERLIN)
    buffer_minutes: int = 0
    slot_minutes: int = 30
    min_minutes: int = 30
    max_minutes: int = 240
    notice_minutes: int = 0
    horizon_days: int = 14


POLICY = Policy()


def wish(id="a", waits=0, **fields):
    """Somebody who wants half an hour between noon and two, `waits` minutes already."""
    defaults = {"starts_after": NOON, "ends_before": NOON + 2 * HOUR, "length": HALF}
    return Waiting(id=id, queued_at=NOW - waits * MINUTE, **(defaults | fields))


def evse(id=1, *busy, standards=("CCS",), power=50_000, **fields):
    taken = Place(
        claims=Claims.of(Busy(start, end) for start, end in busy),
        **{name: fields.pop(name) for name in ("walk_in_only", "out_of_order") if name in fields},
    )
    return Candidate(id, frozenset(standards), power, taken, **fields)


FULL = (NOON, NOON + 2 * HOUR)
CASES = {
    "a free slot goes to the first": ([wish("a", 5), wish("b", 9)], [evse()], ("b", NOON, 1)),
    "nothing free, no offer": ([wish()], [evse(1, FULL)], None),
    "nobody waits, no offer": ([], [evse()], None),
    "the earliest slot": ([wish()], [evse(1, (NOON, NOON + HOUR))], ("a", NOON + HOUR, 1)),
    "the next in line, whom it suits": (
        [wish("a", 9, standard="CHADEMO"), wish("b", 5)],
        [evse()],
        ("b", NOON, 1),
    ),
    "too weak for the first": ([wish("a", 9, min_power_w=150_000), wish("b", 5)], [evse()], ("b", NOON, 1)),
    "the weakest that does": ([wish()], [evse(1, power=150_000), evse(2)], ("a", NOON, 2)),
    "earlier counts more than weaker": (
        [wish()],
        [evse(1, power=150_000), evse(2, (NOON, NOON + HALF))],
        ("a", NOON, 1),
    ),
    "who pauses is not asked": (
        [wish("a", 9, paused_until=NOW + MINUTE), wish("b", 5)],
        [evse()],
        ("b", NOON, 1),
    ),
    "a pause that is over keeps the place": (
        [wish("a", 9, paused_until=NOW), wish("b", 5)],
        [evse()],
        ("a", NOON, 1),
    ),
    "who has an offer is not asked": ([wish("a", 9, is_busy=True), wish("b", 5)], [evse()], ("b", NOON, 1)),
    "not beside one's own booking": ([wish(own=((NOON, NOON + HALF),))], [evse()], ("a", NOON + HALF, 1)),
    "a gap that is too short": ([wish(length=HOUR)], [evse(1, (NOON + HALF, NOON + HOUR * 3 / 2))], None),
    "it must end in the window": ([wish(ends_before=NOON + HALF, length=HOUR)], [evse()], None),
    "never an EVSE kept for walk-ins": ([wish()], [evse(walk_in_only=True)], None),
    "now: from the next five minutes": (
        [wish(is_now=True, starts_after=NOW + MINUTE, ends_before=NOW + HOUR)],
        [evse()],
        ("a", NOW + 5 * MINUTE, 1),
    ),
    "now: not where somebody is plugged in": (
        [wish(is_now=True, starts_after=NOW, ends_before=NOW + HOUR)],
        [evse(is_free_now=False)],
        None,
    ),
    "now: not into somebody's booking": (
        [wish(is_now=True, starts_after=NOW, ends_before=NOW + HOUR)],
        [evse(1, (NOW + 20 * MINUTE, NOON))],
        None,
    ),
    "now: waited long enough": (
        [wish(is_now=True, starts_after=NOW - HOUR, ends_before=NOW + HALF - MINUTE)],
        [evse()],
        None,
    ),
    "a window of later is not for what is free now alone": (
        [wish(starts_after=NOON)],
        [evse(1, FULL, is_free_now=True)],
        None,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_who_is_offered_what(case):
    queue, evses, expected = CASES[case]
    chosen = rules.next_offer(queue, evses, POLICY, BERLIN, NOW)
    assert (chosen and (chosen[0].id, chosen[1].starts_at, chosen[1].evse_id)) == expected


def test_a_site_that_takes_no_bookings_offers_nothing():
    assert rules.next_offer([wish()], [evse()], Policy(bookable=False), BERLIN, NOW) is None


def test_notice_puts_off_now():
    late = Policy(notice_minutes=20)
    now_wish = wish(is_now=True, starts_after=NOW, ends_before=NOW + HOUR)
    assert rules.best(now_wish, [evse()], late, BERLIN, NOW).starts_at == NOW + 20 * MINUTE


FOUND = Found(NOON, 50_000, 1, NOON + HALF)


@pytest.mark.parametrize(
    ("now", "is_now", "until"),
    [
        (NOW, False, NOW + 15 * MINUTE),
        # Not past the start of the slot,
        (NOON - 10 * MINUTE, False, NOON),
        # except for “now”, while nobody counts as not having come.
        (NOON - 4 * MINUTE, True, NOON + 7.5 * MINUTE),
        (NOON - MINUTE, False, NOON + MINUTE),
    ],
)
def test_until_when_an_offer_stands(now, is_now, until):
    assert rules.offer_until(FOUND, 15, 15, is_now, now) == until


def test_a_place_says_who_competes():
    queue = [
        wish("first", 60, standard="CHADEMO"),  # cannot use what I can
        wish("second", 50, paused_until=NOW + HOUR),
        wish("third", 40, starts_after=NOON + 3 * HOUR, ends_before=NOON + 5 * HOUR),  # another time
        wish("fourth", 30),
        wish("mine", 20, standard="CCS"),
        wish("last", 10),
    ]
    evses = [evse(1), evse(2, standards=("CHADEMO",))]
    assert rules.standing(queue[4], queue, evses, NOW) == Standing(ahead=2, paused=1, waiting=6)
    assert rules.standing(queue[0], queue, evses, NOW).ahead == 0


# --- what holds in every case --------------------------------------------------------------------

minutes = st.integers(0, 48).map(lambda number: number * 15 * MINUTE)
wishes = st.builds(
    lambda number, waits, start, span, length, standard, power, is_now, pause, busy: Waiting(
        id=number,
        queued_at=NOW - waits * MINUTE,
        starts_after=NOW + start,
        ends_before=NOW + start + span + length * HALF,
        length=length * HALF,
        is_now=is_now,
        standard=standard,
        min_power_w=power,
        paused_until=NOW + pause * MINUTE if pause else None,
        is_busy=busy,
    ),
    st.integers(0, 10**6),
    st.integers(0, 30),
    minutes,
    minutes,
    st.integers(1, 4),
    st.sampled_from(["", "CCS", "CHADEMO"]),
    st.sampled_from([0, 50_000, 150_000]),
    st.booleans(),
    st.sampled_from([0, -5, 20]),
    st.booleans(),
)


@st.composite
def sites(draw):
    found = []
    for number in range(draw(st.integers(1, 4))):
        at, busy = NOW, []
        for gap, length in draw(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 12)), max_size=5)):
            begin = at + gap * 15 * MINUTE
            at = begin + length * 15 * MINUTE
            busy.append(Busy(begin, at))
        standards = draw(st.sets(st.sampled_from(["CCS", "CHADEMO"]), min_size=1))
        power = draw(st.sampled_from([22_000, 50_000, 150_000]))
        found.append(
            Candidate(
                number, frozenset(standards), power, Place(Claims.of(busy)), is_free_now=draw(st.booleans())
            )
        )
    return found


def busy(place):
    ends = zip(place.claims.starts, place.claims.ends, strict=True)
    return [Busy(moment(starts_at), moment(ends_at)) for starts_at, ends_at in ends]


def claimed(candidates, found: Found):
    """The site after the offer: its slot is kept."""
    return [
        replace(
            each,
            place=Place(Claims.of([*busy(each.place), Busy(found.starts_at, found.ends_at)])),
        )
        if each.id == found.evse_id
        else each
        for each in candidates
    ]


@settings(max_examples=300)
@given(st.lists(wishes, max_size=8, unique_by=lambda each: each.id), sites())
def test_offers_are_fair_and_never_clash(queue, candidates):
    made = []
    while chosen := rules.next_offer(queue, candidates, POLICY, BERLIN, NOW):
        who, found = chosen
        one = next(each for each in candidates if each.id == found.evse_id)
        # It fits the wish, and the EVSE was free for all of it.
        assert one.suits(who) and who.can_take(NOW)
        assert who.starts_after <= found.starts_at and found.ends_at <= who.ends_before
        assert found.ends_at - found.starts_at == who.length
        assert booking_rules.problem(POLICY, one.place, found.starts_at, found.ends_at, NOW) is None
        # Nobody before them was passed over whom anything would have suited.
        for other in rules.in_order(queue):
            if other.id == who.id:
                break
            assert not other.can_take(NOW) or rules.best(other, candidates, POLICY, BERLIN, NOW) is None
        assert all(
            found.evse_id != before.evse_id
            or found.starts_at >= before.ends_at
            or found.ends_at <= before.starts_at
            for before in made
        )
        made.append(found)
        candidates = claimed(candidates, found)
        queue = [replace(each, is_busy=True) if each.id == who.id else each for each in queue]
    # Whoever is left has nothing that would suit them.
    for each in queue:
        assert not each.can_take(NOW) or rules.best(each, candidates, POLICY, BERLIN, NOW) is None
    assert len(made) <= len(queue)
