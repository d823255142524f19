"""Subscriptions, thin: one invoice per period, paid from the default card."""

import calendar
from datetime import UTC, datetime

from . import confirmation, customers, invoices
from .endpoints import endpoint, merge_metadata, metadata, page, readable, whole
from .errors import StripeError, invalid, malformed, not_simulated

CHANGES = {
    "metadata",
    "description",
    "cancel_at_period_end",
    "default_payment_method",
    "items",
    "payment_behavior",
    "proration_behavior",
    "proration_date",
}

readable("subscription_item", "/v1/subscription_items", "SubscriptionItem", ("subscription",))


@endpoint("GET /v1/subscriptions", "SubscriptionListParams")
def list_subscriptions(world, params):
    """Subscriptions, the ended ones only on request."""
    rows = world.all("subscription")
    status = params.get("status")
    if status is None:
        rows = [row for row in rows if row["status"] != "canceled"]
    elif status == "ended":
        rows = [row for row in rows if row["status"] in ("canceled", "incomplete_expired")]
    elif status != "all":
        rows = [row for row in rows if row["status"] == status]
    return page(world, params, rows, "/v1/subscriptions", ("customer",))


@endpoint("GET /v1/subscriptions/{id}", "SubscriptionRetrieveParams")
def retrieve_subscription(world, params, id):
    """One subscription."""
    return world.get("subscription", id)


@endpoint("POST /v1/subscriptions", "SubscriptionCreateParams")
def create_subscription(world, params):
    """Start a subscription and charge its first period."""
    if "customer" not in params:
        raise malformed("Missing required param: customer.", code="parameter_missing", param="customer")
    for name in ("add_invoice_items", "trial_end", "trial_period_days", "billing_schedules"):
        if name in params:
            raise not_simulated(f"the parameter {name}")
    customer = customers.living(world, params["customer"])
    chosen = params.get("default_payment_method")
    if chosen:
        customers.require_owner(world.get("payment_method", chosen, "default_payment_method"), customer["id"])
    items = [
        (world.get("price", item["price"], "items"), item.get("quantity", 1)) for item in params["items"]
    ]
    return subscribe(world, customer, items, chosen, params)


@endpoint("POST /v1/subscriptions/{id}", "SubscriptionUpdateParams")
def update_subscription(world, params, id):
    """Notes, the default card, another price, and whether it ends with its period."""
    subscription = world.get("subscription", id)
    if set(params) - CHANGES - {"expand"}:
        raise not_simulated("this change of a subscription")
    if subscription["status"] in ("canceled", "incomplete_expired"):
        raise invalid("A canceled subscription can only update its cancellation_details and metadata.")
    merge_metadata(subscription, params)
    if "items" in params:
        _change_price(world, subscription, params)
    if "default_payment_method" in params:
        method = world.get("payment_method", params["default_payment_method"], "default_payment_method")
        customers.require_owner(method, subscription["customer"])
        subscription["default_payment_method"] = method["id"]
    subscription["description"] = params.get("description", subscription["description"])
    if "cancel_at_period_end" in params:
        ends = params["cancel_at_period_end"]
        subscription.update(
            cancel_at_period_end=ends,
            cancel_at=_period_end(subscription) if ends else None,
            canceled_at=world.clock.now() if ends else None,
        )
    world.emit("customer.subscription.updated", subscription)
    return subscription


@endpoint("DELETE /v1/subscriptions/{id}", "SubscriptionCancelParams")
def cancel_subscription(world, params, id):
    """End a subscription now."""
    subscription = world.get("subscription", id)
    if subscription["status"] == "canceled":
        raise invalid(f"No such subscription: '{id}'", code="resource_missing", param="id")
    end(world, subscription)
    return subscription


def subscribe(world, customer, items, method_id, params) -> dict:
    """A subscription with its first invoice, paid or left incomplete."""
    if not items or any(not price["recurring"] for price, _ in items):
        raise invalid("The price specified is set to `type=one_time`; subscriptions need recurring prices.")
    now = world.clock.now()
    until = _after(now, items[0][0]["recurring"])
    subscription = world.new(
        "subscription",
        application=None,
        application_fee_percent=None,
        automatic_tax={"disabled_reason": None, "enabled": False, "liability": None},
        billing_cycle_anchor=now,
        billing_cycle_anchor_config=None,
        billing_mode={"type": "flexible", "flexible": {"proration_discounts": "included"}},
        billing_schedules=[],
        billing_thresholds=None,
        cancel_at=None,
        cancel_at_period_end=params.get("cancel_at_period_end", False),
        canceled_at=None,
        cancellation_details={"comment": None, "feedback": None, "reason": None},
        collection_method="charge_automatically",
        currency=items[0][0]["currency"],
        customer=customer["id"],
        days_until_due=None,
        default_payment_method=method_id,
        default_source=None,
        default_tax_rates=[],
        description=params.get("description"),
        discounts=[],
        ended_at=None,
        invoice_settings={"account_tax_ids": None, "issuer": {"type": "self"}},
        items=None,
        latest_invoice=None,
        metadata=metadata(params),
        next_pending_invoice_item_invoice=None,
        on_behalf_of=None,
        pause_collection=None,
        payment_settings={
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        pending_invoice_item_interval=None,
        pending_setup_intent=None,
        pending_update=None,
        schedule=None,
        start_date=now,
        status="incomplete",
        test_clock=None,
        transfer_data=None,
        trial_end=None,
        trial_settings={"end_behavior": {"missing_payment_method": "create_invoice"}},
        trial_start=None,
    )
    rows = [_item(world, subscription, price, quantity, now, until) for price, quantity in items]
    subscription["items"] = whole(rows, f"/v1/subscription_items?subscription={subscription['id']}")
    behaviour = params.get("payment_behavior", "allow_incomplete")
    invoice = invoices.for_period(world, subscription, "subscription_create")
    subscription["latest_invoice"] = invoice["id"]
    world.emit("customer.subscription.created", subscription)
    if behaviour == "default_incomplete":
        return subscription
    try:
        invoices.collect(world, invoice, off_session=params.get("off_session", False))
    except StripeError:
        if behaviour == "error_if_incomplete":
            world.touch(subscription)["status"] = "incomplete_expired"
            invoices.void(world, invoice)
            raise
        return subscription
    activate(world, subscription)
    return subscription


def activate(world, subscription):
    """Its invoice was paid."""
    if subscription["status"] != "active":
        before = subscription["status"]
        world.touch(subscription)["status"] = "active"
        world.emit("customer.subscription.updated", subscription, status=before)


def subscribe_at_checkout(world, session, method):
    """The subscription that a Checkout page sells. Raises the card's refusal."""
    customer = customers.living(world, session["customer"])
    if confirmation.card_asks(method, off_session=False):
        raise not_simulated("3-D Secure when subscribing at Checkout")
    customers.attach(world, method, customer)
    items = [
        (world.get("price", item["price"]["id"]), item["quantity"]) for item in session["_line_items"]["data"]
    ]
    params = {**session["_intent_data"], "payment_behavior": "error_if_incomplete"}
    subscription = subscribe(world, customer, items, method["id"], params)
    session.update(subscription=subscription["id"], invoice=subscription["latest_invoice"])


def end(world, subscription):
    """No more periods."""
    now = world.clock.now()
    subscription.update(status="canceled", canceled_at=subscription["canceled_at"] or now, ended_at=now)
    subscription["cancellation_details"]["reason"] = "cancellation_requested"
    world.emit("customer.subscription.deleted", subscription)


def renew_due(world):
    """At the end of a period: end, or invoice the next one."""
    for subscription in world.all("subscription"):
        while subscription["status"] in ("active", "past_due"):
            if _period_end(subscription) > world.clock.now():
                break
            world.touch(subscription)
            if subscription["cancel_at_period_end"]:
                end(world, subscription)
                break
            _renew(world, subscription)


def _renew(world, subscription):
    for item in subscription["items"]["data"]:
        period = {name: one_later(item)[name] for name in ("current_period_start", "current_period_end")}
        item.update(period)
        world.get("subscription_item", item["id"]).update(period)
    invoice = invoices.for_period(world, subscription, "subscription_cycle")
    subscription["latest_invoice"] = invoice["id"]
    world.emit("customer.subscription.updated", subscription)
    try:
        invoices.collect(world, invoice, off_session=True)
    except StripeError:
        subscription["status"] = "past_due"
        world.emit("customer.subscription.updated", subscription, status="active")
    else:
        activate(world, subscription)


def one_later(item) -> dict:
    """The item as it is in its next period."""
    start = item["current_period_end"]
    until = _after(start, item["price"]["recurring"])
    return {**item, "current_period_start": start, "current_period_end": until}


def changed_item(world, subscription, items) -> tuple[dict, dict]:
    """The one item that is changed, and the price that it gets."""
    held = {item["id"]: item for item in subscription["items"]["data"]}
    if len(items) != 1 or items[0].get("id") not in held or set(items[0]) - {"id", "price"}:
        raise not_simulated("changing anything but the price of one item")
    item, price = held[items[0]["id"]], world.get("price", items[0]["price"], "items[0][price]")
    if not price["active"]:
        raise invalid("The price specified is inactive. This field only accepts active prices.")
    if not price["recurring"] or price["recurring"] != item["price"]["recurring"]:
        raise not_simulated("another billing interval")
    if price["currency"] != subscription["currency"]:
        raise invalid("The price's currency is not the subscription's.", param="items[0][price]")
    return item, price


def prorated_at(world, item, given: int | None) -> int:
    """The moment from which a change is prorated: now, or as told, within the current period."""
    at = world.clock.now() if given is None else given
    if not item["current_period_start"] <= at <= item["current_period_end"]:
        raise invalid(
            "Cannot specify a `proration_date` outside of the subscription's current period.",
            param="proration_date",
        )
    return at


def _change_price(world, subscription, params):
    """Another price for the item: invoiced at once with its prorations, or from the next period on."""
    item, price = changed_item(world, subscription, params["items"])
    behaviour = params.get("proration_behavior", "create_prorations")
    if behaviour == "create_prorations":
        raise not_simulated("prorations that wait for the next invoice")
    if behaviour == "always_invoice" and price["id"] != item["price"]["id"]:
        at = prorated_at(world, item, params.get("proration_date"))
        lines = invoices.prorations(world, subscription, item, price, at)
        if sum(line["amount"] for line in lines) < 0:
            raise not_simulated("a credit to the customer's balance")
        invoice = invoices.for_period(world, subscription, "subscription_update", lines)
        if invoice["total"]:
            try:
                invoices.collect(world, invoice, off_session=False)
            except StripeError:
                if params.get("payment_behavior") == "error_if_incomplete":
                    # The change is undone as a whole: nothing is owed for it.
                    invoices.void(world, invoice)
                    raise
                subscription["status"] = "past_due"
        else:
            invoices.settle_nothing(world, invoice)
        subscription["latest_invoice"] = invoice["id"]
    for one in (item, world.touch(world.get("subscription_item", item["id"]))):
        one["price"] = {key: value for key, value in price.items() if not key.startswith("_")}
        one["plan"] = {
            **one["plan"], "id": price["id"], "amount": price["unit_amount"],
            "amount_decimal": price["unit_amount_decimal"], "product": price["product"],
            "nickname": price["nickname"],
        }  # fmt: skip


def _period_end(subscription):
    return min(item["current_period_end"] for item in subscription["items"]["data"])


def _item(world, subscription, price, quantity, start, until):
    item = world.new(
        "subscription_item",
        billing_thresholds=None,
        current_period_end=until,
        current_period_start=start,
        discounts=[],
        metadata={},
        plan=None,
        price={key: value for key, value in price.items() if not key.startswith("_")},
        quantity=quantity,
        subscription=subscription["id"],
        tax_rates=[],
    )
    recurring = price["recurring"]
    item["plan"] = {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": {},
        "meter": None,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }
    return dict(item)


def _after(start, recurring) -> int:
    """One period later; months keep the day where the month has it."""
    count = recurring["interval_count"]
    if recurring["interval"] in ("day", "week"):
        return start + count * 86400 * (7 if recurring["interval"] == "week" else 1)
    months = count * (12 if recurring["interval"] == "year" else 1)
    at = datetime.fromtimestamp(start, UTC)
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    return int(at.replace(year=year, month=month + 1, day=day).timestamp())
