"""Payouts: the balance on its way to the operator's bank."""

from . import ledger
from .endpoints import endpoint, merge_metadata, metadata, readable
from .errors import invalid
from .world import token

readable("payout", "/v1/payouts", "Payout", ("status", "destination"))

ARRIVES_AFTER = 2 * 86400


@endpoint("POST /v1/payouts", "PayoutCreateParams")
def create_payout(world, params):
    """A manual payout, of money that is available."""
    amount, currency = params["amount"], params["currency"].lower()
    if amount < 1:
        raise invalid("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount > ledger.available(world, currency):
        raise invalid(
            "You have insufficient funds in your Stripe account for this transfer.",
            code="balance_insufficient",
        )
    payout = _open(world, amount, currency, automatic=False, description=params.get("description"))
    payout["metadata"] = metadata(params)
    payout["statement_descriptor"] = params.get("statement_descriptor")
    return payout


@endpoint("POST /v1/payouts/{id}", "PayoutUpdateParams")
def update_payout(world, params, id):
    """Only the metadata of a payout can change."""
    payout = world.get("payout", id)
    merge_metadata(payout, params)
    world.emit("payout.updated", payout)
    return payout


@endpoint("POST /v1/payouts/{id}/cancel", "PayoutCancelParams")
def cancel_payout(world, params, id):
    """Stop a payout that has not left yet."""
    payout = world.get("payout", id)
    if payout["status"] != "pending" or payout["automatic"]:
        raise invalid("Only pending manual payouts can be canceled.")
    payout["status"] = "canceled"
    ledger.post(
        world, amount=payout["amount"], currency=payout["currency"], source=id, type="payout_cancel",
        category="payout_reversal",
    )  # fmt: skip
    world.emit("payout.canceled", payout)
    return payout


def pay_out_all(world, currency="eur", *, at_once=True) -> dict | None:
    """Stripe's automatic payout of everything settled; `at_once` does not wait for the two days.

    Its transactions can be listed by payout, which is what the bank reconciliation relies on.
    """
    open_rows = world.all("balance_transaction", currency=currency, _payout=None)
    # Manual payouts have already taken their part of the balance.
    manual = [row for row in open_rows if row["type"] in ("payout", "payout_cancel")]
    rows = [row for row in open_rows if row not in manual and (at_once or row["status"] == "available")]
    taken = sum(row["net"] for row in manual)
    amount = sum(row["net"] for row in rows) + taken
    if amount <= 0:
        return None
    payout = _open(world, amount, currency, automatic=True, description="STRIPE PAYOUT")
    for row in rows + manual:
        world.touch(row).update(_payout=payout["id"], status="available")
    if at_once:
        _arrive(world, payout)
    return payout


def fail(world, payout):
    """The bank can't take it, or sends it back some days later: the money returns to the balance."""
    if payout["status"] in ("failed", "canceled"):
        raise invalid("This payout has already ended.", param="id")
    row = ledger.post(
        world, amount=payout["amount"], currency=payout["currency"], source=payout["id"],
        type="payout_failure", category="payout_reversal",
    )  # fmt: skip
    payout.update(
        status="failed",
        failure_balance_transaction=row["id"],
        failure_code="account_closed",
        failure_message="The bank account has been closed.",
    )
    world.emit("payout.failed", payout)


def arrive_due(world):
    """Payouts reach the bank on their day."""
    for status in ("pending", "in_transit"):
        for payout in world.all("payout", status=status):
            if payout["arrival_date"] <= world.clock.now():
                _arrive(world, world.touch(payout))


def _open(world, amount, currency, *, automatic, description):
    payout = world.new(
        "payout",
        amount=amount,
        application_fee=None,
        application_fee_amount=None,
        arrival_date=world.clock.now() + ARRIVES_AFTER,
        automatic=automatic,
        balance_transaction=None,
        currency=currency,
        description=description,
        destination=f"ba_{token()}",
        failure_balance_transaction=None,
        failure_code=None,
        failure_message=None,
        metadata={},
        method="standard",
        original_payout=None,
        payout_method=None,
        reconciliation_status="in_progress" if automatic else "not_applicable",
        reversed_by=None,
        source_type="card",
        statement_descriptor=None,
        status="in_transit" if automatic else "pending",
        trace_id=None,
        type="bank_account",
    )
    row = ledger.post(
        world, amount=-amount, currency=currency, source=payout["id"], type="payout", category="payout",
        description=description,
    )  # fmt: skip
    if automatic:
        row["_payout"] = payout["id"]
    payout["balance_transaction"] = row["id"]
    world.emit("payout.created", payout)
    return payout


def _arrive(world, payout):
    payout.update(status="paid", arrival_date=min(payout["arrival_date"], world.clock.now()))
    world.emit("payout.paid", payout)
    if payout["automatic"]:
        payout["reconciliation_status"] = "completed"
        world.emit("payout.reconciliation_completed", payout)
