"""The provider's news: checked, applied once, in any order."""

import json
import random
import time
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from billing import actions, prices
from billing.models import Card, Payment, Refund, WebhookEvent
from billing.simulator.webhooks import sign
from tests import make
from tests.billing import money

pytestmark = pytest.mark.django_db
URL = "/billing/stripe/webhook/"


def post(client, body: bytes, signature: str):
    return client.post(
        URL, data=body, content_type="application/json", headers={"Stripe-Signature": signature}
    )


def deliver(client, provider) -> list[int]:
    return [post(client, *sent).status_code for sent in provider.webhooks.take()]


def event(type_: str, object_: dict, **fields) -> bytes:
    return json.dumps(
        {
            "id": f"evt_{make.number()}",
            "object": "event",
            "type": type_,
            "api_version": None,
            "created": 1,
            "livemode": False,
            "pending_webhooks": 1,
            "request": None,
            "data": {"object": object_},
            **fields,
        }
    ).encode()


def signed(body: bytes, *, secret: str = "whsec_simulator", at: int | None = None) -> str:
    return sign(body, secret, at or int(time.time()))


def held() -> Payment:
    user, evse = make.user(), money.place()
    quote = prices.quote(evse=evse, starts_at=make.NOON, user=user, now=timezone.now())
    return actions.place_hold(user=user, quote=quote, card=money.card(user))


def test_it_has_the_address_that_the_provider_knows():
    assert reverse("billing:stripe_webhook") == URL


def test_it_takes_over_what_happened_elsewhere(client, provider):
    payment = held()
    deliver(client, provider)
    from billing import gateway

    gateway.client().payment_intents.cancel(payment.stripe_intent)
    assert set(deliver(client, provider)) == {200}
    payment.refresh_from_db()
    assert payment.state == Payment.State.RELEASED
    news = WebhookEvent.objects.get(type="payment_intent.canceled", object_id=payment.stripe_intent)
    assert news.effect == "held → released"


@pytest.mark.parametrize("how", ["secret", "old", "body", "none"])
def test_it_refuses_what_the_provider_did_not_write(client, provider, how):
    body = event("payment_intent.succeeded", {"id": "pi_1", "object": "payment_intent"})
    signature = {
        "secret": signed(body, secret="whsec_other"),
        "old": signed(body, at=int(time.time()) - 3600),
        "body": signed(body + b" "),
        "none": "",
    }[how]
    assert post(client, body, signature).status_code == 400
    assert not WebhookEvent.objects.exists()


def test_a_repeated_event_has_one_effect(client, provider):
    held()
    [*sent] = provider.webhooks.take()
    for body, signature in sent * 3:
        assert post(client, body, signature).status_code == 200
    assert WebhookEvent.objects.count() == len(sent)


@pytest.mark.parametrize(
    ("type_", "object_"),
    [
        ("payment_intent.succeeded", {"id": "pi_unknown", "object": "payment_intent"}),
        ("customer.tax_id.created", {"id": "txi_1", "object": "tax_id"}),
        ("refund.updated", {"id": "re_unknown", "object": "refund"}),
        ("checkout.session.completed", {"id": "cs_unknown", "object": "checkout.session", "mode": "setup"}),
    ],
)
def test_what_is_not_ours_is_kept_and_ignored(client, provider, type_, object_):
    body = event(type_, object_)
    assert post(client, body, signed(body)).status_code == 200
    assert WebhookEvent.objects.get().effect == "ignored"


def test_any_order_leads_to_the_same_end(client, provider):
    for _round in range(5):
        payment = held()
        actions.capture(payment=payment, amount=Decimal("3.00"))
        sent = provider.webhooks.take() * 2
        random.Random(_round).shuffle(sent)
        # As if we had heard of nothing yet.
        Payment.objects.filter(pk=payment.pk).update(state=Payment.State.NEW, amount_captured=0)
        for body, signature in sent:
            assert post(client, body, signature).status_code == 200
        payment.refresh_from_db()
        assert (payment.state, payment.amount_captured) == (Payment.State.CAPTURED, Decimal("3.00"))


def test_a_failed_effect_forgets_the_event(client, provider, monkeypatch):
    payment = held()
    provider.webhooks.take()
    body = event("payment_intent.canceled", {"id": payment.stripe_intent, "object": "payment_intent"})
    client.raise_request_exception = False
    with monkeypatch.context() as patch:
        patch.setattr(actions, "learn", lambda **fields: 1 / 0)
        assert post(client, body, signed(body)).status_code == 500
    assert not WebhookEvent.objects.exists()
    assert post(client, body, signed(body)).status_code == 200


def test_it_asks_to_come_again_while_the_provider_is_silent(client, provider):
    payment = held()
    provider.webhooks.take()
    body = event("payment_intent.canceled", {"id": payment.stripe_intent, "object": "payment_intent"})
    for _attempt in range(3):
        provider.fail_next(payment.stripe_intent)
    assert post(client, body, signed(body)).status_code == 503
    assert not WebhookEvent.objects.exists()


def test_a_card_is_saved_though_the_driver_never_came_back(client, provider):
    import httpx

    user = make.user()
    url = actions.card_page(user=user, back_to="/me/cards/")
    form = {"email": user.email, "name": "Ada", "number": "4242424242424242", "expiry": "12/40", "cvc": "123"}
    assert httpx.post(url, data=form, trust_env=False).status_code in (302, 303)
    deliver(client, provider)
    card = Card.objects.of_driver(user).get()
    assert (card.last4, card.is_default) == ("4242", True)


def test_a_returned_refund_is_shown(client, own_provider):
    user, evse = make.user(), money.place()
    money.card(user, "pm_card_refundFail")
    payment = money.charged(user=user, evse=evse).session.payments.get()
    row = actions.refund(payment=payment, amount=Decimal("1"), reason="Sorry", by=None)
    own_provider.advance(minutes=1)
    deliver(client, own_provider)
    row.refresh_from_db()
    assert row.state == Refund.State.FAILED
    assert "another way" in row.error_message
