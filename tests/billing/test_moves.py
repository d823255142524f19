"""What a moved booking costs, and that a cancelled one gives its money back."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing import actions, moves
from billing.models import Payment, Quote
from bookings import closing, relocating
from bookings.models import Booking
from tests import make
from tests.billing import money
from tests.make import NOON

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
BEFORE = NOON - HOUR
CHEAP = {"type": "ENERGY", "price": 0.29, "vat": 19, "step_size": 1}
DEAR = {"type": "ENERGY", "price": 0.79, "vat": 19, "step_size": 1}


def site_with(*tariffs):
    """A site where all pay the usual price, but for EVSEs with one of their own."""
    site = make.site()
    money.tariff(site=site)
    found = []
    for components in tariffs:
        evse = make.evse(station=make.station(site=site), state="available")
        money.online(evse)
        if components:
            money.tariff(evse=evse, components=components)
        found.append(evse)
    return found


def paid(evse, monkeypatch):
    """A slot that a card hold stands for."""
    held = make.booking(evse=evse, now=BEFORE, confirmed=False)
    monkeypatch.setattr("billing.actions.booking.timezone.now", lambda: BEFORE)
    payment = actions.confirm_booking(booking=held, card=money.card(held.user))
    assert payment.state == Payment.State.HELD
    return Booking.objects.get(pk=held.pk), payment


def close(evse, choice):
    return closing.close(
        evses=[evse], starts_at=NOON, ends_at=NOON + HOUR, now=BEFORE, choice=choice, reason="New cables"
    )


def test_never_to_a_dearer_one_and_billed_as_agreed(provider, monkeypatch):
    own, _dear, cheap = site_with(None, [DEAR], [CHEAP])
    booking, payment = paid(own, monkeypatch)
    agreed = Quote.objects.get(booking=booking)
    close(own, "move")
    booking.refresh_from_db()
    assert booking.evse == cheap
    # The hold and the price stay: the session that follows is billed by the version that was accepted.
    session = money.begin(cheap, booking.user)
    cdr = actions.open_cdr(session=session)
    payment.refresh_from_db()
    assert (cdr.version, cdr.quote, payment.session) == (agreed.version, agreed, session)


def test_only_dearer_ones_left_is_cancelled_and_the_hold_released(
    provider, eager, monkeypatch, django_capture_on_commit_callbacks
):
    own, _dear = site_with(None, [DEAR])
    booking, payment = paid(own, monkeypatch)
    with django_capture_on_commit_callbacks(execute=True):
        done = close(own, "move")
    assert done.cancelled == [booking]
    payment.refresh_from_db()
    assert payment.state == Payment.State.RELEASED
    [intent] = provider.all("payment_intent", id=payment.stripe_intent)
    assert intent["status"] == "canceled"
    assert intent["amount_received"] == 0


def test_a_rise_of_the_price_since_keeps_nobody_from_moving(provider, monkeypatch):
    own, other = site_with(None, None)
    booking, _payment = paid(own, monkeypatch)
    tariff = Quote.objects.get(booking=booking).version.tariff
    money.version(tariff, components=[DEAR], valid_from=BEFORE - timedelta(minutes=1))
    for evse in (own, other):
        evse.__dict__.pop("tariff_versions", None)
    close(own, "move")
    booking.refresh_from_db()
    assert booking.evse == other


def test_the_operators_own_move_keeps_the_price(provider, monkeypatch):
    own, dear = site_with(None, [DEAR])
    booking, _payment = paid(own, monkeypatch)
    relocating.relocate(booking=booking, evse=dear, now=BEFORE)
    session = money.begin(dear, booking.user)
    assert actions.open_cdr(session=session).version == Quote.objects.get(booking=booking).version


def test_prices_of_slots_with_few_queries(django_assert_num_queries):
    own, *others = site_with(None, [DEAR], [CHEAP], None)
    made = [make.booking(evse=own, starts_at=NOON + number * HOUR, now=BEFORE) for number in range(3)]
    with django_assert_num_queries(8):
        found = moves.prices_at(made, others)
    assert len(found) == 12
    first = made[0].pk
    assert found[first, others[1].pk] < found[first, own.pk] < found[first, others[0].pk]
    assert found[first, own.pk] == found[first, others[2].pk]
    assert all(isinstance(price, Decimal) for price in found.values())
