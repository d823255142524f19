"""The payment stand-in, driven by the real Stripe SDK."""

import json
import re
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar, get_args, get_origin

import httpx
import pytest
import stripe

from billing.simulator import Simulator
from billing.simulator.app import App

NOW = 1_800_000_000
DAY = 86400
SECRET = "whsec_of_the_test"
RETURN = "https://portal.test/back"


@pytest.fixture(scope="module")
def sim():
    with Simulator(start=NOW, webhook_secret=SECRET) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def api(sim):
    return client(sim)


@pytest.fixture(scope="module")
def browser():
    with httpx.Client(trust_env=False, follow_redirects=False) as browser:
        yield browser


def client(sim, key="sk_test_portal"):
    return stripe.StripeClient(key, base_addresses={"api": sim.url}, max_network_retries=0).v1


def customer(api, card="pm_card_visa"):
    """A customer with a saved card."""
    who = api.customers.create({"email": "driver@portal.test"})
    return who, api.payment_methods.attach(card, {"customer": who.id})


def pay(api, card="pm_card_visa", **params):
    """A payment by a fresh card while the driver is present."""
    wanted = {"amount": 5000, "currency": "eur", "payment_method": card, "confirm": True}
    return api.payment_intents.create({**wanted, "return_url": RETURN, **params})


def hold(api, **params):
    return pay(api, capture_method="manual", **params)


def checkout(api, **params):
    wanted = {
        "success_url": "https://portal.test/ok?cs={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://portal.test/no",
    }
    return api.checkout.sessions.create({**wanted, **params})


def booking(amount=2500):
    """One line of a Checkout page."""
    price = {"currency": "eur", "unit_amount": amount, "product_data": {"name": "Charging at Harbour 3"}}
    return [{"price_data": price, "quantity": 1}]


def card_form(number, **others):
    return {
        "email": "driver@portal.test",
        "name": "Ada",
        "number": number,
        "expiry": "12 / 40",
        "cvc": "123",
        **others,
    }


def types_of(sim, id):
    """Types of the events about one object, in order."""
    return [event["type"] for event in sim.events() if event["data"]["object"].get("id") == id]


def assert_shape(obj, path=""):
    """Every key of a response is one that the SDK knows, and none that it counts on is missing."""
    name = path or type(obj).__name__
    fields = {
        key: annotation
        for base in type(obj).__mro__
        if base not in (stripe.StripeObject, stripe.ListObject)
        for key, annotation in base.__dict__.get("__annotations__", {}).items()
        if not key.startswith("_") and get_origin(annotation) is not ClassVar
    }
    values = obj.to_dict(recursive=False)
    if fields:
        assert set(values) <= set(fields), f"{name}: unknown {set(values) - set(fields)}"
        if not path and "deleted" not in values:
            needed = {key for key, annotation in fields.items() if type(None) not in get_args(annotation)}
            assert needed <= set(values), f"{name}: missing {needed - set(values)}"
    for key, value in values.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, stripe.StripeObject) and key != "metadata":
                assert_shape(item, "" if "object" in item.to_dict() else f"{name}.{key}")


# Who may ask


def test_a_key_is_needed(sim, browser):
    answer = browser.get(f"{sim.url}/v1/customers")
    assert answer.status_code == 401
    assert "did not provide an API key" in answer.json()["error"]["message"]


@pytest.mark.parametrize("key", ["sk_live_abc", "rk_live_abc", "nonsense"])
def test_only_test_keys_are_let_in(sim, key):
    with pytest.raises(stripe.AuthenticationError):
        client(sim, key).customers.list()


def test_the_module_level_api_works_too(sim, monkeypatch):
    monkeypatch.setattr(stripe, "api_base", sim.url)
    monkeypatch.setattr(stripe, "api_key", "sk_test_x")
    who = stripe.Customer.create(email="old@portal.test")
    assert stripe.Customer.retrieve(who.id).email == "old@portal.test"


# Parameters


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"emial": "a@b.c"}, "parameter_unknown", "emial"),
        ({"address": {"town": "Kiel"}}, "parameter_unknown", "address[town]"),
        ({"balance": "much"}, "parameter_invalid_integer", "balance"),
        ({"description": ""}, "parameter_invalid_empty", "description"),
        ({"tax_exempt": "perhaps"}, None, "tax_exempt"),
        ({"address": "Kiel"}, None, "address"),
    ],
)
def test_wrong_parameters_are_refused(api, params, code, param):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.customers.create(params)
    assert (refusal.value.http_status, refusal.value.code, refusal.value.param) == (400, code, param)


def test_missing_parameters_are_refused(api):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.payment_intents.create({"currency": "eur"})
    assert (refusal.value.code, refusal.value.param) == ("parameter_missing", "amount")


def test_what_is_not_simulated_says_so(api):
    with pytest.raises(stripe.InvalidRequestError, match="does not implement"):
        api.payment_intents.create({"amount": 500, "currency": "eur", "on_behalf_of": "acct_1"})
    with pytest.raises(stripe.InvalidRequestError, match="does not serve"):
        api.coupons.list()


def test_an_unknown_id_is_not_found(api):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.charges.retrieve("ch_nobody")
    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")


# Idempotency


def test_the_same_key_replays_the_same_answer(api):
    options = {"idempotency_key": "hold-1"}
    first = api.payment_intents.create({"amount": 700, "currency": "eur"}, options)
    again = api.payment_intents.create({"amount": 700, "currency": "eur"}, options)
    assert again.id == first.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError) as refusal:
        api.payment_intents.create({"amount": 701, "currency": "eur"}, options)
    assert refusal.value.http_status == 400


def test_a_decline_is_replayed_and_charges_once(sim, api):
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            api.payment_intents.create(
                {
                    "amount": 777, "currency": "eur", "confirm": True, "return_url": RETURN,
                    "payment_method": "pm_card_visa_chargeDeclined",
                },
                {"idempotency_key": "declined-1"},
            )  # fmt: skip
    assert len(sim.all("charge", amount=777)) == 1


def test_a_malformed_request_leaves_its_key_free(api):
    options = {"idempotency_key": "typo-1"}
    with pytest.raises(stripe.InvalidRequestError):
        api.customers.create({"nmae": "x"}, options)
    assert api.customers.create({"name": "x"}, options).name == "x"


def test_a_lost_answer_is_found_again_by_its_key(sim, api):
    options = {"idempotency_key": "lost-1"}
    sim.fail_next("/v1/payment_intents", after=True)
    with pytest.raises(stripe.APIError):
        api.payment_intents.create({"amount": 888, "currency": "eur"}, options)
    api.payment_intents.create({"amount": 888, "currency": "eur"}, options)
    assert len(sim.all("payment_intent", amount=888)) == 1


def test_a_refused_request_leaves_no_trace(sim, api):
    before = len(sim.events()), len(sim.all("customer")), len(sim.all("payment_intent"))
    with pytest.raises(stripe.InvalidRequestError):
        api.customers.create({"payment_method": "pm_nobody"})
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        api.payment_intents.create({"amount": 600, "currency": "eur", "expand": ["weather"]})
    assert (len(sim.events()), len(sim.all("customer")), len(sim.all("payment_intent"))) == before


# Customers and cards


def test_customers_come_and_go(api):
    who = api.customers.create({"email": "a@b.c", "metadata": {"driver": "7", "old": "1"}})
    who = api.customers.update(who.id, {"name": "Ada", "metadata": {"old": "", "new": "2"}})
    assert (who.name, who.metadata.to_dict()) == ("Ada", {"driver": "7", "new": "2"})
    assert_shape(who)
    assert api.customers.delete(who.id).deleted
    assert api.customers.retrieve(who.id).deleted
    assert who.id not in [other.id for other in api.customers.list({"limit": 100}).data]


def test_lists_are_cut_into_pages(api):
    ids = [api.customers.create({"email": "page@portal.test"}).id for _ in range(5)]
    first = api.customers.list({"email": "page@portal.test", "limit": 2})
    assert [row.id for row in first.data] == ids[:2:-1]
    assert first.has_more
    assert [row.id for row in first.auto_paging_iter()] == ids[::-1]


def test_cards_are_kept_by_one_customer(api):
    who, card = customer(api)
    assert [row.id for row in api.customers.payment_methods.list(who.id).data] == [card.id]
    assert [row.id for row in api.payment_methods.list({"customer": who.id, "type": "card"}).data] == [
        card.id
    ]
    assert_shape(card)
    stranger = api.customers.create({})
    with pytest.raises(stripe.InvalidRequestError):
        pay(api, card.id, customer=stranger.id)
    with pytest.raises(stripe.InvalidRequestError, match="attached to a customer"):
        pay(api, card.id)
    assert api.payment_methods.detach(card.id).customer is None
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        api.payment_methods.attach(card.id, {"customer": who.id})


def test_a_bad_card_is_not_kept(api):
    with pytest.raises(stripe.CardError):
        customer(api, "pm_card_visa_chargeDeclined")


def test_a_default_card_must_be_the_customers(api):
    who, card = customer(api)
    settings = {"invoice_settings": {"default_payment_method": card.id}}
    assert api.customers.update(who.id, settings).invoice_settings.default_payment_method == card.id
    with pytest.raises(stripe.InvalidRequestError):
        api.customers.create(settings)


# Saving a card


def test_a_setup_intent_saves_a_card(sim, api):
    who = api.customers.create({})
    setup = api.setup_intents.create(
        {"customer": who.id, "payment_method": "pm_card_visa", "confirm": True, "return_url": RETURN}
    )
    assert setup.status == "succeeded"
    assert_shape(setup)
    assert api.payment_methods.retrieve(setup.payment_method).customer == who.id
    assert types_of(sim, setup.id) == ["setup_intent.created", "setup_intent.succeeded"]


def test_a_card_set_up_with_3d_secure_pays_off_session_later(api, browser):
    who = api.customers.create({})
    setup = api.setup_intents.create(
        {
            "customer": who.id, "confirm": True, "return_url": RETURN,
            "payment_method": "pm_card_authenticationRequiredOnSetup",
        }
    )  # fmt: skip
    assert setup.status == "requires_action"
    back = browser.post(setup.next_action.redirect_to_url.url, data={"answer": "complete"})
    assert "redirect_status=succeeded" in back.headers["location"]
    card = api.setup_intents.retrieve(setup.id).payment_method
    assert pay(api, card, customer=who.id, off_session=True).status == "succeeded"


# Paying


def test_a_payment_is_charged_with_its_fee(sim, api):
    paid = pay(api, expand=["latest_charge.balance_transaction"], metadata={"booking": "12"})
    assert (paid.status, paid.amount_received) == ("succeeded", 5000)
    charge = paid.latest_charge
    assert charge.captured and charge.balance_transaction.fee == 100
    assert charge.balance_transaction.net == 4900
    assert_shape(paid)
    assert types_of(sim, paid.id) == ["payment_intent.created", "payment_intent.succeeded"]
    assert types_of(sim, charge.id) == ["charge.succeeded", "charge.updated"]
    [row] = api.balance_transactions.list({"source": charge.id}).data
    assert row.id == charge.balance_transaction.id


@pytest.mark.parametrize(
    ("card", "code", "reason"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
    ],
)
def test_declines(sim, api, card, code, reason):
    with pytest.raises(stripe.CardError) as refusal:
        pay(api, card)
    error = refusal.value
    assert (error.http_status, error.code, error.error.decline_code) == (402, code, reason)
    intent = api.payment_intents.retrieve(error.error.payment_intent.id)
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error.code == code
    assert_shape(intent)
    assert types_of(sim, intent.id)[-1] == "payment_intent.payment_failed"
    assert api.charges.retrieve(intent.latest_charge).status == "failed"
    paid = api.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa", "return_url": RETURN})
    assert paid.status == "succeeded"


def test_a_way_back_is_needed_where_methods_may_redirect(api):
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        api.payment_intents.create(
            {"amount": 500, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True}
        )


def test_unsaved_cards_pay_once(api):
    card = api.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    pay(api, card.id)
    with pytest.raises(stripe.InvalidRequestError, match="previously used"):
        pay(api, card.id)


@pytest.mark.parametrize(("amount", "code"), [(49, "amount_too_small"), (0, "parameter_invalid_integer")])
def test_amounts_have_a_floor(api, amount, code):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.payment_intents.create({"amount": amount, "currency": "eur"})
    assert refusal.value.code == code


# 3-D Secure


@pytest.mark.parametrize("answer", ["complete", "fail"])
def test_3d_secure(sim, api, browser, answer):
    asked = pay(api, "pm_card_threeDSecure2Required")
    assert asked.status == "requires_action"
    assert_shape(asked)
    url = asked.next_action.redirect_to_url.url
    assert "Complete authentication" in browser.get(url).text
    back = browser.post(url, data={"answer": answer})
    assert back.headers["location"].startswith(f"{RETURN}?payment_intent={asked.id}&")
    after = api.payment_intents.retrieve(asked.id)
    if answer == "complete":
        assert after.status == "succeeded"
    else:
        assert after.status == "requires_payment_method"
        assert after.last_payment_error.code == "payment_intent_authentication_failure"
    assert types_of(sim, asked.id)[1] == "payment_intent.requires_action"
    assert browser.get(url).status_code == 404


def test_off_session_authentication_is_a_decline(api):
    who, card = customer(api, "pm_card_threeDSecure2Required")
    with pytest.raises(stripe.CardError) as refusal:
        pay(api, card.id, customer=who.id, off_session=True)
    assert refusal.value.code == "authentication_required"
    assert refusal.value.error.payment_intent.status == "requires_payment_method"
    with pytest.raises(stripe.InvalidRequestError, match="confirm=true"):
        api.payment_intents.create({"amount": 500, "currency": "eur", "off_session": True})


# Holds


def test_part_of_a_hold_is_captured(sim, api):
    held = hold(api, expand=["latest_charge"])
    assert (held.status, held.amount_capturable) == ("requires_capture", 5000)
    assert held.latest_charge.payment_method_details.card.capture_before == sim.now() + 7 * DAY
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.payment_intents.capture(held.id, {"amount_to_capture": 5001})
    assert refusal.value.code == "amount_too_large"
    taken = api.payment_intents.capture(held.id, {"amount_to_capture": 3200, "expand": ["latest_charge"]})
    assert (taken.status, taken.amount_received, taken.latest_charge.amount_captured) == (
        "succeeded",
        3200,
        3200,
    )
    assert_shape(taken)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.payment_intents.capture(held.id)
    assert refusal.value.code == "payment_intent_unexpected_state"
    assert types_of(sim, held.id)[1:] == [
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
    ]
    assert "charge.captured" in types_of(sim, taken.latest_charge.id)


def test_a_hold_is_let_go(sim, api):
    held = hold(api)
    gone = api.payment_intents.cancel(held.id, {"cancellation_reason": "requested_by_customer"})
    assert (gone.status, gone.cancellation_reason) == ("canceled", "requested_by_customer")
    assert api.charges.retrieve(gone.latest_charge).refunded
    assert types_of(sim, held.id)[-1] == "payment_intent.canceled"
    with pytest.raises(stripe.InvalidRequestError):
        api.payment_intents.cancel(held.id)


def test_a_hold_is_raised_where_that_was_asked_for(api):
    card = {"card": {"request_incremental_authorization": "if_available"}}
    held = hold(api, payment_method_options=card)
    raised = api.payment_intents.increment_authorization(held.id, {"amount": 9000})
    assert raised.amount_capturable == 9000
    assert api.payment_intents.capture(held.id).amount_received == 9000
    with pytest.raises(stripe.InvalidRequestError, match="incremental"):
        api.payment_intents.increment_authorization(hold(api).id, {"amount": 9000})


def test_holds_expire():
    with Simulator(start=NOW) as sim:
        api = client(sim)
        who, card = customer(api)
        present = hold(api)
        absent = hold(api, payment_method=card.id, customer=who.id, off_session=True)
        sim.advance(days=5)
        assert api.payment_intents.retrieve(present.id).status == "requires_capture"
        gone = api.payment_intents.retrieve(absent.id)
        assert gone.status == "canceled"
        assert "charge.expired" in types_of(sim, gone.latest_charge)
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            api.payment_intents.capture(absent.id)
        assert refusal.value.code == "charge_expired_for_capture"
        sim.advance(days=2)
        assert api.payment_intents.retrieve(present.id).status == "canceled"


# Refunds, disputes, payouts


def test_refunds_end_at_what_was_captured(sim, api):
    held = hold(api)
    with pytest.raises(stripe.InvalidRequestError, match="successful charge"):
        api.refunds.create({"payment_intent": held.id})
    charge = api.payment_intents.capture(held.id, {"amount_to_capture": 3000}).latest_charge
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        api.refunds.create({"charge": charge, "amount": 3001})
    back = api.refunds.create({"payment_intent": held.id, "amount": 1000, "metadata": {"why": "late"}})
    assert_shape(back)
    assert (back.status, back.metadata.why) == ("succeeded", "late")
    api.refunds.create({"payment_intent": held.id})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.refunds.create({"payment_intent": held.id})
    assert refusal.value.code == "charge_already_refunded"
    after = api.charges.retrieve(charge, {"expand": ["refunds"]})
    assert after.refunded and [row.amount for row in after.refunds.data] == [2000, 1000]
    assert types_of(sim, back.id) == ["refund.created"]


def test_a_refund_that_fails_later(sim, api):
    paid = pay(api, "pm_card_refundFail")
    back = api.refunds.create({"payment_intent": paid.id})
    sim.advance(seconds=1)
    assert api.refunds.retrieve(back.id).status == "failed"
    assert "refund.failed" in types_of(sim, back.id)


def test_disputes(sim, api):
    charge = pay(api).latest_charge
    dispute = sim.dispute(charge)
    assert_shape(api.disputes.retrieve(dispute["id"]))
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.refunds.create({"charge": charge})
    assert refusal.value.code == "charge_disputed"
    evidence = {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True}
    assert api.disputes.update(dispute["id"], evidence).status == "won"
    assert types_of(sim, dispute["id"])[0] == "charge.dispute.created"
    assert types_of(sim, dispute["id"])[-1] == "charge.dispute.closed"
    other = sim.dispute(pay(api).latest_charge, amount=700, reason="product_not_received")
    assert sim.settle_dispute(other["id"], "lost")["status"] == "lost"
    lost = api.charges.retrieve(pay(api, "pm_card_createDispute").latest_charge)
    assert lost.disputed
    assert api.disputes.close(api.disputes.list({"charge": lost.id}).data[0].id).status == "lost"


def test_payouts_add_up_to_their_transactions():
    with Simulator(start=NOW) as sim:
        api = client(sim)
        pay(api)
        api.refunds.create({"payment_intent": pay(api).id, "amount": 2000})
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            api.payouts.create({"amount": 100, "currency": "eur"})
        assert refusal.value.code == "balance_insufficient"
        sim.advance(days=2)
        own = api.payouts.create({"amount": 100, "currency": "eur"})
        assert own.status == "pending"
        assert_shape(own)
        payout = sim.pay_out()
        rows = api.balance_transactions.list({"payout": payout["id"], "limit": 100}).data
        for row in rows:
            assert_shape(row)
        assert sum(row.net for row in rows) == 0
        assert payout["amount"] == 4900 + 4900 - 2000 - 100
        assert types_of(sim, payout["id"])[:2] == ["payout.created", "payout.paid"]
        sim.advance(days=2)
        assert api.payouts.retrieve(own.id).status == "paid"
        balance = api.balance.retrieve()
        assert_shape(balance, "Balance")
        assert balance.available[0].amount == 0


# Checkout


def test_checkout_takes_a_payment(sim, api, browser):
    session = checkout(api, mode="payment", line_items=booking(), client_reference_id="b-7")
    assert_shape(session)
    assert (session.status, session.payment_status, session.amount_total) == ("open", "unpaid", 2500)
    page = browser.get(session.url).text
    assert "€25.00" in page and page.count("<h1") == 1 and "This is a simulator" in page
    done = browser.post(session.url, data=card_form("4242 4242 4242 4242"))
    assert (done.status_code, done.headers["location"]) == (303, f"https://portal.test/ok?cs={session.id}")
    after = api.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent", "line_items.data.price"]}
    )
    assert_shape(after)
    assert (after.status, after.payment_status, after.payment_intent.status) == (
        "complete",
        "paid",
        "succeeded",
    )
    assert after.customer_details.email == "driver@portal.test"
    assert after.line_items.data[0].description == "Charging at Harbour 3"
    assert types_of(sim, session.id) == ["checkout.session.completed"]
    assert browser.get(session.url or done.request.url).status_code == 410


def test_checkout_holds_and_saves_the_card(api, browser):
    who = api.customers.create({"email": "driver@portal.test"})
    session = checkout(
        api,
        mode="payment",
        customer=who.id,
        line_items=booking(),
        payment_intent_data={
            "capture_method": "manual",
            "setup_future_usage": "off_session",
            "metadata": {"b": "1"},
        },
    )
    browser.post(session.url, data=card_form("4242424242424242"))
    after = api.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (after.status, after.payment_status) == ("complete", "unpaid")
    assert (after.payment_intent.status, after.payment_intent.metadata.b) == ("requires_capture", "1")
    assert api.payment_methods.retrieve(after.payment_intent.payment_method).customer == who.id


def test_checkout_saves_a_card(sim, api, browser):
    who = api.customers.create({})
    session = checkout(
        api, mode="setup", customer=who.id, currency="eur", setup_intent_data={"metadata": {"d": "9"}}
    )
    assert "Save a card" in browser.get(session.url).text
    assert browser.post(session.url, data=card_form("4242424242424242")).status_code == 303
    after = api.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent.payment_method"]})
    assert_shape(after)
    assert (after.status, after.payment_status) == ("complete", "no_payment_required")
    assert after.setup_intent.payment_method.customer == who.id
    assert "payment_method.attached" in types_of(sim, after.setup_intent.payment_method.id)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (card_form("4000 0000 0000 0002"), "Your card was declined."),
        (card_form("4000 0000 0000 9995"), "insufficient funds"),
        (card_form("4242 4242 4242 4241"), "card number is incorrect"),
        (card_form("4242424242424242", expiry="01/20"), "expiration year is invalid"),
        (card_form("4242424242424242", expiry="soon"), "MM / YY"),
        (card_form("4242424242424242", cvc=""), "security code"),
        (card_form("4242424242424242", email=""), "email address"),
    ],
)
def test_checkout_shows_what_is_wrong_and_keeps_what_was_typed(api, browser, form, message):
    session = checkout(api, mode="payment", line_items=booking())
    page = browser.post(session.url, data=form)
    assert page.status_code == 200
    assert message in page.text.replace("&#x27;", "'")
    assert 'role="alert"' in page.text and f'value="{form["number"]}"' in page.text
    assert api.checkout.sessions.retrieve(session.id).status == "open"
    assert browser.post(session.url, data=card_form("4242424242424242")).status_code == 303


def test_checkout_with_3d_secure(api, browser):
    session = checkout(api, mode="payment", line_items=booking())
    asked = browser.post(session.url, data=card_form("4000 0025 0000 3155")).headers["location"]
    assert browser.post(asked, data={"answer": "fail"}).headers["location"] == session.url
    assert "unable to authenticate" in browser.get(session.url).text
    asked = browser.post(session.url, data=card_form("4000 0025 0000 3155")).headers["location"]
    assert session.id in browser.post(asked, data={"answer": "complete"}).headers["location"]
    assert api.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_checkout_pages_close(sim, api, browser):
    session = checkout(api, mode="payment", line_items=booking())
    assert api.checkout.sessions.expire(session.id).status == "expired"
    assert browser.get(session.url).status_code == 410
    assert types_of(sim, session.id) == ["checkout.session.expired"]
    with pytest.raises(stripe.InvalidRequestError):
        api.checkout.sessions.expire(session.id)


@pytest.mark.parametrize(
    "params",
    [
        {"mode": "payment"},
        {"mode": "setup"},
        {"mode": "setup", "currency": "eur", "line_items": booking()},
        {"mode": "payment", "line_items": booking(), "setup_intent_data": {"description": "x"}},
        {"mode": "payment", "line_items": booking(), "expires_at": NOW + 60},
        {"mode": "payment", "line_items": booking(), "payment_method_types": ["card"]},
    ],
)
def test_checkout_refuses_what_stripe_refuses(api, params):
    with pytest.raises(stripe.InvalidRequestError):
        checkout(api, **params)


def test_pages_need_nothing_from_elsewhere(sim, api, browser):
    session = checkout(api, mode="payment", line_items=booking())
    for url in (session.url, f"{sim.url}/"):
        page = browser.get(url)
        assert not re.search(r'(src|href)="(https?:)?//(?!portal\.test)', page.text)
        assert "<script" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
    inputs = re.findall(r'<input id="(\w+)"', browser.get(session.url).text)
    labels = re.findall(r'<label for="(\w+)"', browser.get(session.url).text)
    assert inputs == labels == ["email", "name", "number", "expiry", "cvc"]


# Subscriptions


def test_subscriptions_renew_and_end():
    with Simulator(start=NOW) as sim:
        api = client(sim)
        who, card = customer(api)
        product = api.products.create({"name": "Member"})
        price = api.prices.create(
            {"product": product.id, "currency": "eur", "unit_amount": 990, "recurring": {"interval": "month"}}
        )
        assert_shape(product)
        assert_shape(price)
        sub = api.subscriptions.create(
            {"customer": who.id, "items": [{"price": price.id}], "default_payment_method": card.id}
        )
        assert sub.status == "active"
        assert_shape(sub)
        sim.advance(days=32)
        bills = api.invoices.list({"customer": who.id}).data
        assert [bill.status for bill in bills] == ["paid", "paid"]
        assert_shape(bills[0])
        assert api.subscriptions.cancel(sub.id).status == "canceled"
        seen = {event["type"] for event in sim.events()}
        assert {"invoice.paid", "customer.subscription.created", "customer.subscription.deleted"} <= seen


def test_a_subscription_whose_card_declines_stays_incomplete(sim, api, browser):
    who, card = customer(api, "pm_card_chargeCustomerFail")
    item = {
        "price_data": {
            "currency": "eur", "unit_amount": 990, "recurring": {"interval": "month"},
            "product_data": {"name": "Member"},
        },
        "quantity": 1,
    }  # fmt: skip
    session = checkout(api, mode="subscription", customer=who.id, line_items=[item])
    assert "declined" in browser.post(session.url, data=card_form("4000000000000341")).text
    assert browser.post(session.url, data=card_form("4242424242424242")).status_code == 303
    after = api.checkout.sessions.retrieve(session.id, {"expand": ["subscription.latest_invoice"]})
    assert (after.payment_status, after.subscription.status) == ("paid", "active")
    assert_shape(after)


def test_an_open_invoice_is_paid_with_another_card(api):
    who, bad = customer(api, "pm_card_chargeCustomerFail")
    good = api.payment_methods.attach("pm_card_mastercard", {"customer": who.id})
    price = api.prices.create(
        {
            "product_data": {"name": "Member"}, "currency": "eur", "unit_amount": 990,
            "recurring": {"interval": "year"},
        }
    )  # fmt: skip
    sub = api.subscriptions.create(
        {"customer": who.id, "items": [{"price": price.id}], "default_payment_method": bad.id}
    )
    assert sub.status == "incomplete"
    assert api.invoices.pay(sub.latest_invoice, {"payment_method": good.id}).status == "paid"
    assert api.subscriptions.retrieve(sub.id).status == "active"


# Webhooks


class Portal:
    """A webhook endpoint that can be down."""

    def __init__(self):
        self.received, self.status = [], 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.received.append((body, self.headers["Stripe-Signature"]))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/billing/stripe/webhook/"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def events(self):
        return [stripe.Webhook.construct_event(body, signature, SECRET) for body, signature in self.received]

    def types(self):
        return [event.type for event in self.events()]


@pytest.fixture
def portal():
    portal = Portal()
    yield portal
    portal.server.shutdown()
    portal.server.server_close()


@pytest.fixture
def wired(portal):
    with Simulator(start=NOW, webhook_url=portal.url, webhook_secret=SECRET, first_retry=0.02) as simulator:
        yield simulator


def test_webhooks_arrive_signed_and_in_order(wired, portal):
    pay(client(wired))
    wired.drain()
    assert portal.types() == [
        "payment_intent.created", "charge.succeeded", "charge.updated", "payment_intent.succeeded",
    ]  # fmt: skip
    event = portal.events()[-1]
    assert event.data.object.status == "succeeded" and event.request.id.startswith("req_")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(*portal.received[0], "whsec_other")


def test_webhooks_are_retried_until_the_portal_is_back(wired, portal):
    portal.status = 503
    client(wired).customers.create({})
    deadline = time.monotonic() + 5
    while len(portal.received) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert client(wired).events.list().data[0].pending_webhooks == 1
    portal.status = 200
    wired.drain()
    assert len({event.id for event in portal.events()}) == 1
    assert client(wired).events.list({"delivery_success": True}).data[0].pending_webhooks == 0


def test_webhooks_come_late_twice_and_out_of_order(wired, portal):
    wired.webhooks.hold = True
    hold(client(wired))
    assert portal.received == []
    wired.webhooks.release(order="reversed", copies=2)
    wired.drain()
    assert portal.types()[0] == "payment_intent.amount_capturable_updated"
    assert portal.types()[-1] == "payment_intent.created"
    assert len(portal.received) == 2 * len({event.id for event in portal.events()}) == 6


def test_held_webhooks_can_be_taken_and_sent_again(sim, api):
    sim.webhooks.take()
    who = api.customers.create({})
    [(body, signature)] = sim.webhooks.take()
    event = stripe.Webhook.construct_event(body, signature, SECRET)
    assert (event.type, event.data.object.id) == ("customer.created", who.id)
    sim.webhooks.resend(event.id)
    assert json.loads(sim.webhooks.take()[0][0])["id"] == event.id


def test_events_can_be_read_back(api):
    paid = pay(api)
    event = api.events.list({"type": "payment_intent.succeeded", "limit": 1}).data[0]
    assert event.data.object["id"] == paid.id
    assert_shape(api.events.retrieve(event.id))
    family = api.events.list({"types": ["charge.*"], "limit": 5}).data
    assert all(event.type.startswith("charge.") for event in family)


# The world around


def test_the_control_api_and_the_dashboard(wired, portal, browser):
    charge = pay(client(wired)).latest_charge
    url = wired.url
    assert browser.post(f"{url}/_test/clock/advance", json={"days": 1}).json()["now"] == NOW + DAY
    assert browser.post(f"{url}/_test/webhooks", json={"hold": True}).json()["hold"] is True
    assert (
        browser.post(f"{url}/_test/disputes", json={"charge": charge, "amount": 100}).json()["amount"] == 100
    )
    assert browser.post(f"{url}/_test/payouts", json={}).json()["status"] == "paid"
    types = [event["type"] for event in browser.get(f"{url}/_test/events").json()["data"]]
    assert {"charge.dispute.created", "payout.paid"} <= set(types)
    assert browser.post(f"{url}/_test/webhooks/release", json={"order": "shuffled"}).status_code == 200
    wired.drain()
    assert sorted(portal.types()) == sorted(types)
    page = browser.get(f"{url}/").text
    assert "€50.00" in page and charge in page and "payout.paid" in page
    resend = re.search(r'action="(resend/evt_\w+)"', page)[1]
    assert browser.post(f"{url}/{resend}").status_code == 303
    wired.drain()
    assert len(portal.received) == len(types) + 1
    assert browser.post(f"{url}/_test/nothing", json={}).status_code == 404


def test_a_restart_forgets_nothing(tmp_path):
    with Simulator(start=NOW, data=tmp_path) as sim:
        held = hold(client(sim))
        sim.advance(days=1)
    with Simulator(start=NOW, data=tmp_path) as sim:
        assert sim.now() == NOW + DAY
        assert client(sim).payment_intents.capture(held.id).status == "succeeded"
        assert len(sim.events("payment_intent.created")) == 1


def test_an_oversized_body_is_refused(sim, browser):
    assert browser.post(f"{sim.url}/v1/customers", content=b"x" * 1_100_000).status_code == 413


def test_the_application_starts_without_an_address_for_webhooks():
    app = App()
    assert app.webhooks.hold


def test_it_runs_by_itself_and_without_django(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--port", str(port), "--data", str(tmp_path), "--public-url", "https://pay.portal.test/sim"]
    check = "import sys, billing.simulator.app; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], timeout=30).returncode == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "billing.simulator", *options], stderr=subprocess.DEVNULL
    )
    try:
        local = stripe.StripeClient(
            "sk_test_x", base_addresses={"api": f"http://127.0.0.1:{port}"}, max_network_retries=0
        ).v1
        deadline = time.monotonic() + 20
        while True:
            try:
                session = checkout(local, mode="payment", line_items=booking())
                break
            except stripe.APIConnectionError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        assert session.url == f"https://pay.portal.test/sim/c/pay/{session.id}"
    finally:
        process.terminate()
        process.wait(timeout=10)
    assert (tmp_path / "simulator.sqlite3").exists()
