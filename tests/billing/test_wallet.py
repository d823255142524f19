"""The wallet: filled by the provider's page, reserved and spent in the ledger, never below zero."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from billing import actions, gateway, prices, sweeping
from billing.actions import posting
from billing.exceptions import NoCard, WalletTooLow
from billing.ledger import Code
from billing.models import Cdr, Entry, Invoice, Journal, LedgerAccount, Payment, TopUp
from bookings import actions as bookings
from evportal.accounts.models import Operator
from tests import make
from tests.api import as_person, caller
from tests.billing import money
from tests.billing.test_ledger import commit, sums
from tests.billing.test_webhook import deliver

pytestmark = pytest.mark.django_db
State = Payment.State
CARD = {
    "type": "card",
    "card": {"number": "4242424242424242", "exp_month": "12", "exp_year": "40", "cvc": "123"},
}


def fill(user, operator, amount="30.00") -> TopUp:
    """As paid on the provider's page."""
    row = TopUp.objects.create(operator=operator, user=user, amount=Decimal(amount), currency="EUR")
    page = gateway.PayPage("cs", "", "complete", True, row.amount, "EUR", "pi_1")
    return actions.take_top_up(row=row, page=page)


def balance(user, operator) -> Decimal:
    return posting.wallet_balance(user=user, operator=operator, currency="EUR")


def operator_of(evse) -> Operator:
    return evse.station.site.operator


def pay(provider, row: TopUp) -> None:
    """The driver fills in the provider's page."""
    from billing.simulator import checkout

    world = provider.app.api.world
    checkout.submit(world, world.touch(world.get("checkout.session", row.stripe_checkout)), CARD)


def test_it_is_filled_on_the_providers_page(client, provider):
    user, operator = make.user(), make.operator()
    client.force_login(user)
    response = client.post("/me/wallet/", {"operator": operator.pk, "amount": "25"})
    row = TopUp.objects.get()
    assert response.status_code == 302
    assert row.stripe_checkout in response["Location"]
    assert "not here yet" in client.get(f"/me/wallet/{row.pk}/", follow=True).content.decode()
    pay(provider, row)
    page = client.get(f"/me/wallet/{row.pk}/", follow=True).content.decode()
    assert "€25.00 is in your wallet." in page
    deliver(client, provider)
    client.get(f"/me/wallet/{row.pk}/")
    row.refresh_from_db()
    assert row.stripe_intent.startswith("pi_")
    assert balance(user, operator) == 25
    assert Journal.objects.get(kind="top_up").reference == row.stripe_intent
    # What the provider takes for it.
    assert Journal.objects.exclude(kind="top_up").get().kind == "fee"
    commit()


def test_a_webhook_alone_fills_it(client, provider):
    user, operator = make.user(), make.operator()
    row, _url = actions.top_up(user=user, operator=operator, amount=Decimal(10))
    pay(provider, row)
    deliver(client, provider)
    assert balance(user, operator) == 10


def test_the_sweep_finds_what_was_paid_and_ends_what_was_not(provider):
    user, operator = make.user(), make.operator()
    paid, _url = actions.top_up(user=user, operator=operator, amount=Decimal(10))
    left, _url = actions.top_up(user=user, operator=operator, amount=Decimal(20))
    lost = TopUp.objects.create(operator=operator, user=user, amount=5, currency="EUR")
    pay(provider, paid)
    gateway.client().checkout.sessions.expire(left.stripe_checkout)
    TopUp.objects.update(updated_at=timezone.now() - timezone.timedelta(hours=1))
    sweeping.sweep(timezone.now())
    states = [TopUp.objects.get(pk=row.pk).state for row in (paid, left, lost)]
    assert states == ["paid", "expired", "expired"]
    assert balance(user, operator) == 10


@pytest.mark.parametrize("amount", ["0", "-5", "4.99", "500.01", "10.001", "abc", "1e9", ""])
def test_an_amount_that_makes_no_sense_changes_nothing(client, provider, amount):
    operator = make.operator()
    client.force_login(make.user())
    response = client.post("/me/wallet/", {"operator": operator.pk, "amount": amount})
    assert response.status_code == 422
    assert not TopUp.objects.exists()


def test_a_page_that_took_another_amount_is_left_to_a_person(provider):
    row = TopUp.objects.create(operator=make.operator(), user=make.user(), amount=10, currency="EUR")
    page = gateway.PayPage("cs", "", "complete", True, Decimal(9), "EUR", "pi")
    assert actions.take_top_up(row=row, page=page).state == TopUp.State.NEW
    assert not Journal.objects.exists()


def charge(evse, user, *, energy_wh=10_000, **how) -> Cdr:
    actions.start_charging(user=user, evse=evse, card=None, **how)
    session = money.begin(evse, user)
    actions.open_cdr(session=session)
    return actions.bill(session=money.end(session, energy_wh=energy_wh))


def test_it_pays_for_a_charge_and_gives_back_the_rest():
    evse, user = money.place(), make.user()
    operator = operator_of(evse)
    fill(user, operator)
    actions.start_charging(user=user, evse=evse, card=None, from_wallet=True)
    payment = Payment.objects.get()
    assert (payment.state, payment.method, payment.amount) == (State.HELD, "wallet", 25)
    assert balance(user, operator) == 5
    session = money.begin(evse, user)
    actions.open_cdr(session=session)
    cdr = actions.bill(session=money.end(session))
    payment.refresh_from_db()
    assert (cdr.state, payment.state, payment.amount_captured) == ("settled", State.CAPTURED, cdr.gross)
    assert balance(user, operator) == 30 - cdr.gross
    assert Invoice.objects.get().details["paid"]["brand"] == "wallet"
    assert sums(operator) == {
        Code.PROVIDER: 30,
        Code.WALLET: cdr.gross - 30,
        Code.REVENUE: -cdr.net,
        Code.VAT: -cdr.tax,
    }
    commit()


def test_a_refund_goes_back_into_it():
    evse, user = money.place(), make.user()
    fill(user, operator_of(evse))
    cdr = charge(evse, user, from_wallet=True)
    payment = Payment.objects.get()
    row = actions.refund(payment=payment, amount=cdr.gross, reason="Broken", by=None)
    assert row.state == "done"
    assert row.credit_note.gross == -cdr.gross
    assert balance(user, operator_of(evse)) == 30
    commit()


def test_a_start_that_fails_frees_what_was_reserved():
    evse, user = money.place(), make.user()
    fill(user, operator_of(evse))
    start = actions.start_charging(user=user, evse=evse, card=None, from_wallet=True)
    for _twice in range(2):
        actions.fail_start(start=start, problem="No.")
    assert balance(user, operator_of(evse)) == 30
    assert LedgerAccount.objects.get(code=Code.WALLET_RESERVED).balance == 0
    commit()


def test_too_little_is_refused_and_changes_nothing():
    evse, user = money.place(), make.user()
    fill(user, operator_of(evse), "24.99")
    with pytest.raises(WalletTooLow):
        actions.start_charging(user=user, evse=evse, card=None, from_wallet=True)
    assert not Payment.objects.exists()
    assert balance(user, operator_of(evse)) == Decimal("24.99")


def test_one_operators_money_is_not_spent_at_another():
    evse, user = money.place(), make.user()
    fill(user, make.operator())
    with pytest.raises(WalletTooLow):
        actions.start_charging(user=user, evse=evse, card=None, from_wallet=True)


def test_an_rfid_card_spends_it_before_a_card_is_asked(provider):
    evse, user = money.place(), make.user()
    money.card(user)
    fill(user, operator_of(evse))
    session = money.begin(evse, user)
    actions.secure(session=session, cdr=actions.open_cdr(session=session))
    assert Payment.objects.get().method == "wallet"


def test_an_rfid_card_takes_the_card_where_it_is_too_low(provider):
    evse, user = money.place(), make.user()
    money.card(user)
    fill(user, operator_of(evse), "5")
    session = money.begin(evse, user)
    actions.secure(session=session, cdr=actions.open_cdr(session=session))
    assert Payment.objects.get().method == "card"


def test_the_charger_page_offers_it_and_starts_with_it(client):
    evse, user = money.place(), make.user()
    fill(user, operator_of(evse))
    client.force_login(user)
    url = reverse("billing:charger", args=[evse.public_id])
    assert "€30.00 left" in client.get(url).content.decode()
    client.post(url + "start/", {"card": "wallet"})
    assert Payment.objects.get().method == "wallet"
    page = client.get("/me/wallet/").content.decode()
    assert "€5.00" in page
    assert "€25.00" in page
    assert "What is reserved" in page


def test_a_bookings_page_says_where_the_money_is_held(client):
    evse, user, now = money.place(), make.user(), timezone.now()
    fill(user, operator_of(evse), "90.00")
    booking = bookings.hold(
        evse=evse, user=user, starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2), now=now
    )
    actions.confirm_booking(booking=booking, card=None, from_wallet=True)
    client.force_login(user)
    page = client.get(reverse("bookings:booking", args=[booking.pk])).content.decode()
    assert "is held on your wallet." in page


def test_a_form_that_names_no_card_is_refused_in_words(client):
    evse, user = money.place(), make.user()
    client.force_login(user)
    url = reverse("billing:charger", args=[evse.public_id])
    for given in ("abc", "²", "9" * 40, ""):
        page = client.post(url + "start/", {"card": given}, follow=True)
        assert str(NoCard.default) in page.content.decode()


def test_the_api_knows_it(provider):
    user, operator = make.user(), make.operator()
    fill(user, operator)
    fill(make.user(), operator)
    api = as_person(user)
    [wallet] = api.get("wallets/").json()["results"]
    assert (wallet["operator"], wallet["balance"], wallet["user"]) == (operator.slug, "30.000", user.email)
    answer = api.post("wallets/top-up/", {"operator": operator.slug, "amount": "20"})
    assert answer.status_code == 201
    assert answer.json()["url"].startswith(provider.url)
    assert api.post("wallets/top-up/", {"operator": operator.slug, "amount": "1"}).status_code == 409
    key = caller(operator=operator)
    assert len(key.get("wallets/").json()["results"]) == 2
    assert key.post("wallets/top-up/", {"operator": operator.slug, "amount": "20"}).status_code == 403


def together(number: int, work) -> list:
    """What each of so many threads got, or why not."""
    results, barrier = [], threading.Barrier(number)

    def run():
        barrier.wait()
        try:
            results.append(work())
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_fifty_holds_at_once_never_overdraw_it():
    user = make.user()
    evse = money.place()
    fill(user, operator_of(evse), "100")
    quote = prices.quote(evse=evse, starts_at=make.NOON, user=user, now=timezone.now())

    def hold():
        return actions.place_hold(user=user, quote=quote, card=None, from_wallet=True, amount=Decimal(15))

    results = together(50, hold)
    assert sum(isinstance(result, Payment) for result in results) == 6
    assert sum(isinstance(result, WalletTooLow) for result in results) == 44, results
    assert balance(user, operator_of(evse)) == 10
    # Some are spent and some are freed, all of them by several at once.
    payments = list(Payment.objects.all())

    def end(payment):
        if payments.index(payment) % 2:
            actions.release(payment=Payment.objects.get(pk=payment.pk))
        else:
            actions.capture(payment=Payment.objects.get(pk=payment.pk), amount=Decimal(4))

    work = iter(payments * 8)
    lock = threading.Lock()

    def one():
        with lock:
            payment = next(work)
        end(payment)

    assert together(48, one) == [None] * 48
    assert balance(user, operator_of(evse)) == 100 - 3 * 4
    for account in LedgerAccount.objects.filter(is_personal=True):
        booked = sum(entry.credit - entry.debit for entry in Entry.objects.filter(account=account))
        assert account.balance == booked
    assert Journal.objects.filter(kind="wallet_spend").count() == 3


@pytest.mark.django_db(transaction=True)
def test_fifty_that_bring_the_same_top_up_fill_it_once():
    user, operator = make.user(), make.operator()
    row = TopUp.objects.create(operator=operator, user=user, amount=10, currency="EUR")
    page = gateway.PayPage("cs", "", "complete", True, Decimal(10), "EUR", "pi")
    results = together(50, lambda: actions.take_top_up(row=TopUp.objects.get(pk=row.pk), page=page).state)
    assert results == ["paid"] * 50
    assert balance(user, operator) == 10
