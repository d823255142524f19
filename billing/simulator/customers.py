"""Customers and the cards they keep."""

from datetime import UTC, datetime

from . import cards
from .endpoints import endpoint, merge_metadata, metadata, page, readable
from .errors import card_error, decline, invalid, malformed, missing, not_simulated
from .world import token

PLAIN = ("address", "balance", "business_name", "description", "email", "individual_name", "name", "phone")


@endpoint("POST /v1/customers", "CustomerCreateParams")
def create_customer(world, params):
    """A new customer, with a default payment method where one is given."""
    customer = world.new(
        "customer",
        address=None,
        balance=0,
        currency=None,
        default_source=None,
        delinquent=False,
        description=None,
        discount=None,
        email=None,
        invoice_prefix=token(8).upper(),
        invoice_settings={
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        metadata=metadata(params),
        name=None,
        next_invoice_sequence=1,
        phone=None,
        preferred_locales=[],
        shipping=None,
        tax_exempt="none",
        test_clock=None,
    )
    _assign(world, customer, params)
    world.emit("customer.created", customer)
    if "payment_method" in params:
        attach(world, resolve(world, params["payment_method"]), customer)
    return customer


@endpoint("GET /v1/customers/{id}", "CustomerRetrieveParams")
def retrieve_customer(world, params, id):
    """The customer, or the stub that Stripe keeps of a deleted one."""
    customer = world.get("customer", id)
    return _stub(customer) if customer.get("_deleted") else customer


@endpoint("GET /v1/customers", "CustomerListParams")
def list_customers(world, params):
    """Customers that were not deleted."""
    rows = [customer for customer in world.all("customer") if not customer.get("_deleted")]
    return page(world, params, rows, "/v1/customers", ("email",))


@endpoint("POST /v1/customers/{id}", "CustomerUpdateParams")
def update_customer(world, params, id):
    """Change what was given; leave the rest."""
    customer = living(world, id, "id")
    before = {name: customer.get(name) for name in params if name in customer}
    merge_metadata(customer, params)
    _assign(world, customer, params)
    world.emit("customer.updated", customer, **before)
    return customer


@endpoint("DELETE /v1/customers/{id}", "CustomerDeleteParams")
def delete_customer(world, params, id):
    """Forget a customer; their cards and subscriptions go with them, their charges stay."""
    customer = living(world, id, "id")
    for method in world.all("payment_method", customer=id):
        detach(world, method)
    for subscription in world.all("subscription", customer=id):
        if subscription["status"] != "canceled":
            from .subscriptions import end

            end(world, world.touch(subscription))
    world.emit("customer.deleted", customer)
    customer["_deleted"] = True
    return _stub(customer)


def living(world, id, param="customer") -> dict:
    """A customer that exists and was not deleted."""
    customer = world.get("customer", id, param)
    if customer.get("_deleted"):
        raise missing("customer", id, param)
    return customer


def _stub(customer):
    return {"id": customer["id"], "object": "customer", "deleted": True}


def _assign(world, customer, params):
    for name in PLAIN:
        if name in params:
            customer[name] = None if params[name] == "" else params[name]
    for name in ("shipping", "tax_exempt", "preferred_locales", "invoice_prefix", "next_invoice_sequence"):
        if name in params:
            customer[name] = params[name] or {"tax_exempt": "none"}.get(name)
    settings = params.get("invoice_settings", {})
    chosen = settings.get("default_payment_method")
    if chosen and world.get("payment_method", chosen, "invoice_settings[default_payment_method]")[
        "customer"
    ] not in (customer["id"],):
        raise invalid(
            f"The customer does not have a payment method with the ID {chosen}. The payment method must be "
            "attached to the customer.",
            code="resource_missing",
            param="invoice_settings[default_payment_method]",
        )
    for name, value in settings.items():
        customer["invoice_settings"][name] = None if value == "" else value


# Payment methods


@endpoint("POST /v1/payment_methods", "PaymentMethodCreateParams")
def create_payment_method(world, params):
    """A card, not yet anybody's."""
    return from_data(world, params)


readable("payment_method", "/v1/payment_methods", "PaymentMethod", ("customer", "type", "allow_redisplay"))


@endpoint("POST /v1/payment_methods/{id}", "PaymentMethodUpdateParams")
def update_payment_method(world, params, id):
    """Change billing details, metadata or the expiry of a saved card."""
    method = world.get("payment_method", id)
    if not method["customer"]:
        raise invalid("You must save this PaymentMethod to a customer before you can update it.")
    merge_metadata(method, params)
    method["billing_details"].update(params.get("billing_details", {}))
    method["allow_redisplay"] = params.get("allow_redisplay", method["allow_redisplay"])
    method["card"].update(
        {key: value for key, value in params.get("card", {}).items() if key in ("exp_month", "exp_year")}
    )
    world.emit("payment_method.updated", method)
    return method


@endpoint("POST /v1/payment_methods/{id}/attach", "PaymentMethodAttachParams")
def attach_payment_method(world, params, id):
    """Save a card to a customer; a bank that refuses does so here."""
    if "customer" not in params:
        raise malformed("Missing required param: customer.", code="parameter_missing", param="customer")
    method = resolve(world, id, "id")
    customer = living(world, params["customer"])
    if method["customer"]:
        raise invalid("The payment method you provided has already been attached to a customer.")
    attach(world, method, customer)
    return method


@endpoint("POST /v1/payment_methods/{id}/detach", "PaymentMethodDetachParams")
def detach_payment_method(world, params, id):
    """Take a card from its customer, for good."""
    method = world.get("payment_method", id)
    if not method["customer"]:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    return detach(world, method)


@endpoint("GET /v1/customers/{customer}/payment_methods", "CustomerPaymentMethodListParams")
def list_customer_methods(world, params, customer):
    """A customer's saved cards."""
    living(world, customer, "id")
    rows = world.all("payment_method", customer=customer)
    return page(world, params, rows, f"/v1/customers/{customer}/payment_methods", ("type",))


@endpoint("GET /v1/customers/{customer}/payment_methods/{id}", "CustomerPaymentMethodRetrieveParams")
def retrieve_customer_method(world, params, customer, id):
    """One of a customer's saved cards."""
    method = world.get("payment_method", id)
    if method["customer"] != customer:
        raise missing("PaymentMethod", id)
    return method


def from_data(world, data) -> dict:
    """A payment method from `payment_method_data`, from a token or from a typed card."""
    if data.get("type") != "card":
        raise not_simulated(f"payment methods of the type {data.get('type')}")
    typed = data.get("card", {})
    today = datetime.fromtimestamp(world.clock.now(), UTC)
    if "token" in typed:
        card, month, year = cards.named(typed["token"]), 12, today.year + 3
    else:
        for name in ("number", "exp_month", "exp_year"):
            if name not in typed:
                where = f"card[{name}]"
                raise malformed(f"Missing required param: {where}.", code="parameter_missing", param=where)
        card = cards.BY_NUMBER[cards.parse_number(typed["number"])]
        month, year = cards.parse_expiry(typed["exp_month"], typed["exp_year"], today.year, today.month)
    return _new_method(world, card, month, year, data)


def resolve(world, id, param="payment_method") -> dict:
    """The payment method with this id; a `pm_card_…` name gives a fresh one each time."""
    if id.startswith("pm_card_"):
        year = datetime.fromtimestamp(world.clock.now(), UTC).year + 3
        return _new_method(world, cards.named(id), 12, year, {})
    return world.get("payment_method", id, param)


def attach(world, method, customer):
    """Save the card to the customer unless its bank says no."""
    card = cards.behaviour(method)
    if card.refuses and not card.attaches:
        raise card_error(decline(card.refuses))
    require_usable(method)
    method["customer"] = customer["id"]
    world.emit("payment_method.attached", method)


def detach(world, method):
    """Take the card off its customer and from wherever it was the default."""
    world.touch(method)
    customer = world.get("customer", method["customer"])
    if customer["invoice_settings"]["default_payment_method"] == method["id"]:
        customer["invoice_settings"]["default_payment_method"] = None
    method.update(customer=None, _spent=True)
    world.emit("payment_method.detached", method, customer=customer["id"])
    return method


def require_usable(method):
    """A card used once without being saved, or detached, can never be used again."""
    if method.get("_spent") and not method["customer"]:
        raise invalid(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment "
            "or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple "
            "times, you must attach it to a Customer first.",
            param="payment_method",
        )


def require_owner(method, customer_id):
    """A saved card pays only for its own customer."""
    require_usable(method)
    if method["customer"] and not customer_id:
        raise invalid(
            "The payment method you provided is attached to a customer so for security purposes you must "
            "provide the customer in the request.",
            param="payment_method",
        )
    if method["customer"] and method["customer"] != customer_id:
        raise invalid(
            f"The customer does not have a payment method with the ID {method['id']}. The payment method "
            "must be attached to the customer.",
            code="resource_missing",
            param="payment_method",
        )


def _new_method(world, card, month, year, data):
    billing = {"address": None, "email": None, "name": None, "phone": None, "tax_id": None}
    empty = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    billing.update(data.get("billing_details", {}))
    billing["address"] = {**empty, **(billing["address"] or {})}
    return world.new(
        "payment_method",
        allow_redisplay=data.get("allow_redisplay", "unspecified"),
        billing_details=billing,
        card=cards.details(card, month, year),
        customer=None,
        metadata=metadata(data),
        type="card",
        _number=card.number,
    )
