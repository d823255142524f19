"""Stripe's invoices, thin: those that subscriptions make."""

from datetime import UTC, datetime
from fractions import Fraction

from . import confirmation, payment_intents
from .endpoints import endpoint, page, readable, whole
from .errors import StripeError, invalid, not_simulated
from .world import token

readable("invoice_payment", "/v1/invoice_payments", "InvoicePayment", ("invoice", "status"))


@endpoint("GET /v1/invoices", "InvoiceListParams")
def list_invoices(world, params):
    """Invoices, newest first."""
    rows = world.all("invoice")
    if "subscription" in params:
        rows = [row for row in rows if _subscription(row) == params["subscription"]]
    return page(world, params, rows, "/v1/invoices", ("customer", "status", "collection_method"))


@endpoint("GET /v1/invoices/{id}", "InvoiceRetrieveParams")
def retrieve_invoice(world, params, id):
    """One invoice."""
    return world.get("invoice", id)


@endpoint("POST /v1/invoices/{id}/pay", "InvoicePayParams")
def pay_invoice(world, params, id):
    """Try an open invoice again."""
    from .subscriptions import activate  # it makes invoices itself

    invoice = world.get("invoice", id)
    if invoice["status"] != "open":
        raise invalid(f"Invoice is already {invoice['status']}", code="invoice_not_editable")
    if "payment_method" in params:
        invoice["default_payment_method"] = params["payment_method"]
    collect(world, invoice, off_session=params.get("off_session", True))
    activate(world, world.get("subscription", _subscription(invoice)))
    return invoice


@endpoint("POST /v1/invoices/{id}/void", "InvoiceVoidInvoiceParams")
def void_invoice(world, params, id):
    """Give an open invoice up."""
    invoice = world.get("invoice", id)
    if invoice["status"] != "open":
        raise invalid("You can only void open invoices.", code="invoice_not_editable")
    void(world, invoice)
    return invoice


def _subscription(invoice) -> str:
    return invoice["parent"]["subscription_details"]["subscription"]


def void(world, invoice):
    """Nobody owes this any more."""
    world.touch(invoice)["status"] = "void"
    invoice["status_transitions"]["voided_at"] = world.clock.now()
    world.emit("invoice.voided", invoice)


@endpoint("POST /v1/invoices/create_preview", "InvoiceCreatePreviewParams")
def preview_invoice(world, params):
    """What a change of a subscription's price would cost at once, or its next period; nothing is kept."""
    from . import subscriptions  # it makes invoices itself

    if set(params) - {"subscription", "subscription_details", "expand"} or "subscription" not in params:
        raise not_simulated("previewing anything but a change of a subscription")
    subscription = world.get("subscription", params["subscription"], "subscription")
    if subscription["status"] == "canceled":
        raise invalid("You cannot preview the upcoming invoice for a canceled subscription.")
    details = params.get("subscription_details", {})
    if set(details) - {"items", "proration_behavior", "proration_date"}:
        raise not_simulated("this change in a preview")
    if details.get("proration_behavior") == "always_invoice":
        item, price = subscriptions.changed_item(world, subscription, details.get("items", []))
        at = subscriptions.prorated_at(world, item, details.get("proration_date"))
        lines = prorations(world, subscription, item, price, at)
        return _draft(world, subscription, "subscription_update", lines)
    items = subscription["items"]["data"]
    if "items" in details:
        item, price = subscriptions.changed_item(world, subscription, details["items"])
        items = [{**item, "price": price} if one is item else one for one in items]
    lines = [_line(subscription, subscriptions.one_later(item)) for item in items]
    return _draft(world, subscription, "upcoming", lines)


def prorations(world, subscription, item, price, at) -> list[dict]:
    """Two lines: the rest of the old price's time is given back, that of the new one's is charged."""
    start, end = item["current_period_start"], item["current_period_end"]
    day = f"{datetime.fromtimestamp(at, UTC):%d %b %Y}".lstrip("0")
    found = []
    for sign, words, one in ((-1, "Unused time on", item["price"]), (1, "Remaining time on", price)):
        whole_price = Fraction(one["unit_amount"] * item["quantity"])
        amount = sign * int(whole_price * (end - at) / (end - start) + Fraction(1, 2))
        name = world.objects["product"][one["product"]]["name"]
        line = _line(subscription, {**item, "price": one})
        line.update(
            amount=amount,
            subtotal=amount,
            description=f"{words} {one['nickname'] or name} after {day}",
            period={"start": at, "end": end},
        )
        line["parent"]["subscription_item_details"]["proration"] = True
        found.append(line)
    return found


def settle_nothing(world, invoice):
    """An invoice of nothing is paid as soon as it is final."""
    now = world.clock.now()
    world.touch(invoice)["status"] = "paid"
    invoice["status_transitions"]["paid_at"] = now
    world.emit("invoice.paid", invoice)


def for_period(world, subscription, reason, lines=None) -> dict:
    """The final invoice of a subscription's current period, or of these lines, not yet paid."""
    now = world.clock.now()
    if lines is None:
        lines = [_line(subscription, item) for item in subscription["items"]["data"]]
    invoice = world.keep(_draft(world, subscription, reason, lines))
    customer = world.get("customer", subscription["customer"])
    number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    customer["next_invoice_sequence"] += 1
    world.emit("invoice.created", invoice)
    invoice.update(status="open", number=number)
    invoice["status_transitions"]["finalized_at"] = now
    world.emit("invoice.finalized", invoice)
    return invoice


def _draft(world, subscription, reason, lines) -> dict:
    now = world.clock.now()
    customer = world.get("customer", subscription["customer"])
    total = sum(line["amount"] for line in lines)
    invoice = world.make(
        "invoice",
        account_country="DE",
        account_name=world.merchant,
        account_tax_ids=None,
        amount_due=total,
        amount_overpaid=0,
        amount_paid=0,
        amount_remaining=total,
        amount_shipping=0,
        application=None,
        attempt_count=0,
        attempted=False,
        auto_advance=True,
        automatic_tax={
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        automatically_finalizes_at=None,
        billing_reason=reason,
        collection_method="charge_automatically",
        currency=subscription["currency"],
        custom_fields=None,
        customer=customer["id"],
        customer_address=customer["address"],
        customer_email=customer["email"],
        customer_name=customer["name"],
        customer_phone=customer["phone"],
        customer_shipping=None,
        customer_tax_exempt="none",
        customer_tax_ids=[],
        default_payment_method=None,
        default_source=None,
        default_tax_rates=[],
        description=None,
        discounts=[],
        due_date=None,
        effective_at=now,
        ending_balance=0,
        footer=None,
        from_invoice=None,
        hosted_invoice_url=None,
        invoice_pdf=None,
        issuer={"type": "self"},
        last_finalization_error=None,
        latest_revision=None,
        lines=None,
        metadata={},
        next_payment_attempt=None,
        number=None,
        on_behalf_of=None,
        parent={
            "quote_details": None,
            "subscription_details": {"metadata": {}, "subscription": subscription["id"]},
            "type": "subscription_details",
        },
        payment_settings={
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        period_end=now,
        period_start=now,
        post_payment_credit_notes_amount=0,
        pre_payment_credit_notes_amount=0,
        receipt_number=None,
        rendering=None,
        shipping_cost=None,
        shipping_details=None,
        starting_balance=0,
        statement_descriptor=None,
        status="draft",
        status_transitions={
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        subtotal=total,
        subtotal_excluding_tax=total,
        test_clock=None,
        total=total,
        total_discount_amounts=[],
        total_excluding_tax=total,
        total_pretax_credit_amounts=[],
        total_taxes=[],
        webhooks_delivered_at=None,
        _payments=whole([], ""),
    )
    for line in lines:
        line["invoice"] = invoice["id"]
    invoice["lines"] = whole(lines, f"/v1/invoices/{invoice['id']}/lines")
    return invoice


def collect(world, invoice, *, off_session):
    """Charge an open invoice. Raises the card's refusal after recording it."""
    subscription = world.get("subscription", _subscription(invoice))
    customer = world.get("customer", invoice["customer"])
    method = (
        invoice["default_payment_method"]
        or subscription["default_payment_method"]
        or customer["invoice_settings"]["default_payment_method"]
    )
    if not method:
        raise invalid(
            "This customer has no attached payment source or default payment method. Please consider adding "
            "a default payment method.",
            code="resource_missing",
        )
    wanted = {
        "amount": invoice["total"],
        "currency": invoice["currency"],
        "customer": customer["id"],
        "payment_method": method,
        "allowed_payment_method_types": ["card"],
        "description": "Subscription",
    }
    intent = payment_intents.open_intent(world, wanted)
    invoice.update(attempted=True, attempt_count=invoice["attempt_count"] + 1)
    payment = _payment(world, invoice, intent)
    try:
        confirmation.confirm(world, intent, off_session=off_session)
    except StripeError:
        world.emit("invoice.payment_failed", invoice)
        raise
    if intent["status"] != "succeeded":
        world.emit("invoice.payment_action_required", invoice)
        raise invalid(
            "The invoice's payment requires the customer to authenticate.", "invoice_payment_intent"
        )
    now = world.clock.now()
    invoice.update(status="paid", amount_paid=invoice["total"], amount_remaining=0)
    invoice["status_transitions"]["paid_at"] = now
    payment.update(status="paid", amount_paid=invoice["total"])
    payment["status_transitions"]["paid_at"] = now
    world.emit("invoice.paid", invoice)
    world.emit("invoice.payment_succeeded", invoice)
    world.emit("invoice_payment.paid", payment)


def _payment(world, invoice, intent):
    payment = world.new(
        "invoice_payment",
        amount_paid=None,
        amount_requested=invoice["total"],
        currency=invoice["currency"],
        invoice=invoice["id"],
        is_default=True,
        payment={"payment_intent": intent["id"], "type": "payment_intent"},
        status="open",
        status_transitions={"canceled_at": None, "paid_at": None},
    )
    invoice["_payments"]["data"].insert(0, payment["id"])
    return payment


def _line(subscription, item):
    price = item["price"]
    amount = price["unit_amount"] * item["quantity"]
    return {
        "id": f"il_{token()}",
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": f"{item['quantity']} × {price['nickname'] or price['id']}",
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": subscription["id"],
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        },
        "period": {"start": item["current_period_start"], "end": item["current_period_end"]},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        "quantity": item["quantity"],
        "subtotal": amount,
        "taxes": [],
    }
