"""What people and programs send that can't be: each gets a clear sentence, and nothing changes.

Everything is tried at the page and over the API.
"""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.urls import reverse

from bookings import actions
from bookings.forms import slot_value
from bookings.models import Booking, Claim
from tests import make
from tests.api import as_person, caller
from tests.make import NOON

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
NOW = NOON - HOUR


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def user():
    return make.user()


@pytest.fixture
def evse():
    return make.evse()


@pytest.fixture
def page(client, user):
    client.force_login(user)
    return client


@pytest.fixture
def api(user):
    return as_person(user)


def state():
    """All that a refusal must leave as it was."""
    return list(Booking.objects.order_by("pk").values()), list(Claim.objects.order_by("pk").values())


def iso(moment):
    return moment.isoformat().replace("+00:00", "Z")


def book_on_page(page, evse, starts_at, minutes, slot=None):
    site = evse.station.site
    value = slot_value(evse, starts_at) if slot is None else slot
    return page.post(reverse("bookings:book", args=[site.slug]), {"slot": value, "minutes": minutes})


RANGES = [
    ("reversed", NOON, -30, 400, "must be after"),
    ("empty", NOON, 0, 400, "must be after"),
    ("past", NOW - HOUR, 30, 409, "already over"),
    ("too long", NOON, 24 * 60, 409, "longer than can be booked"),
    ("too short", NOON, 5, 409, "shorter than can be booked"),
    ("too far", NOON + timedelta(days=400), 30, 409, "further ahead"),
    ("outside hours", NOON + 9 * HOUR, 30, 409, "site is closed"),
    ("walk-in hours", NOON + 4 * HOUR, 30, 409, "without a booking"),
]


@pytest.mark.parametrize(("starts_at", "minutes", "status", "words"), [row[1:] for row in RANGES],
                         ids=[row[0] for row in RANGES])  # fmt: skip
def test_ranges(page, api, evse, starts_at, minutes, status, words):
    site = evse.station.site
    site.opening_hours = "06:00-22:00"
    site.save()
    make.site_rules(site=site, walk_in_hours="17:00-19:00")
    answer = api.post(
        "bookings/",
        {"evse": evse.public_id, "starts_at": iso(starts_at), "ends_at": iso(starts_at + minutes * MINUTE)},
    )
    assert answer.status_code == status
    assert words in str(answer.data)
    shown = book_on_page(page, evse, starts_at, minutes)
    # A length that isn't one can't come out of the page; the form says so itself.
    assert shown.status_code == (422 if minutes <= 0 else 409)
    assert minutes <= 0 or words in shown.content.decode()
    assert state() == ([], [])


@pytest.mark.parametrize("slot", ["", "1", "@", "x@2026-06-15T12:00:00Z", "{pk}@", "{pk}@2026-06-15T12:00:00",
                                  "{pk}@9999-12-31T23:59:59Z", "{pk}@0001-01-01T00:00:00Z",
                                  "{pk}@2026-99-99T00:00:00Z",
                                  "9" * 50, "\x00"])  # fmt: skip
def test_tampered_slots(page, evse, slot):
    answer = book_on_page(page, evse, NOON, 30, slot=slot.format(pk=evse.pk))
    assert answer.status_code in (409, 422)
    assert "There is a problem" in answer.content.decode()
    assert state() == ([], [])


@pytest.mark.parametrize("wish", [
    {"evse": "DE*NO*SUCH"}, {"evse": -1}, {"evse": "9" * 40}, {"evse": None}, {"evse": ["x"]}, {"evse": {}},
    {"starts_at": "yesterday"}, {"starts_at": None}, {"starts_at": 5}, {"ends_at": "9999-12-31T23:59:59Z"},
    {"starts_at": "9999-12-31T22:59:59Z", "ends_at": "9999-12-31T23:59:59Z"},
    {"starts_at": "0001-01-01T00:00:00Z"}, {"id_token": "04A2"},
])  # fmt: skip
def test_tampered_wishes(api, evse, wish):
    slot = {"evse": evse.public_id, "starts_at": iso(NOON), "ends_at": iso(NOON + HOUR)}
    answer = api.post("bookings/", slot | wish)
    assert answer.status_code in (400, 409), answer.data
    assert answer.data["detail"]
    assert state() == ([], [])


def test_an_evse_that_is_not_there_to_be_booked(page, api, evse):
    """Another site's, in this site's form; another operator's, with a key; a private site's."""
    other = make.evse()
    answer = page.post(
        reverse("bookings:book", args=[evse.station.site.slug]),
        {"slot": slot_value(other, NOON), "minutes": 30},
    )
    assert answer.status_code == 422
    slot = {"evse": other.public_id, "starts_at": iso(NOON), "ends_at": iso(NOON + HOUR)}
    assert caller(operator=evse.station.site.operator).post("bookings/", slot).status_code == 400
    private = make.evse(station=make.station(site=make.site(is_public=False)))
    assert api.post("bookings/", slot | {"evse": private.public_id}).status_code == 400
    assert state() == ([], [])


def test_another_drivers_booking(page, api):
    theirs = make.booking(now=NOW)
    before = state()
    for name in ("booking", "move", "end", "cancel", "ics"):
        assert page.get(reverse(f"bookings:{name}", args=[theirs.pk])).status_code == 404
    for name in ("move", "end", "late", "extend", "cancel"):
        assert page.post(reverse(f"bookings:{name}", args=[theirs.pk])).status_code == 404
    for pk in (theirs.pk, uuid4(), "none"):
        assert api.get(f"bookings/{pk}/").status_code == 404
        assert api.patch(f"bookings/{pk}/", {"ends_at": iso(NOON + HOUR)}).status_code == 404
        for verb in ("cancel", "extend"):
            assert api.post(f"bookings/{pk}/{verb}/").status_code == 404
        assert api.post(f"bookings/{pk}/late/", {"minutes": 10}).status_code == 404
    assert state() == before


def test_a_stale_tab(page, api, evse):
    """The slot on the screen was free when the page was made."""
    make.booking(evse=evse, now=NOW)
    before = state()
    shown = book_on_page(page, evse, NOON, 30)
    assert shown.status_code == 409
    assert "has just been taken" in shown.content.decode() and shown.content.decode().count("card-link") == 3
    answer = api.post("bookings/", {"evse": evse.pk, "starts_at": iso(NOON), "ends_at": iso(NOON + HOUR / 2)})
    assert (answer.status_code, len(answer.data["alternatives"])) == (409, 3)
    assert state() == before


def test_a_double_click(page, api, evse):
    first, second = (book_on_page(page, evse, NOON, 30) for _click in range(2))
    assert first.url == second.url and Booking.objects.count() == 1
    slot = {"evse": evse.pk, "starts_at": iso(NOON), "ends_at": iso(NOON + HOUR / 2)}
    assert api.post("bookings/", slot).data["id"] == str(Booking.objects.get().pk)
    assert Claim.objects.count() == 1


def test_a_hold_that_has_run_out(page, api, user, clock):
    booking = make.booking(user=user, confirmed=False, now=NOW)
    clock.move_to(booking.hold_expires_at)
    before = state()
    review = page.post(reverse("billing:review", args=[booking.pk]), follow=True)
    assert review.redirect_chain[-1][0] == reverse("bookings:booking", args=[booking.pk])
    extended = page.post(reverse("bookings:extend", args=[booking.pk]), follow=True)
    assert "could not hold the slot any longer" in extended.content.decode()
    answer = api.post(f"bookings/{booking.pk}/extend/")
    assert (answer.status_code, "any longer" in answer.data["detail"]) == (409, True)
    later = {"starts_at": iso(NOON + HOUR), "ends_at": iso(NOON + 2 * HOUR)}
    assert api.patch(f"bookings/{booking.pk}/", later).status_code == 409
    assert state() == before


def test_cancelled_twice(page, api, user):
    booking = make.booking(user=user, now=NOW)
    actions.cancel(booking=booking, by=user, now=NOW)
    before = state()
    shown = page.post(reverse("bookings:cancel", args=[booking.pk]), {"fee": "99"}, follow=True)
    assert "no longer open" in shown.content.decode()
    answer = api.post(f"bookings/{booking.pk}/cancel/")
    assert (answer.status_code, "no longer open" in answer.data["detail"]) == (409, True)
    assert state() == before


def test_moved_onto_itself_and_onto_another(page, api, user, evse):
    make.site_rules(site=evse.station.site)
    booking = make.booking(evse=evse, user=user, now=NOW)
    other = make.booking(evse=evse, starts_at=NOON + HOUR, now=NOW)
    before = state()
    move = reverse("bookings:move", args=[booking.pk])
    same = page.post(move, {"slot": slot_value(evse, NOON), "minutes": 30})
    assert (same.status_code, "already have" in same.content.decode()) == (409, True)
    taken = page.post(move, {"slot": slot_value(evse, other.starts_at), "minutes": 30})
    assert (taken.status_code, "just been taken" in taken.content.decode()) == (409, True)
    address = f"bookings/{booking.pk}/"
    again = api.patch(address, {"starts_at": iso(NOON), "ends_at": iso(NOON + HOUR / 2)})
    assert (again.status_code, "already have" in again.data["detail"]) == (409, True)
    over = api.patch(address, {"ends_at": iso(NOON + 2 * HOUR)})
    assert (over.status_code, over.data["code"], len(over.data["alternatives"])) == (409, "taken", 3)
    back = api.patch(address, {"ends_at": iso(NOON - HOUR)})
    assert (back.status_code, "after the start" in str(back.data)) == (400, True)
    elsewhere = api.patch(address, {"evse": make.evse().public_id})
    assert (elsewhere.status_code, "within its site" in elsewhere.data["detail"]) == (409, True)
    assert state() == before
    assert api.patch(address, {"ends_at": iso(NOON + HOUR)}).data["ends_at"] == iso(NOON + HOUR)


def test_cancelling_that_costs_more_than_was_shown(page, api, user, evse, clock):
    make.site_rules(site=evse.station.site, noshow_fee="5.00")
    booking = make.booking(evse=evse, user=user, now=NOW)
    assert api.get(f"bookings/{booking.pk}/").data["cancellation_fee"] == "0.00"
    clock.move_to(NOON - 10 * MINUTE)
    before = state()
    asked = page.post(reverse("bookings:cancel", args=[booking.pk]), {"fee": "0"})
    assert (asked.status_code, "costs €5.00" in asked.content.decode()) == (200, True)
    answer = api.post(f"bookings/{booking.pk}/cancel/", {"fee": "0"})
    assert (answer.status_code, answer.data["cancellation_fee"]) == (409, "5.00")
    assert state() == before
    assert api.post(f"bookings/{booking.pk}/cancel/", {"fee": "5.00"}).data["fee"] == "5.00"


@pytest.mark.parametrize("minutes", ["", "x", "-5", "0", "9999", "1000000", "1.5"])
def test_late_by_nonsense(page, api, user, minutes):
    booking = make.booking(user=user, minutes=60, now=NOW)
    before = state()
    shown = page.post(reverse("bookings:late", args=[booking.pk]), {"minutes": minutes}, follow=True)
    assert "Thank you" not in shown.content.decode() and shown.status_code == 200
    assert api.post(f"bookings/{booking.pk}/late/", {"minutes": minutes}).status_code in (400, 409)
    assert state() == before


@pytest.mark.parametrize(
    "ends_at", ["", "x", "2026-06-15T13:00:00", "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00Z"]
)
def test_an_end_that_is_none(page, user, ends_at):
    booking = make.booking(user=user, now=NOW)
    before = state()
    answer = page.post(reverse("bookings:end", args=[booking.pk]), {"ends_at": ends_at})
    assert answer.status_code == 409
    assert "That did not work." in answer.content.decode()
    assert state() == before


@pytest.mark.parametrize("query", [
    {"site": "none"}, {"date": "2026-99-01"}, {"date": "9999-12-31"}, {"date": "0001-01-01"},
    {"days": 0}, {"days": 99},
    {"minutes": 0}, {"minutes": "x"}, {"min_kw": "NaN"}, {"standard": "X"},
])  # fmt: skip
def test_questions_that_cannot_be_answered(api, evse, query):
    assert api.get("availability/", {"site": evse.station.site.slug} | query).status_code == 400


@pytest.mark.parametrize("query", [
    {"lat": 52}, {"lat": 91, "lng": 0}, {"km": 5}, {"limit": 0},
    {"days": 99}, {"minutes": -5}, {"min_kw": "x"},
])  # fmt: skip
def test_questions_for_the_first_that_cannot_be_answered(api, query):
    assert api.get("availability/first/", query).status_code == 400
