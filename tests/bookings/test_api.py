"""Bookings and availability over the API."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from bookings.models import Booking
from evportal.outbox.models import Mail
from stations.models import Reservation
from tests import make
from tests.api import as_person, caller

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
NOON = make.NOON
SLOT = {"starts_at": "2026-06-15T12:00:00Z", "ends_at": "2026-06-15T12:30:00Z"}


@pytest.fixture(autouse=True)
def morning():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def operator():
    return make.operator()


@pytest.fixture
def evse(operator):
    station = make.station(site=make.site(operator=operator, slug="hof"), identity="CP-1")
    return make.evse(station=station, public_id="DE*ABC*E1*1")


@pytest.fixture
def api(operator):
    return caller(operator=operator)


def test_a_key_books_firmly(api, evse):
    answer = api.post("bookings/", {"evse": "DE*ABC*E1*1", **SLOT})
    assert answer.status_code == 201, answer.data
    assert (answer.data["status"], answer.data["evse"]) == ("RESERVED", "DE*ABC*E1*1")
    assert (answer.data["starts_at"], answer.data["ends_at"]) == (SLOT["starts_at"], SLOT["ends_at"])
    (kept,) = api.get("reservations/", {"station": "CP-1"}).data["results"]
    assert kept["reservation_id"] == answer.data["reservation_id"]
    assert api.get(f"bookings/{answer.data['id']}/").data == answer.data
    assert not Mail.objects.exists(), "nobody is behind the operator's stand-in"


def test_the_evse_may_be_named_by_its_number(api, evse):
    assert api.post("bookings/", {"evse": evse.pk, **SLOT}).status_code == 201


def test_a_taken_slot_comes_with_others(api, evse):
    beside = make.evse(station=make.station(site=evse.station.site))
    api.post("bookings/", {"evse": evse.pk, **SLOT})
    answer = api.post("bookings/", {"evse": evse.pk, **SLOT})
    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    assert len(answer.data["alternatives"]) == 3
    assert answer.data["alternatives"][0] == {"evse": beside.public_id, **SLOT}
    assert Booking.objects.count() == 1
    nearest = answer.data["alternatives"][0]
    assert api.post("bookings/", nearest).status_code == 201


def test_a_token_says_whom_the_charger_lets_in(api, evse, operator):
    driver = make.user()
    card = make.id_token(operator=operator, token="04A2B3C4", user=driver)
    answer = api.post("bookings/", {"evse": evse.pk, "id_token": "04a2b3c4", **SLOT})
    assert answer.data["id_token"] == "04A2B3C4"
    booking = Booking.objects.get()
    assert booking.user == driver
    assert Reservation.objects.get().id_token == card
    (mine,) = as_person(driver).get("bookings/").data["results"]
    assert mine["id"] == answer.data["id"]


def test_an_operator_books_as_often_as_it_likes(api, evse):
    for hour in range(12, 17):
        slot = {"starts_at": f"2026-06-15T{hour}:00:00Z", "ends_at": f"2026-06-15T{hour}:30:00Z"}
        assert api.post("bookings/", {"evse": evse.pk, **slot}).status_code == 201


def test_anothers_token_is_unknown(api, evse):
    make.id_token(operator=make.operator(), token="STRANGE1")
    answer = api.post("bookings/", {"evse": evse.pk, "id_token": "STRANGE1", **SLOT})
    assert answer.status_code == 400
    assert "id_token" in answer.data["errors"]


def test_a_driver_holds_until_it_is_paid(evse):
    me = as_person(make.user())
    answer = me.post("bookings/", {"evse": evse.public_id, **SLOT})
    assert answer.status_code == 201
    assert (answer.data["status"], answer.data["hold_expires_at"]) == ("PENDING", "2026-06-15T08:10:00Z")
    assert "CP-1" not in str(answer.data)


def test_a_driver_does_not_book_for_others(evse, operator):
    make.id_token(operator=operator, token="04A2B3C4", user=make.user())
    answer = as_person(make.user()).post("bookings/", {"evse": evse.pk, "id_token": "04A2B3C4", **SLOT})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"evse": "DE*ABC*E9*9"}, "evse"),
        ({"evse": None}, "evse"),
        ({"evse": {"id": 1}}, "evse"),
        ({"starts_at": "noon"}, "starts_at"),
        ({"ends_at": SLOT["starts_at"]}, "ends_at"),
        ({"ends_at": "2026-06-14T12:00:00Z"}, "ends_at"),
    ],
)
def test_what_is_wrong_is_named(api, evse, fields, at_fault):
    answer = api.post("bookings/", {"evse": evse.pk, **SLOT, **fields})
    assert answer.status_code == 400
    assert at_fault in answer.data["errors"]
    assert not Booking.objects.exists()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"starts_at": "2026-06-14T12:00:00Z", "ends_at": "2026-06-14T12:30:00Z"}, "past"),
        ({"starts_at": "2026-09-14T12:00:00Z", "ends_at": "2026-09-14T12:30:00Z"}, "too_far"),
        ({"starts_at": "9999-12-31T23:00:00Z", "ends_at": "9999-12-31T23:30:00Z"}, "too_far"),
        ({"ends_at": "2026-06-15T12:01:00Z"}, "too_short"),
        ({"ends_at": "2026-06-16T12:00:00Z"}, "too_long"),
    ],
)
def test_the_sites_rules_hold_here_too(api, evse, fields, code):
    answer = api.post("bookings/", {"evse": evse.pk, **SLOT, **fields})
    assert answer.status_code == 409
    assert (answer.data["code"], answer.data["alternatives"]) == (code, [])


def test_a_booking_is_cancelled_once(api, evse):
    booking = api.post("bookings/", {"evse": evse.pk, **SLOT}).data
    answer = api.post(f"bookings/{booking['id']}/cancel/")
    assert answer.status_code == 200
    assert answer.data["status"] == "CANCELED"
    assert api.post(f"bookings/{booking['id']}/cancel/").status_code == 409
    (kept,) = api.get("reservations/", {"station": "CP-1"}).data["results"]
    assert kept["status"] == "cancelled"
    assert api.post("bookings/", {"evse": evse.pk, **SLOT}).status_code == 201


def test_only_those_who_look_after_bookings_cancel_others(evse, operator):
    booking = make.booking(evse=evse, now=NOW)
    address = f"bookings/{booking.pk}/cancel/"
    assert as_person(make.user()).post(address).status_code == 404
    assert caller(operator=operator, role="technician").post(address).status_code == 403
    assert caller(operator=make.operator()).post(address).status_code == 404
    assert as_person(booking.user).post(address).status_code == 200


# Availability


def test_a_days_slots_tell_what_is_free(api, evse):
    make.booking(evse=evse, now=NOW)
    day = api.get("availability/", {"site": "hof", "date": "2026-06-15", "minutes": 30}).json()
    assert (day["site"], day["time_zone"], day["minutes"]) == ("hof", "Europe/Berlin", 30)
    (row,) = day["results"]
    assert row["evse"] == evse.public_id
    states = {slot["starts_at"]: slot["state"] for slot in row["slots"]}
    assert states["2026-06-15T12:00:00Z"] == "taken"
    assert states["2026-06-15T12:30:00Z"] == "free"


def test_availability_is_narrowed_to_what_fits(api, evse):
    fast = make.evse(
        station=make.station(site=evse.station.site), standard="IEC_62196_T2_COMBO", max_power_w=150_000
    )
    for narrow in ({"standard": "IEC_62196_T2_COMBO"}, {"min_kw": "100"}):
        day = api.get("availability/", {"site": "hof", **narrow}).json()
        assert [row["evse"] for row in day["results"]] == [fast.public_id]


def test_drivers_see_public_sites_alone(evse, operator):
    private = make.site(operator=operator, is_public=False)
    me = as_person(make.user())
    assert me.get("availability/", {"site": "hof"}).status_code == 200
    assert me.get("availability/", {"site": private.slug}).status_code == 400
    assert caller(operator=operator).get("availability/", {"site": private.slug}).status_code == 200
    assert caller(operator=make.operator()).get("availability/", {"site": private.slug}).status_code == 400


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"site": "nowhere"},
        {"site": "hof", "date": "today"},
        {"site": "hof", "date": "9999-12-31"},
        {"site": "hof", "minutes": "0"},
        {"site": "hof", "standard": "PLUG"},
        {"site": "hof", "min_kw": "-1"},
        {"site": "hof", "min_kw": "NaN"},
    ],
)
def test_questions_that_make_no_sense_are_refused(api, evse, question):
    assert api.get("availability/", question).status_code == 400


def test_a_list_of_bookings_asks_the_database_as_often_whatever_its_length(
    api, operator, django_assert_max_num_queries
):
    for _number in range(3):
        station = make.station(site=make.site(operator=operator))
        make.booking(evse=make.evse(station=station), now=NOW)
    api.get("bookings/")
    with django_assert_max_num_queries(4):
        assert len(api.get("bookings/").data["results"]) == 3
    later = {"starts_after": (NOON + timedelta(days=1)).isoformat()}
    assert api.get("bookings/", later).data["results"] == []
