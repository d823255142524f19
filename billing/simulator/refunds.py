"""Refunds: never more than was captured."""

from . import cards, ledger
from .endpoints import endpoint, merge_metadata, metadata, page, readable
from .errors import invalid, malformed
from .world import token

readable("refund", "/v1/refunds", "Refund", ("charge", "payment_intent"))


@endpoint("POST /v1/refunds", "RefundCreateParams")
def create_refund(world, params):
    """Return captured money, all that is left unless an amount is given."""
    if ("charge" in params) == ("payment_intent" in params):
        raise malformed(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    charge = _charge(world, params)
    left = refundable(charge)
    amount = params.get("amount", left)
    if charge["disputed"]:
        raise invalid(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", "charge_disputed"
        )
    if left == 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
    if amount < 1:
        raise malformed("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount > left:
        raise invalid(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount"
        )
    row = ledger.post(
        world, amount=-amount, currency=charge["currency"], source=None, type="refund", category="refund"
    )
    refund = world.new(
        "refund",
        amount=amount,
        balance_transaction=row["id"],
        charge=charge["id"],
        currency=charge["currency"],
        destination_details={
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        metadata=metadata(params),
        payment_intent=charge["payment_intent"],
        reason=params.get("reason"),
        receipt_number=f"{token(4)}-{token(4)}",
        source_transfer_reversal=None,
        status="succeeded",
        transfer_reversal=None,
    )
    row["source"] = refund["id"]
    _apply(charge, refund, amount)
    world.emit("refund.created", refund)
    world.emit("charge.refunded", charge)
    method = world.objects["payment_method"][charge["payment_method"]]
    refund["_will_fail"] = cards.behaviour(method).refund_fails
    return refund


@endpoint("POST /v1/refunds/{id}", "RefundUpdateParams")
def update_refund(world, params, id):
    """Only the metadata of a refund can change."""
    refund = world.get("refund", id)
    merge_metadata(refund, params)
    world.emit("refund.updated", refund)
    world.emit("charge.refund.updated", refund)
    return refund


@endpoint("POST /v1/refunds/{id}/cancel", "RefundCancelParams")
def cancel_refund(world, params, id):
    """Card refunds are gone once made."""
    world.get("refund", id)
    raise invalid("You can only cancel a refund that requires action.", code="refund_not_cancelable")


@endpoint("GET /v1/charges/{charge}/refunds", "ChargeListRefundsParams")
def list_charge_refunds(world, params, charge):
    """The refunds of one charge."""
    world.get("charge", charge)
    rows = world.all("refund", charge=charge)
    return page(world, params, rows, f"/v1/charges/{charge}/refunds")


def refundable(charge) -> int:
    """What was captured and not yet given back; a released rest of the hold doesn't count."""
    never_taken = charge["amount"] - charge["amount_captured"]
    return charge["amount_captured"] - (charge["amount_refunded"] - never_taken) if charge["captured"] else 0


def fail(world, refund):
    """The bank sends a refund back: the money returns to the account."""
    charge = world.get("charge", refund["charge"])
    row = ledger.post(
        world,
        amount=refund["amount"],
        currency=refund["currency"],
        source=refund["id"],
        type="refund_failure",
        category="refund_failure",
    )
    world.touch(refund).update(
        status="failed",
        failure_reason="expired_or_canceled_card",
        failure_balance_transaction=row["id"],
        _will_fail=False,
    )
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    for kind in ("refund.updated", "charge.refund.updated", "refund.failed"):
        world.emit(kind, refund)


def fail_due(world):
    """Refunds to the card that refuses them fail as soon as time passes."""
    for refund in world.all("refund", _will_fail=True):
        if refund["created"] < world.clock.now():
            fail(world, refund)


def _charge(world, params):
    if "charge" in params:
        charge = world.get("charge", params["charge"], "charge")
    else:
        intent = world.get("payment_intent", params["payment_intent"], "payment_intent")
        charge = world.objects.get("charge", {}).get(intent["latest_charge"])
        if (
            charge is None
            or charge["status"] != "succeeded"
            or not (charge["captured"] or charge["refunded"])
        ):
            raise invalid(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                code="payment_intent_unexpected_state",
                param="payment_intent",
            )
    if charge["status"] != "succeeded":
        raise invalid(f"Charge {charge['id']} failed and cannot be refunded.", param="charge")
    if not charge["captured"] and not charge["refunded"]:
        raise invalid(
            f"Charge {charge['id']} is not captured; cancel its PaymentIntent to release the hold.",
            param="charge",
        )
    return world.touch(charge)


def _apply(charge, refund, amount):
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    charge["_refunds"]["data"].insert(0, refund["id"])
