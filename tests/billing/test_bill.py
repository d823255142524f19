"""Every way in which a session's bill ends: who pays it, with what, and what is left at the provider."""

from datetime import timedelta
from decimal import Decimal
from importlib import import_module

import pytest
from django.utils import timezone

from billing import actions, gateway, payments
from billing.actions import holds, raising, reauthorising
from billing.exceptions import PaymentRefused
from billing.models import Card, Cdr, HoldIncrement, Invoice, Payment
from evportal.accounts.models import User
from evportal.outbox.models import Mail
from stations.models import Batch, Session
from tests import make
from tests.billing import money
from tests.billing.test_limit_pages import fleet
from tests.billing.test_plans import clock, plan, subscribed  # noqa: F401
from tests.billing.test_wallet import balance, fill, operator_of
from tests.stations.delivery import deliver

pytestmark = pytest.mark.django_db
#: The module: `billing.actions` has its function under the same name.
bill = import_module("billing.actions.bill")
State = Cdr.State
D = Decimal


def held(card: str = "pm_card_visa", *, user=None, evse=None, **place) -> Session:
    """A session that runs, with 25.00 held for it."""
    user, evse = user or make.user(), evse or money.place(**place)
    actions.start_charging(user=user, evse=evse, card=money.card(user, card))
    session = money.begin(evse, user)
    actions.open_cdr(session=session)
    return session


def unsecured(card: str | None = None, *, user=None, evse=None, **place) -> Session:
    """A session that has ended, and for which nothing was held."""
    user, evse = user or make.user(), evse or money.place(**place)
    if card:
        money.card(user, card)
    return make.session(evse=evse, user=user, minutes=30, energy_wh=10_000)


def let_go(session: Session) -> Payment:
    """The bank has given the hold free, and nobody has told us."""
    payment = session.payments.get()
    gateway.release(payment.stripe_intent, payment_id=f"bank-{payment.pk}")
    return payment


def rows(session: Session) -> list[tuple]:
    """Of each payment: its state, what was held and what was charged."""
    found = session.payments.order_by("created_at")
    return [(row.state, row.amount, row.amount_captured) for row in found]


def at_provider(provider, session: Session) -> list[tuple]:
    """The same in the provider's words, in cents."""
    found = []
    for row in session.payments.order_by("created_at"):
        [intent] = provider.all("payment_intent", id=row.stripe_intent)
        found.append((intent["status"], intent["amount"], intent["amount_received"]))
    return found


def amount_in(review: str, why: str) -> Decimal:
    """With what the note begins."""
    amount, currency, *_ = review.split()
    assert currency == "EUR" and why in review
    return D(amount)


# With a hold


def test_what_is_owed_is_taken_from_the_hold(provider):
    session = held()
    cdr = actions.bill(session=money.end(session))
    assert (cdr.state, cdr.review) == (State.SETTLED, "")
    assert rows(session) == [("captured", 25, D("4.90"))]
    [(status, _held, received)] = at_provider(provider, session)
    assert (status, received) == ("succeeded", 490)


def test_a_running_session_is_not_billed(provider):
    session = held()
    cdr = actions.bill(session=session)
    assert (cdr.state, cdr.priced_at) == (State.OPEN, None)
    assert at_provider(provider, session) == [("requires_capture", 2500, 0)]


def test_a_bill_of_nothing_gives_the_hold_free(provider):
    session = held()
    cdr = actions.bill(session=money.end(session, energy_wh=0))
    assert (cdr.state, cdr.gross, Invoice.objects.count()) == (State.SETTLED, 0, 0)
    assert rows(session) == [("released", 25, 0)]
    assert at_provider(provider, session) == [("canceled", 2500, 0)]


def test_while_the_provider_is_at_it_the_bill_is_not_closed(provider, monkeypatch):
    session = held()
    with monkeypatch.context() as patch:
        patch.setattr(gateway, "capture", lambda intent, **_fields: gateway.retrieve(intent))
        cdr = actions.bill(session=money.end(session))
    assert (cdr.state, Invoice.objects.count()) == (State.PRICED, 0)
    assert rows(session) == [("capturing", 25, 0)]
    assert actions.settle(cdr=cdr).state == State.SETTLED
    assert rows(session) == [("captured", 25, D("4.90"))]


def test_a_hold_that_the_bank_let_go_of_is_taken_anew_for_what_is_owed(provider):
    session = held()
    let_go(session)
    cdr = actions.bill(session=money.end(session))
    assert (cdr.state, cdr.review) == (State.SETTLED, "")
    assert rows(session) == [("released", 25, 0), ("captured", D("4.90"), D("4.90"))]
    assert at_provider(provider, session) == [("canceled", 2500, 0), ("succeeded", 490, 490)]


def test_one_that_can_not_be_taken_anew_is_owed(provider):
    session = held()
    let_go(session)
    Card.objects.update(removed_at=timezone.now(), is_default=False)
    cdr = actions.bill(session=money.end(session))
    assert (cdr.state, amount_in(cdr.review, "more than was held")) == (State.UNPAID, D("4.90"))
    assert rows(session) == [("released", 25, 0)]


def test_one_that_is_still_being_taken_anew_is_not_owed(provider, monkeypatch):
    session, real = held(), gateway.capture
    old = let_go(session)

    def slow(intent, **fields):
        return real(intent, **fields) if intent == old.stripe_intent else gateway.retrieve(intent)

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "capture", slow)
        cdr = actions.bill(session=money.end(session))
    assert (cdr.state, cdr.review, Invoice.objects.count()) == (State.PRICED, "", 0)
    assert rows(session) == [("released", 25, 0), ("capturing", D("4.90"), 0)]
    assert actions.settle(cdr=cdr).state == State.SETTLED
    assert at_provider(provider, session) == [("canceled", 2500, 0), ("succeeded", 490, 490)]


# Without one


def test_a_saved_card_pays_exactly_what_is_owed(provider):
    session = unsecured("pm_card_visa")
    assert actions.bill(session=session).state == State.SETTLED
    assert rows(session) == [("captured", D("4.90"), D("4.90"))]
    assert at_provider(provider, session) == [("succeeded", 490, 490)]


@pytest.mark.parametrize("card", [None, "pm_card_chargeCustomerFail"])
def test_what_nothing_pays_is_owed_and_asked_for(provider, card):
    session = unsecured(card)
    cdr = actions.bill(session=session)
    words = "No hold stands for it, and the card could not be charged."
    assert (cdr.state, cdr.review) == (State.UNPAID, words)
    assert not session.payments.filter(state__in=Payment.LIVE).exists()
    assert Invoice.objects.get(cdr=cdr).gross == D("4.90")
    assert Mail.objects.filter(key=f"unpaid session {session.pk}").count() == 1
    again = actions.settle(cdr=cdr)
    assert (again.state, Invoice.objects.count()) == (State.UNPAID, 1)
    assert Mail.objects.filter(key=f"unpaid session {session.pk}").count() == 1


def test_free_charging_asks_nobody():
    session = make.session(evse=money.place(components=[money.FREE]), minutes=30, energy_wh=10_000)
    cdr = actions.bill(session=session)
    assert (cdr.state, cdr.review, cdr.gross) == (State.SETTLED, "", 0)
    assert not Payment.objects.exists() and not Invoice.objects.exists()


def test_a_plan_pays_first_and_the_card_the_rest(clock):  # noqa: F811
    evse = money.place()
    row = subscribed(clock, plan(operator_of(evse), kwh="15"))
    money.card(row.user)
    found = []
    for hour in (1, 2):
        at = row.period.starts_at + timedelta(hours=hour)
        session = make.session(evse=evse, user=row.user, started_at=at, minutes=30, energy_wh=10_000)
        found.append((actions.bill(session=session), rows(session)))
    (first, free), (second, paid) = found
    assert (first.state, first.gross, free) == (State.SETTLED, 0, [])
    assert (second.state, second.gross) == (State.SETTLED, D("2.45"))
    assert paid == [("captured", D("2.45"), D("2.45"))]
    assert row.periods.get().used_wh == 15_000
    assert list(Invoice.objects.exclude(cdr=None).values_list("cdr", flat=True)) == [second.pk]


# The wallet


def test_a_wallet_pays_what_was_held_in_it_and_no_more():
    user, evse = make.user(), money.place()
    fill(user, operator_of(evse), "30")
    actions.start_charging(user=user, evse=evse, card=None, from_wallet=True)
    session = money.begin(evse, user)
    actions.open_cdr(session=session)
    cdr = actions.bill(session=money.end(session, minutes=240, energy_wh=60_000))
    assert (cdr.state, cdr.gross) == (State.UNPAID, D("29.40"))
    assert amount_in(cdr.review, "more than was held") == D("4.40")
    assert rows(session) == [("captured", 25, 25)]
    payment = actions.pay_outstanding(cdr=cdr, card=None, from_wallet=True)
    payment.refresh_from_db()
    assert (payment.method, payment.amount_captured, cdr.state) == ("wallet", D("4.40"), State.SETTLED)
    assert (cdr.review, balance(user, operator_of(evse))) == ("", D("0.60"))


@pytest.mark.parametrize(("filled", "state", "left"), [("5", "settled", "0.10"), ("4.89", "unpaid", "4.89")])
def test_a_wallet_that_carries_it_pays_what_nothing_was_held_for(filled, state, left):
    user, evse = make.user(), money.place()
    fill(user, operator_of(evse), filled)
    cdr = actions.bill(session=unsecured(user=user, evse=evse))
    assert cdr.state == state
    assert balance(user, operator_of(evse)) == D(left)


# On account


def test_a_fleet_s_charge_waits_for_the_month():
    user, evse = make.user(), money.place()
    fleet(user, operator_of(evse))
    session = unsecured(user=user, evse=evse)
    cdr = actions.bill(session=session)
    assert (cdr.state, cdr.gross) == (State.ON_ACCOUNT, D("4.90"))
    assert not Payment.objects.exists() and not Invoice.objects.exists()


def test_a_fleet_s_driver_whose_card_has_a_hold_pays_with_it(provider):
    user, evse = make.user(), money.place()
    session = held(user=user, evse=evse)
    fleet(user, operator_of(evse))
    assert actions.bill(session=money.end(session)).state == State.SETTLED
    assert rows(session) == [("captured", 25, D("4.90"))]


@pytest.mark.parametrize(
    ("card", "state", "documents"),
    [("pm_card_visa", "settled", 0), ("pm_card_chargeCustomerFail", "unpaid", 1)],
)
def test_who_has_one_invoice_a_month_is_asked_at_once_for_what_is_not_paid(provider, card, state, documents):
    user, evse = make.user(), money.place()
    account = fleet(user, operator_of(evse))
    account.on_account = False
    account.save()
    assert actions.bill(session=unsecured(card, user=user, evse=evse)).state == state
    assert Invoice.objects.count() == documents


# Guests


def test_a_guest_for_whom_nothing_stands_pays_nothing():
    session = unsecured(user=User.objects.create_guest())
    cdr = actions.bill(session=session)
    assert (cdr.state, amount_in(cdr.review, "was not secured")) == (State.WAIVED, D("4.90"))
    assert not Invoice.objects.exists() and not Mail.objects.exists()


@pytest.mark.parametrize(("amount", "gross"), [("4.90", "4.90"), ("4.89", "4.89"), ("5", "4.90")])
def test_a_guest_s_bill_is_what_was_held_at_most(provider, amount, gross):
    guest, buyer, evse = User.objects.create_guest(), make.user(), money.place()
    session = unsecured(user=guest, evse=evse)
    quote = bill.prices.quote_of(actions.open_cdr(session=session), now=timezone.now())
    holds.place_hold(user=buyer, quote=quote, card=money.card(buyer), amount=D(amount))
    # Theirs is placed on the provider's page, with a card that is not kept.
    Payment.objects.update(user=guest, session=session, card=None)
    cdr = actions.bill(session=session)
    assert (cdr.state, cdr.gross, cdr.review) == (State.SETTLED, D(gross), "")
    assert cdr.net + cdr.tax == cdr.gross
    assert rows(session) == [("captured", D(amount), D(gross))]


# Doubts


def doubtful(provider) -> Cdr:
    session = held()
    cdr = actions.bill(session=money.end(session, minutes=10, energy_wh=30_000))
    assert (cdr.state, cdr.gross) == (State.REVIEW, D("14.70"))
    assert at_provider(provider, session) == [("requires_capture", 2500, 0)]
    return cdr


def test_what_is_waived_costs_nothing_and_frees_the_hold(provider):
    cdr, boss = doubtful(provider), make.user()
    actions.waive(cdr=cdr, by=boss)
    assert (cdr.state, cdr.reviewed_by, Invoice.objects.count()) == (State.WAIVED, boss, 0)
    assert at_provider(provider, cdr.session) == [("canceled", 2500, 0)]
    actions.waive(cdr=cdr, by=make.user())
    assert actions.approve(cdr=cdr, by=make.user()).state == State.WAIVED
    assert (cdr.reviewed_by, Invoice.objects.count()) == (boss, 0)


def test_what_is_settled_is_not_waived(provider):
    cdr = money.charged()
    actions.waive(cdr=cdr, by=make.user())
    assert (cdr.state, cdr.reviewed_by) == (State.SETTLED, None)


@pytest.mark.parametrize("case", ["nobody", "no price"])
def test_what_has_no_payer_or_no_price_is_not_approved(case):
    evse = money.place() if case == "nobody" else make.evse()
    user = None if case == "nobody" else make.user()
    cdr = actions.bill(session=make.session(evse=evse, user=user, minutes=30, energy_wh=10_000))
    assert (cdr.state, cdr.review) == (State.REVIEW, bill.NOBODY if case == "nobody" else bill.NO_TARIFF)
    with pytest.raises(PaymentRefused, match="only be waived"):
        actions.approve(cdr=cdr, by=make.user())
    cdr.refresh_from_db()
    assert (cdr.state, cdr.reviewed_by) == (State.REVIEW, None)


@pytest.mark.parametrize(("included", "state"), [("YES", "review"), ("N/A", "settled")])
def test_a_price_without_its_tax_takes_nothing(provider, included, state):
    untaxed = {name: value for name, value in money.ENERGY.items() if name != "vat"}
    evse = make.evse(max_power_w=22_000, state="available")
    money.tariff(evse=evse, components=[untaxed], tax_included=included)
    session = unsecured("pm_card_visa", evse=evse)
    cdr = actions.bill(session=session)
    assert (cdr.state, cdr.review) == (state, bill.NO_TAX if state == "review" else "")
    assert rows(session) == ([] if state == "review" else [("captured", D("4.90"), D("4.90"))])


# Late news


def corrected(cdr: Cdr, energy_wh: int) -> Cdr:
    before = cdr.session.energy_wh
    Session.objects.filter(pk=cdr.session_id).update(
        meter_stop_wh=1000 + energy_wh, energy_wh=Decimal(energy_wh), review=""
    )
    return actions.correct(session=Session.objects.get(pk=cdr.session_id), previous_energy_wh=before)


def test_what_nobody_has_decided_on_is_priced_anew(provider):
    cdr = corrected(doubtful(provider), 3_000)
    assert (cdr.state, cdr.gross, cdr.review) == (State.SETTLED, D("1.47"), "")
    assert rows(cdr.session) == [("captured", 25, D("1.47"))]


def test_what_was_waived_stays_so(provider):
    cdr = actions.waive(cdr=doubtful(provider), by=make.user())
    cdr = corrected(cdr, 3_000)
    assert (cdr.state, cdr.gross, Invoice.objects.count()) == (State.WAIVED, D("14.70"), 0)


def test_more_than_was_billed_is_not_taken_and_finance_sees_it(provider):
    cdr = corrected(money.charged(), 11_000)
    assert (cdr.state, cdr.gross) == (State.SETTLED, D("4.90"))
    assert cdr.review.startswith("Late news make it 5.39")
    assert "(11.000 kWh instead of 10.000 kWh)" in cdr.review
    assert rows(cdr.session) == [("captured", 25, D("4.90"))]
    assert not Invoice.objects.filter(kind="381").exists()
    finance = make.user()
    actions.note_correction(cdr=cdr, by=finance)
    actions.note_correction(cdr=cdr, by=make.user())
    assert (cdr.reviewed_by, cdr.reviewed_at is None) == (finance, False)


def test_the_same_again_is_no_correction(provider):
    cdr = corrected(money.charged(), 10_000)
    assert (cdr.review, cdr.session.payments.get().amount_refunded) == ("", 0)
    actions.note_correction(cdr=cdr, by=make.user())
    assert cdr.reviewed_by is None


# Paying what is owed


def debt(provider) -> Cdr:
    """4.40 more than was held."""
    return actions.bill(session=money.end(held(), minutes=240, energy_wh=60_000))


def test_who_pays_twice_pays_once(provider):
    cdr = debt(provider)
    card = Card.objects.get()
    assert actions.pay_outstanding(cdr=cdr, card=card).amount == D("4.40")
    assert (cdr.state, actions.pay_outstanding(cdr=cdr, card=card)) == (State.SETTLED, None)
    assert at_provider(provider, cdr.session)[1:] == [("succeeded", 440, 440)]


def test_a_bank_that_asks_its_driver_keeps_the_debt_open(provider):
    cdr = debt(provider)
    strict = money.card(cdr.session.user, "pm_card_authenticationRequired")
    payment = actions.pay_outstanding(cdr=cdr, card=strict)
    assert (payment.state, cdr.state) == (Payment.State.NEEDS_ACTION, State.UNPAID)
    assert payment.action_url
    # It is on its way: no other card is asked behind the driver's back.
    assert actions.settle(cdr=cdr).state == State.UNPAID
    assert rows(cdr.session) == [("captured", 25, 25), ("needs_action", D("4.40"), 0)]


def test_news_between_two_looks_are_not_paid_for_again(provider, monkeypatch):
    """The webhook of a payment comes while the driver pays."""
    cdr, look = debt(provider), bill.settle_paid

    def then_paid(*, cdr):
        look(cdr=cdr)
        cdr.session.payments.update(amount=D("29.40"), amount_captured=D("29.40"))

    monkeypatch.setattr(bill, "settle_paid", then_paid)
    assert actions.pay_outstanding(cdr=cdr, card=Card.objects.get()) is None
    assert Payment.objects.count() == 1


# What a bill is made of


@pytest.mark.parametrize("is_told", [True, False])
def test_what_the_charger_said_before_the_end_is_read_first(is_told):
    evse, now = money.place(), timezone.now()
    session = money.begin(evse, make.user(), at=now - timedelta(minutes=40))
    session = money.end(session, minutes=30)
    if not is_told:
        Session.objects.filter(pk=session.pk).update(stop_received_at=None)
    for ago in (20, 1):
        at = now - timedelta(minutes=ago)
        value = {"timestamp": at.isoformat(), "sampledValue": [{"value": "20", "measurand": "Temperature"}]}
        payload = {"connectorId": 1, "meterValue": [value]}
        deliver(evse.station, "1.6", "MeterValues", payload, at, ingested=False)
    actions.bill(session=Session.objects.get(pk=session.pk))
    read = [row.done_at is not None for row in Batch.objects.order_by("received_at")]
    # What came after the end has nothing to say of it; where the end is not known, all is read.
    assert read == [True, not is_told]


@pytest.mark.parametrize(
    ("seconds", "is_its"), [(-901, False), (-900, True), (0, True), (3599, True), (3600, False)]
)
def test_a_booking_is_its_drivers_from_the_early_start_to_its_end(seconds, is_its):
    booking = make.booking(starts_at=make.NOON, minutes=60)
    type(booking).objects.update(early_start_minutes=15)
    at = make.NOON + timedelta(seconds=seconds)
    session = make.session(evse=booking.evse, user=booking.user, started_at=at)
    assert bill.booked(session) == (booking if is_its else None)
    other = make.session(evse=booking.evse, user=make.user(), started_at=at)
    assert bill.booked(other) is None


def test_a_booking_s_quote_is_for_one_charge(provider):
    evse, now = money.place(), timezone.now()
    user = make.user()
    slot = make.booking(evse=evse, user=user, starts_at=now + timedelta(minutes=5), now=now, confirmed=False)
    actions.confirm_booking(booking=slot, card=money.card(user))
    at = now + timedelta(minutes=6)
    first = actions.bill(session=money.end(money.begin(evse, user, at=at), minutes=10, energy_wh=2000))
    assert (first.quote, first.state) == (slot.quote, State.SETTLED)
    again = actions.bill(
        session=make.session(
            evse=evse, user=user, started_at=at + timedelta(minutes=12), minutes=10, energy_wh=2000
        )
    )
    assert (again.quote, again.state) == (None, State.SETTLED)
    assert [row.amount_captured for row in Payment.objects.order_by("created_at")] == [D("0.98"), D("0.98")]


@pytest.mark.parametrize("cars", [0, 1, 2])
def test_the_car_is_known_where_the_driver_has_one(cars):
    user = make.user()
    for number in range(cars):
        user.vehicles.create(name=f"Car {number}")
    cdr = actions.open_cdr(session=make.session(user=user))
    assert cdr.vehicle == (user.vehicles.get() if cars == 1 else None)
    assert actions.open_cdr(session=cdr.session) == cdr


# Holds raised and replaced


def test_a_raise_that_is_over_is_not_asked_for_again(provider):
    payment = held().payments.get()
    row = raising.raise_hold(payment=payment, amount=D(50))
    payment.refresh_from_db()
    before = provider.all("payment_intent", id=payment.stripe_intent)
    assert raising.finish(row=HoldIncrement.objects.get()) == row
    assert provider.all("payment_intent", id=payment.stripe_intent) == before
    assert (row.state, payment.amount) == ("done", 50)
    assert raising.may_be_raised(payment) is True
    assert raising.may_be_raised(holds.release(payment=payment)) is False


def instead_of(old: Payment, session: Session) -> Payment:
    """A hold that was placed to take this one's place."""
    return holds.place_hold(
        user=session.user, quote=old.quote, card=old.card, amount=D(25), off_session=True, replaces=old
    )


def test_a_second_hold_for_a_session_is_given_free(provider):
    session = held()
    lost = holds.look(payment=let_go(session))
    holds.place_hold(
        user=session.user, quote=lost.quote, card=lost.card, session=session, amount=D(25), off_session=True
    )
    extra = instead_of(lost, session)
    assert reauthorising.swap(payment=extra) is False
    assert (extra.state, extra.session) == (Payment.State.RELEASED, None)
    assert rows(session) == [("released", 25, 0), ("held", 25, 0)]
    [intent] = provider.all("payment_intent", id=extra.stripe_intent)
    assert intent["status"] == "canceled"


@pytest.mark.parametrize("has_session", [True, False])
def test_a_hold_for_what_is_over_is_given_free(provider, has_session):
    session = held()
    lost = holds.look(payment=let_go(session))
    extra = instead_of(lost, session)
    actions.bill(session=money.end(session, energy_wh=0))
    if not has_session:
        Payment.objects.filter(pk=lost.pk).update(session=None)
    assert reauthorising.swap(payment=extra) is False
    assert (extra.state, extra.session) == (Payment.State.RELEASED, None)


def test_three_states_are_the_end_of_a_payment():
    assert sorted(payments.FINAL) == ["captured", "failed", "released"]
