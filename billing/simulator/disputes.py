"""Disputes: the cardholder's bank takes the money back until it is settled."""

from . import ledger
from .endpoints import endpoint, merge_metadata, readable
from .errors import invalid

readable("dispute", "/v1/disputes", "Dispute", ("charge", "payment_intent"))

OPEN = ("needs_response", "under_review")
EVIDENCE = [
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
]


def open_dispute(world, charge, *, amount=None, reason="fraudulent") -> dict:
    """The bank disputes a captured charge."""
    if not charge["captured"] or charge["disputed"]:
        raise invalid(f"Charge {charge['id']} cannot be disputed.")
    left = charge["amount_captured"]
    amount = left if amount is None else amount
    if not 0 < amount <= left:
        raise invalid("A dispute cannot exceed what was captured.", param="amount")
    dispute = world.new(
        "dispute",
        amount=amount,
        balance_transactions=[],
        charge=charge["id"],
        currency=charge["currency"],
        enhanced_eligibility_types=[],
        evidence={**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        evidence_details={
            "due_by": world.clock.now() + 9 * 86400,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        is_charge_refundable=False,
        metadata={},
        network_reason_code="10.4",
        payment_intent=charge["payment_intent"],
        payment_method_details={
            "card": {
                "brand": charge["payment_method_details"]["card"]["brand"],
                "case_type": "chargeback",
                "network_reason_code": "10.4",
            },
            "type": "card",
        },
        reason=reason,
        status="needs_response",
    )
    world.touch(charge)["disputed"] = True
    _book(world, dispute, -amount, ledger.DISPUTE_FEE)
    world.emit("charge.dispute.created", dispute)
    world.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


@endpoint("POST /v1/disputes/{id}", "DisputeUpdateParams")
def update_dispute(world, params, id):
    """Give evidence. Stripe's test words decide: `winning_evidence`, `losing_evidence`."""
    dispute = world.get("dispute", id)
    if dispute["status"] not in OPEN:
        raise invalid("This dispute is already closed.", param="id")
    merge_metadata(dispute, params)
    evidence = params.get("evidence", {})
    dispute["evidence"].update(evidence)
    details = dispute["evidence_details"]
    details["has_evidence"] = any(dispute["evidence"].get(name) for name in EVIDENCE)
    if params.get("submit", bool(evidence)):
        details.update(submission_count=details["submission_count"] + 1, submission_method="manual")
        dispute["status"] = "under_review"
    world.emit("charge.dispute.updated", dispute)
    words = {"winning_evidence": "won", "losing_evidence": "lost"}
    outcome = words.get(dispute["evidence"].get("uncategorized_text"))
    if outcome and dispute["status"] == "under_review":
        settle(world, dispute, outcome)
    return dispute


@endpoint("POST /v1/disputes/{id}/close", "DisputeCloseParams")
def close_dispute(world, params, id):
    """Give in: the dispute counts as lost."""
    dispute = world.get("dispute", id)
    settle(world, dispute, "lost")
    return dispute


def settle(world, dispute, outcome):
    """End a dispute, won or lost; a win brings the money back."""
    if dispute["status"] not in OPEN:
        raise invalid("This dispute is already closed.", param="id")
    world.touch(dispute)["status"] = outcome
    if outcome == "won":
        # Stripe keeps the dispute fee of European accounts either way.
        _book(world, dispute, dispute["amount"], 0, reversal=True)
        world.emit("charge.dispute.funds_reinstated", dispute)
    world.emit("charge.dispute.closed", dispute)


def _book(world, dispute, amount, fee, reversal=False):
    row = ledger.post(
        world,
        amount=amount,
        currency=dispute["currency"],
        source=dispute["id"],
        type="adjustment",
        category="dispute_reversal" if reversal else "dispute",
        fee=fee,
        description=f"Chargeback {'reversal' if reversal else 'withdrawal'} for {dispute['charge']}",
    )
    dispute["balance_transactions"].append(
        {key: value for key, value in row.items() if not key.startswith("_")}
    )
