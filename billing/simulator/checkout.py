"""Checkout sessions: the redirect to a page that takes the card."""

from . import catalog, confirmation, customers, payment_intents, setup_intents, subscriptions
from .endpoints import endpoint, merge_metadata, metadata, page, readable, whole
from .errors import invalid, malformed, not_simulated
from .world import token

readable(
    "checkout.session",
    "/v1/checkout/sessions",
    "checkout.Session",
    ("customer", "payment_intent", "status", "subscription"),
)

DAY, HALF_HOUR = 86400, 1800
ONLY_IN = {
    "payment_intent_data": "payment",
    "setup_intent_data": "setup",
    "subscription_data": "subscription",
}


@endpoint("POST /v1/checkout/sessions", "checkout.SessionCreateParams")
def create_session(world, params):
    """A page at `url` on which a customer pays or saves a card."""
    mode = _mode(params)
    now = world.clock.now()
    expires_at = params.get("expires_at", now + DAY)
    # A minute of grace for the way here, as the caller's clock took its time earlier.
    if not now + HALF_HOUR - 60 <= expires_at <= now + DAY + 60:
        raise invalid(
            "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout "
            "Session creation.",
            param="expires_at",
        )
    customer = customers.living(world, params["customer"])["id"] if "customer" in params else None
    items = [_item(world, item, mode, index) for index, item in enumerate(params.get("line_items", []))]
    total = sum(item["amount_total"] for item in items) if items else None
    currency = items[0]["currency"] if items else params.get("currency", "").lower() or None
    if any(item["currency"] != currency for item in items):
        raise invalid("All line items must have the same currency.", param="line_items")
    if mode == "payment":
        payment_intents.check_amount(total, currency)
    session = world.new(
        "checkout.session",
        adaptive_pricing=None if mode == "setup" else {"enabled": False},
        after_expiration=None,
        allow_promotion_codes=None,
        allowed_payment_method_types=params.get("allowed_payment_method_types"),
        amount_subtotal=total,
        amount_total=total,
        automatic_tax={"enabled": False, "liability": None, "provider": None, "status": None},
        billing_address_collection=params.get("billing_address_collection"),
        cancel_url=params.get("cancel_url"),
        client_reference_id=params.get("client_reference_id"),
        client_secret=None,
        collected_information={"business_name": None, "individual_name": None, "shipping_details": None},
        consent=None,
        consent_collection=None,
        currency=currency,
        currency_conversion=None,
        custom_fields=[],
        custom_text={
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
            **params.get("custom_text", {}),
        },
        customer=customer,
        customer_creation=None if customer else params.get("customer_creation", _creates(mode)),
        customer_details=None,
        customer_email=params.get("customer_email"),
        discounts=None if mode == "setup" else [],
        expires_at=expires_at,
        invoice=None,
        invoice_creation=None,
        locale=params.get("locale"),
        metadata=metadata(params),
        mode=mode,
        origin_context=None,
        payment_intent=None,
        payment_link=None,
        payment_method_collection=params.get("payment_method_collection", "always"),
        payment_method_configuration_details=None,
        payment_method_options=params.get(
            "payment_method_options", {"card": {"request_three_d_secure": "automatic"}}
        ),
        payment_method_types=["card"],
        payment_status="no_payment_required" if mode == "setup" else "unpaid",
        permissions=None,
        phone_number_collection={"enabled": False},
        recovered_from=None,
        saved_payment_method_options=None,
        setup_intent=None,
        shipping_address_collection=None,
        shipping_cost=None,
        shipping_options=[],
        status="open",
        submit_type=params.get("submit_type"),
        subscription=None,
        success_url=params["success_url"],
        total_details=None
        if mode == "setup"
        else {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        ui_mode="hosted_page",
        url=None,
        wallet_options=None,
        _line_items=whole(items, ""),
        _intent_data=params.get(f"{'payment_intent' if mode == 'payment' else mode}_data", {}),
        _error=None,
    )
    session["url"] = f"{world.public_url}/c/pay/{session['id']}"
    session["_line_items"]["url"] = f"/v1/checkout/sessions/{session['id']}/line_items"
    if mode == "setup":
        data = params.get("setup_intent_data", {})
        wanted = {"customer": customer} if customer else {}
        options = {"payment_method_options": session["payment_method_options"]}
        intent = setup_intents.open_setup(world, {**data, **wanted, **options}, _session=session["id"])
        session["setup_intent"] = intent["id"]
    return session


@endpoint("POST /v1/checkout/sessions/{id}", "checkout.SessionUpdateParams")
def update_session(world, params, id):
    """Only the metadata of a hosted session can change."""
    session = world.get("checkout.session", id)
    if set(params) - {"metadata", "expand"}:
        raise not_simulated("updating more than a session's metadata")
    merge_metadata(session, params)
    return session


@endpoint("POST /v1/checkout/sessions/{id}/expire", "checkout.SessionExpireParams")
def expire_session(world, params, id):
    """Close a session that nobody completed."""
    session = world.get("checkout.session", id)
    if session["status"] != "open":
        raise invalid(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a '
            f"status of `{session['status']}`."
        )
    expire(world, session)
    return session


@endpoint("GET /v1/checkout/sessions/{id}/line_items", "checkout.SessionListLineItemsParams")
def list_line_items(world, params, id):
    """What is being bought."""
    session = world.get("checkout.session", id)
    rows = list(reversed(session["_line_items"]["data"]))
    return page(world, params, rows, f"/v1/checkout/sessions/{id}/line_items")


def expire_due(world):
    """Sessions close by themselves, after a day unless told otherwise."""
    for session in world.all("checkout.session", status="open"):
        if session["expires_at"] <= world.clock.now():
            expire(world, session)


def expire(world, session):
    """Close the page and whatever payment was begun on it."""
    world.touch(session).update(status="expired", url=None)
    for kind, name in (("payment_intent", "payment_intent"), ("setup_intent", "setup_intent")):
        intent = world.objects.get(kind, {}).get(session[name])
        if intent and intent["status"] in confirmation.CONFIRMABLE:
            if kind == "payment_intent":
                payment_intents.cancel(world, intent, None)
            else:
                world.touch(intent).update(status="canceled", next_action=None)
                world.emit("setup_intent.canceled", intent)
    world.emit("checkout.session.expired", session)


def submit(world, session, card):
    """The customer filled in the page. Raises the card's refusal; the page stays open then."""
    method = customers.from_data(world, card)
    _remember_customer(world, session, card)
    if session["mode"] == "subscription":
        subscriptions.subscribe_at_checkout(world, session, method)
        complete(world, session)
        return
    intent = _intent(world, session)
    intent.update(payment_method=method["id"], status="requires_confirmation", next_action=None)
    # The session itself is the way back, so the intent needs no return_url of its own.
    if session["mode"] == "payment":
        confirmation.confirm(world, intent)
    else:
        setup_intents.confirm_setup(world, intent)
    complete_if_done(world, intent)


def complete_if_done(world, intent):
    """Finish the session that an intent belongs to once its card has agreed."""
    session = world.objects.get("checkout.session", {}).get(intent.get("_session"))
    if session and session["status"] == "open" and intent["status"] in ("succeeded", "requires_capture"):
        complete(world, world.touch(session))


def complete(world, session):
    """The page did its work."""
    intent = world.objects.get("payment_intent", {}).get(session["payment_intent"])
    paid = session["mode"] == "subscription" or (intent and intent["status"] == "succeeded")
    if session["mode"] != "setup":
        # A hold is not a payment yet: Stripe says unpaid until it is captured.
        session["payment_status"] = "paid" if paid else "unpaid"
    session.update(status="complete", url=None, _error=None)
    world.emit("checkout.session.completed", session)


def _mode(params):
    mode = params.get("mode")
    if not mode:
        raise malformed("Missing required param: mode.", code="parameter_missing", param="mode")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise not_simulated(f"the ui_mode {params['ui_mode']}")
    if params.get("automatic_tax", {}).get("enabled"):
        raise not_simulated("automatic tax")
    if "success_url" not in params:
        raise malformed("Missing required param: success_url.", "parameter_missing", "success_url")
    for name, only in ONLY_IN.items():
        if name in params and mode != only:
            raise invalid(f"You can not pass `{name}` in `{mode}` mode.", param=name)
    if "customer" in params and "customer_email" in params:
        raise invalid("You may only specify one of these parameters: customer, customer_email.")
    if "customer" in params and "customer_creation" in params:
        raise invalid("You may only specify one of these parameters: customer, customer_creation.")
    if mode == "setup":
        if "line_items" in params:
            raise invalid("You can not pass `line_items` in `setup` mode.", param="line_items")
        if "currency" not in params and "allowed_payment_method_types" not in params:
            raise malformed("Missing required param: currency.", "parameter_missing", "currency")
    elif not params.get("line_items"):
        raise malformed("Missing required param: line_items.", "parameter_missing", "line_items")
    return mode


def _creates(mode):
    return {"payment": "if_required", "setup": "if_required", "subscription": "always"}[mode]


def _item(world, item, mode, index):
    where = f"line_items[{index}]"
    if ("price" in item) == ("price_data" in item):
        raise malformed(f"Specify price or price_data for {where}.", "parameter_missing", f"{where}[price]")
    if "price" in item:
        price = world.get("price", item["price"], f"{where}[price]")
        if not price["active"]:
            raise invalid("The price specified is inactive. This field only accepts active prices.")
    else:
        price = catalog.new_price(world, item["price_data"])
    if price["recurring"] and mode != "subscription":
        raise invalid("You specified `payment` mode but passed a recurring price.", param="line_items")
    if price["unit_amount"] is None:
        raise not_simulated("fractions of a cent in Checkout")
    quantity = item.get("quantity")
    if not quantity:
        raise malformed(f"Missing required param: {where}[quantity].", "parameter_missing", where)
    amount = price["unit_amount"] * quantity
    return {
        "id": f"li_{token()}",
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": world.objects["product"][price["product"]]["name"],
        "price": {key: value for key, value in price.items() if not key.startswith("_")},
        "quantity": quantity,
    }


def _intent(world, session):
    """The session's intent; a payment's is only made when the customer pays."""
    if session["setup_intent"]:
        intent = world.get("setup_intent", session["setup_intent"])
    elif session["payment_intent"]:
        intent = world.get("payment_intent", session["payment_intent"])
    else:
        data = dict(session["_intent_data"])
        data.update(amount=session["amount_total"], currency=session["currency"])
        data["payment_method_options"] = session["payment_method_options"]
        intent = payment_intents.open_intent(world, data, _session=session["id"])
        session["payment_intent"] = intent["id"]
    if intent["status"] not in confirmation.CONFIRMABLE:
        raise confirmation.unexpected(world, intent, "confirm")
    intent["customer"] = session["customer"]
    return intent


def _remember_customer(world, session, card):
    details = card.get("billing_details", {})
    email = details.get("email") or session["customer_email"]
    session["customer_details"] = {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": details.get("name"),
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }
    if session["customer"] is None and session["customer_creation"] == "always":
        named = {"name": details["name"]} if details.get("name") else {}
        customer = customers.create_customer(world, {"email": email, **named} if email else named)
        session["customer"] = customer["id"]
