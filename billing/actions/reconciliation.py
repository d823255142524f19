"""A day of our ledger against the provider's books: gathered, compared, kept, mended where that is safe."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice

from django.db import connection, transaction
from django.db.models import Q, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing import disputes as table
from billing import gateway, gateway_books, news, payments, reconciling
from billing.actions import disputes, follow, holds, missed, movements, refunds
from billing.exceptions import PaymentRefused, ProviderRefused
from billing.ledger import Code
from billing.models import (
    BalanceTransaction,
    Difference,
    Dispute,
    Entry,
    Journal,
    LedgerAccount,
    Payment,
    Payout,
    Reconciliation,
    Refund,
    TopUp,
)
from billing.reconciling import Mend, Ours, States, Theirs, What
from evportal.accounts.models import User

log = logging.getLogger(__name__)
LOCK = 0x7265636F
#: Holds that nothing has moved for so long are looked up one by one…
SETTLED_AFTER = timedelta(hours=1)
#: …at most so many in one comparison.
MOST_LOOKED_UP = 300
BATCH = 500
LOOK_BACK_DAYS, AGAIN_DAYS = 7, 3


class ReconciliationRefused(PaymentRefused):
    default = _("This can't be mended by a button: follow the advice, or accept it with a reason.")


def bounds(day: date) -> tuple[datetime, datetime]:
    start = datetime.combine(day, time.min, UTC)
    return start, start + timedelta(days=1)


def reconcile_day(*, day: date) -> list[Difference]:
    """Learn the provider's side of the day, compare, and keep what differs; the open differences of the day.

    Raises `ProviderDown` where the provider does not answer: nothing is kept then.
    """
    start, end = bounds(day)
    movements.sync(since=start - movements.OVERLAP)
    states = list(_states(start, end))
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Two at once would each resolve what the other finds.
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        theirs, ours = gather(start, end)
        return _keep(day, theirs, ours, reconciling.compare(theirs, ours, states))


# Gathering


def gather(start: datetime, end: datetime) -> tuple[list[Theirs], list[Ours]]:
    """Both sides of every object that either side touched in this time, whenever the other one did."""
    rows = BalanceTransaction.objects.filter(at__gte=start, at__lt=end)
    journal = _provider_journal(
        Q(at__gte=start, at__lt=end) | Q(booked_at__gte=start, booked_at__lt=end, at__lt=start)
    )
    there = {row.pk: row for row in _with_owners(rows)}
    here = {row.pk: row for row in journal}
    objects = {one.object for one in _theirs(there.values())} | {one.object for one in _ours(here.values())}
    # A fee is known by its movement; what moved is known by something else.
    fees = sorted(one.object for one in _ours(here.values()) if one.what is What.FEE)
    for some in _batches(fees):
        objects |= {object_of(row) for row in BalanceTransaction.objects.filter(stripe_id__in=some)}
    # An event's counterpart may lie on another day, and so may a second one of the same object.
    for some in _batches(sorted(objects)):
        found = BalanceTransaction.objects.filter(
            Q(intent__in=some) | Q(source__in=some) | Q(stripe_id__in=some)
        )
        there |= {row.pk: row for row in _with_owners(found) if object_of(row) in objects}
        here |= {row.pk: row for row in _provider_journal(Q(key__in=_keys(some)) | _payout_keys(some))}
    theirs = list(_theirs(there.values()))
    ids = [one.id for one in theirs]
    for some in _batches(sorted({*ids} - objects)):
        # Fees are booked by movement.
        here |= {row.pk: row for row in _provider_journal(Q(key__in=[f"fee {id}" for id in some]))}
    return theirs, list(_ours(here.values()))


def _batches(rows: Sequence[str]):
    found = iter(rows)
    while some := list(islice(found, BATCH)):
        yield some


def _with_owners(rows):
    return rows.select_related("payment", "top_up", "refund", "dispute", "payout")


def object_of(row: BalanceTransaction) -> str:
    """What both sides know a movement by."""
    match movements.what(row):
        case What.CHARGE:
            return row.intent or row.source
        case What.REFUND | What.REFUND_RETURNED | What.PAYOUT | What.PAYOUT_RETURNED:
            return row.source
    return row.stripe_id


def _theirs(rows: Iterable[BalanceTransaction]) -> Iterable[Theirs]:
    for row in rows:
        what = movements.what(row)
        common = {"id": row.stripe_id, "what": what, "object": object_of(row), "currency": row.currency}
        if what in (What.PAYOUT, What.PAYOUT_RETURNED) and row.payout is not None:
            sign = -1 if what is What.PAYOUT else 1
            parts = movements.shares(row.payout)
            for owner, amount in parts.items():
                known = owner is not None
                yield Theirs(**common, amount=sign * amount, at=row.at, owner=owner, known=known)
            continue
        yield Theirs(
            **common,
            amount=row.amount,
            fee=row.fee,
            at=row.at,
            owner=row.operator_id,
            known=movements.is_known(row),
        )


def _provider_journal(condition: Q):
    return list(
        Journal.objects.filter(condition, entries__account__code=Code.PROVIDER)
        .order_by("at", "pk")
        .distinct()
    )


#: The first words of a journal row's key → the movement that it books.
KEYS = {
    "capture": What.CHARGE,
    "top-up": What.CHARGE,
    "refund returned": What.REFUND_RETURNED,
    "refund": What.REFUND,
    "dispute_won": What.DISPUTE_WON,
    "dispute": What.DISPUTE,
    "fee": What.FEE,
    "payout returned": What.PAYOUT_RETURNED,
    "payout": What.PAYOUT,
}


def _ours(rows: Iterable[Journal]) -> Iterable[Ours]:
    rows = list(rows)
    parts = {row.pk: _part(row.key) for row in rows}
    names = _object_names(parts.values())
    sums = (
        Entry.objects.filter(journal__in=[row.pk for row in rows], account__code=Code.PROVIDER)
        .order_by()
        .values_list("journal")
        .annotate(Sum("debit"), Sum("credit"))
    )
    effect = {pk: debit - credit for pk, debit, credit in sums}
    for row in rows:
        what, word, id = parts[row.pk]
        yield Ours(
            key=row.key,
            what=what,
            object=names.get((word, id), id),
            currency=row.currency,
            amount=effect[row.pk],
            at=row.at,
            owner=row.operator_id,
        )


def _part(key: str) -> tuple[What, str, str]:
    for word, what in KEYS.items():
        if key.startswith(f"{word} "):
            # A payout's key names the operator behind its id.
            return what, word, key.removeprefix(f"{word} ").split()[0]
    return What.OTHER, "", key


def _object_names(parts: Iterable[tuple[What, str, str]]) -> dict[tuple[str, str], str]:
    """The provider's ids of our rows, by the word and the id in the journal's key."""
    parts = list(parts)
    found: dict[tuple[str, str], str] = {}
    for words, model, field in (
        (("capture",), Payment, "stripe_intent"),
        (("top-up",), TopUp, "stripe_intent"),
        (("refund", "refund returned"), Refund, "stripe_id"),
    ):
        ids = {id for _what, word, id in parts if word in words}
        for pk, name in model.objects.filter(pk__in=ids).values_list("pk", field):
            found |= {(word, str(pk)): name for word in words if name}
    return found


def _keys(objects: Sequence[str]) -> list[str]:
    """The journal keys of what the provider knows by these ids."""
    keys = []
    for pk in Payment.objects.filter(stripe_intent__in=objects).values_list("pk", flat=True):
        keys.append(f"capture {pk}")
    for pk in TopUp.objects.filter(stripe_intent__in=objects).values_list("pk", flat=True):
        keys.append(f"top-up {pk}")
    for pk in Refund.objects.filter(stripe_id__in=objects).values_list("pk", flat=True):
        keys += [f"refund {pk}", f"refund returned {pk}"]
    for id in objects:
        keys += [f"{word} {id}" for word in ("fee", "dispute", "dispute_won")]
    return keys


def _payout_keys(objects: Sequence[str]) -> Q:
    found = Q(pk__in=[])
    for id in Payout.objects.filter(stripe_id__in=objects).values_list("stripe_id", flat=True):
        found |= Q(key__startswith=f"payout {id} ") | Q(key__startswith=f"payout returned {id} ")
    return found


def _states(start: datetime, end: datetime) -> Iterable[States]:
    """How both sides say that holds stand which should have ended, and disputes of the day."""
    waiting = Payment.objects.filter(
        state__in=[Payment.State.NEW, Payment.State.NEEDS_ACTION, *_STANDING],
        created_at__lt=end,
        updated_at__lt=timezone.now() - SETTLED_AFTER,
    ).exclude(stripe_intent="")
    for payment in waiting.order_by("updated_at")[:MOST_LOOKED_UP]:
        try:
            intent = gateway.retrieve(payment.stripe_intent)
        except ProviderRefused:
            yield States(
                What.CHARGE, payment.stripe_intent, payment.currency, payment.state, "unknown there",
                agree=False, owner=payment.operator_id,
            )  # fmt: skip
            continue
        news_ = payments.after_news(payment.state, intent.status, refused=intent.refused)
        yield States(
            What.CHARGE, payment.stripe_intent, payment.currency, payment.state, intent.status,
            agree=news_ is None, owner=payment.operator_id, mend=Mend.LEARN_PAYMENT,
        )  # fmt: skip
    for dispute in Dispute.objects.filter(
        Q(opened_at__range=(start, end)) | Q(closed_at__range=(start, end))
    ):
        facts = gateway_books.dispute(dispute.stripe_id)
        can = table.after_news(dispute.status, facts.status) is not None
        yield States(
            What.DISPUTE, dispute.stripe_id, dispute.currency, dispute.status, facts.status,
            agree=dispute.status == facts.status, owner=dispute.operator_id,
            mend=Mend.LEARN_DISPUTE if can else Mend.NONE,
        )  # fmt: skip


_STANDING = (Payment.State.HELD, Payment.State.CAPTURING, Payment.State.RELEASING)


# Keeping


def _keep(
    day: date, theirs: list[Theirs], ours: list[Ours], found: list[reconciling.Difference]
) -> list[Difference]:
    now = timezone.now()
    rest = reconciling.unexplained(theirs, ours, found)
    if rest:
        # compare() itself would be wrong; the day's row refuses it too.
        log.critical("Reconciliation of %s leaves %s unexplained", day, rest)
    before = set(Difference.objects.filter(day=day).open().values_list("pk", flat=True))
    rows = [_keep_one(day, each, now) for each in found]
    Difference.objects.filter(day=day).open().exclude(pk__in=[row.pk for row in rows]).update(resolved_at=now)
    _sum_up(day, theirs, ours, rows, now)
    fresh = [row for row in rows if row.pk not in before and not row.is_accepted]
    for owner in {row.operator_id for row in fresh}:
        theirs_ = [row for row in fresh if row.operator_id == owner]
        news.tell_differences(
            operator=theirs_[0].operator, day=day, differences=theirs_, key=f"{day} {theirs_[0].pk}"
        )
    return [row for row in rows if not row.is_accepted]


def _keep_one(day: date, each: reconciling.Difference, now: datetime) -> Difference:
    fields = {
        "amount": each.amount,
        "ours": each.ours[:255],
        "theirs": each.theirs[:255],
        "mend": each.mend.value,
        "advice": each.advice,
        "seen_at": now,
        "resolved_at": None,
    }
    row, is_new = Difference.objects.get_or_create(
        operator_id=each.owner,
        day=day,
        kind=each.kind.value,
        what=each.what.value,
        object_id=each.object[:255],
        currency=each.currency,
        defaults=fields | {"found_at": now},
    )
    if not is_new:
        if row.amount != each.amount:
            # What somebody explained was another sum.
            fields |= {"reason": "", "accepted_by": None}
        for name, value in fields.items():
            setattr(row, name, value)
        row.save()
    return row


def _sum_up(day: date, theirs: list[Theirs], ours: list[Ours], rows: list[Difference], now: datetime) -> None:
    keys = {(one.owner, one.currency) for one in [*theirs, *ours]}
    keys |= {(row.operator_id, row.currency) for row in rows}
    keys |= set(Reconciliation.objects.filter(day=day).values_list("operator", "currency"))
    # A day on which nothing moved was compared too.
    keys |= set(LedgerAccount.objects.filter(code=Code.PROVIDER).values_list("operator", "currency"))
    for owner, currency in keys:
        there = [one for one in theirs if (one.owner, one.currency) == (owner, currency)]
        here = [one for one in ours if (one.owner, one.currency) == (owner, currency)]
        mine = [row for row in rows if (row.operator_id, row.currency) == (owner, currency)]
        their_sum, our_sum = reconciling.balance(there, here)
        Reconciliation.objects.update_or_create(
            operator_id=owner,
            day=day,
            currency=currency,
            defaults={
                "ran_at": now,
                "compared": len(there),
                "theirs": their_sum,
                "ours": our_sum,
                "differing": sum((row.amount for row in mine if not row.is_accepted), Decimal(0)),
                "accepted": sum((row.amount for row in mine if row.is_accepted), Decimal(0)),
                "differences": sum(not row.is_accepted for row in mine),
            },
        )


# Mending


def mend(*, difference: Difference) -> list[Difference]:
    """Do what the difference proposes, then compare its day anew; what is still open of the day."""
    difference.refresh_from_db()
    if difference.resolved_at is not None:
        return []
    match difference.mend:
        case Mend.LEARN_PAYMENT:
            _learn_charge(difference.object_id)
        case Mend.LEARN_REFUND:
            refunds.learn_refund(facts=gateway_books.refund(difference.object_id))
        case Mend.LEARN_DISPUTE:
            disputes.learn_dispute(facts=gateway_books.dispute(_dispute_of(difference.object_id)))
        case Mend.LEARN_PAYOUT:
            movements.learn_payout(facts=gateway_books.payout(difference.object_id))
        case Mend.BOOK:
            _book_again(difference.object_id)
        case _:
            raise ReconciliationRefused
    return reconcile_day(day=difference.day)


def _learn_charge(intent: str) -> None:
    payment = Payment.objects.filter(stripe_intent=intent).first()
    if payment is None:
        from billing.actions import top_ups

        top_up = TopUp.objects.filter(stripe_intent=intent).first()
        if top_up is not None:
            top_ups.look_at_top_up(row=top_up)
        return
    before = payment.state
    holds.look(payment=payment)
    # Captured on both sides, and yet not booked.
    missed.book_missed(since=payment.updated_at)
    if payment.state != before:
        follow.proceed(payment=payment)


def _dispute_of(object_id: str) -> str:
    """Its movements are known by their own ids."""
    row = BalanceTransaction.objects.filter(stripe_id=object_id).first()
    return row.source if row is not None else object_id


def _book_again(movement: str) -> None:
    row = BalanceTransaction.objects.filter(stripe_id=movement).first()
    if row is not None:
        movements.learn_source(source=row.source)


@transaction.atomic
def accept(*, difference: Difference, reason: str, by: User) -> Difference:
    """Somebody explains it: it stays in the list of its day, and no longer counts as open."""
    reason = reason.strip()[:200]
    if not reason:
        raise ReconciliationRefused(_("Say why the two sides may differ."))
    locked = Difference.objects.select_for_update().get(pk=difference.pk)
    if locked.resolved_at is None and not locked.reason:
        locked.reason, locked.accepted_by = reason, by
        locked.save(update_fields=["reason", "accepted_by"])
        row = Reconciliation.objects.select_for_update().get(
            operator=locked.operator_id, day=locked.day, currency=locked.currency
        )
        row.differing -= locked.amount
        row.accepted += locked.amount
        row.differences -= 1
        row.save(update_fields=["differing", "accepted", "differences"])
    difference.refresh_from_db()
    return difference


def days_due(*, now: datetime) -> list[date]:
    """Days that are over and were not compared since; the last three are compared anew each day, because a
    provider's books may be late."""
    if movements.where_to_begin() is None:
        return []
    today = now.astimezone(UTC).date()
    due = []
    for back in range(1, LOOK_BACK_DAYS + 1):
        day = today - timedelta(days=back)
        since = bounds(day)[1] + SETTLED_AFTER
        if back <= AGAIN_DAYS:
            since = max(since, now - timedelta(hours=20))
        enough = Reconciliation.objects.filter(day=day, ran_at__gte=min(since, now))
        if now >= bounds(day)[1] + SETTLED_AFTER and not enough.exists():
            due.append(day)
    return sorted(due)
