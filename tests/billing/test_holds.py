"""Holds: placed once, captured once, released; and finished after a crash at any step."""

import contextlib
import threading
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from billing import actions, gateway, prices, sweeping
from billing.exceptions import CardDeclined, NoCard, PaymentRefused, ProviderDown
from billing.models import Payment, Refund, Series
from tests import make
from tests.billing import money

pytestmark = pytest.mark.django_db
State = Payment.State


def quote(user, evse=None):
    return prices.quote(evse=evse or money.place(), starts_at=make.NOON, user=user, now=timezone.now())


def held(name: str = "pm_card_visa", **how) -> Payment:
    user = make.user()
    return actions.place_hold(user=user, quote=quote(user), card=money.card(user, name), **how)


def age(*rows) -> None:
    """Long enough ago for the sweeper."""
    for row in rows:
        type(row).objects.filter(pk=row.pk).update(updated_at=timezone.now() - timezone.timedelta(minutes=2))


def test_it_holds(provider):
    payment = held()
    assert payment.state == State.HELD
    assert payment.capture_before is not None
    [intent] = provider.all("payment_intent", id=payment.stripe_intent)
    assert (intent["status"], intent["amount"]) == ("requires_capture", 2500)


def test_a_declined_card_says_so_in_words(provider):
    with pytest.raises(CardDeclined) as refusal:
        held("pm_card_chargeCustomerFail")
    assert "declined" in str(refusal.value)
    payment = Payment.objects.get()
    assert payment.state == State.FAILED
    assert payment.error_code == "generic_decline"


def test_a_strangers_card_is_no_card(provider):
    user = make.user()
    with pytest.raises(NoCard):
        actions.place_hold(user=user, quote=quote(user), card=money.card(make.user()))
    assert not Payment.objects.exists()


def test_the_bank_may_want_the_driver(provider):
    payment = held("pm_card_authenticationRequired")
    assert payment.state == State.NEEDS_ACTION
    assert payment.action_url.startswith(provider.url)
    with pytest.raises(CardDeclined):
        held("pm_card_authenticationRequired", off_session=True)


def test_it_captures_part_and_frees_the_rest(provider):
    payment = actions.capture(payment=held(), amount=Decimal("11.80"))
    assert payment.state == State.CAPTURED
    assert payment.amount_captured == Decimal("11.80")
    actions.capture(payment=payment, amount=Decimal("20"))
    assert payment.amount_captured == Decimal("11.80")


@pytest.mark.parametrize("amount", ["0", "-1", "25.01"])
def test_it_never_captures_more_than_is_held(provider, amount):
    with pytest.raises(PaymentRefused):
        actions.capture(payment=held(), amount=Decimal(amount))


def test_it_releases_once(provider):
    payment = held()
    actions.release(payment=payment)
    actions.release(payment=payment)
    assert payment.state == State.RELEASED


# Crashes: between any two steps


def test_a_crash_before_the_provider_heard_anything(provider, monkeypatch):
    monkeypatch.setattr(gateway, "open_hold", crash)
    with pytest.raises(ZeroDivisionError):
        held()
    payment = Payment.objects.get()
    age(payment)
    sweeping.sweep(timezone.now())
    payment.refresh_from_db()
    assert payment.state == State.FAILED


def test_a_crash_before_the_bank_was_asked(provider, monkeypatch):
    monkeypatch.setattr(gateway, "confirm_hold", crash)
    with pytest.raises(ZeroDivisionError):
        held()
    payment = Payment.objects.get()
    age(payment)
    sweeping.sweep(timezone.now())
    payment.refresh_from_db()
    assert payment.state == State.RELEASED
    assert provider.all("payment_intent", id=payment.stripe_intent)[0]["status"] == "canceled"


def test_a_lost_answer_to_the_hold(provider):
    user = make.user()
    wanted, card = quote(user), money.card(user)
    # Stripe's client repeats a failed request by itself, so all of its attempts have to be lost.
    for _attempt in range(gateway.RETRIES + 1):
        provider.fail_next("/confirm", after=True)
    with pytest.raises(ProviderDown):
        actions.place_hold(user=user, quote=wanted, card=card)
    provider.app.api.faults.clear()
    payment = Payment.objects.get()
    assert payment.state == State.NEW
    actions.reconcile(payment=payment)
    assert payment.state == State.HELD
    assert len(provider.all("charge", payment_intent=payment.stripe_intent)) == 1


def test_a_crash_before_and_after_the_capture(provider, monkeypatch):
    for lost in (False, True):
        payment = held()
        real = gateway.capture

        def capture(*args, real=real, lost=lost, **fields):
            if lost:
                real(*args, **fields)
            crash()

        with monkeypatch.context() as patch:
            patch.setattr(gateway, "capture", capture)
            with pytest.raises(ZeroDivisionError):
                actions.capture(payment=payment, amount=Decimal("9.99"))
        age(payment)
        sweeping.sweep(timezone.now())
        payment.refresh_from_db()
        assert payment.state == State.CAPTURED
        assert payment.amount_captured == Decimal("9.99")
        [charge] = provider.all("charge", payment_intent=payment.stripe_intent)
        assert charge["amount_captured"] == 999


def test_a_crash_while_releasing(provider, monkeypatch):
    payment = held()
    with monkeypatch.context() as patch:
        patch.setattr(gateway, "release", crash)
        with pytest.raises(ZeroDivisionError):
            actions.release(payment=payment)
    age(payment)
    sweeping.sweep(timezone.now())
    payment.refresh_from_db()
    assert payment.state == State.RELEASED


def test_a_hold_that_nothing_uses_is_released(provider):
    payment = held()
    Payment.objects.filter(pk=payment.pk).update(updated_at=timezone.now() - timezone.timedelta(minutes=5))
    sweeping.sweep(timezone.now())
    payment.refresh_from_db()
    assert payment.state == State.RELEASED


def test_a_crash_while_refunding(provider, monkeypatch):
    cdr = money.charged()
    payment = cdr.session.payments.get()
    real = gateway.refund

    def refund(*args, **fields):
        real(*args, **fields)
        crash()

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "refund", refund)
        with pytest.raises(ZeroDivisionError):
            actions.refund(payment=payment, amount=Decimal("1.00"), reason="Slow", by=None)
    age(Refund.objects.get())
    sweeping.sweep(timezone.now())
    row = Refund.objects.get()
    assert row.state == Refund.State.DONE
    assert row.credit_note.gross == Decimal("-1.00")
    assert len(provider.all("refund", payment_intent=payment.stripe_intent)) == 1


def crash(*args, **fields):
    raise ZeroDivisionError


# At the same time


def together(count: int, step) -> list:
    """The step in so many threads at once; what they returned or raised."""
    barrier, results = threading.Barrier(count), []

    def run():
        try:
            barrier.wait()
            results.append(step())
        except Exception as problem:
            results.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _each in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_twenty_captures_are_one(provider):
    payment = held()
    together(20, lambda: actions.capture(payment=Payment.objects.get(pk=payment.pk), amount=Decimal("10")))
    payment.refresh_from_db()
    assert (payment.state, payment.amount_captured) == (State.CAPTURED, Decimal("10"))
    assert len(provider.all("charge", payment_intent=payment.stripe_intent)) == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_refunds_of_everything_are_one(provider):
    payment = money.charged().session.payments.get()
    whole = payment.amount_captured
    results = together(
        20,
        lambda: actions.refund(
            payment=Payment.objects.get(pk=payment.pk), amount=whole, reason="Test", by=None
        ),
    )
    assert sum(isinstance(result, Refund) for result in results) == 1
    payment.refresh_from_db()
    assert payment.amount_refunded == whole
    assert len(provider.all("refund", payment_intent=payment.stripe_intent)) == 1


@pytest.mark.django_db(transaction=True)
def test_numbers_taken_fifty_at_a_time_have_no_gap():
    operator = make.operator()
    from django.db import transaction

    from billing.actions.books import next_numbers

    def take():
        taken = []
        for _round in range(20):
            # Each tenth one is thought better of: its number must be given to somebody else.
            with contextlib.suppress(ZeroDivisionError), transaction.atomic():
                _day, (_series, number) = next_numbers(operator=operator, kind="380", today=make.NOON.date())
                if number % 10 == 0 and _round % 2:
                    raise ZeroDivisionError
                taken.append(number)
        return taken

    numbers = sorted(number for taken in together(50, take) for number in taken)
    assert numbers == list(range(1, len(numbers) + 1))
    # At most every second round gives its number back.
    assert len(numbers) >= 500
    assert Series.objects.get(operator=operator).last_number == len(numbers)
