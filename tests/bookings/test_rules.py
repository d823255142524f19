"""The rules of booking as tables: clocks that jump, what may be booked, what cancelling costs."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from bookings import rules
from bookings.grid import Grid, moment
from bookings.rules import Busy, Claims, Hours, Place, Problem, SlotState
from stations import hours

BERLIN = ZoneInfo("Europe/Berlin")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def policy(**fields):
    given = {
        "bookable": True,
        "slot_minutes": 30,
        "min_minutes": 30,
        "max_minutes": 240,
        "notice_minutes": 0,
        "horizon_days": 14,
        "buffer_minutes": 0,
        "hours": Hours(BERLIN),
    }
    return SimpleNamespace(**(given | fields))


def terms(**fields):
    given = {
        "change_until_minutes": 30,
        "cancel_until_minutes": 30,
        "early_start_minutes": 10,
        "noshow_timeout_minutes": 15,
        "noshow_fee": Decimal("5.00"),
    }
    return SimpleNamespace(**(given | fields))


def at(text: str) -> datetime:
    """“12:30” on the day of NOON, in UTC."""
    hour, minute = text.split(":")
    return NOON.replace(hour=int(hour), minute=int(minute))


def clocks(day, zone, step):
    return [rules.wall_clock(moment, zone) for moment in rules.slot_starts(day, zone, step)]


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 6, 15), BERLIN, 24),
        (date(2026, 3, 29), BERLIN, 23),
        (date(2026, 10, 25), BERLIN, 25),
        (date(2026, 6, 15), KATHMANDU, 24),
        (date(2026, 4, 5), LORD_HOWE, 24.5),
        (date(2026, 10, 4), LORD_HOWE, 23.5),
        # Cairo's clocks jump at midnight: that day begins at one.
        (date(2026, 4, 24), ZoneInfo("Africa/Cairo"), 23),
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(day, zone, hours):
    start, end = rules.day_bounds(day, zone)
    assert (end - start) / HOUR == hours
    assert len(rules.slot_starts(day, zone, 30)) == hours * 2


def test_clocks_back_in_berlin_show_two_oclock_twice():
    shown = clocks(date(2026, 10, 25), BERLIN, 30)
    assert shown[3:9] == ["01:30", "02:00 CEST", "02:30 CEST", "02:00 CET", "02:30 CET", "03:00"]
    assert len(shown) == 50


def test_clocks_forward_in_berlin_skip_two_oclock():
    shown = clocks(date(2026, 3, 29), BERLIN, 30)
    assert shown[2:5] == ["01:00", "01:30", "03:00"]
    assert len(shown) == 46


def test_half_an_hours_jump_at_lord_howe():
    assert clocks(date(2026, 10, 4), LORD_HOWE, 30)[2:6] == ["01:00", "01:30", "02:30", "03:00"]
    # The clock skips 02:00, so an hourly grid has no slot there, and is back on the hour at three.
    assert clocks(date(2026, 10, 4), LORD_HOWE, 60)[:4] == ["00:00", "01:00", "03:00", "04:00"]
    assert clocks(date(2026, 4, 5), LORD_HOWE, 30)[2:6] == ["01:00", "01:30 +11", "01:30 +1030", "02:00"]


def test_kathmandus_day_begins_at_a_quarter_past():
    starts = rules.slot_starts(date(2026, 6, 15), KATHMANDU, 30)
    assert starts[0] == datetime(2026, 6, 14, 18, 15, tzinfo=UTC)
    assert clocks(date(2026, 6, 15), KATHMANDU, 30)[:2] == ["00:00", "00:30"]


def test_slots_never_overlap_and_leave_no_gap_on_any_day_of_the_year():
    for zone in (BERLIN, KATHMANDU, LORD_HOWE):
        day, last = date(2026, 1, 1), None
        while day < date(2027, 1, 1):
            for start in rules.slot_starts(day, zone, 30):
                assert last is None or start - last == timedelta(minutes=30), (zone, day)
                last = start
            day += timedelta(days=1)


BOOKED = Place(Claims.of([Busy(at("13:00"), at("14:00"))]))
CLOSED = Place(Claims.of([Busy(at("13:00"), at("14:00"), is_closure=True)]))
#: Seven to three by UTC: it is summer in Berlin. And the hour from three is nobody's to book.
DAYTIME = {"hours": Hours(BERLIN, hours.parse("Mo-Fr 09:00-17:00"), hours.parse("Mo 15:00-16:00"))}


@pytest.mark.parametrize(
    ("starts", "ends", "place", "rule", "expected"),
    [
        ("13:00", "14:00", Place(), {}, None),
        ("14:00", "13:00", Place(), {}, Problem.REVERSED),
        ("13:00", "13:00", Place(), {}, Problem.REVERSED),
        ("13:00", "13:15", Place(), {}, Problem.TOO_SHORT),
        ("13:00", "17:00", Place(), {}, None),
        ("13:00", "17:30", Place(), {}, Problem.TOO_LONG),
        ("11:30", "12:30", Place(), {}, Problem.PAST),
        ("12:00", "12:30", Place(), {}, None),
        ("12:30", "13:00", Place(), {"notice_minutes": 60}, Problem.TOO_SOON),
        ("13:00", "13:30", Place(), {"notice_minutes": 60}, None),
        ("12:30", "13:00", Place(), {"horizon_days": 0}, Problem.TOO_FAR),
        ("12:30", "13:00", Place(), {"bookable": False}, Problem.NOT_BOOKABLE),
        ("12:30", "13:00", Place(walk_in_only=True), {}, Problem.WALK_IN),
        # Half-open: what ends at one and what begins at one don't collide.
        ("12:00", "13:00", BOOKED, {}, None),
        ("14:00", "15:00", BOOKED, {}, None),
        ("12:30", "13:30", BOOKED, {}, Problem.TAKEN),
        ("13:30", "14:30", BOOKED, {}, Problem.TAKEN),
        ("12:30", "14:30", BOOKED, {}, Problem.TAKEN),
        ("13:00", "13:30", BOOKED, {}, Problem.TAKEN),
        ("13:00", "13:30", CLOSED, {}, Problem.CLOSED),
        ("12:00", "12:30", Place(in_use_until=at("12:45")), {}, Problem.IN_USE),
        ("13:00", "13:30", Place(in_use_until=at("13:00")), {}, None),
        ("12:30", "13:00", Place(out_of_order=True), {}, Problem.OUT_OF_ORDER),
        ("13:00", "13:30", Place(out_of_order=True), {}, None),
        ("14:30", "15:00", Place(), DAYTIME, None),
        ("14:30", "15:30", Place(), DAYTIME, Problem.OUTSIDE_HOURS),
        ("15:30", "16:00", Place(), DAYTIME, Problem.OUTSIDE_HOURS),
        ("12:30", "13:00", Place(), DAYTIME, None),
        ("12:30", "13:30", Place(), DAYTIME, Problem.WALK_IN_HOURS),
        ("13:30", "14:30", Place(), DAYTIME, Problem.WALK_IN_HOURS),
        ("14:00", "14:30", Place(), DAYTIME, None),
        # The time after a slot must be free as well, where the site wants a buffer.
        ("12:30", "13:00", BOOKED, {"buffer_minutes": 5}, Problem.TAKEN),
        ("12:00", "12:30", BOOKED, {"buffer_minutes": 30}, None),
    ],
)
def test_what_may_be_booked(starts, ends, place, rule, expected):
    assert rules.problem(policy(**rule), place, at(starts), at(ends), NOON) is expected


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (Place(), SlotState.FREE),
        (BOOKED, SlotState.TAKEN),
        (CLOSED, SlotState.CLOSED),
        (Place(walk_in_only=True), SlotState.WALK_IN),
        (Place(in_use_until=at("13:30")), SlotState.TAKEN),
    ],
)
def test_how_a_slot_is_shown(place, expected):
    assert rules.slot_state(policy(), place, at("13:00"), at("13:30"), NOON) is expected


def first(place, minutes=30, **fields):
    found = Grid.of(policy(**fields), [NOON.date()], timedelta(minutes=minutes), NOON).first(place)
    return found and moment(found)


def test_bookings_and_closures_are_put_in_order_together():
    busy = [
        Busy(NOON + timedelta(hours=hour), NOON + timedelta(hours=hour + 1), is_closure=hour % 3 == 0)
        for hour in range(7)
    ]
    booked, closed = ([row for row in busy if row.is_closure is kind] for kind in (False, True))
    columns = [
        [rules.seconds(getattr(row, bound)) for row in rows]
        for rows in (booked, closed)
        for bound in ("starts_at", "ends_at")
    ]
    for found, wanted in zip(Claims.of_columns(*columns), Claims.of(busy), strict=True):
        assert list(found) == wanted
    for found, wanted in zip(Claims.of_columns(*columns[:2]), Claims.of(booked), strict=True):
        assert list(found) == wanted


def test_the_first_free_start_leaps_over_what_is_claimed():
    place = Place(Claims.of([Busy(at("12:00"), at("15:10")), Busy(at("15:40"), at("16:00"))]))
    assert first(place) == at("16:00")
    assert first(place, slot_minutes=5) == at("15:10")
    assert first(place, slot_minutes=5, buffer_minutes=5) == at("16:00")
    assert first(place, bookable=False) is None
    assert first(Place(walk_in_only=True)) is None
    assert first(Place(in_use_until=at("12:45"))) == at("13:00")
    assert first(Place(out_of_order=True)) == at("13:00")
    assert first(Place(), **DAYTIME) == at("12:00")
    assert first(BOOKED, 60, **DAYTIME) == at("12:00")
    assert first(Place(), notice_minutes=45, **DAYTIME) == at("14:00")


@pytest.mark.parametrize(
    ("started", "booked_until", "watts", "expected"),
    [
        ("11:45", None, 150_000, "12:30"),
        ("11:45", None, 22_000, "14:45"),
        ("11:00", None, 150_000, "12:15"),
        ("11:45", "13:00", 150_000, "13:00"),
        ("10:00", "11:30", 150_000, "12:15"),
    ],
)
def test_when_a_running_session_is_expected_to_leave(started, booked_until, watts, expected):
    assert rules.in_use_until(at(started), booked_until and at(booked_until), watts, NOON) == at(expected)


def test_clock_times_of_the_terms():
    assert rules.free_cancel_until(terms(), at("13:00")) == at("12:30")
    assert rules.change_until(terms(change_until_minutes=60), at("13:00")) == at("12:00")
    assert rules.start_from(terms(), at("13:00")) == at("12:50")
    assert rules.no_show_at(terms(), at("13:00"), at("14:00")) == at("13:15")
    assert rules.no_show_at(terms(noshow_timeout_minutes=60), at("13:00"), at("13:30")) == at("13:30")


@pytest.mark.parametrize(
    ("now", "fee"), [("12:00", "0"), ("12:30", "0"), ("12:31", "5.00"), ("13:10", "5.00")]
)
def test_cancelling_is_free_until_the_last_free_minute(now, fee):
    assert rules.cancel_fee(terms(), at("13:00"), at(now)) == Decimal(fee)


def test_lengths_to_offer():
    assert list(rules.durations(policy())) == [30, 60, 90, 120, 180, 240]
    assert list(rules.durations(policy(slot_minutes=15, min_minutes=15, max_minutes=90))) == [
        15,
        30,
        45,
        60,
        90,
    ]
