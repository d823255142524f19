"""Which booking goes to which EVSE: pure, against a search of everything."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from bookings.moving import Need, Outlet, Spot, assign, is_equivalent, offers
from tests.make import NOON

HOUR = timedelta(hours=1)
TYPE_2, CABLE, CCS = Outlet("IEC_62196_T2"), Outlet("IEC_62196_T2", True), Outlet("IEC_62196_T2_COMBO", True)


def need(key, start=0, end=1, *, outlets=(TYPE_2,), kw=22, price: str | None = "9") -> Need:
    return Need(
        key,
        NOON + start * HOUR,
        NOON + end * HOUR,
        frozenset(outlets),
        kw * 1000,
        None if price is None else Decimal(price),
    )


def spot(key, *, busy=(), outlets=(TYPE_2,), kw=22, in_use_until: datetime | None = None) -> Spot:
    taken = [(NOON + start * HOUR, NOON + end * HOUR) for start, end in busy]
    return Spot(key, frozenset(outlets), kw * 1000, taken, in_use_until)


def same_price(need, _spot):
    return need.price


def test_a_cable_serves_who_brings_one_but_not_the_other_way():
    assert offers(TYPE_2, frozenset([CABLE]))
    assert not offers(CABLE, frozenset([TYPE_2]))
    assert not offers(CCS, frozenset([TYPE_2, CABLE]))


def test_equivalent_is_no_worse_in_anything():
    wish, price = need("a", kw=50, outlets=[CCS]), Decimal(9)
    assert is_equivalent(wish, spot("x", kw=50, outlets=[CCS]), price)
    assert is_equivalent(wish, spot("x", kw=150, outlets=[CCS, TYPE_2]), Decimal(8))
    assert not is_equivalent(wish, spot("x", kw=49, outlets=[CCS]), price)
    assert not is_equivalent(wish, spot("x", kw=50, outlets=[TYPE_2]), price)
    assert not is_equivalent(wish, spot("x", kw=50, outlets=[CCS]), Decimal("9.01"))


def test_no_price_is_only_as_good_as_no_price():
    free = need("a", price=None)
    assert is_equivalent(free, spot("x"), None)
    assert not is_equivalent(free, spot("x"), Decimal(1))
    assert is_equivalent(need("a"), spot("x"), None)


def test_the_only_place_for_one_is_left_to_it():
    """The first could take either; only one of them serves the second."""
    found = assign(
        [need("slow", kw=11), need("fast", kw=50)], [spot("22", kw=22), spot("50", kw=50)], same_price
    )
    assert found == {"slow": "22", "fast": "50"}


def test_two_short_ones_rather_than_one_long_one():
    found = assign([need("long", 0, 4), need("first", 1, 2), need("second", 2, 3)], [spot("x")], same_price)
    assert found == {"first": "x", "second": "x"}


def test_of_equally_many_the_earlier_one_and_the_closest_power():
    assert assign([need("later", 1, 3), need("earlier", 0, 2)], [spot("x")], same_price) == {"earlier": "x"}
    assert assign([need("a")], [spot("50", kw=50), spot("22")], same_price) == {"a": "22"}


def test_ranges_are_half_open_and_sessions_are_waited_for():
    assert assign([need("a", 1, 2)], [spot("x", busy=[(0, 1), (2, 3)])], same_price) == {"a": "x"}
    assert assign([need("a", 1, 2)], [spot("x", busy=[(1.5, 3)])], same_price) == {}
    assert assign([need("a", 1, 2)], [spot("x", in_use_until=NOON + HOUR)], same_price) == {"a": "x"}
    assert assign([need("a", 1, 2)], [spot("x", in_use_until=NOON + 1.1 * HOUR)], same_price) == {}


def test_a_booking_is_not_moved_where_it_is():
    assert assign([need("a")], [spot("x")], same_price, lambda _need, spot: spot.key != "x") == {}


hours = st.integers(0, 5)
needs = st.lists(
    st.builds(
        lambda start, length, kw, price: (start, start + length, kw, price),
        hours,
        st.integers(1, 3),
        st.sampled_from([11, 22, 50]),
        st.integers(1, 3),
    ),
    max_size=5,
)
spots = st.lists(
    st.tuples(st.sampled_from([11, 22, 50]), st.integers(1, 3), st.lists(hours, max_size=2)), max_size=3
)


def most(wanted, free, price_at) -> int:
    """By trying everything."""
    best = 0
    for plan in product([None, *free], repeat=len(wanted)):
        placed = [(each, at) for each, at in zip(wanted, plan, strict=True) if at is not None]
        if all(
            at.is_free(each.starts_at, each.ends_at) and is_equivalent(each, at, price_at(each, at))
            for each, at in placed
        ) and not any(
            one is not other
            and at is beside
            and one.starts_at < other.ends_at
            and other.starts_at < one.ends_at
            for one, at in placed
            for other, beside in placed
        ):
            best = max(best, len(placed))
    return best


@settings(max_examples=300)
@given(needs, spots)
def test_as_many_as_can_be_never_worse_never_twice(rows, places):
    wanted = [
        need(number, start, end, kw=kw, price=str(price))
        for number, (start, end, kw, price) in enumerate(rows)
    ]
    free = [
        spot(number, kw=kw, busy=[(at, at + 1) for at in taken])
        for number, (kw, _price, taken) in enumerate(places)
    ]

    def price_at(_need, at):
        return Decimal(places[at.key][1])

    found = assign(wanted, free, price_at)
    assert len(found) == most(wanted, free, price_at)
    assert found == assign(list(reversed(wanted)), list(reversed(free)), price_at)
    for key, at in found.items():
        assert free[at].max_power_w >= wanted[key].max_power_w
        assert price_at(wanted[key], free[at]) <= wanted[key].price
        assert free[at].is_free(wanted[key].starts_at, wanted[key].ends_at)
    for one, other in product(found, repeat=2):
        if one != other and found[one] == found[other]:
            assert (
                wanted[one].ends_at <= wanted[other].starts_at
                or wanted[other].ends_at <= wanted[one].starts_at
            )


def test_a_whole_site_finds_places():
    """Twenty EVSEs closed for a day with eight bookings each, twenty others half full."""
    wanted = [need((evse, hour), hour, hour + 1) for evse in range(20) for hour in range(8)]
    free = [spot(evse, busy=[(hour, hour + 1) for hour in range(evse % 2, 8, 2)]) for evse in range(20)]
    assert len(assign(wanted, free, same_price)) == 80
