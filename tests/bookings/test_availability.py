"""What is free, from the database: the states, the filters, and a number of queries that doesn't grow."""

import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings import actions, availability
from bookings.rules import SlotState
from tests import make
from tests.api import as_person
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


def test_hours_of_the_site_and_hours_left_to_walk_ins():
    site = make.site(opening_hours="Mo 09:00-18:00")  # Seven to four by UTC.
    evse = make.evse(station=make.station(site=site))
    make.site_rules(site=site, walk_in_hours="Mo 14:00-15:00")
    row = availability.free_slots(site, DAY, 60, now=NOON - 8 * HALF)[0]
    shown = {f"{slot.starts_at:%H:%M}": slot.state for slot in row.slots}
    assert shown["11:00"] is shown["13:00"] is shown["15:00"] is SlotState.FREE
    assert shown["11:30"] is shown["12:30"] is SlotState.WALK_IN
    assert shown["15:30"] is shown["20:00"] is SlotState.CLOSED
    assert evse in [slot.evse for slot in availability.first_free([site], now=NOON, minutes=60).values()]
    assert availability.first_free([site], now=NOON, minutes=60)[site.pk].starts_at == NOON + 2 * HALF


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu"])
def test_it_is_the_same_in_whatever_zone_the_page_is_written(zone):
    evse = make.evse()
    make.booking(evse=evse, now=NOON - 4 * HALF)
    with timezone.override(ZoneInfo(zone)):
        assert states(evse.station.site)[evse.pk] is SlotState.TAKEN
        assert states(evse.station.site, starts_at=NOON + HALF)[evse.pk] is SlotState.FREE


def test_the_buffer_after_a_slot_must_be_free_too():
    evse = make.evse()
    site = evse.station.site
    make.site_rules(site=site, buffer_minutes=10)
    make.booking(evse=evse, starts_at=NOON + HALF, now=NOON - 4 * HALF)
    assert states(site)[evse.pk] is SlotState.TAKEN
    assert states(site, starts_at=NOON - HALF)[evse.pk] is SlotState.FREE
    # Nine half hours are free before it, ten minutes of each kept: the last is too short for two.
    assert availability.first_free([site], now=NOON - HALF, minutes=60)[site.pk].starts_at == NOON + 3 * HALF


def test_the_first_of_a_city_over_the_api():
    operator = make.operator()
    sites = [make.site(operator=operator, city=city, latitude=lat) for city, lat in
             (("Kiel", 54.3), ("kiel", 54.4), ("Ulm", 48.4))]  # fmt: skip
    evses = [make.evse(station=make.station(site=site), max_power_w=150_000) for site in sites]
    now = NOON - timedelta(minutes=1)
    make.booking(evse=evses[0], minutes=60, now=now)
    hidden = make.evse(station=make.station(site=make.site(city="Kiel", is_public=False)))
    assert hidden.pk
    ask = as_person(make.user()).get
    with time_machine.travel(now, tick=False):
        found = ask("availability/first/", {"city": "Kiel", "minutes": 60}).data
        assert found["sites"] == 2
        assert [(row["site"], row["starts_at"]) for row in found["results"]] == [
            (sites[1].slug, "2026-06-15T12:00:00Z"),
            (sites[0].slug, "2026-06-15T13:00:00Z"),
        ]
        near = ask("availability/first/", {"lat": 48.4, "lng": 13.38, "km": 50}).data
        assert [row["site"] for row in near["results"]] == [sites[2].slug]
        assert ask("availability/first/", {"operator": "none"}).data["sites"] == 0
        assert not ask("availability/first/", {"min_kw": 300}).data["results"]
        assert len(ask("availability/first/", {"limit": 1}).data["results"]) == 1


def test_beyond_the_next_hours_everything_is_read():
    """Whoever has nothing within hours is looked at again, further ahead."""
    evse = make.evse()
    for start in range(0, 20, 4):
        make.booking(evse=evse, starts_at=NOON + start * timedelta(hours=1), minutes=240, now=NOON)
        evse.bookings.update(user=make.user())
    found = availability.first_free([evse.station.site], now=NOON, minutes=60)
    assert found[evse.station.site_id].starts_at == NOON + timedelta(hours=20)


def test_the_page_the_api_and_the_calendar_say_the_same():
    """Of every slot of a day: the picker's radios, the API's answer, and what may be held."""
    site = make.site()
    evses = [make.evse(station=make.station(site=site)) for _number in range(3)]
    make.site_rules(site=site, walk_in_hours="20:00-21:00", notice_minutes=90).walk_in_only.add(evses[2])
    make.booking(evse=evses[0], now=NOON - 4 * HALF)
    actions.close_evse(evse=evses[1], starts_at=NOON, ends_at=NOON + 4 * HALF, now=NOON)
    with time_machine.travel(NOON - 4 * HALF, tick=False):
        api = as_person(make.user())
        answer = api.get("availability/", {"site": site.slug, "date": DAY, "days": 2, "minutes": 30}).json()
        page = api.get(f"/s/{site.slug}/book/?day={DAY}&minutes=30").content.decode()
        free = api.get("availability/", {"site": site.slug, "minutes": 30, "free": True}).json()
    radios = set(re.findall(r'value="(\d+@[^"]+)"', page))
    by_id = {evse.public_id: evse.pk for evse in evses}
    told = {
        f"{by_id[row['evse']]}@{slot['starts_at']}"
        for row in answer["results"]
        for slot in row["slots"]
        if slot["state"] == "free" and slot["starts_at"] < "2026-06-15T22:00"
    }
    assert told == radios and len(told) > 30
    assert {
        f"{by_id[row['evse']]}@{slot['starts_at']}" for row in free["results"] for slot in row["slots"]
    } == told
    assert {slot["state"] for slot in answer["results"][2]["slots"]} == {"walk_in"}
    assert len(answer["results"][0]["slots"]) == 24 + 48


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
