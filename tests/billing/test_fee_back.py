"""A charger tells too late that its driver had come: the fee for not coming goes back, once."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from billing import actions, policy, sweeping
from billing.models import Card, FeeDebt, Invoice, Payment, Refund
from bookings import actions as bookings
from bookings import fulfilling
from bookings.models import Booking
from stations.models import Reservation
from tests import make
from tests.billing import money

pytestmark = pytest.mark.django_db
FEE = Decimal("5.00")


@pytest.fixture
def missed(provider) -> Booking:
    """A slot that was released as not used a moment ago."""
    user, evse = make.user(), money.place()
    make.site_rules(site=evse.station.site, noshow_fee=FEE)
    now = timezone.now()
    booking = make.booking(evse=evse, user=user, starts_at=now + timedelta(hours=1), now=now, confirmed=False)
    actions.confirm_booking(booking=booking, card=money.card(user))
    # The time passes: the slot began twenty minutes ago.
    times = {"starts_at": now - timedelta(minutes=20), "ends_at": now + timedelta(minutes=10)}
    Booking.objects.filter(pk=booking.pk).update(**times)
    Reservation.objects.filter(booking=booking).update(**times)
    booking = Booking.objects.with_place().get(pk=booking.pk)
    assert bookings.no_show(booking=booking, now=now)
    booking.refresh_from_db()
    return booking


def arrive(booking: Booking, minutes: int):
    """The charger delivers a start that it had kept: so many minutes after the slot began."""
    session = make.session(
        evse=booking.evse,
        user=booking.user,
        started_at=booking.starts_at + timedelta(minutes=minutes),
        start_received_at=timezone.now(),
    )
    return fulfilling.fulfil(session=session)


def test_the_fee_goes_back_once_with_a_credit_note(missed):
    actions.charge_fee(booking=missed)
    booking = arrive(missed, 5)
    assert (booking.status, booking.fee, booking.closed_at) == ("FULFILLED", 0, None)
    for _turn in range(2):
        actions.forgive_fee(booking=booking)
    payment = Payment.objects.get(purpose="no_show")
    assert payment.amount_captured == payment.amount_refunded == FEE
    assert Refund.objects.get().state == "done"
    bill, credit = Invoice.objects.order_by("pk")
    assert (bill.gross, credit.gross, credit.corrects) == (FEE, -FEE, bill)


def test_a_fee_that_only_stands_is_let_go(missed):
    Payment.objects.filter(booking=missed).update(purpose="no_show")
    actions.forgive_fee(booking=arrive(missed, 5))
    assert Payment.objects.get(booking=missed).state == "released"
    assert not Invoice.objects.exists()


def test_what_comes_after_the_release_does_not_undo_it(missed):
    actions.charge_fee(booking=missed)
    # Nineteen minutes after it began nobody was there; who plugs in at the twenty-first was late.
    assert arrive(missed, 21) is None
    missed.refresh_from_db()
    assert (missed.status, missed.fee) == ("NO_SHOW", FEE)


def test_a_stranger_s_start_does_not_undo_it(missed):
    session = make.session(
        evse=missed.evse,
        user=make.user(),
        started_at=missed.starts_at + timedelta(minutes=5),
        start_received_at=timezone.now(),
    )
    assert fulfilling.fulfil(session=session) is None
    missed.refresh_from_db()
    assert missed.status == "NO_SHOW"


def test_a_late_closing_does_not_touch_the_session_s_hold(missed):
    booking = arrive(missed, 5)
    assert actions.charge_fee(booking=booking) is None
    assert Payment.objects.get(booking=booking).state == "held"


def test_a_debt_is_dropped_by_the_sweep_where_nobody_did_it(missed):
    actions.release(payment=Payment.objects.get(booking=missed))
    Card.objects.update(removed_at=timezone.now())
    assert actions.charge_fee(booking=missed) is None
    assert FeeDebt.objects.get().state == "open"
    arrive(missed, 5)
    sweeping.sweep(timezone.now() + policy.STALE_AFTER + timedelta(seconds=1))
    assert FeeDebt.objects.get().state == "waived"


def test_the_sweep_sends_back_what_nobody_sent(missed):
    actions.charge_fee(booking=missed)
    arrive(missed, 5)
    sweeping.sweep(timezone.now() + policy.STALE_AFTER + timedelta(seconds=1))
    assert Refund.objects.get().amount == FEE


def test_what_the_provider_refused_to_send_back_is_left_to_people(missed):
    actions.charge_fee(booking=missed)
    arrive(missed, 5)
    payment = Payment.objects.get(purpose="no_show")
    Refund.objects.create(payment=payment, amount=FEE, reason="", state="failed")
    sweeping.sweep(timezone.now() + policy.STALE_AFTER + timedelta(seconds=1))
    assert Refund.objects.count() == 1


def test_it_all_follows_by_itself(missed, eager, django_capture_on_commit_callbacks):
    actions.charge_fee(booking=missed)
    with django_capture_on_commit_callbacks(execute=True):
        arrive(missed, 5)
    assert Refund.objects.get().amount == FEE
