"""Setup intents: saving a card for later without taking money."""

from . import cards, customers
from .confirmation import ask, card_asks, require_return_url, three_d_secure_wanted, unexpected
from .endpoints import endpoint, merge_metadata, metadata, readable
from .errors import card_error, decline, invalid, malformed, not_simulated
from .render import render
from .world import token

readable("setup_intent", "/v1/setup_intents", "SetupIntent", ("customer", "payment_method"))

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


@endpoint("POST /v1/setup_intents", "SetupIntentCreateParams")
def create_setup_intent(world, params):
    """A card to be saved, and with `confirm` the attempt to save it."""
    if params.get("return_url") and not params.get("confirm"):
        raise malformed(
            "The parameter `return_url` can only be used with `confirm=true`.", param="return_url"
        )
    intent = open_setup(world, params)
    if params.get("confirm"):
        confirm_setup(world, intent, return_url=params.get("return_url"))
    return intent


@endpoint("POST /v1/setup_intents/{id}", "SetupIntentUpdateParams")
def update_setup_intent(world, params, id):
    """Change an unfinished setup."""
    intent = world.get("setup_intent", id)
    if set(params) - {"metadata", "description", "expand"} and intent["status"] not in OPEN:
        raise unexpected(world, intent, "update")
    merge_metadata(intent, params)
    intent["description"] = params.get("description", intent["description"])
    if "customer" in params:
        intent["customer"] = customers.living(world, params["customer"])["id"]
    _take_method(world, intent, params)
    return intent


@endpoint("POST /v1/setup_intents/{id}/confirm", "SetupIntentConfirmParams")
def confirm_setup_intent(world, params, id):
    """Attempt to save the card."""
    intent = world.get("setup_intent", id)
    _take_method(world, intent, params)
    confirm_setup(world, intent, return_url=params.get("return_url"))
    return intent


@endpoint("POST /v1/setup_intents/{id}/cancel", "SetupIntentCancelParams")
def cancel_setup_intent(world, params, id):
    """Give up saving a card."""
    intent = world.get("setup_intent", id)
    if intent["status"] not in OPEN:
        raise unexpected(world, intent, "cancel")
    intent.update(status="canceled", cancellation_reason=params.get("cancellation_reason"), next_action=None)
    world.emit("setup_intent.canceled", intent)
    return intent


def open_setup(world, params, **private) -> dict:
    """A setup intent that has not been confirmed."""
    customer = customers.living(world, params["customer"])["id"] if "customer" in params else None
    allowed = params.get("allowed_payment_method_types")
    if allowed and "card" not in allowed:
        raise not_simulated("payment methods other than cards")
    intent = world.new(
        "setup_intent",
        allowed_payment_method_types=allowed,
        application=None,
        automatic_payment_methods={
            "allow_redirects": "always",
            **params.get("automatic_payment_methods", {"enabled": True}),
        },
        cancellation_reason=None,
        client_secret=None,
        customer=customer,
        description=params.get("description"),
        flow_directions=None,
        last_setup_error=None,
        latest_attempt=None,
        mandate=None,
        metadata=metadata(params),
        next_action=None,
        on_behalf_of=None,
        payment_method=None,
        payment_method_configuration_details=None,
        payment_method_options={
            "card": {
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
                **params.get("payment_method_options", {}).get("card", {}),
            }
        },
        payment_method_types=["card"],
        single_use_mandate=None,
        status="requires_payment_method",
        usage=params.get("usage", "off_session"),
        **private,
    )
    intent["client_secret"] = f"{intent['id']}_secret_{token(25)}"
    _take_method(world, intent, params)
    world.emit("setup_intent.created", intent)
    return intent


def confirm_setup(world, intent, *, return_url=None):
    """Check the card with its bank and save it. Raises the refusal after recording it."""
    if intent["status"] not in OPEN:
        raise unexpected(world, intent, "confirm")
    if not intent["payment_method"]:
        raise invalid(
            "You cannot confirm this SetupIntent because it's missing a payment method.",
            code="setup_intent_unexpected_state",
            setup_intent=render(world, intent),
        )
    require_return_url(intent, return_url, False)
    method = world.get("payment_method", intent["payment_method"])
    customers.require_owner(method, intent["customer"])
    intent.update(next_action=None, last_setup_error=None, _return_url=return_url)
    if card_asks(method, off_session=False, wanted=three_d_secure_wanted(intent)):
        ask(world, intent, return_url)
        return
    _save(world, intent, method)


def authenticate_setup(world, intent, *, succeeds):
    """The cardholder came back from their bank's page. Raises when the card is then not saved."""
    if intent["status"] != "requires_action":
        raise unexpected(world, intent, "authenticate")
    method = world.get("payment_method", intent["payment_method"])
    if succeeds:
        _save(world, intent, method, authenticated=True)
        return
    error = {
        "type": "card_error",
        "code": "setup_intent_authentication_failure",
        "message": "We are unable to authenticate your payment method. Please choose a different payment "
        "method and try again.",
        "doc_url": "https://docs.stripe.com/error-codes/setup-intent-authentication-failure",
    }
    _refuse(world, intent, method, error)


def _save(world, intent, method, authenticated=False):
    card = cards.behaviour(method)
    if card.refuses and not card.attaches:
        _refuse(world, intent, method, decline(card.refuses))
    if intent["customer"] and not method["customer"]:
        customers.attach(world, method, customers.living(world, intent["customer"]))
    if authenticated and intent["usage"] == "off_session":
        method["_set_up"] = True
    world.touch(intent).update(status="succeeded", next_action=None, last_setup_error=None)
    world.emit("setup_intent.succeeded", intent)


def _refuse(world, intent, method, error):
    world.touch(intent).update(
        status="requires_payment_method",
        payment_method=None,
        next_action=None,
        last_setup_error={**error, "payment_method": render(world, method)},
    )
    world.emit("setup_intent.setup_failed", intent)
    raise card_error(error, setup_intent=render(world, intent), payment_method=render(world, method))


def _take_method(world, intent, params):
    if "payment_method_data" in params:
        method = customers.from_data(world, params["payment_method_data"])
    elif params.get("payment_method"):
        method = customers.resolve(world, params["payment_method"])
    else:
        return
    if intent["status"] not in OPEN:
        raise unexpected(world, intent, "update")
    customers.require_owner(method, intent["customer"])
    intent.update(payment_method=method["id"], status="requires_confirmation", next_action=None)
