"""The calendars that programs fetch: what is in them, for whom, and until when the address works."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.urls import reverse
from icalendar import Calendar

from bookings import actions, feeds
from bookings.models import CalendarFeed, Closure
from evportal.accounts.models import Membership
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def an_hour_before_noon():
    with time_machine.travel(NOON - HOUR, tick=False) as traveller:
        yield traveller


def path_of(feed):
    parts = urlsplit(feeds.url_of(feed))
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def entries(response):
    assert response.status_code == 200, response.status_code
    calendar = Calendar.from_ical(response.content)
    assert not calendar.errors
    return {str(entry["UID"]).split("@")[0]: entry for entry in calendar.walk("VEVENT")}


def test_a_drivers_own_bookings_and_nobody_elses(client):
    driver = make.user()
    mine = make.booking(user=driver)
    make.booking(user=driver, confirmed=False, starts_at=NOON + HOUR, now=NOON - HOUR)
    make.booking()
    gone = make.booking(user=driver, starts_at=NOON + 3 * HOUR, now=NOON - HOUR)
    actions.cancel(booking=gone, by=driver, now=NOON - HOUR)
    found = entries(client.get(path_of(feeds.issue(user=driver))))
    assert set(found) == {str(mine.pk), str(gone.pk)}
    assert found[str(gone.pk)]["STATUS"] == "CANCELLED" and found[str(gone.pk)]["SEQUENCE"] == 1
    assert found[str(mine.pk)].walk("VALARM")


def test_what_was_long_ago_is_left_out(client, an_hour_before_noon):
    booking = make.booking()
    feed = feeds.issue(user=booking.user)
    assert entries(client.get(path_of(feed)))
    an_hour_before_noon.move_to(NOON + timedelta(days=40))
    assert not entries(client.get(path_of(feed)))


def test_unchanged_it_is_not_sent_again(client):
    booking = make.booking()
    path = path_of(feeds.issue(user=booking.user))
    first = client.get(path)
    again = client.get(path, headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    actions.cancel(booking=booking, by=booking.user, now=NOON - HOUR)
    assert client.get(path, headers={"if-none-match": first["ETag"]}).status_code == 200
    assert "no-cache" in first["Cache-Control"] and first["Referrer-Policy"] == "no-referrer"


def test_a_new_address_ends_the_old_one_and_none_is_kept_readable(client):
    driver = make.user()
    old = path_of(feeds.issue(user=driver))
    feed = feeds.issue(user=driver)
    assert client.get(old).status_code == 404 and client.get(path_of(feed)).status_code == 200
    row = CalendarFeed.objects.values().get()
    assert all(feed.token not in str(value) for value in row.values())
    feeds.revoke(user=driver)
    assert client.get(path_of(feed)).status_code == 404


def test_an_account_that_is_closed_reads_no_more(client):
    driver = make.user()
    feed = feeds.issue(user=driver)
    driver.is_active = False
    driver.save()
    assert client.get(path_of(feed)).status_code == 404


class TestSites:
    @pytest.fixture
    def booking(self):
        return make.booking(user=make.user(name="Alice Driver"))

    def feed_of(self, booking, role, **kwargs):
        site = booking.evse.station.site
        return feeds.issue(user=make.member(operator=site.operator, role=role, **kwargs), site=site)

    def test_bookings_and_closures_of_that_site_alone(self, client, booking):
        closure = Closure.objects.create(
            evse=booking.evse, starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR, reason="New cable"
        )
        make.booking()
        found = entries(client.get(path_of(self.feed_of(booking, "manager"))))
        assert set(found) == {str(booking.pk), f"closure-{closure.pk}"}
        assert found[f"closure-{closure.pk}"]["DESCRIPTION"] == "New cable"

    @pytest.mark.parametrize(("role", "sees"), [("manager", True), ("support", True), ("technician", False)])
    def test_drivers_names_only_for_roles_that_see_drivers(self, client, booking, role, sees):
        text = client.get(path_of(self.feed_of(booking, role))).content.decode()
        assert ("Alice" in text) == sees
        assert booking.user.email not in text

    def test_it_ends_with_the_role(self, client, booking):
        feed = self.feed_of(booking, "manager")
        Membership.objects.update(is_active=False)
        assert client.get(path_of(feed)).status_code == 404

    def test_it_is_of_its_site_alone(self, client, booking):
        feed = self.feed_of(booking, "manager")
        other = make.site(operator=booking.evse.station.site.operator)
        assert client.get(reverse("bookings:site_calendar", args=[other.pk, feed.token])).status_code == 404
        assert client.get(reverse("bookings:my_calendar"), {"token": feed.token}).status_code == 404


class TestThePage:
    def test_make_renew_and_remove(self, client):
        driver = make.user()
        client.force_login(driver, "django.contrib.auth.backends.ModelBackend")
        client.post(reverse("me:new_calendar"))
        feed = CalendarFeed.objects.get()
        assert feeds.url_of(feed) in client.get(reverse("me:calendar")).content.decode()
        client.post(reverse("me:new_calendar"))
        assert CalendarFeed.objects.get().pk != feed.pk
        client.post(reverse("me:end_calendar"))
        assert not CalendarFeed.objects.exists()

    def test_odd_sites_are_not_found(self, client):
        client.force_login(make.user(), "django.contrib.auth.backends.ModelBackend")
        for odd in ("x", "9" * 30, "-1", "1"):
            assert client.post(reverse("me:new_calendar"), {"site": odd}).status_code == 404
