"""The thread: quote, hold, session, price, capture, invoice; and where it breaks."""

from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from billing import actions, policy, prices, sweeping
from billing.exceptions import CardDeclined
from billing.models import Card, Cdr, HoldRules, Invoice, Payment, Start
from billing.readiness import NotReady
from evportal.outbox.models import Mail
from stations import commands
from stations.models import Command, Session
from tests import make
from tests.billing import money

pytestmark = pytest.mark.django_db


def test_it_charges_what_the_meter_says(provider):
    cdr = money.charged(energy_wh=10_000)
    assert cdr.state == Cdr.State.SETTLED
    assert cdr.gross == Decimal("4.90")
    payment = cdr.session.payments.get()
    assert payment.state == Payment.State.CAPTURED
    assert payment.amount_captured == Decimal("4.90")
    assert payment.amount == Decimal("25")
    charge = provider.all("charge", payment_intent=payment.stripe_intent)[-1]
    assert charge["amount_captured"] == 490
    invoice = Invoice.objects.get(cdr=cdr)
    assert (invoice.net, invoice.tax, invoice.gross) == (Decimal("4.12"), Decimal("0.78"), Decimal("4.90"))
    assert invoice.details["paid"]["last4"] == "4242"
    assert Start.objects.get().state == Start.State.CHARGING
    mail = Mail.objects.get(key=f"invoice {invoice.pk}")
    assert mail.attachments[0]["source"] == "billing.invoice"
    assert invoice.number in mail.subject


def test_billing_again_changes_nothing(provider):
    cdr = money.charged()
    actions.bill(session=cdr.session)
    assert Invoice.objects.count() == 1
    assert len(provider.all("charge", payment_intent=cdr.session.payments.get().stripe_intent)) == 1


def test_two_taps_are_one_start_and_one_hold(provider):
    user, evse = make.user(), money.place()
    card = money.card(user)
    first = actions.start_charging(user=user, evse=evse, card=card)
    second = actions.start_charging(user=user, evse=evse, card=card)
    assert first == second
    assert Payment.objects.count() == 1
    assert Command.objects.count() == 1


def test_the_price_is_frozen_at_the_start(provider):
    user, evse = make.user(), money.place()
    card = money.card(user)
    actions.start_charging(user=user, evse=evse, card=card)
    session = money.begin(evse, user)
    cdr = actions.open_cdr(session=session)
    dearer = money.ENERGY | {"price": 9.99}
    money.version(
        cdr.version.tariff, components=[dearer], valid_from=session.started_at - timedelta(minutes=1)
    )
    actions.bill(session=money.end(session))
    cdr.refresh_from_db()
    assert cdr.gross == Decimal("4.90")


def test_a_declined_card_starts_nothing(provider):
    user, evse = make.user(), money.place()
    with pytest.raises(CardDeclined):
        actions.start_charging(user=user, evse=evse, card=money.card(user, "pm_card_chargeCustomerFail"))
    assert not Command.objects.exists()
    assert Start.objects.get().state == Start.State.FAILED


def refused(user, evse, card) -> Start:
    start = actions.start_charging(user=user, evse=evse, card=card)
    commands.finish(start.command.pk, status=Command.Status.ANSWERED, response={"status": "Rejected"})
    actions.command_answered(command=Command.objects.get(pk=start.command.pk))
    start.refresh_from_db()
    assert start.state == Start.State.FAILED
    assert "refused" in start.problem
    return start


def test_a_refused_start_s_hold_waits_for_the_next_try(provider):
    user, evse = make.user(), money.place()
    card = money.card(user)
    start = refused(user, evse, card)
    assert start.payment.state == Payment.State.HELD
    again = actions.start_charging(user=user, evse=evse, card=card)
    assert again.pk != start.pk and again.payment == start.payment
    assert Payment.objects.count() == 1


def test_a_refused_start_s_hold_is_freed_when_nobody_tries_again(provider, client):
    user, evse = make.user(), money.place()
    start = refused(user, evse, money.card(user))
    client.force_login(user)
    page = client.get(reverse("billing:starting", args=[start.pk])).content.decode()
    assert "used for your next try" in page
    sweeping.sweep(timezone.now() + policy.START_WITHIN + timedelta(seconds=1))
    start.payment.refresh_from_db()
    assert start.payment.state == Payment.State.RELEASED


def test_41_accepted_but_never_begun_frees_the_hold_and_tells_the_driver(provider, client):
    """RELIABILITY §3, row 41."""
    user, evse = make.user(), money.place()
    start = actions.start_charging(user=user, evse=evse, card=money.card(user))
    Command.objects.filter(pk=start.command_id).update(
        status=Command.Status.ANSWERED, response={"status": "Accepted"}
    )
    actions.command_answered(command=Command.objects.get(pk=start.command_id))
    start.refresh_from_db()
    # Its yes is not a session yet, and not the end either.
    assert start.state == Start.State.ASKED
    sweeping.sweep(timezone.now() + policy.START_WITHIN + timedelta(seconds=1))
    start.refresh_from_db()
    assert start.state == Start.State.FAILED
    assert start.payment.state == Payment.State.RELEASED
    client.force_login(user)
    page = client.get(reverse("billing:starting", args=[start.pk])).content.decode()
    assert "Did not start" in page and start.problem in unescape(page)
    # And another try is open to them at once.
    assert actions.start_charging(user=user, evse=evse, card=money.card(user)).pk != start.pk


@pytest.mark.parametrize(
    ("change", "words"),
    [({"state": "faulted"}, "fault"), ({"state": "unavailable"}, "out of service")],
)
def test_a_charger_that_can_not_charge_places_no_hold(provider, change, words):
    user, evse = make.user(), money.place()
    for name, value in change.items():
        setattr(evse, name, value)
    with pytest.raises(NotReady, match=words):
        actions.start_charging(user=user, evse=evse, card=money.card(user))
    assert not Payment.objects.exists()


def test_free_charging_needs_no_card(provider):
    user, evse = make.user(), money.place(components=[money.FREE])
    start = actions.start_charging(user=user, evse=evse, card=None)
    assert start.payment is None
    session = money.begin(evse, user)
    cdr = actions.bill(session=money.end(session))
    assert (cdr.state, cdr.gross) == (Cdr.State.SETTLED, 0)
    assert not Invoice.objects.exists()
    assert Mail.objects.get(key=f"free session {session.pk}")


def test_no_energy_frees_the_hold(provider):
    cdr = money.charged(energy_wh=0)
    assert (cdr.state, cdr.gross) == (Cdr.State.SETTLED, 0)
    assert cdr.session.payments.get().state == Payment.State.RELEASED


def test_an_rfid_card_is_paid_by_the_saved_one(provider):
    user, evse = make.user(), money.place()
    money.card(user)
    token = make.id_token(operator=evse.station.site.operator, user=user)
    session = money.begin(evse, user, token=token.token)
    payment = actions.secure(session=session, cdr=actions.open_cdr(session=session))
    assert payment.state == Payment.State.HELD
    assert actions.secure(session=session, cdr=session.cdr) == payment
    cdr = actions.bill(session=money.end(session))
    assert cdr.state == Cdr.State.SETTLED


@pytest.mark.parametrize("name", [None, "pm_card_chargeCustomerFail", "pm_card_authenticationRequired"])
def test_an_rfid_start_that_nobody_pays_is_stopped(provider, name):
    user, evse = make.user(), money.place()
    if name:
        money.card(user, name)
    token = make.id_token(operator=evse.station.site.operator, user=user)
    session = money.begin(evse, user, token=token.token)
    assert actions.secure(session=session, cdr=actions.open_cdr(session=session)) is None
    command = Command.objects.get()
    assert command.action == "RemoteStopTransaction"
    assert "no payment" in command.reason


def test_a_session_of_nobody_waits_for_a_person(provider):
    evse = money.place()
    token = make.id_token(operator=evse.station.site.operator)
    session = money.begin(evse, token=token.token)
    cdr = actions.bill(session=money.end(session))
    assert cdr.state == Cdr.State.REVIEW
    assert cdr.gross == Decimal("4.90")
    assert not Invoice.objects.exists()
    actions.waive(cdr=cdr, by=make.user())
    assert cdr.state == Cdr.State.WAIVED


def test_a_doubtful_session_charges_nothing_until_a_person_says_so(provider):
    user, evse = make.user(), money.place()
    actions.start_charging(user=user, evse=evse, card=money.card(user))
    session = money.begin(evse, user)
    actions.open_cdr(session=session)
    session = money.end(session, minutes=10, energy_wh=30_000)
    assert session.review
    cdr = actions.bill(session=session)
    payment = session.payments.get()
    assert (cdr.state, payment.state) == (Cdr.State.REVIEW, Payment.State.HELD)
    boss = make.user()
    actions.approve(cdr=cdr, by=boss)
    payment.refresh_from_db()
    assert (cdr.state, payment.amount_captured) == (Cdr.State.SETTLED, Decimal("14.70"))
    assert cdr.reviewed_by == boss


def test_without_a_tariff_a_person_has_to_look(provider):
    evse = make.evse()
    session = make.session(evse=evse, user=make.user(), minutes=30, energy_wh=5000)
    cdr = actions.bill(session=session)
    assert (cdr.state, cdr.review) == (Cdr.State.REVIEW, "No tariff is assigned to this charger.")


def test_it_stops_before_the_hold_is_used_up(provider):
    user, evse = make.user(), money.place()
    HoldRules.objects.create(site=evse.station.site, when_used_up="stop")
    actions.start_charging(user=user, evse=evse, card=money.card(user))
    session = money.begin(evse, user)
    actions.open_cdr(session=session)
    money.reading(session, minutes=30, wh=31_000)
    assert not actions.watch_hold(session=Session.objects.get(pk=session.pk))
    money.reading(session, minutes=60, wh=51_000)
    assert actions.watch_hold(session=Session.objects.get(pk=session.pk))
    assert not actions.watch_hold(session=Session.objects.get(pk=session.pk))
    assert Command.objects.filter(action="RemoteStopTransaction").count() == 1


def test_more_than_the_hold_is_taken_from_the_card_or_left_open(provider):
    user, evse = make.user(), money.place()
    card = money.card(user)
    actions.start_charging(user=user, evse=evse, card=card)
    session = money.begin(evse, user)
    actions.open_cdr(session=session)
    cdr = actions.bill(session=money.end(session, minutes=240, energy_wh=60_000))
    assert cdr.gross == Decimal("29.40")
    assert cdr.state == Cdr.State.UNPAID
    assert Invoice.objects.get(cdr=cdr).gross == Decimal("29.40")
    actions.pay_outstanding(cdr=cdr, card=card)
    cdr.refresh_from_db()
    assert cdr.state == Cdr.State.SETTLED
    assert sum(payment.amount_captured for payment in session.payments.all()) == Decimal("29.40")
    assert Invoice.objects.count() == 1


def test_a_hold_that_ran_out_is_taken_anew(own_provider):
    user, evse = make.user(), money.place()
    actions.start_charging(user=user, evse=evse, card=money.card(user))
    session = money.begin(evse, user)
    actions.open_cdr(session=session)
    own_provider.advance(days=8)
    cdr = actions.bill(session=money.end(session))
    if cdr.state != Cdr.State.SETTLED:
        cdr = actions.settle(cdr=cdr)
    assert cdr.state == Cdr.State.SETTLED
    assert [payment.state for payment in session.payments.order_by("created_at")] == ["released", "captured"]


def test_a_late_stop_gives_back_what_was_too_much(provider):
    cdr = money.charged(energy_wh=10_000)
    Session.objects.filter(pk=cdr.session_id).update(meter_stop_wh=9_000, energy_wh=8_000)
    actions.bill(session=Session.objects.get(pk=cdr.session_id))
    payment = cdr.session.payments.get()
    assert payment.amount_refunded == Decimal("0.98")
    assert Invoice.objects.get(kind="381").gross == Decimal("-0.98")
    actions.bill(session=Session.objects.get(pk=cdr.session_id))
    assert Invoice.objects.filter(kind="381").count() == 1


def test_the_sweeper_bills_what_no_task_did(provider):
    user, evse = make.user(), money.place()
    now = timezone.now()
    actions.start_charging(user=user, evse=evse, card=money.card(user))
    session = money.begin(evse, user, at=now - timedelta(minutes=40))
    money.end(session, minutes=30)
    sweeping.sweep(now)
    assert Cdr.objects.get(session=session).state == Cdr.State.SETTLED


def test_bookings_are_paid_by_their_own_hold_and_quote(provider):
    user, evse = make.user(), money.place()
    card = money.card(user)
    now = timezone.now()
    booking = make.booking(
        evse=evse, user=user, starts_at=now + timedelta(minutes=5), now=now, confirmed=False
    )
    payment = actions.confirm_booking(booking=booking, card=card)
    booking.refresh_from_db()
    assert booking.status == "RESERVED"
    money.version(
        prices.version_for(evse, now).tariff, components=[money.ENERGY | {"price": 5}], valid_from=now
    )
    del evse.tariff_versions
    start = actions.start_charging(user=user, evse=evse, card=card, booking=booking)
    assert start.payment == payment
    session = money.begin(evse, user, at=now + timedelta(minutes=6))
    cdr = actions.bill(session=money.end(session))
    assert cdr.quote == booking.quote
    assert (cdr.state, cdr.gross) == (Cdr.State.SETTLED, Decimal("4.90"))
    assert Payment.objects.count() == 1


def test_a_declined_card_leaves_the_slot_held(provider):
    user, evse = make.user(), money.place()
    booking = make.booking(
        evse=evse,
        user=user,
        starts_at=timezone.now() + timedelta(hours=1),
        now=timezone.now(),
        confirmed=False,
    )
    with pytest.raises(CardDeclined):
        actions.confirm_booking(booking=booking, card=money.card(user, "pm_card_chargeCustomerFail"))
    booking.refresh_from_db()
    assert booking.status == "PENDING"
    actions.confirm_booking(booking=booking, card=money.card(user))
    booking.refresh_from_db()
    assert booking.status == "RESERVED"


def test_a_hold_after_the_slot_was_lost_is_released(provider):
    from billing.actions.booking import SlotGone
    from bookings.models import Booking

    user, evse = make.user(), money.place()
    booking = make.booking(
        evse=evse,
        user=user,
        starts_at=timezone.now() + timedelta(hours=1),
        now=timezone.now(),
        confirmed=False,
    )
    Booking.objects.filter(pk=booking.pk).update(hold_expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(SlotGone):
        actions.confirm_booking(booking=Booking.objects.get(pk=booking.pk), card=money.card(user))
    assert Payment.objects.get().state == Payment.State.RELEASED


@pytest.mark.parametrize("fee", ["0", "5.00"])
def test_a_slot_that_nobody_used_costs_its_fee_once(provider, fee):
    from bookings import actions as bookings

    user, evse = make.user(), money.place()
    make.site_rules(site=evse.station.site, noshow_fee=Decimal(fee))
    booking = make.booking(
        evse=evse,
        user=user,
        starts_at=timezone.now() + timedelta(hours=1),
        now=timezone.now(),
        confirmed=False,
    )
    payment = actions.confirm_booking(booking=booking, card=money.card(user))
    booking.refresh_from_db()
    bookings.no_show(booking=booking, now=timezone.now())
    booking.refresh_from_db()
    actions.charge_fee(booking=booking)
    actions.charge_fee(booking=booking)
    payment.refresh_from_db()
    if Decimal(fee):
        assert (payment.state, payment.amount_captured) == (Payment.State.CAPTURED, Decimal(fee))
        assert Invoice.objects.get().gross == Decimal(fee)
    else:
        assert payment.state == Payment.State.RELEASED
        assert not Invoice.objects.exists()


def test_signals_do_all_of_it(provider, eager, django_capture_on_commit_callbacks):
    user, evse = make.user(), money.place()
    card = money.card(user)
    actions.start_charging(user=user, evse=evse, card=card)
    with django_capture_on_commit_callbacks(execute=True):
        session = money.begin(evse, user)
    with django_capture_on_commit_callbacks(execute=True):
        money.end(session)
    assert Cdr.objects.get(session=session).state == Cdr.State.SETTLED
    assert Card.objects.get() == card


def test_the_sweeper_secures_what_no_task_did(provider):
    user, evse = make.user(), money.place()
    now = timezone.now()
    session = money.begin(evse, user, at=now - timedelta(minutes=5))
    actions.open_cdr(session=session)
    sweeping.sweep(now)
    sweeping.sweep(now)
    assert Command.objects.filter(action="RemoteStopTransaction").count() == 1
    money.card(user)
    sweeping.sweep(now)
    assert session.payments.get().state == Payment.State.HELD
