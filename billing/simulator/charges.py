"""Charges: what a payment attempt did to a card."""

from . import cards, disputes, ledger
from .endpoints import endpoint, merge_metadata, readable, whole
from .errors import invalid
from .world import token

readable("charge", "/v1/charges", "Charge", ("customer", "payment_intent", "transfer_group"))

# Networks whose holds may be raised. Stripe has added some since; here one is left that can't.
RAISED_BY = ("visa", "mastercard", "discover")
# How long a bank keeps a hold: shorter when the cardholder was not there to agree to it.
HOLD_PRESENT, HOLD_ABSENT = 7 * 86400, 5 * 86400


@endpoint("POST /v1/charges/{id}", "ChargeUpdateParams")
def update_charge(world, params, id):
    """Notes on a charge; its money is changed through its intent."""
    charge = world.get("charge", id)
    merge_metadata(charge, params)
    for name in ("description", "receipt_email", "transfer_group"):
        charge[name] = params.get(name, charge[name])
    world.emit("charge.updated", charge)
    return charge


@endpoint("POST /v1/charges/{id}/capture", "ChargeCaptureParams")
def capture_charge(world, params, id):
    """Refused: holds here are made by intents and captured through them."""
    world.get("charge", id)
    raise invalid("This charge was created by a PaymentIntent; capture it with the PaymentIntents API.")


def attempt(world, intent, method, *, manual, off_session, authenticated=False, error=None) -> dict:
    """Charge or hold the intent's amount on the card; with an `error`, record the refusal."""
    card = cards.behaviour(method)
    now = world.clock.now()
    options = intent["payment_method_options"].get("card", {})
    increments = (
        options.get("request_incremental_authorization") == "if_available"
        and manual
        and card.brand in RAISED_BY
    )
    shown = dict(method["card"])
    for name in ("display_brand", "generated_from", "networks", "three_d_secure_usage"):
        shown.pop(name)
    on_card = {
        **shown,
        "amount_authorized": None if error else intent["amount"],
        "authorization_code": None if error else token(6).upper(),
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "available" if increments else "unavailable"},
        "installments": None,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": token(15).upper(),
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "three_d_secure": _three_d_secure() if authenticated else None,
    }
    if manual and not error:
        on_card["capture_before"] = now + (HOLD_ABSENT if off_session else HOLD_PRESENT)
    charge = world.new(
        "charge",
        amount=intent["amount"],
        amount_captured=0,
        amount_refunded=0,
        application=None,
        application_fee=None,
        application_fee_amount=None,
        balance_transaction=None,
        billing_details=dict(method["billing_details"]),
        calculated_statement_descriptor=None,
        captured=False,
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        disputed=False,
        failure_balance_transaction=None,
        failure_code=error["code"] if error else None,
        failure_message=error["message"] if error else None,
        fraud_details={},
        metadata=dict(intent["metadata"]),
        on_behalf_of=None,
        outcome=_outcome(error),
        paid=not error,
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details={"card": on_card, "type": "card"},
        radar_options={},
        receipt_email=intent["receipt_email"],
        receipt_number=None,
        receipt_url=None,
        refunded=False,
        _refunds=None,
        review=None,
        shipping=intent["shipping"],
        source=None,
        source_transfer=None,
        statement_descriptor=intent["statement_descriptor"],
        statement_descriptor_suffix=intent["statement_descriptor_suffix"],
        status="failed" if error else "succeeded",
        transfer_data=None,
        transfer_group=intent["transfer_group"],
        _expired=False,
        _raises=0,
    )
    charge["_refunds"] = whole([], f"/v1/charges/{charge['id']}/refunds")
    intent["latest_charge"] = charge["id"]
    if error:
        world.emit("charge.failed", charge)
    elif manual:
        world.emit("charge.succeeded", charge)
    else:
        charge.update(captured=True, amount_captured=charge["amount"])
        world.emit("charge.succeeded", charge)
        # Stripe captures asynchronously by default: the fee is only known in a later event.
        settle(world, charge)
    return charge


def settle(world, charge):
    """Book the captured money; from here on the charge has its fee."""
    amount = charge["amount_captured"]
    row = ledger.post(
        world,
        amount=amount,
        currency=charge["currency"],
        source=charge["id"],
        type="charge",
        category="charge",
        fee=ledger.fee_on(amount),
        description=charge["description"],
    )
    charge["balance_transaction"] = row["id"]
    world.emit("charge.updated", charge, balance_transaction=None)
    method = world.objects["payment_method"][charge["payment_method"]]
    if cards.behaviour(method).disputes:
        disputes.open_dispute(world, charge, reason=cards.behaviour(method).disputes)


def capture(world, charge, amount):
    """Take the money held, all or part; the rest returns to the cardholder."""
    world.touch(charge)
    released = charge["amount"] - amount
    charge.update(captured=True, amount_captured=amount, amount_refunded=released)
    world.emit("charge.captured", charge)
    settle(world, charge)


def release(world, charge, *, expired=False):
    """Let go of a hold: nothing was taken, the cardholder sees it disappear."""
    world.touch(charge)
    charge.update(amount_refunded=charge["amount"], refunded=True, _expired=expired)
    world.emit("charge.expired" if expired else "charge.refunded", charge)


def _outcome(error):
    if not error:
        return {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": 7,
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return {
        "advice_code": "try_again_later",
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network",
        "reason": error.get("decline_code", error["code"]),
        "risk_level": "normal",
        "risk_score": 7,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }


def _three_d_secure():
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": token(20),
        "version": "2.2.0",
    }
