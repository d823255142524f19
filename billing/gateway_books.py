"""The payment provider's own books, read through the same client as billing/gateway.py: movements of the
balance, payouts, refunds and disputes, in our own units.

Everything here only reads, but for a dispute's evidence, which carries an idempotency key like all writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from billing.gateway import _at, _refusals, client, from_minor

PAGE = 100


@dataclass(frozen=True)
class Movement:
    """A balance transaction, with what is known of its source."""

    id: str
    type: str
    category: str
    currency: str
    amount: Decimal
    fee: Decimal
    net: Decimal
    at: datetime
    available_on: datetime
    source: str
    intent: str = ""
    #: Our own id, where the source carries it.
    row: str = ""
    description: str = ""


@dataclass(frozen=True)
class PayoutFacts:
    id: str
    currency: str
    amount: Decimal
    status: str
    is_automatic: bool
    opened_at: datetime
    arrives_at: datetime
    failure: str = ""


@dataclass(frozen=True)
class RefundFacts:
    id: str
    intent: str
    row: str
    status: str
    currency: str
    amount: Decimal


@dataclass(frozen=True)
class DisputeFacts:
    id: str
    charge: str
    intent: str
    currency: str
    amount: Decimal
    reason: str
    status: str
    opened_at: datetime
    due_at: datetime | None
    submissions: int
    movements: tuple[Movement, ...]


# Movements


def movements(*, since: datetime | None = None, until: datetime | None = None) -> Iterator[list[Movement]]:
    """Page by page, the newest first, those that the provider booked in [since, until)."""
    created = {name: int(at.timestamp()) for name, at in (("gte", since), ("lt", until)) if at is not None}
    yield from _pages({"created": created} if created else {})


def movements_of_payout(payout: str) -> Iterator[list[Movement]]:
    """What is in an automatic payout, its own movement included."""
    yield from _pages({"payout": payout})


def movements_of_source(source: str) -> Iterator[list[Movement]]:
    """Those of one charge, refund, dispute or payout."""
    yield from _pages({"source": source})


def _pages(params: dict) -> Iterator[list[Movement]]:
    params = {**params, "limit": PAGE, "expand": ["data.source"]}
    while True:
        with _refusals():
            found = client().balance_transactions.list(params)
        rows = [_movement(row) for row in found.data]
        if rows:
            yield rows
        if not found.has_more or not rows:
            return
        params["starting_after"] = rows[-1].id


def _movement(row) -> Movement:
    currency = row.currency.upper()
    source = row.source
    fee, net = from_minor(row.fee, currency), from_minor(row.net, currency)
    return Movement(
        id=row.id,
        type=row.type,
        category=row.reporting_category,
        currency=currency,
        amount=from_minor(row.amount, currency),
        fee=fee,
        net=net,
        at=_time(row.created),
        available_on=_time(row.available_on),
        source=source if isinstance(source, str) else _at(source, "id") or "",
        intent="" if isinstance(source, str) else _id(_at(source, "payment_intent")),
        row="" if isinstance(source, str) else _at(source, "metadata", "refund") or "",
        description=(row.description or "")[:255],
    )


def _id(thing) -> str:
    return thing if isinstance(thing, str) else _at(thing, "id") or ""


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def movements_of_intent(intent: str) -> list[Movement]:
    """Of the charge behind a payment; empty while nothing was taken."""
    with _refusals():
        found = client().payment_intents.retrieve(intent, {"expand": ["latest_charge"]})
    charge = _id(found.latest_charge)
    return [row for page in movements_of_source(charge) for row in page] if charge else []


# Payouts


def payouts(*, since: datetime | None = None) -> Iterator[PayoutFacts]:
    """Those that were begun since then, the newest first."""
    params: dict = {"limit": PAGE}
    if since is not None:
        params["created"] = {"gte": int(since.timestamp())}
    while True:
        with _refusals():
            found = client().payouts.list(params)
        for row in found.data:
            yield _payout(row)
        if not found.has_more or not found.data:
            return
        params["starting_after"] = found.data[-1].id


def payout(id: str) -> PayoutFacts:
    with _refusals():
        return _payout(client().payouts.retrieve(id))


def _payout(row) -> PayoutFacts:
    currency = row.currency.upper()
    return PayoutFacts(
        id=row.id,
        currency=currency,
        amount=from_minor(row.amount, currency),
        status=row.status,
        is_automatic=bool(row.automatic),
        opened_at=_time(row.created),
        arrives_at=_time(row.arrival_date),
        failure=(_at(row, "failure_message") or "")[:255],
    )


# Refunds


def refund(id: str) -> RefundFacts:
    with _refusals():
        row = client().refunds.retrieve(id)
    currency = row.currency.upper()
    return RefundFacts(
        id=row.id,
        intent=_id(row.payment_intent),
        row=_at(row, "metadata", "refund") or "",
        status=row.status or "",
        currency=currency,
        amount=from_minor(row.amount, currency),
    )


# Disputes


def dispute(id: str) -> DisputeFacts:
    with _refusals():
        return _dispute(client().disputes.retrieve(id))


def disputes(*, since: datetime | None = None) -> Iterator[DisputeFacts]:
    """Those that were opened since then, the newest first."""
    params: dict = {"limit": PAGE}
    if since is not None:
        params["created"] = {"gte": int(since.timestamp())}
    while True:
        with _refusals():
            found = client().disputes.list(params)
        for row in found.data:
            yield _dispute(row)
        if not found.has_more or not found.data:
            return
        params["starting_after"] = found.data[-1].id


def send_evidence(id: str, *, row_id, evidence: dict[str, str]) -> DisputeFacts:
    """Hand in the evidence; the bank reads it once, so it is sent once."""
    with _refusals():
        answer = client().disputes.update(
            id, {"evidence": evidence, "submit": True}, {"idempotency_key": f"{row_id}-evidence"}
        )
    return _dispute(answer)


def _dispute(row) -> DisputeFacts:
    currency = row.currency.upper()
    due = _at(row, "evidence_details", "due_by")
    charge = row.charge
    return DisputeFacts(
        id=row.id,
        charge=_id(charge),
        intent=_id(row.payment_intent),
        currency=currency,
        amount=from_minor(row.amount, currency),
        reason=row.reason,
        status=row.status,
        opened_at=_time(row.created),
        due_at=_time(due) if due else None,
        submissions=_at(row, "evidence_details", "submission_count") or 0,
        movements=tuple(
            _of_dispute(movement, _id(row.payment_intent), row.id)
            for movement in row.balance_transactions or ()
        ),
    )


def _of_dispute(row, intent: str, id: str) -> Movement:
    found = _movement(row)
    return Movement(**{**vars(found), "intent": intent, "source": id})
