"""Our ledger against the stand-in's books: driven through everything, no cent is left unexplained."""

import io
from datetime import UTC, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from billing import actions, gateway, reconciling, tasks
from billing.actions import missed, movements, reconciliation
from billing.actions.reconciliation import ReconciliationRefused, accept, mend, reconcile_day
from billing.exceptions import ProviderDown
from billing.ledger import Code
from billing.models import (
    BalanceTransaction,
    Difference,
    Dispute,
    Entry,
    Invoice,
    Journal,
    Payment,
    Payout,
    Reconciliation,
    Refund,
)
from evportal.outbox.models import Mail
from tests import make
from tests.billing import money
from tests.billing.test_ledger import commit, sums
from tests.billing.test_wallet import pay
from tests.billing.test_webhook import deliver

pytestmark = pytest.mark.django_db
Kind = Difference.Kind


@pytest.fixture
def provider(own_provider):
    return own_provider


def today():
    return timezone.now().astimezone(UTC).date()


def charged(evse=None, **fields) -> Payment:
    return Payment.objects.get(session=money.charged(evse=evse, **fields).session)


def charge_of(provider, payment) -> str:
    [charge] = provider.all("charge", payment_intent=payment.stripe_intent)
    return charge["id"]


def the(kind: str) -> Difference:
    return Difference.objects.open().get(kind=kind)


def agree() -> None:
    """Both books hold the same balance, to the cent, and the day's rows say so."""
    days = Reconciliation.objects.all()
    assert days
    assert not days.exclude(differences=0).exists()
    assert all(day.theirs == day.ours for day in days)


# Everything at once


def test_a_whole_day_leaves_no_cent_unexplained(client, provider):
    """Captures, refunds of all kinds, disputes won and lost, a wallet, a payout; every third webhook lost."""
    site, user = make.site(), make.user()
    operator = site.operator
    places = [money.place(station=make.station(site=site)) for _n in range(6)]
    payments = [charged(evse, user=user, energy_wh=10_000 - 100 * n) for n, evse in enumerate(places)]
    top_up, _url = actions.top_up(user=user, operator=operator, amount=Decimal(30))
    pay(provider, top_up)
    actions.refund(payment=payments[0], amount=payments[0].refundable, reason="Whole", by=None)
    actions.refund(payment=payments[1], amount=Decimal("0.77"), reason="Part", by=None)
    gateway.client().refunds.create({"payment_intent": payments[2].stripe_intent, "amount": 50})
    won, lost = (provider.dispute(charge_of(provider, payments[n])) for n in (3, 4))
    provider.settle_dispute(won["id"], "won")
    assert provider.pay_out() is not None
    provider.settle_dispute(lost["id"], "lost")
    for number, (body, signature) in enumerate(provider.webhooks.take()):
        if number % 3:
            client.post(
                "/billing/stripe/webhook/", body, content_type="application/json",
                headers={"Stripe-Signature": signature},
            )  # fmt: skip
    actions.look_at_top_up(row=top_up)
    for difference in reconcile_day(day=today()):
        mend(difference=difference)
    assert reconcile_day(day=today()) == []
    agree()
    found = sums(operator)
    balance = sum(row["net"] for row in provider.all("balance_transaction"))
    assert found.get(Code.PROVIDER, 0) == Decimal(balance) / 100
    assert Code.DISPUTED not in found
    assert Code.TRANSIT not in found
    assert found[Code.LOSSES] == payments[4].amount_captured
    [payout] = provider.all("payout")
    assert found[Code.BANK] == Decimal(payout["amount"]) / 100
    fees = sum(row["fee"] for row in provider.all("balance_transaction"))
    assert found[Code.FEES] == Decimal(fees) / 100
    assert Invoice.objects.filter(kind="381").count() == 3
    commit()


def test_the_demos_own_way_needs_no_mend(client, provider):
    """With its webhooks there is nothing to find: fees and payouts were learned as they came."""
    payment = charged()
    deliver(client, provider)
    assert sums(payment.operator)[Code.FEES] == Decimal("0.32")
    provider.pay_out()
    deliver(client, provider)
    assert reconcile_day(day=today()) == []
    agree()
    assert not Mail.objects.filter(key__startswith="reconciliation").exists()


# Each difference and its mend


def test_a_capture_that_we_never_heard_of_is_taken_over(provider):
    finance = make.member(operator=make.operator(), role="accountant")
    cdr = money.charged()
    payment = Payment.objects.get()
    operator = payment.operator
    finance.memberships.update(operator=operator)
    Payment.objects.update(state="held", amount_captured=0)
    _forget(Journal.objects.filter(kind="capture"))
    [found] = reconcile_day(day=today())
    assert (found.kind, found.what, found.operator) == (Kind.MISSING_HERE, "charge", operator)
    assert found.amount == cdr.gross
    assert (found.ours, found.mend) == ("nothing", "learn_payment")
    assert payment.stripe_intent in Mail.objects.get(to=finance.email).text
    assert mend(difference=found) == []
    payment.refresh_from_db()
    assert (payment.state, payment.amount_captured) == ("captured", cdr.gross)
    agree()


def _forget(rows) -> None:
    import pgtrigger

    commit()
    with pgtrigger.ignore("billing.Entry:entries_stay", "billing.Journal:journal_stays"):
        Entry.objects.filter(journal__in=rows).delete()
        rows.delete()


def test_a_refund_of_the_dashboard_gets_its_credit_note(provider):
    payment = charged()
    gateway.client().refunds.create({"payment_intent": payment.stripe_intent, "amount": 123})
    [found] = reconcile_day(day=today())
    assert (found.kind, found.amount, found.mend) == (Kind.MISSING_HERE, Decimal("-1.23"), "learn_refund")
    assert mend(difference=found) == []
    row = Refund.objects.get()
    assert (row.state, row.amount) == ("done", Decimal("1.23"))
    assert row.credit_note.gross == Decimal("-1.23")
    payment.refresh_from_db()
    assert payment.amount_refunded == Decimal("1.23")
    agree()


def test_what_the_provider_never_took_is_named(provider):
    payment = charged()
    Payment.objects.update(stripe_intent="pi_never")
    reconcile_day(day=today())
    assert the(Kind.MISSING_THERE).amount == -payment.amount_captured
    assert the(Kind.UNKNOWN).amount == payment.amount_captured
    with pytest.raises(ReconciliationRefused):
        mend(difference=the(Kind.MISSING_THERE))


def test_another_amount_is_named_and_stays_until_somebody_explains_it(provider):
    manager = make.user()
    payment = charged()
    _forget(Journal.objects.filter(kind="capture"))
    Payment.objects.update(amount_captured=payment.amount_captured - 1)
    missed.book_missed(since=payment.created_at)
    [found] = reconcile_day(day=today())
    assert (found.kind, found.amount, found.mend) == (Kind.AMOUNT, 1, "")
    with pytest.raises(ReconciliationRefused):
        accept(difference=found, reason="  ", by=manager)
    accept(difference=found, reason="Agreed with the bank", by=manager)
    accept(difference=found, reason="Again", by=manager)
    day = Reconciliation.objects.get()
    assert (day.differing, day.accepted, day.differences) == (0, 1, 0)
    assert reconcile_day(day=today()) == []
    found.refresh_from_db()
    assert (found.reason, found.accepted_by) == ("Agreed with the bank", manager)


def test_a_fee_that_is_not_booked_is_named_and_booked(provider):
    payment = charged()
    reconcile_day(day=today())
    fee = -sums(payment.operator)[Code.PROVIDER] + payment.amount_captured
    _forget(Journal.objects.filter(kind="fee"))
    # As it would be if the booking of fees had been broken for a day.
    theirs, ours = reconciliation.gather(*reconciliation.bounds(today()))
    [found] = reconciling.compare(theirs, ours)
    assert (found.kind, found.amount, found.mend) == (Kind.FEE, -fee, "book")
    assert reconcile_day(day=today()) == []
    agree()


def test_a_fee_that_was_learnt_a_day_late_is_no_difference(provider):
    """It is booked today and belongs to yesterday's charge: both are looked at together."""
    charged()
    reconcile_day(day=today())
    tomorrow = timezone.now() + timedelta(days=1)
    _forget(Journal.objects.filter(kind="fee"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda: tomorrow)
        assert reconcile_day(day=today()) == []
        assert Journal.objects.filter(kind="fee").get().booked_at == tomorrow
        assert reconcile_day(day=today()) == []
    agree()


def test_a_hold_that_ended_elsewhere_is_a_state_that_differs(provider):
    evse, user = money.place(), make.user()
    start = actions.start_charging(user=user, evse=evse, card=money.card(user))
    payment = start.payment
    gateway.client().payment_intents.cancel(payment.stripe_intent)
    long_ago = timezone.now() - timedelta(hours=2)
    Payment.objects.update(updated_at=long_ago)
    [found] = reconcile_day(day=today())
    assert (found.kind, found.amount, found.ours, found.theirs) == (Kind.STATE, 0, "held", "canceled")
    assert mend(difference=found) == []
    payment.refresh_from_db()
    assert payment.state == "released"


def test_a_charge_that_nobody_knows_is_of_nobody(provider):
    make.operator()
    charged()
    customer = gateway.client().customers.create({"email": "x@example.com"})
    gateway.client().payment_intents.create(
        {
            "amount": 999, "currency": "eur", "customer": customer.id, "payment_method": "pm_card_visa",
            "confirm": True, "off_session": True, "allowed_payment_method_types": ["card"],
        }
    )  # fmt: skip
    reconcile_day(day=today())
    found = Difference.objects.open()
    assert {each.kind for each in found} == {Kind.UNKNOWN, Kind.FEE}
    assert {each.operator for each in found} == {None}
    assert Reconciliation.objects.get(operator=None).differing == Decimal("9.99") - Decimal("0.40")


# Runs


def test_a_second_run_finds_the_same_and_tells_it_once(provider):
    charged()
    finance = make.member(operator=Payment.objects.get().operator, role="manager")
    gateway.client().refunds.create({"payment_intent": Payment.objects.get().stripe_intent, "amount": 5})
    first = reconcile_day(day=today())
    assert [each.pk for each in reconcile_day(day=today())] == [each.pk for each in first]
    assert Mail.objects.filter(to=finance.email, key__startswith="reconciliation").count() == 1
    assert Reconciliation.objects.count() == 1


def test_while_the_provider_is_silent_nothing_is_kept(provider):
    charged()
    for _attempt in range(3):
        provider.fail_next("/v1/balance_transactions")
    with pytest.raises(ProviderDown):
        reconcile_day(day=today())
    assert not Reconciliation.objects.exists()


def test_days_that_are_over_are_due_until_they_are_compared(provider):
    now = timezone.now()
    assert reconciliation.days_due(now=now) == []
    charged()
    Payment.objects.update(created_at=now - timedelta(days=10))
    tomorrow = now + timedelta(days=1, hours=2)
    assert today() in reconciliation.days_due(now=tomorrow)
    assert len(reconciliation.days_due(now=now.replace(hour=12))) == 7
    tasks.reconcile()
    noon = timezone.now().replace(hour=12)
    assert reconciliation.days_due(now=min(noon, timezone.now())) == []
    assert Reconciliation.objects.count() >= 6


def test_the_command_prints_what_differs_and_fails(provider):
    payment = charged()
    out = io.StringIO()
    call_command("reconcile", "--day", today().isoformat(), stdout=out)
    assert "open differences 0" in out.getvalue()
    gateway.client().refunds.create({"payment_intent": payment.stripe_intent, "amount": 123})
    with pytest.raises(CommandError, match="1 differences"):
        call_command("reconcile", "--day", today().isoformat(), stdout=out)
    assert "Missing in our ledger: refund re_" in out.getvalue()


# Payouts


def test_a_payout_on_its_way_is_not_at_the_bank(provider):
    payment = charged()
    provider.pay_out(at_once=False) or provider.advance(days=3)
    payout = provider.pay_out(at_once=False) or provider.all("payout")[0]
    tasks.learn_provider()
    found = sums(payment.operator)
    assert found.get(Code.TRANSIT) == Decimal(payout["amount"]) / 100
    assert Code.BANK not in found
    provider.advance(days=3)
    tasks.learn_provider()
    found = sums(payment.operator)
    assert found[Code.BANK] == Decimal(payout["amount"]) / 100
    assert Code.TRANSIT not in found
    assert Payout.objects.get().status == "paid"
    commit()


def test_two_operators_share_an_account_and_each_sees_its_part(provider):
    one, two = charged(), charged()
    assert one.operator != two.operator
    provider.pay_out()
    tasks.learn_provider()
    payout = Payout.objects.get()
    parts = movements.shares(payout)
    assert set(parts) == {one.operator_id, two.operator_id}
    assert sum(parts.values()) == payout.amount
    for payment in (one, two):
        found = sums(payment.operator)
        assert Code.PROVIDER not in found
        assert found[Code.BANK] == parts[payment.operator_id]
    assert reconcile_day(day=today()) == []
    agree()


def test_a_payout_that_the_bank_returns_is_on_the_balance_again(provider):
    payment = charged()
    provider.pay_out()
    tasks.learn_provider()
    assert Code.BANK in sums(payment.operator)
    provider.fail_payout(provider.all("payout")[0]["id"])
    tasks.learn_provider()
    assert reconcile_day(day=today()) == []
    found = sums(payment.operator)
    assert Code.BANK not in found
    assert Code.TRANSIT not in found
    agree()


def test_movements_are_kept_once(provider):
    charged()
    tasks.learn_provider()
    before = BalanceTransaction.objects.count(), Journal.objects.count()
    tasks.learn_provider()
    assert (BalanceTransaction.objects.count(), Journal.objects.count()) == before
    assert Dispute.objects.count() == 0
