"""What happened and is not in the ledger: from before there was one, or from code that did not book it."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat

from billing.actions import posting
from billing.models import Invoice, Journal, Payment, Refund

BATCH = 1000


def book_missed(*, since: datetime) -> int:
    """Book all of it that is younger than this; how many there were."""
    captured = Payment.objects.filter(
        state=Payment.State.CAPTURED,
        method__in=[Payment.Method.CARD, Payment.Method.TERMINAL],
        amount_captured__gt=0,
        updated_at__gte=since,
    ).select_related("settlement")
    sent = Refund.objects.filter(state=Refund.State.DONE, updated_at__gte=since).select_related("payment")
    # What a site's host is credited with is no sale of the operator's.
    documents = Invoice.objects.filter(issued_at__gte=since).exclude(gross=0)
    documents = documents.exclude(kind=Invoice.Kind.SELF_BILLED)
    booked = 0
    for rows, word, read in (
        (documents, "document", posting.of_document),
        (captured, "capture", posting.of_capture),
        (sent, "refund", posting.of_refund),
    ):
        found = _unbooked(rows, word).iterator(chunk_size=BATCH)
        while some := list(islice(found, BATCH)):
            booked += posting.book_all(bookings=[read(row) for row in some])
    return booked


def _unbooked(rows: QuerySet, word: str) -> QuerySet:
    key = Concat(Value(f"{word} "), Cast("pk", CharField()))
    return rows.annotate(key=key).exclude(Exists(Journal.objects.filter(key=OuterRef("key")))).order_by()
