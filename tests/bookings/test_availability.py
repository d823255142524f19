"""What is free, from the database: the states, the filters, and a number of queries that doesn't grow."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings import actions, availability
from bookings.rules import SlotState
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db
DAY = date(2026, 6, 15)
HALF = timedelta(minutes=30)


def states(site, starts_at=NOON, **wish):
    """Each EVSE's state at this start, by its id."""
    wish = {"minutes": 30, "now": NOON - 4 * HALF} | wish
    rows = availability.free_slots(site, DAY, wish.pop("minutes"), **wish)
    return {
        row.evse.pk: next(slot.state for slot in row.slots if slot.starts_at == starts_at) for row in rows
    }


def test_each_state():
    site = make.site()
    free, booked, closed, walk_in, in_use, held = (
        make.evse(station=make.station(site=site), max_power_w=150_000) for _number in range(6)
    )
    make.booking(evse=booked)
    actions.close_evse(evse=closed, starts_at=NOON - HALF, ends_at=NOON + HALF, now=NOON)
    make.site_rules(site=site).walk_in_only.add(walk_in)
    make.session(evse=in_use, started_at=NOON - HALF)
    make.booking(evse=held, confirmed=False, now=NOON - 4 * HALF)
    assert states(site, now=NOON - HALF - timedelta(minutes=15)) == {
        free.pk: SlotState.FREE,
        booked.pk: SlotState.TAKEN,
        closed.pk: SlotState.CLOSED,
        walk_in.pk: SlotState.WALK_IN,
        in_use.pk: SlotState.TAKEN,
        # Its hold ran out, though the sweep hasn't come by.
        held.pk: SlotState.FREE,
    }


def test_filters():
    site = make.site()
    slow = make.evse(station=make.station(site=site))
    fast = make.evse(station=make.station(site=site), standard="IEC_62196_T2_COMBO", max_power_w=150_000)
    assert states(site).keys() == {slow.pk, fast.pk}
    assert states(site, standard="IEC_62196_T2").keys() == {slow.pk}
    assert states(site, min_kw=50).keys() == {fast.pk}


def test_the_page_and_the_action_agree():
    """Whatever is shown as free can be held, and nothing else can."""
    site = make.site()
    evse = make.evse(station=make.station(site=site))
    make.site_rules(site=site, notice_minutes=45, max_open_per_driver=99)
    make.booking(evse=evse, minutes=60, starts_at=NOON + 4 * HALF, now=NOON)
    row = availability.free_slots(site, DAY, 60, now=NOON)[0]
    assert {slot.state for slot in row.slots} == {SlotState.FREE, SlotState.TAKEN, SlotState.PAST}
    for slot in row.slots:
        args = {
            "evse": evse,
            "user": make.user(password=""),
            "starts_at": slot.starts_at,
            "ends_at": slot.ends_at,
        }
        try:
            booking = actions.hold(**args, now=NOON)
        except actions.BookingRefused:
            assert not slot.is_free, slot
        else:
            assert slot.is_free, slot
            actions.cancel(booking=booking, by=None, now=NOON)


def test_a_booking_that_is_moved_is_not_in_its_own_way():
    booking = make.booking()
    times = availability.of_days(booking.evse.station.site, [DAY], 30, now=NOON - HALF, moving=booking)
    assert all(slot.is_free for row in times.slots(DAY) for slot in row.slots)


def test_first_free_of_several_sites():
    busy = make.evse()
    make.booking(evse=busy, minutes=60)
    idle = make.evse()
    closed = make.evse()
    make.site_rules(site=closed.station.site, bookable=False)
    sites = [evse.station.site for evse in (busy, idle, closed)]
    found = availability.first_free(sites, now=NOON - timedelta(minutes=1), minutes=60)
    assert {pk: slot.starts_at for pk, slot in found.items()} == {
        sites[0].pk: NOON + 2 * HALF,
        sites[1].pk: NOON,
    }


def test_the_number_of_queries_stays_the_same():
    counts = []
    for evses in (1, 6):
        sites = [make.site(), make.site()]
        for site in sites:
            make.site_rules(site=site)
            for _number in range(evses):
                make.booking(evse=make.evse(station=make.station(site=site)))
        for ask in (
            lambda site=sites[0]: availability.free_slots(site, DAY, 30, now=NOON - HALF),
            lambda sites=sites: availability.first_free(sites, now=NOON - HALF),
        ):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                ask()
            counts.append(len(queries))
    assert counts[0] == counts[2] <= 6
    assert counts[1] == counts[3] <= 7
