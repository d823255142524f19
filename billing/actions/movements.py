"""What the provider's own books say, kept here and booked: fees, withdrawals and payouts.

What both sides do (charges, refunds) is booked by our own steps, and only compared with these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Min, Q, Sum
from django.utils import timezone

from billing import gateway_books, ledger
from billing.actions import books, posting
from billing.gateway_books import Movement, PayoutFacts
from billing.models import BalanceTransaction, Dispute, Journal, Payment, Payout, Refund, TopUp
from billing.reconciling import What
from evportal.accounts.models import Operator

Kind, Status = Journal.Kind, Payout.Status

#: The provider's reporting categories as movements that both sides know.
WHAT = {
    "charge": What.CHARGE,
    "refund": What.REFUND,
    "refund_failure": What.REFUND_RETURNED,
    "dispute": What.DISPUTE,
    "dispute_reversal": What.DISPUTE_WON,
    "payout": What.PAYOUT,
    "payout_reversal": What.PAYOUT_RETURNED,
    "fee": What.FEE,
    "network_cost": What.FEE,
    "tax": What.FEE,
}
#: So far back a round looks, beyond what it has: movements may be listed some minutes late.
OVERLAP = timedelta(days=1)


def what(row: BalanceTransaction | Movement) -> What:
    return WHAT.get(row.category, What.OTHER)


def sole_operator() -> int | None:
    """Whose an account is that only one operator can use; None where several share it."""
    found = list(Operator.objects.order_by("pk").values_list("pk", flat=True)[:2])
    return found[0] if len(found) == 1 else None


@transaction.atomic
def store(*, movements: Sequence[Movement], payout: Payout | None = None) -> int:
    """Keep these movements and book what only the provider knows of; again is harmless. How many are new
    in the journal."""
    if not movements:
        return 0
    rows = _rows(movements)
    if payout is not None:
        for row in rows:
            row.payout = payout
    BalanceTransaction.objects.bulk_create(
        # In one order everywhere, so that two rounds at once wait for each other and do not cross.
        sorted(rows, key=lambda row: row.stripe_id),
        update_conflicts=True,
        unique_fields=["stripe_id"],
        update_fields=["operator", "intent", "payment", "top_up", "refund", "dispute"]
        + (["payout"] if payout is not None else []),
    )
    return posting.book_all(bookings=_bookings(rows))


def _rows(movements: Sequence[Movement]) -> list[BalanceTransaction]:
    """With the rows of ours that are behind them."""
    intents = {one.intent for one in movements} - {""}
    sources = {one.source for one in movements} - {""}
    ids = [one.row for one in movements if is_uuid(one.row)]
    payments = {row.stripe_intent: row for row in Payment.objects.filter(stripe_intent__in=intents)}
    top_ups = {row.stripe_intent: row for row in TopUp.objects.filter(stripe_intent__in=intents)}
    refunds: dict[str, Refund] = {}
    for row in Refund.objects.filter(Q(stripe_id__in=sources) | Q(pk__in=ids)).select_related("payment"):
        refunds[row.stripe_id or str(row.pk)] = refunds[str(row.pk)] = row
    disputes = {row.stripe_id: row for row in Dispute.objects.filter(stripe_id__in=sources)}
    sole = sole_operator()
    found = []
    for one in {each.id: each for each in movements}.values():
        refund = refunds.get(one.source) or refunds.get(one.row)
        payment = payments.get(one.intent) or (refund.payment if refund is not None else None)
        top_up = top_ups.get(one.intent)
        owner = payment or top_up
        fields = {name: getattr(one, name) for name in COPIED}
        found.append(
            BalanceTransaction(
                stripe_id=one.id,
                operator_id=owner.operator_id if owner is not None else sole,
                payment=payment,
                top_up=top_up,
                refund=refund,
                dispute=disputes.get(one.source),
                **fields,
            )
        )
    return found


COPIED = (
    "type", "category", "currency", "amount", "fee", "net", "at", "available_on", "source", "intent",
    "description",
)  # fmt: skip


def is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def is_known(row: BalanceTransaction) -> bool:
    """Whether something of ours is behind it."""
    if what(row) in (What.PAYOUT, What.PAYOUT_RETURNED, What.FEE):
        return row.operator_id is not None
    return bool(row.payment_id or row.top_up_id)


def _bookings(rows: Iterable[BalanceTransaction]) -> list[posting.Booking]:
    found = []
    for row in rows:
        kind = what(row)
        if row.operator_id is None or not is_known(row):
            continue
        if kind in (What.DISPUTE, What.DISPUTE_WON):
            if row.dispute_id is None:
                continue  # The case comes first: its learning stores this movement again.
            event = Kind.DISPUTE if kind is What.DISPUTE else Kind.DISPUTE_WON
            found.append(_booking(row, event, abs(row.amount)))
        fee = row.fee - row.amount if kind is What.FEE else row.fee
        found.append(_booking(row, Kind.FEE, fee))
    return found


def _booking(row: BalanceTransaction, kind: str, amount: Decimal) -> posting.Booking:
    assert row.operator_id is not None
    return posting.Booking(
        key=f"{Kind(kind).value} {row.stripe_id}",
        kind=kind,
        operator_id=row.operator_id,
        currency=row.currency,
        at=books.open_time(operator_id=row.operator_id, at=row.at),
        lines=ledger.lines_of(kind, amount),
        reference=row.source or row.stripe_id,
    )


def learn_source(*, source: str) -> None:
    """All movements of one charge, refund or dispute."""
    for page in gateway_books.movements_of_source(source):
        store(movements=page)


# Payouts

#: Which state may follow which: the bank may return what has arrived.
FOLLOWING: dict[str, frozenset[str]] = {
    Status.PENDING: frozenset({Status.IN_TRANSIT, Status.PAID, Status.FAILED, Status.CANCELED}),
    Status.IN_TRANSIT: frozenset({Status.PAID, Status.FAILED, Status.CANCELED}),
    Status.PAID: frozenset({Status.FAILED}),
    Status.FAILED: frozenset(),
    Status.CANCELED: frozenset(),
}


def learn_payout(*, facts: PayoutFacts) -> Payout:
    """Take over a payout and what is in it, and book it; again is harmless.

    The provider is asked for its movements before anything is locked.
    """
    if facts.is_automatic:
        pages = list(gateway_books.movements_of_payout(facts.id))
    else:
        pages = list(gateway_books.movements_of_source(facts.id))
    with transaction.atomic():
        Payout.objects.get_or_create(
            stripe_id=facts.id,
            defaults={
                "currency": facts.currency,
                "amount": facts.amount,
                "status": facts.status,
                "is_automatic": facts.is_automatic,
                "opened_at": facts.opened_at,
                "arrives_at": facts.arrives_at,
                "failure": facts.failure,
            },
        )
        row = Payout.objects.select_for_update().get(stripe_id=facts.id)
        if facts.status in FOLLOWING[row.status]:
            row.status, row.arrives_at, row.failure = facts.status, facts.arrives_at, facts.failure
            row.save(update_fields=["status", "arrives_at", "failure", "updated_at"])
        for page in pages:
            store(movements=page, payout=row)
        posting.book_all(bookings=_of_payout(row))
    return row


def shares(payout: Payout) -> dict[int | None, Decimal]:
    """How much of a payout is whose. What can't be named is nobody's (None)."""
    if not payout.is_automatic:
        return {sole_operator(): payout.amount}
    rows = payout.balance_transactions.exclude(source=payout.stripe_id).order_by()
    found = dict(rows.values_list("operator").annotate(Sum("net")))
    rest = payout.amount - sum(found.values(), Decimal(0))
    if rest:
        found[None] = found.get(None, Decimal(0)) + rest
    return {owner: amount for owner, amount in found.items() if amount}


def _of_payout(row: Payout) -> list[posting.Booking]:
    """Its steps so far: sent, arrived, returned."""
    steps = [(Kind.PAYOUT, "payout", row.opened_at, 1)]
    arrived = Journal.objects.filter(key__startswith=f"payout arrived {row.stripe_id} ").exists()
    if row.status == Status.PAID or (arrived and row.status == Status.FAILED):
        steps.append((Kind.PAYOUT_ARRIVED, "payout arrived", min(row.arrives_at, timezone.now()), 1))
    if row.status in (Status.FAILED, Status.CANCELED):
        if arrived:
            steps.append((Kind.PAYOUT_ARRIVED, "payout left again", timezone.now(), -1))
        steps.append((Kind.PAYOUT_RETURNED, "payout returned", timezone.now(), 1))
    return [
        posting.Booking(
            key=f"{word} {row.stripe_id} {owner}",
            kind=kind,
            operator_id=owner,
            currency=row.currency,
            at=books.open_time(operator_id=owner, at=at),
            lines=ledger.lines_of(kind, sign * amount),
            reference=row.stripe_id,
        )
        for owner, amount in shares(row).items()
        if owner is not None
        for kind, word, at, sign in steps
    ]


# All of it


def sync(*, since: datetime) -> None:
    """Learn whatever the provider has booked since then: movements, disputes and payouts."""
    from billing.actions import disputes

    for page in gateway_books.movements(since=since):
        store(movements=page)
    for dispute in gateway_books.disputes(since=since):
        disputes.learn_dispute(facts=dispute)
    for dispute_id in Dispute.objects.open().values_list("stripe_id", flat=True):
        # Banks take months: what was opened long ago ends now.
        disputes.learn_dispute(facts=gateway_books.dispute(dispute_id))
    known = set()
    for payout in gateway_books.payouts(since=since):
        known.add(payout.id)
        learn_payout(facts=payout)
    under_way = Payout.objects.filter(status__in=[Status.PENDING, Status.IN_TRANSIT])
    for payout_id in under_way.exclude(stripe_id__in=known).values_list("stripe_id", flat=True):
        learn_payout(facts=gateway_books.payout(payout_id))


def where_to_begin() -> datetime | None:
    """Since when a round asks: the last movement we have, or our first payment. None: nothing yet."""
    last = BalanceTransaction.objects.aggregate(last=Max("at"))["last"]
    first = last or Payment.objects.exclude(stripe_intent="").aggregate(first=Min("created_at"))["first"]
    first = first or TopUp.objects.aggregate(first=Min("created_at"))["first"]
    return None if first is None else first - OVERLAP
