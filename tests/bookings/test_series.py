"""Week after week: all or none, or what can be had; a result for each time; given back whole or in part."""

from datetime import datetime, timedelta

import pytest
import time_machine

from bookings import series
from bookings.exceptions import AlreadyOver, NotBookable, SeriesRefused, SlotTaken
from bookings.forms import slot_value
from bookings.models import Booking, BookingSeries, Claim
from evportal.outbox.models import Mail
from tests import make
from tests.api import as_person, caller
from tests.make import NOON

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
BEFORE = NOON - HOUR


@pytest.fixture(autouse=True)
def an_hour_before_noon():
    with time_machine.travel(BEFORE, tick=False):
        yield


@pytest.fixture
def evse():
    evse = make.evse()
    make.site_rules(site=evse.station.site, horizon_days=60, max_open_per_driver=9)
    return evse


def book(evse, count=3, **how):
    return series.book(evse=evse, starts_at=NOON, ends_at=NOON + HOUR, count=count, now=BEFORE, **how)


def test_a_drivers_are_held_together(evse):
    made = book(evse, user=make.user())
    assert [each.starts_at for each in made.occurrences] == [NOON, NOON + WEEK, NOON + 2 * WEEK]
    assert {booking.status for booking in made.series.bookings.all()} == {"PENDING"}


def test_an_operators_are_firm(evse):
    made = book(evse, weekdays=[0, 2])
    assert [(each.starts_at - NOON).days for each in made.occurrences] == [0, 2, 7]
    assert {booking.status for booking in made.series.bookings.all()} == {"RESERVED"}


def test_all_or_none(evse):
    make.booking(evse=evse, starts_at=NOON + WEEK, now=BEFORE)
    mails = Mail.objects.count()
    with pytest.raises(SeriesRefused) as refused:
        book(evse)
    assert [type(each.refusal) for each in refused.value.occurrences] == [type(None), SlotTaken, type(None)]
    assert len(refused.value.occurrences[1].refusal.alternatives) == 3
    assert Claim.objects.count() == Booking.objects.count() == 1
    assert Mail.objects.count() == mails and not BookingSeries.objects.exists()


def test_best_effort(evse):
    make.booking(evse=evse, starts_at=NOON + WEEK, now=BEFORE)
    made = book(evse, count=10, all_or_none=False)
    # Those beyond the horizon can't be had either.
    assert [each.booking is not None for each in made.occurrences] == [True, False, *[True] * 7, False]
    assert isinstance(made.occurrences[9].refusal, NotBookable)
    assert made.series.bookings.count() == 8


def test_nothing_at_all_is_refused_either_way(evse):
    make.booking(evse=evse, minutes=60, now=BEFORE)
    with pytest.raises(SeriesRefused):
        book(evse, count=1, all_or_none=False)
    assert not BookingSeries.objects.exists()


def test_the_same_time_on_the_wall_across_the_clocks_change(evse):
    monday = datetime.fromisoformat("2026-10-19T14:00:00+02:00")
    made = series.book(evse=evse, starts_at=monday, ends_at=monday + HOUR, count=2, now=monday - HOUR)
    zone = evse.station.site.zone
    local = [booking.starts_at.astimezone(zone) for booking in made.series.bookings.order_by("starts_at")]
    assert [f"{at:%d %H:%M %Z}" for at in local] == ["19 14:00 CEST", "26 14:00 CET"]
    assert {booking.minutes for booking in made.series.bookings.all()} == {60}


def test_cancelled_from_one_time_on_and_then_as_a_whole(evse):
    user = make.user()
    row = book(evse, user=user).series
    gone = series.cancel(series=row, by=user, now=BEFORE, since=NOON + WEEK)
    assert [booking.starts_at for booking in gone] == [NOON + WEEK, NOON + 2 * WEEK]
    assert [booking.starts_at for booking in series.left(row, now=BEFORE)] == [NOON]
    series.cancel(series=row, by=user, now=BEFORE)
    with pytest.raises(AlreadyOver):
        series.cancel(series=row, by=user, now=BEFORE)
    assert not Claim.objects.exists()


def test_a_slot_that_has_begun_stays(evse):
    row = book(evse).series
    series.cancel(series=row, by=None, now=NOON + HOUR / 2)
    assert sorted(row.bookings.values_list("status", flat=True)) == ["CANCELED", "CANCELED", "RESERVED"]


def test_over_the_api(evse):
    api = caller(operator=evse.station.site.operator)
    wish = {"evse": evse.public_id, "starts_at": "2026-06-15T12:00:00Z", "ends_at": "2026-06-15T13:00:00Z",
            "weekdays": ["MO", "WE"], "count": 4}  # fmt: skip
    make.booking(evse=evse, starts_at=NOON + timedelta(days=2), now=BEFORE)
    refused = api.post("booking-series/", wish)
    assert refused.status_code == 409
    assert [bool(each["refusal"]) for each in refused.data["occurrences"]] == [False, True, False, False]
    assert {each["booking"] for each in refused.data["occurrences"]} == {None}
    assert len(refused.data["occurrences"][1]["alternatives"]) == 3
    made = api.post("booking-series/", wish | {"mode": "best_effort"})
    assert made.status_code == 201, made.data
    assert [each["booking"] is not None for each in made.data["occurrences"]] == [True, False, True, True]
    address = f"booking-series/{made.data['id']}/"
    assert len(api.get(address).data["bookings"]) == 3
    left = api.post(f"{address}cancel/", {"since": "2026-06-22T12:00:00Z"})
    assert sorted(each["status"] for each in left.data["bookings"]) == ["CANCELED", "CANCELED", "RESERVED"]
    assert api.post(f"{address}cancel/", {"since": "2026-07-22T12:00:00Z"}).status_code == 409
    assert caller(operator=make.operator()).get(address).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [{"ends_at": "2026-06-15T11:00:00Z"}, {"count": 0}, {"count": 1000}, {"weekdays": ["XX"]},
     {"mode": "some"},
     {"every": 0}, {"evse": "DE*NONE"}, {"starts_at": "tomorrow"}],
)  # fmt: skip
def test_wishes_that_cannot_be_read(evse, wrong):
    wish = {
        "evse": evse.public_id,
        "starts_at": "2026-06-15T12:00:00Z",
        "ends_at": "2026-06-15T13:00:00Z",
        "count": 2,
    }
    assert as_person(make.user()).post("booking-series/", wish | wrong).status_code == 400
    assert not Booking.objects.exists()


def test_on_the_pages(client, evse):
    user = make.user()
    client.force_login(user)
    address = f"/s/{evse.station.site.slug}/book/"
    assert "Weekly, 3 times" in client.get(address).content.decode()
    wish = {"slot": slot_value(evse, NOON), "minutes": 60, "weeks": 3}
    make.booking(evse=evse, starts_at=NOON + WEEK, now=BEFORE)
    refused = client.post(address, wish)
    assert refused.status_code == 409
    assert "none of them was" in refused.content.decode() and "22 Jun" in refused.content.decode()
    held = client.post(address, wish | {"best_effort": "on"}, follow=True)
    shown = held.content.decode()
    assert "22 Jun: That slot has just been taken." in shown
    assert shown.count("Check and pay") == 2
    row = BookingSeries.objects.get()
    ask = client.get(f"/b/series/{row.pk}/cancel/?since=2026-06-29T12:00:00%2B00:00")
    assert "29 Jun" in ask.content.decode() and "15 Jun" not in ask.content.decode()
    client.post(f"/b/series/{row.pk}/cancel/", {"since": "2026-06-29T12:00:00+00:00", "fee": "0"})
    assert sorted(row.bookings.values_list("status", flat=True)) == ["CANCELED", "PENDING"]
    client.force_login(make.user())
    assert client.get(f"/b/series/{row.pk}/").status_code == 404
