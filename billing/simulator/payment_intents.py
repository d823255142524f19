"""Payment intents: hold, take, increase and let go of money."""

from . import cards, charges, customers, ledger
from .confirmation import confirm, is_manual, unexpected
from .endpoints import endpoint, merge_metadata, metadata, readable
from .errors import card_error, decline, invalid, malformed, not_simulated
from .render import render
from .world import token

readable("payment_intent", "/v1/payment_intents", "PaymentIntent", ("customer",))

ZERO_DECIMAL = {
    "bif",
    "clp",
    "djf",
    "gnf",
    "jpy",
    "kmf",
    "krw",
    "mga",
    "pyg",
    "rwf",
    "vnd",
    "vuv",
    "xaf",
    "xof",
}
#: Stripe's own bound.
MOST_RAISES = 10
BEFORE_CONFIRMATION = ("requires_payment_method", "requires_confirmation", "requires_action")
COPIED = [
    "capture_method",
    "confirmation_method",
    "description",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
]
DEFAULTS = {"capture_method": "automatic_async", "confirmation_method": "automatic"}
ONLY_WITH_CONFIRM = ("error_on_requires_action", "off_session", "return_url", "mandate_data")


@endpoint("POST /v1/payment_intents", "PaymentIntentCreateParams")
def create_payment_intent(world, params):
    """A payment to be made, and with `confirm` the attempt to make it."""
    if not params.get("confirm"):
        for name in ONLY_WITH_CONFIRM:
            if params.get(name):
                raise malformed(f"The parameter `{name}` can only be used with `confirm=true`.", param=name)
    intent = open_intent(world, params)
    if params.get("confirm"):
        _confirm(world, intent, params)
    return intent


@endpoint("POST /v1/payment_intents/{id}", "PaymentIntentUpdateParams")
def update_payment_intent(world, params, id):
    """Notes at any time; amount, customer and card only before the money moved."""
    intent = world.get("payment_intent", id)
    money = set(params) - {"metadata", "description", "expand", "receipt_email", "transfer_group"}
    if money and intent["status"] not in BEFORE_CONFIRMATION:
        raise unexpected(world, intent, "update")
    merge_metadata(intent, params)
    for name in COPIED:
        if name in params:
            intent[name] = params[name] or None
    if "amount" in params or "currency" in params:
        currency = params.get("currency", intent["currency"]).lower()
        intent.update(
            amount=check_amount(params.get("amount", intent["amount"]), currency), currency=currency
        )
    if "customer" in params:
        intent["customer"] = customers.living(world, params["customer"])["id"]
    if "payment_method_options" in params:
        _merge_options(intent, params["payment_method_options"])
    _take_method(world, intent, params)
    return intent


@endpoint("POST /v1/payment_intents/{id}/confirm", "PaymentIntentConfirmParams")
def confirm_payment_intent(world, params, id):
    """Attempt the payment."""
    intent = world.get("payment_intent", id)
    for name in ("capture_method", "receipt_email", "setup_future_usage", "shipping"):
        if name in params:
            intent[name] = params[name] or None
    if "payment_method_options" in params:
        _merge_options(intent, params["payment_method_options"])
    _take_method(world, intent, params)
    _confirm(world, intent, params)
    return intent


@endpoint("POST /v1/payment_intents/{id}/capture", "PaymentIntentCaptureParams")
def capture_payment_intent(world, params, id):
    """Take what was held, all or part."""
    intent = world.get("payment_intent", id)
    charge = world.objects.get("charge", {}).get(intent["latest_charge"])
    if intent["status"] != "requires_capture":
        if charge and charge["_expired"]:
            raise unexpected(world, intent, "capture", code="charge_expired_for_capture")
        raise unexpected(world, intent, "capture")
    if params.get("final_capture") is False:
        raise not_simulated("capturing a hold several times (final_capture=false)")
    amount = params.get("amount_to_capture", intent["amount_capturable"])
    if amount < 1:
        raise malformed("Invalid positive integer", "parameter_invalid_integer", "amount_to_capture")
    if amount > intent["amount_capturable"]:
        raise invalid(
            f"The amount_to_capture ({amount}) is greater than the amount that can be captured "
            f"({intent['amount_capturable']}).",
            code="amount_too_large",
            param="amount_to_capture",
        )
    merge_metadata(intent, params)
    charges.capture(world, charge, amount)
    intent.update(status="succeeded", amount_capturable=0, amount_received=amount)
    world.emit("payment_intent.succeeded", intent)
    return intent


@endpoint("POST /v1/payment_intents/{id}/cancel", "PaymentIntentCancelParams")
def cancel_payment_intent(world, params, id):
    """Give up a payment; money on hold goes back at once."""
    intent = world.get("payment_intent", id)
    if intent["status"] not in (*BEFORE_CONFIRMATION, "requires_capture"):
        raise unexpected(world, intent, "cancel")
    cancel(world, intent, params.get("cancellation_reason"))
    return intent


@endpoint(
    "POST /v1/payment_intents/{id}/increment_authorization", "PaymentIntentIncrementAuthorizationParams"
)
def increment_authorization(world, params, id):
    """Raise a hold, where the card was asked for that beforehand."""
    intent = world.get("payment_intent", id)
    if intent["status"] != "requires_capture":
        raise unexpected(world, intent, "increment the authorization of")
    charge = world.get("charge", intent["latest_charge"])
    on_card = charge["payment_method_details"]["card"]
    if on_card["incremental_authorization"]["status"] != "available":
        raise invalid(
            "This PaymentIntent does not support incremental authorization. Request it with "
            "payment_method_options[card][request_incremental_authorization]=if_available before confirming.",
            param="amount",
        )
    amount = check_amount(params["amount"], intent["currency"])
    if amount <= intent["amount"]:
        raise invalid("The amount must be greater than the currently authorized amount.", param="amount")
    if charge["_raises"] >= MOST_RAISES:
        raise invalid(
            f"This PaymentIntent has had its {MOST_RAISES} incremental authorization attempts.",
            param="amount",
        )
    # Those that the bank declines count, and change nothing else.
    charge["_raises"] += 1
    method = world.get("payment_method", intent["payment_method"])
    if refused := cards.behaviour(method).raise_refused:
        raise card_error(decline(refused), payment_intent=render(world, intent))
    merge_metadata(intent, params)
    intent["description"] = params.get("description", intent["description"])
    before = charge["amount"]
    intent.update(amount=amount, amount_capturable=amount)
    charge["amount"] = on_card["amount_authorized"] = amount
    on_card["overcapture"]["maximum_amount_capturable"] = amount
    world.emit("charge.updated", charge, amount=before)
    world.emit("payment_intent.amount_capturable_updated", intent)
    return intent


def open_intent(world, params, **private) -> dict:
    """A payment intent that has not been confirmed."""
    currency = params["currency"].lower()
    amount = check_amount(params["amount"], currency)
    customer = customers.living(world, params["customer"])["id"] if "customer" in params else None
    allowed = params.get("allowed_payment_method_types")
    if allowed and "card" not in allowed:
        raise not_simulated("payment methods other than cards")
    automatic = params.get("automatic_payment_methods", {"enabled": True})
    intent = world.new(
        "payment_intent",
        allowed_payment_method_types=allowed,
        amount=amount,
        amount_capturable=0,
        amount_details={"tip": {}},
        amount_received=0,
        application=None,
        application_fee_amount=None,
        automatic_payment_methods={"allow_redirects": "always", **automatic},
        canceled_at=None,
        cancellation_reason=None,
        client_secret=None,
        currency=currency,
        customer=customer,
        last_payment_error=None,
        latest_charge=None,
        metadata=metadata(params),
        next_action=None,
        on_behalf_of=None,
        payment_method=None,
        payment_method_configuration_details=None,
        payment_method_options={
            "card": {"installments": None, "network": None, "request_three_d_secure": "automatic"}
        },
        payment_method_types=["card"],
        processing=None,
        review=None,
        source=None,
        status="requires_payment_method",
        transfer_data=None,
        _off_session=False,
        **{name: params.get(name, DEFAULTS.get(name)) for name in COPIED},
        **private,
    )
    intent["client_secret"] = f"{intent['id']}_secret_{token(25)}"
    if "payment_method_options" in params:
        _merge_options(intent, params["payment_method_options"])
    _take_method(world, intent, params)
    world.emit("payment_intent.created", intent)
    return intent


def cancel(world, intent, reason, *, expired=False):
    """Cancel an intent that has not taken money."""
    if intent["status"] == "requires_capture":
        charges.release(world, world.get("charge", intent["latest_charge"]), expired=expired)
    world.touch(intent).update(
        status="canceled",
        amount_capturable=0,
        canceled_at=world.clock.now(),
        cancellation_reason=reason,
        next_action=None,
    )
    world.emit("payment_intent.canceled", intent)


def expire_due(world):
    """Banks drop holds that nobody captured in time."""
    for intent in world.all("payment_intent", status="requires_capture"):
        charge = world.objects["charge"][intent["latest_charge"]]
        if charge["payment_method_details"]["card"]["capture_before"] <= world.clock.now():
            cancel(world, intent, "automatic", expired=True)


def check_amount(amount, currency) -> int:
    """An amount Stripe would accept."""
    if len(currency) != 3 or not currency.isalpha():
        raise malformed(f"Invalid currency: {currency}.", param="currency")
    if amount < 1:
        raise malformed(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if amount < (1 if currency in ZERO_DECIMAL else ledger.SMALLEST_CHARGE):
        raise invalid(
            "Amount must be at least 0.50 in the currency of the charge.",
            code="amount_too_small",
            param="amount",
        )
    if amount > 99_999_999:
        raise invalid("Amount must be no more than 999,999.99.", code="amount_too_large", param="amount")
    return amount


def _confirm(world, intent, params):
    confirm(
        world,
        intent,
        off_session=bool(params.get("off_session")),
        return_url=params.get("return_url"),
        error_on_requires_action=params.get("error_on_requires_action", False),
    )


def _take_method(world, intent, params):
    if "payment_method_data" in params:
        method = customers.from_data(world, params["payment_method_data"])
    elif params.get("payment_method"):
        method = customers.resolve(world, params["payment_method"])
    else:
        return
    if intent["status"] not in BEFORE_CONFIRMATION:
        raise unexpected(world, intent, "update")
    customers.require_owner(method, intent["customer"])
    intent.update(payment_method=method["id"], status="requires_confirmation", next_action=None)


def _merge_options(intent, options):
    for kind, values in options.items():
        if kind != "card":
            raise not_simulated(f"payment_method_options[{kind}]")
        merged = {**intent["payment_method_options"]["card"], **(values or {})}
        intent["payment_method_options"]["card"] = {k: v for k, v in merged.items() if v != ""}
    if is_manual(intent) and intent["capture_method"] != "manual":
        intent["payment_method_options"]["card"]["capture_method"] = "manual"
