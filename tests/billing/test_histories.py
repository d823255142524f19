"""Webhook histories: shuffled, repeated, lost and late, they all end at what the stand-in knows.

`EVPORTAL_EXAMPLES=10000 pytest tests/billing/test_histories.py` looks longer.
"""

import os
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import actions, gateway, prices, tasks
from billing.actions import reconciliation
from billing.exceptions import PaymentRefused
from billing.models import (
    BalanceTransaction,
    Dispute,
    Invoice,
    Journal,
    Payment,
    Payout,
    Refund,
    WebhookEvent,
)
from billing.simulator.server import Simulator
from tests import make
from tests.billing import money
from tests.billing.test_ledger import sums
from tests.billing.test_webhook import post
from tests.matrix import undone

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("EVPORTAL_EXAMPLES", "12"))

#: What may happen to a payment, at the provider or by our own hand.
STEPS = st.lists(
    st.sampled_from(
        ["capture", "cancel", "capture there", "refund", "refund there", "dispute", "win", "lose", "pay out"]
    ),
    min_size=1,
    max_size=6,
)


@pytest.fixture
def provider(own_provider):
    return own_provider


@given(steps=STEPS, data=st.data())
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_every_history_ends_at_the_providers_truth(provider, steps, data):
    with provider.world.lock:
        provider.world.objects.clear()
    with undone():
        _live_through(provider, steps, data)


def _live_through(provider: Simulator, steps, data) -> None:
    user, evse = make.user(), money.place()
    quote = prices.quote(evse=evse, starts_at=make.NOON, user=user, now=timezone.now())
    payment = actions.place_hold(user=user, quote=quote, card=money.card(user))
    for step in steps:
        _do(provider, payment, step)
        payment.refresh_from_db()
    _deliver(provider.webhooks.take(), data)
    # What was lost is found by the rounds of every day.
    payment.refresh_from_db()
    actions.reconcile(payment=payment)
    tasks.learn_provider()
    for difference in reconciliation.reconcile_day(day=timezone.now().date()):
        reconciliation.mend(difference=difference)
    _compare(provider, payment)


def _do(provider: Simulator, payment: Payment, step: str) -> None:
    api, intent = gateway.client(), payment.stripe_intent
    [charge] = provider.all("charge", payment_intent=intent)
    [*open_disputes] = provider.all("dispute", payment_intent=intent, status="needs_response")
    try:
        match step:
            case "capture":
                actions.capture(payment=payment, amount=Decimal("9.00"))
            case "cancel":
                api.payment_intents.cancel(intent)
            case "capture there":
                api.payment_intents.capture(intent, {"amount_to_capture": 700})
            case "refund":
                actions.refund(payment=payment, amount=Decimal("1.50"), reason="x", by=None)
            case "refund there":
                api.refunds.create({"payment_intent": intent, "amount": 100})
            case "dispute" if charge["captured"] and not charge["disputed"]:
                provider.dispute(charge["id"], amount=200)
            case "win" | "lose" if open_disputes:
                provider.settle_dispute(open_disputes[0]["id"], "won" if step == "win" else "lost")
            case "pay out":
                provider.pay_out()
    except (PaymentRefused, gateway.stripe.InvalidRequestError):
        pass  # Not possible as things stand.


def _deliver(sent: list, data) -> None:
    """Some of them, some twice, in any order."""
    client = Client()
    copies = data.draw(st.lists(st.integers(0, 2), min_size=len(sent), max_size=len(sent)), label="copies")
    history = [one for one, times in zip(sent, copies, strict=True) for _n in range(times)]
    for body, signature in data.draw(st.permutations(history), label="order"):
        assert post(client, body, signature).status_code == 200


def _compare(provider: Simulator, payment: Payment) -> None:
    payment.refresh_from_db()
    [intent] = provider.all("payment_intent", id=payment.stripe_intent)
    [charge] = provider.all("charge", payment_intent=intent["id"])
    states = {"requires_capture": "held", "succeeded": "captured", "canceled": "released"}
    assert payment.state == states[intent["status"]]
    assert payment.amount_captured == Decimal(charge["amount_captured"]) / 100
    refunds = provider.all("refund", payment_intent=intent["id"])
    assert payment.amount_refunded == Decimal(sum(one["amount"] for one in refunds)) / 100
    ours = Refund.objects.filter(payment=payment).exclude(state="failed")
    assert set(ours.values_list("stripe_id", "state")) == {(one["id"], "done") for one in refunds}
    there = {one["id"]: one["status"] for one in provider.all("dispute", payment_intent=intent["id"])}
    assert dict(Dispute.objects.filter(payment=payment).values_list("stripe_id", "status")) == there
    assert reconciliation.reconcile_day(day=timezone.now().date()) == []
    # No event twice, and the books are whole.
    assert WebhookEvent.objects.count() == WebhookEvent.objects.values("pk").distinct().count()
    kinds = list(Journal.objects.filter(operator=payment.operator).values_list("kind", flat=True))
    assert kinds.count("capture") == (payment.state == "captured")
    assert kinds.count("refund") == len(refunds)
    booked = sums(payment.operator)
    assert booked.get("1150", 0) == sum(
        Decimal(one["amount"]) / 100
        for one in provider.all("dispute", payment_intent=intent["id"], status="needs_response")
    )
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    assert Invoice.objects.count() == 0  # No session: these are holds of a test.
    assert BalanceTransaction.objects.filter(payment=payment).count() >= len(refunds)
    assert Payout.objects.count() == len(provider.all("payout"))
