"""A booking that is paid for and gets another time or length: its price follows, at the tariff agreed to."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.urls import reverse

from billing import actions
from billing.models import Quote
from bookings import actions as bookings
from bookings import changes
from bookings.models import Booking
from tests import make
from tests.billing import money
from tests.make import NOON

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
NOW = NOON - HOUR


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def paid(provider):
    """Half an hour, confirmed with a hold on the card."""
    evse = money.place()
    user = make.user()
    booking = make.booking(evse=evse, user=user, confirmed=False, now=NOW)
    actions.confirm_booking(booking=booking, card=money.card(user))
    return Booking.objects.with_place().get(pk=booking.pk)


def requoted(booking) -> Quote:
    return actions.requote(booking=Booking.objects.with_place().get(pk=booking.pk))


def test_longer_is_dearer_at_the_same_version(paid):
    before = Quote.objects.get(booking=paid)
    # The operator has raised its prices meanwhile.
    money.version(before.version.tariff, components=[money.ENERGY | {"price": 0.99}], valid_from=NOW)
    changes.change_end(booking=paid, ends_at=NOON + 3 * HOUR, now=NOW)
    after = requoted(paid)
    assert (after.version, after.ends_at) == (before.version, NOON + 3 * HOUR)
    assert after.gross > before.gross
    assert Decimal("0.49") == round(after.gross / (after.energy_wh / 1000), 2)
    # What was agreed to first stays as it was; the hold rests on the new quote.
    before.refresh_from_db()
    assert before.booking is None and paid.payments.get().quote == after
    assert requoted(paid) == after and Quote.objects.count() == 2


def test_it_happens_by_itself(paid, eager, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        bookings.reschedule(booking=paid, starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR, now=NOW)
    quote = Quote.objects.get(booking=paid)
    assert (quote.starts_at, quote.ends_at) == (NOON + HOUR, NOON + 2 * HOUR)


def test_on_another_evse_with_another_tariff_that_one_counts(paid):
    dear = make.evse(station=make.station(site=paid.evse.station.site), max_power_w=22_000)
    there = money.tariff(evse=dear, components=[money.ENERGY | {"price": 0.79}])
    bookings.reschedule(booking=paid, evse=dear, starts_at=paid.starts_at, ends_at=paid.ends_at, now=NOW)
    assert requoted(paid).version == there


def test_the_page_says_what_is_held_and_when_it_may_not_be_enough(paid, client):
    client.force_login(paid.user)
    url = reverse("bookings:booking", args=[paid.pk])
    assert "€10.00 is held on your card." in client.get(url).content.decode()
    changed = client.post(
        reverse("bookings:end", args=[paid.pk]), {"ends_at": (NOON + 3 * HOUR).isoformat()}, follow=True
    )
    shown = changed.content.decode()
    assert "Your slot now ends at 17:00." in shown
    assert "charging stops when it has cost €10.00" in shown


def test_three_taps_from_the_site_to_a_confirmed_slot(provider, client):
    """A time on the site's page; “Hold this slot”; “Book and hold €…” with the card that is saved."""
    evse, user = money.place(), make.user()
    money.card(user)
    client.force_login(user)
    site = client.get(reverse("stations:site", args=[evse.station.site.slug])).content.decode()
    link = next(part.split('"')[0] for part in site.split('class="chip" href="')[1:] if "slot=" in part)
    picker = client.get(link.replace("&amp;", "&"))
    form = picker.content.decode()
    (chosen,) = [part for part in form.split("<input") if 'type="radio"' in part and " checked" in part]
    value = chosen.split('value="')[1].split('"')[0]
    minutes = form.split('name="minutes" value="')[1].split('"')[0]
    review = client.post(picker.context["look"].url(), {"slot": value, "minutes": minutes}, follow=True)
    text = review.content.decode()
    assert "Book and hold €" in text
    card = text.split('name="card" value="')[1].split('"')[0]
    done = client.post(review.request["PATH_INFO"], {"card": card}, follow=True)
    assert Booking.objects.get().status == "RESERVED"
    assert "Confirmed" in done.content.decode()
