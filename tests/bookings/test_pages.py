"""The pages of a booking: who sees them, what they refuse, and what they leave untouched."""

import re
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings import slots
from bookings.forms import slot_value
from bookings.models import Booking
from tests import make
from tests.billing import money
from tests.make import NOON

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
NOW = NOON - HOUR


@pytest.fixture(autouse=True)
def an_hour_before_noon():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def evse():
    return make.evse()


def book_url(evse, **query):
    return reverse("bookings:book", args=[evse.station.site.slug], query=query or None)


def page_of(booking, name="booking"):
    return reverse(f"bookings:{name}", args=[booking.pk])


def choice(evse, starts_at=NOON, minutes=30):
    return {"slot": slot_value(evse, starts_at), "minutes": minutes}


def words(response):
    return re.sub(r"\s+", " ", response.content.decode())


class TestPicker:
    def test_every_free_slot_is_a_radio_with_its_whole_name(self, client, evse):
        shown = words(client.get(book_url(evse, minutes=30)))
        name = f"{evse.station.name}, connector 1, Type 2 22 kW, 14:00–14:30, free"
        assert f'value="{slot_value(evse, NOON)}" aria-label="{name}"' in shown
        assert "Europe/Berlin (CEST)" in shown

    def test_with_a_tariff_it_says_what_the_slot_costs(self, client, evse):
        money.tariff(evse=evse)
        shown = words(client.get(book_url(evse, minutes=60)))
        price = re.search(r'14:00–15:00, (about €\d+\.\d\d)"', shown)
        assert price and f'slot-price">{price[1]}<' in shown
        assert "€0.49/kWh" in shown and "&lt;" not in shown

    def test_taken_slots_are_worded_and_cannot_be_chosen(self, client, evse):
        make.booking(evse=evse, now=NOW)
        shown = words(client.get(book_url(evse, minutes=30)))
        assert slot_value(evse, NOON) not in shown
        assert "taken" in shown

    def test_odd_addresses_show_the_default(self, client, evse):
        for query in (
            {"day": "2026-99-99"},
            {"day": "1999-01-01"},
            {"minutes": "-1"},
            {"minutes": "9" * 30},
            {"standard": "X"},
            {"min_kw": "NaN"},
            {"slot": "<script>"},
        ):
            response = client.get(book_url(evse, **query))
            assert response.status_code == 200, query
            assert "<script>" not in response.context["look"].url()

    def test_the_night_of_two_oclock_twice(self, client, evse, an_hour_before_noon):
        an_hour_before_noon.move_to("2026-10-24T12:00:00Z")
        shown = words(client.get(book_url(evse, day="2026-10-25", minutes=30)))
        for time in ("02:00 CEST", "02:30 CEST", "02:00 CET", "02:30 CET"):
            assert f'slot-time">{time}<' in shown

    def test_private_sites_are_not_there(self, client):
        private = make.evse(station=make.station(site=make.site(is_public=False)))
        assert client.get(book_url(private)).status_code == 404

    def test_sites_without_booking_say_so(self, client, evse):
        make.site_rules(site=evse.station.site, bookable=False)
        assert "be booked." in words(client.get(book_url(evse)))

    def test_the_number_of_queries_stays_the_same(self, client):
        counts = []
        for evses in (1, 5):
            site = make.site()
            make.site_rules(site=site)
            money.tariff(site=site)
            for number in range(evses):
                make.booking(
                    evse=make.evse(station=make.station(site=site)), starts_at=NOON + number * HOUR, now=NOW
                )
            with CaptureQueriesContext(connection) as queries:
                client.get(reverse("bookings:book", args=[site.slug]))
            counts.append(len(queries))
        assert counts[0] == counts[1] <= 12


class TestBook:
    def test_holds_and_goes_on_to_the_review(self, client, evse):
        user = make.user()
        client.force_login(user)
        response = client.post(book_url(evse), choice(evse))
        booking = Booking.objects.get()
        assert (booking.user, booking.status, booking.starts_at) == (user, "PENDING", NOON)
        assert response.url == reverse("billing:review", args=[booking.pk])
        # A double click.
        assert client.post(book_url(evse), choice(evse)).url == response.url
        assert Booking.objects.count() == 1

    def test_signing_in_keeps_the_choice(self, client, evse):
        response = client.post(book_url(evse, day="2026-06-15", minutes=30), choice(evse))
        assert not Booking.objects.exists()
        login = urlsplit(response.url)
        assert login.path == reverse("account_login")
        back = parse_qs(login.query)["next"][0]
        assert re.search(rf'value="{slot_value(evse, NOON)}"[^>]* checked', words(client.get(back)))

    def test_a_taken_slot_names_it_and_offers_three(self, client, evse):
        make.booking(evse=evse, now=NOW)
        client.force_login(make.user())
        response = client.post(book_url(evse, minutes=30), choice(evse))
        assert response.status_code == 409
        shown = words(response)
        assert "14:00–14:30 has just been taken" in shown
        links = re.findall(r'card-link" href="([^"]+)"', shown)
        assert len(links) == 3
        assert " checked" in words(client.get(links[0].replace("&amp;", "&")))
        assert Booking.objects.count() == 1

    @pytest.mark.parametrize(
        ("change", "status", "sentence"),
        [
            ({"slot": ""}, 422, "Choose a start time."),
            ({"slot": "1@tomorrow"}, 422, "Choose one of the times in the list."),
            ({"slot": "999999@2026-06-15T12:00:00Z"}, 422, "Choose one of the times in the list."),
            ({"slot": "9" * 30 + "@2026-06-15T12:00:00Z"}, 422, "Choose one of the times in the list."),
            ({"slot": "{evse}@2026-06-15T12:00:00"}, 422, "Choose one of the times in the list."),
            ({"slot": "{evse}@2026-06-15T10:00:00Z"}, 409, "That time is already over."),
            ({"slot": "{evse}@2027-06-15T10:00:00Z"}, 409, "That is further ahead than can be booked here."),
            ({"slot": "{evse}@9999-12-31T23:59:59Z"}, 422, "Choose one of the times in the list."),
            ({"minutes": 1}, 409, "That is shorter than can be booked here."),
            ({"minutes": 600}, 409, "That is longer than can be booked here."),
            ({"minutes": -30}, 422, "Ensure this value is greater than or equal to 1."),
            ({"minutes": "x"}, 422, "Enter a whole number."),
        ],
    )
    def test_what_cannot_be_booked_says_why_and_changes_nothing(self, client, evse, change, status, sentence):
        client.force_login(make.user())
        data = choice(evse) | {
            key: str(value).replace("{evse}", str(evse.pk)) for key, value in change.items()
        }
        response = client.post(book_url(evse), data)
        assert response.status_code == status
        assert sentence in words(response) and "There is a problem" in words(response)
        assert not Booking.objects.exists()

    def test_another_sites_evse_is_not_in_the_list(self, client, evse):
        client.force_login(make.user())
        response = client.post(book_url(evse), choice(make.evse()))
        assert response.status_code == 422
        assert not Booking.objects.exists()


class TestWhoSees:
    PAGES = ("booking", "ics", "move", "cancel")

    def test_the_driver_sees_all(self, client):
        booking = make.booking(now=NOW)
        client.force_login(booking.user)
        for name in self.PAGES:
            assert client.get(page_of(booking, name)).status_code == 200, name

    def test_a_stranger_sees_and_does_nothing(self, client):
        booking = make.booking(now=NOW)
        another = make.member(operator=make.operator())
        accountant = make.member(operator=booking.evse.station.site.operator, role="accountant")
        elsewhere = make.member(operator=booking.evse.station.site.operator, sites=[make.site()])
        for user in (make.user(), another, accountant, elsewhere):
            client.force_login(user)
            for name in self.PAGES:
                assert client.get(page_of(booking, name)).status_code == 404, name
            for name in ("move", "cancel", "extend"):
                assert client.post(page_of(booking, name), choice(booking.evse)).status_code == 404, name
        assert Booking.objects.get().status == "RESERVED"

    def test_the_operators_people_look_but_don_t_touch(self, client):
        booking = make.booking(now=NOW)
        site = booking.evse.station.site
        for user in (
            make.member(operator=site.operator),
            make.member(operator=site.operator, role="support", sites=[site]),
        ):
            client.force_login(user)
            response = client.get(page_of(booking))
            assert response.status_code == 200
            assert page_of(booking, "cancel") not in words(response)
            assert client.get(page_of(booking, "ics")).status_code == 200
            assert client.post(page_of(booking, "cancel")).status_code == 404

    def test_nobody_signed_in_is_asked_to(self, client):
        booking = make.booking(now=NOW)
        for name in self.PAGES:
            assert client.get(page_of(booking, name)).url.startswith(reverse("account_login")), name

    def test_a_guessed_id(self, client):
        client.force_login(make.user())
        assert client.get(reverse("bookings:booking", args=[uuid4()])).status_code == 404
        assert client.get("/b/1/").status_code == 404


class TestBookingPage:
    def test_start_only_in_its_window(self, client, an_hour_before_noon):
        booking = make.booking(now=NOW)
        client.force_login(booking.user)
        start = reverse("billing:start_booking", args=[booking.pk])
        for minutes, may in ((-11, False), (-10, True), (29, True), (30, False)):
            an_hour_before_noon.move_to(NOON + timedelta(minutes=minutes))
            assert (start in words(client.get(page_of(booking)))) is may, minutes

    def test_every_status_has_a_page(self, client):
        booking = make.booking(now=NOW)
        session = make.session(evse=booking.evse, user=booking.user)
        client.force_login(booking.user)
        for status in Booking.Status:
            Booking.objects.update(
                status=status, closed_at=NOW, session=session if status == Booking.Status.FULFILLED else None
            )
            assert client.get(page_of(booking)).status_code == 200, status

    def test_the_calendar_file(self, client):
        booking = make.booking(now=NOW)
        client.force_login(booking.user)
        response = client.get(page_of(booking, "ics"))
        assert response["Content-Type"] == "text/calendar; charset=utf-8"
        assert b"DTSTART:20260615T120000Z" in response.content


class TestExtend:
    def test_once_and_then_says_why_not(self, client):
        booking = make.booking(confirmed=False, now=NOW)
        client.force_login(booking.user)
        review = reverse("billing:review", args=[booking.pk])
        assert client.get(page_of(booking, "extend")).status_code == 405
        for _number in range(2):
            assert client.post(page_of(booking, "extend")).url == review
        assert Booking.objects.get().hold_expires_at == NOW + timedelta(minutes=20)
        assert "held any longer" in words(client.get(page_of(booking)))

    def test_after_it_has_run_out(self, client, an_hour_before_noon):
        booking = make.booking(confirmed=False, now=NOW)
        client.force_login(booking.user)
        slots.expire_hold(booking=booking, now=NOON)
        assert client.post(page_of(booking, "extend"), follow=True).status_code == 200
        assert Booking.objects.get().status == "FAILED"


class TestMove:
    def test_moves(self, client):
        booking = make.booking(now=NOW)
        client.force_login(booking.user)
        response = client.post(page_of(booking, "move"), choice(booking.evse, NOON + HOUR))
        assert response.url == page_of(booking)
        assert Booking.objects.get().starts_at == NOON + HOUR

    def test_onto_itself_too_late_or_onto_another(self, client, an_hour_before_noon):
        booking = make.booking(now=NOW)
        other = make.booking(evse=booking.evse, starts_at=NOON + HOUR, now=NOW)
        client.force_login(booking.user)
        url = page_of(booking, "move")
        assert "the time you already have" in words(client.post(url, choice(booking.evse)))
        assert client.post(url, choice(booking.evse, other.starts_at)).status_code == 409
        an_hour_before_noon.move_to(NOON - timedelta(minutes=29))
        assert "too late to change" in words(client.post(url, choice(booking.evse, NOON + 2 * HOUR)))
        assert Booking.objects.get(pk=booking.pk).starts_at == NOON


class TestCancel:
    def booking(self):
        evse = make.evse()
        make.site_rules(site=evse.station.site, noshow_fee=Decimal("5"))
        return make.booking(evse=evse, now=NOW)

    def test_free_in_time(self, client):
        booking = self.booking()
        client.force_login(booking.user)
        assert "Cancelling now costs nothing." in words(client.get(page_of(booking, "cancel")))
        client.post(page_of(booking, "cancel"), {"fee": "0"})
        done = Booking.objects.get()
        assert (done.status, done.fee) == ("CANCELED", 0)

    def test_the_fee_that_was_shown_is_the_fee(self, client, an_hour_before_noon):
        booking = self.booking()
        client.force_login(booking.user)
        an_hour_before_noon.move_to(NOON - timedelta(minutes=20))
        # The page was opened while it was free: so it asks again, with the fee.
        shown = words(client.post(page_of(booking, "cancel"), {"fee": "0"}))
        assert "Cancel the booking for €5.00" in shown
        assert Booking.objects.get().status == "RESERVED"
        for odd in ("x", "NaN", "-1", ""):
            client.post(page_of(booking, "cancel"), {"fee": odd})
            assert Booking.objects.get().status == "RESERVED", odd
        client.post(page_of(booking, "cancel"), {"fee": "5.00"})
        done = Booking.objects.get()
        assert (done.status, done.fee) == ("CANCELED", 5)

    def test_twice(self, client):
        booking = self.booking()
        client.force_login(booking.user)
        for _number in range(2):
            response = client.post(page_of(booking, "cancel"), {"fee": "0"}, follow=True)
        assert "no longer open" in words(response)
        assert Booking.objects.get().sequence == 1
