"""The queue's pages and its API: what they show, what they refuse, and what they leave untouched."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.urls import reverse

from bookings import actions as bookings
from bookings.models import Booking, Offer, WaitlistPlace
from bookings.waitlist import actions
from evportal.accounts.models import ApiKey
from stations.models import Evse, Station
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db
MINUTE, HALF, HOUR = timedelta(minutes=1), timedelta(minutes=30), timedelta(hours=1)
NOW = NOON - 2 * HOUR


@pytest.fixture(autouse=True)
def two_hours_before_noon():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def site():
    return make.evse().station.site


@pytest.fixture
def driver(client):
    user = make.user()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return user


def join_url(site, **query):
    return reverse("bookings:waitlist:join", args=[site.slug], query=query or None)


def page(place, name="place"):
    return reverse(f"bookings:waitlist:{name}", args=[place.pk])


#: Noon is two o'clock in Berlin.
WINDOW = {"when": "window", "day": "2026-06-15", "earliest": "14:00", "latest": "14:30", "minutes": "30"}


def waiting(site, user, **fields):
    times = {"starts_after": NOON, "ends_before": NOON + HALF, "minutes": 30, "now": NOW}
    return actions.join(site=site, user=user, **(times | fields))


class TestJoining:
    def test_a_window_in_the_sites_time(self, client, driver, site):
        answer = client.post(join_url(site), WINDOW)
        place = WaitlistPlace.objects.get()
        assert answer.url == page(place)
        assert (place.starts_after, place.ends_before, place.minutes) == (NOON, NOON + HALF, 30)

    def test_now(self, client, driver, site):
        client.post(join_url(site), {"when": "now", "patience": "60", "minutes": "30", "min_kw": "11"})
        place = WaitlistPlace.objects.get()
        assert place.is_now and place.min_power_w == 11_000
        assert (place.starts_after, place.ends_before) == (NOW, NOW + 90 * MINUTE)

    def test_over_midnight_and_over_the_change_of_clocks(self, client, driver, site):
        with time_machine.travel("2026-10-24T10:00:00Z", tick=False):
            client.force_login(driver, "django.contrib.auth.backends.ModelBackend")
            client.post(
                join_url(site), WINDOW | {"day": "2026-10-24", "earliest": "22:00", "latest": "05:00"}
            )
        place = WaitlistPlace.objects.get()
        assert place.ends_before - place.starts_after == 8 * HOUR

    def test_a_time_that_the_clocks_skip(self, client, driver, site):
        with time_machine.travel("2026-03-28T10:00:00Z", tick=False):
            data = WINDOW | {"day": "2026-03-29", "earliest": "02:30", "latest": "05:00"}
            answer = client.post(join_url(site), data)
        assert answer.status_code == 422 and "clocks skip" in answer.content.decode()

    def test_signing_in_comes_back_here(self, client, site):
        answer = client.post(join_url(site, day="2026-06-16"), WINDOW)
        assert "/accounts/login/" in answer.url and "waitlist" in answer.url
        assert not WaitlistPlace.objects.exists()

    @pytest.mark.parametrize(
        "change",
        [
            {"day": ""},
            {"day": "2026-99-99"},
            {"day": "9999-12-31", "latest": "01:00"},
            {"latest": "14:10"},
            {"minutes": "7"},
            {"minutes": ""},
            {"standard": "X"},
            {"min_kw": "-1"},
            {"min_kw": "1999"},
            {"when": ""},
            {"day": "2026-06-14"},
            {"day": "2026-12-24"},
        ],
    )
    def test_what_cannot_be_waited_for_is_said_and_changes_nothing(self, client, driver, site, change):
        answer = client.post(join_url(site), WINDOW | change)
        assert answer.status_code == 422 and "There is a problem" in answer.content.decode()
        assert not WaitlistPlace.objects.exists()

    def test_who_waits_already_is_led_to_the_place(self, client, driver, site):
        place = waiting(site, driver, minutes=60, ends_before=NOON + 2 * HOUR)
        assert client.post(join_url(site), WINDOW).url == page(place)

    def test_private_sites_and_sites_without_booking_have_none(self, client):
        private = make.site(is_public=False)
        unbookable = make.site()
        make.site_rules(site=unbookable, bookable=False)
        assert [client.get(join_url(each)).status_code for each in (private, unbookable)] == [404, 404]

    def test_the_sites_page_leads_here_when_all_is_busy(self, client, driver, site):
        shown = client.get(reverse("stations:site", args=[site.slug])).content.decode()
        assert join_url(site) in shown
        place = waiting(site, driver)
        assert page(place) in client.get(reverse("stations:site", args=[site.slug])).content.decode()
        Station.objects.update(connection=uuid4())
        Evse.objects.update(state="available")
        place.delete()
        assert join_url(site) not in client.get(reverse("stations:site", args=[site.slug])).content.decode()


class TestThePlace:
    def test_waiting_says_where_one_stands(self, client, driver, site):
        make.booking(evse=Evse.objects.get(), now=NOW)
        waiting(site, make.user())
        place = waiting(site, driver, now=NOW + MINUTE)
        shown = client.get(page(place)).content.decode()
        assert "1 driver before you waits" in shown and "2 drivers wait at this site" in shown
        assert page(place) in client.get(reverse("me:home")).content.decode()

    def test_an_offer_accepted_leads_to_the_price(self, client, driver, site):
        place = waiting(site, driver)
        actions.offer_all(site=site, now=NOW)
        shown = client.get(page(place)).content.decode()
        assert "It is your turn" in shown and "14:00–14:30" in shown and "data-countdown-to" in shown
        booking = Booking.objects.get()
        # Nothing is booked before it is accepted.
        assert str(booking.pk) not in client.get(reverse("me:home")).content.decode()
        for _twice in range(2):
            assert client.post(page(place, "accept")).url == reverse("billing:review", args=[booking.pk])
        assert reverse("billing:review", args=[booking.pk]) in client.get(page(place)).content.decode()

    def test_an_offer_that_is_over(self, client, driver, site, two_hours_before_noon):
        place = waiting(site, driver)
        actions.offer_all(site=site, now=NOW)
        two_hours_before_noon.move_to(Offer.objects.get().expires_at)
        assert "It is your turn" not in client.get(page(place)).content.decode()
        assert "This offer is over" in client.post(page(place, "accept"), follow=True).content.decode()
        assert Booking.objects.get().status == Booking.Status.PENDING

    def test_snooze_resume_and_leave(self, client, driver, site):
        place = waiting(site, driver)
        assert (
            "Paused until"
            in client.post(page(place, "pause"), {"minutes": "60"}, follow=True).content.decode()
        )
        client.post(page(place, "pause"), {"minutes": "99999999"})
        place.refresh_from_db()
        assert place.paused_until == NOW + HALF
        assert "You are next" in client.post(page(place, "resume"), follow=True).content.decode()
        assert "You have left" in client.post(page(place, "leave"), follow=True).content.decode()
        assert "closed" in client.post(page(place, "pause"), follow=True).content.decode()

    def test_it_is_nobody_elses(self, client, site):
        place = waiting(site, make.user())
        client.force_login(make.user(), "django.contrib.auth.backends.ModelBackend")
        assert client.get(page(place)).status_code == 404
        assert [
            client.post(page(place, name)).status_code for name in ("accept", "pause", "resume", "leave")
        ] == [404] * 4


class TestTheApi:
    URL = "/api/v1/waitlist/"

    def wish(self, at, **fields):
        times = {"starts_after": NOON.isoformat(), "ends_before": (NOON + HALF).isoformat()}
        return {"site": at.slug, "minutes": 30, **times, **fields}

    def test_a_drivers_way(self, client, driver, site):
        made = client.post(self.URL, self.wish(site), content_type="application/json")
        assert made.status_code == 201, made.content
        body = made.json()
        assert (body["state"], body["standing"]) == ("waiting", {"ahead": 0, "paused": 0, "waiting": 1})
        actions.offer_all(site=site, now=NOW)
        url = f"{self.URL}{body['id']}/"
        offer = client.get(url).json()["offer"]
        assert offer["starts_at"] == "2026-06-15T12:00:00Z"
        paused = client.post(f"{url}pause/", {"minutes": 10}, content_type="application/json").json()
        assert (paused["state"], paused["offer"]) == ("waiting", None)
        client.post(f"{url}resume/")
        actions.offer_all(site=site, now=NOW)
        accepted = client.post(f"{url}accept/").json()
        assert (accepted["state"], accepted["standing"]) == ("accepted", None)
        assert client.post(f"{url}leave/").json()["state"] == "accepted"

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"minutes": 0}, 409),
            ({"minutes": 100_000}, 400),
            ({"ends_before": "x"}, 400),
            ({"ends_before": "2026-06-15T11:00:00Z"}, 409),
            ({"site": "nowhere"}, 400),
            ({"min_kw": -1}, 400),
            ({"standard": "X"}, 400),
        ],
    )
    def test_bad_input(self, client, driver, site, change, status):
        answer = client.post(self.URL, self.wish(site, **change), content_type="application/json")
        assert answer.status_code == status, answer.content
        assert not WaitlistPlace.objects.exists()

    def test_accepting_nothing_is_a_conflict(self, client, driver, site):
        place = waiting(site, driver)
        assert client.post(f"{self.URL}{place.pk}/accept/").status_code == 409

    def test_an_operators_key_sees_the_queue_and_takes_people_out_of_it(self, client, site):
        place = waiting(site, make.user())
        key, _row = ApiKey.issue(operator=site.operator, role="manager", name="k")
        headers = {"authorization": f"Bearer {key}"}
        (row,) = client.get(self.URL, headers=headers).json()["results"]
        assert row["id"] == str(place.pk) and "user" not in row and place.user.email not in str(row)
        create = client.post(self.URL, self.wish(site), content_type="application/json", headers=headers)
        assert create.status_code == 403
        assert client.post(f"{self.URL}{place.pk}/accept/", headers=headers).status_code == 403
        assert client.post(f"{self.URL}{place.pk}/leave/", headers=headers).json()["state"] == "left"


def test_cancelling_a_booking_wakes_the_queue(site, django_capture_on_commit_callbacks, monkeypatch):
    from bookings.waitlist import tasks

    monkeypatch.setattr(tasks.offer_free, "delay", lambda pk: tasks.offer_free(pk))
    monkeypatch.setattr(tasks.settle, "delay", lambda pk: tasks.settle(pk))
    evse = Evse.objects.get()
    booking = make.booking(evse=evse, now=NOW)
    place = waiting(site, make.user())
    with django_capture_on_commit_callbacks(execute=True):
        bookings.cancel(booking=booking, by=booking.user, now=NOW)
    assert Offer.objects.get().place == place
