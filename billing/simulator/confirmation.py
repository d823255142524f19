"""Trying to pay: what becomes of a payment intent when its card is asked."""

from . import cards, charges, customers
from .errors import card_error, decline, invalid
from .render import render

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def confirm(world, intent, *, off_session=False, return_url=None, error_on_requires_action=False):
    """Ask the bank. Raises the card's refusal after recording it on the intent."""
    if intent["status"] not in CONFIRMABLE:
        raise unexpected(world, intent, "confirm")
    if not intent["payment_method"]:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either "
            "update the PaymentIntent with a payment method and then confirm it again, or confirm it again "
            "directly with a payment method or ConfirmationToken.",
            code="payment_intent_unexpected_state",
            payment_intent=render(world, intent),
        )
    require_return_url(intent, return_url, error_on_requires_action)
    method = world.get("payment_method", intent["payment_method"])
    customers.require_owner(method, intent["customer"])
    intent.update(next_action=None, last_payment_error=None, _off_session=off_session, _return_url=return_url)
    if card_asks(method, off_session=off_session, wanted=three_d_secure_wanted(intent)):
        if off_session or error_on_requires_action:
            refuse(world, intent, method, decline("authentication_required"), charged=off_session)
        ask(world, intent, return_url)
        return
    _charge(world, intent, method, authenticated=False)


def card_asks(method, *, off_session, wanted=False) -> bool:
    """Will the bank want to see the cardholder?"""
    asks = cards.behaviour(method).asks
    if wanted and asks != cards.NEVER and not off_session:
        return True
    if asks == cards.ALWAYS:
        return True
    return asks == cards.UNTIL_SET_UP and not (off_session and method.get("_set_up"))


def authenticate(world, intent, *, succeeds):
    """The cardholder came back from their bank's page. Raises when the payment then fails."""
    if intent["status"] != "requires_action":
        raise unexpected(world, intent, "authenticate")
    method = world.get("payment_method", intent["payment_method"])
    if succeeds:
        _charge(world, intent, method, authenticated=True)
        return
    error = {
        "type": "card_error",
        "code": "payment_intent_authentication_failure",
        "message": "We are unable to authenticate your payment method. Please choose a different payment "
        "method and try again.",
        "doc_url": "https://docs.stripe.com/error-codes/payment-intent-authentication-failure",
    }
    refuse(world, intent, method, error, charged=False)


def refuse(world, intent, method, error, *, charged):
    """Record a refusal on the intent, tell it by webhook and raise it."""
    extra = {}
    if charged:
        manual = is_manual(intent)
        charge = charges.attempt(
            world, intent, method, manual=manual, off_session=intent["_off_session"], error=error
        )
        extra["charge"] = charge["id"]
    world.touch(intent).update(
        status="requires_payment_method",
        payment_method=None,
        next_action=None,
        last_payment_error={**error, **extra, "payment_method": render(world, method)},
    )
    if not method["customer"] and charged:
        method["_spent"] = True
    world.emit("payment_intent.payment_failed", intent)
    raise card_error(
        {**error, **extra}, payment_intent=render(world, intent), payment_method=render(world, method)
    )


def is_manual(intent) -> bool:
    """Does confirming only hold the money?"""
    on_card = intent["payment_method_options"].get("card", {})
    return "manual" in (intent["capture_method"], on_card.get("capture_method"))


def unexpected(world, intent, verb, code=None):
    """The intent's status does not allow this."""
    kind = "PaymentIntent" if intent["object"] == "payment_intent" else "SetupIntent"
    prefix = intent["object"]
    return invalid(
        f"You cannot {verb} this {kind} because it has a status of {intent['status']}.",
        code=code or f"{prefix}_unexpected_state",
        **{prefix: render(world, intent)},
    )


def _charge(world, intent, method, *, authenticated):
    card = cards.behaviour(method)
    if card.refuses:
        refuse(world, intent, method, decline(card.refuses), charged=True)
    manual = is_manual(intent)
    if manual:
        after = {"status": "requires_capture", "amount_capturable": intent["amount"]}
    else:
        after = {"status": "succeeded", "amount_received": intent["amount"]}
    world.touch(intent).update(next_action=None, last_payment_error=None, **after)
    charges.attempt(
        world,
        intent,
        method,
        manual=manual,
        off_session=bool(intent["_off_session"]),
        authenticated=authenticated,
    )
    _save_card(world, intent, method, authenticated)
    world.emit("payment_intent.amount_capturable_updated" if manual else "payment_intent.succeeded", intent)


def _save_card(world, intent, method, authenticated):
    usage = intent["setup_future_usage"]
    usage = intent["payment_method_options"].get("card", {}).get("setup_future_usage", usage)
    if usage in ("on_session", "off_session") and intent["customer"] and not method["customer"]:
        customers.attach(world, method, customers.living(world, intent["customer"]))
    if usage == "off_session" and authenticated:
        method["_set_up"] = True
    if not method["customer"]:
        method["_spent"] = True


def ask(world, intent, return_url):
    """Send the cardholder to their bank's page."""
    url = f"{world.public_url}/3ds/{intent['id']}"
    if return_url or intent.get("_session"):
        action = {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": url}}
    else:
        action = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url, "source": None},
        }
    world.touch(intent).update(status="requires_action", next_action=action)
    world.emit(f"{intent['object']}.requires_action", intent)


def three_d_secure_wanted(intent) -> bool:
    """Did the portal ask for 3-D Secure wherever the card knows it?"""
    on_card = intent["payment_method_options"].get("card", {})
    return on_card.get("request_three_d_secure") in ("any", "challenge")


def require_return_url(intent, return_url, error_on_requires_action):
    """Stripe's most common refusal at confirmation: some methods redirect, so it wants a way back."""
    automatic = intent["automatic_payment_methods"] or {}
    redirects = automatic.get("enabled") and automatic.get("allow_redirects") != "never"
    cards_only = intent["allowed_payment_method_types"] == ["card"]
    if redirects and not (cards_only or return_url or error_on_requires_action or intent.get("_session")):
        raise invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because "
            "some of these payment methods might redirect your customer off of your page, you must provide a "
            "`return_url`. If you don't want to accept redirect-based payment methods, set "
            "`automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` "
            "to `never` when creating Setup Intents and Payment Intents.",
            param="return_url",
        )
