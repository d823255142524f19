"""What a charger's own terminal took (2.1 NotifySettlement): it pays the bill of a charge that has no driver.

The terminal has moved the money already, so nothing is asked of the payment provider: the settlement becomes
a payment that is charged, booked on an account of its own, and the bill is settled with it. Where price and
payment differ, a person decides: the bill is then what was paid at most.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Sum

from billing import policy
from billing.actions import posting
from billing.actions.bill import NOBODY, open_cdr, settle
from billing.models import Cdr, Payment
from evportal.money import format_money, round_money
from stations import paying
from stations.models import Session, Settlement

State = Cdr.State
PAID = "Paid at the charger's terminal:"


def pay(*, session: Session) -> Cdr:
    """Take what its terminal settled for it; where that is its price, settle the bill. Again is harmless."""
    cdr = open_cdr(session=session)
    if session.user_id is not None:
        # Somebody is billed for it already: what the terminal took besides stands in the settlement alone.
        return cdr
    with transaction.atomic():
        # Whoever comes second waits here, and finds what the first one took.
        cdr = Cdr.objects.select_for_update().get(pk=cdr.pk)
        paying.claim(session=session)
        is_new = _take(cdr)
        paid = _paid(cdr)
        if is_new and cdr.state == State.WAIVED and not cdr.invoices.exists():
            # Given up before the terminal had told: money is there, so there has to be a document.
            cdr.state, cdr.review = State.REVIEW, NOBODY
        is_due = paid > 0 and _waits(cdr) and paid == cdr.gross
        if is_due:
            cdr.state, cdr.review = State.PRICED, ""
        elif paid and (_waits(cdr) or _is_too_much(cdr, paid)):
            cdr.review = words(paid, cdr)[:200]
        cdr.save(update_fields=["state", "review"])
    return settle(cdr=cdr) if is_due else cdr


def words(paid: Decimal, cdr: Cdr) -> str:
    price = format_money(cdr.gross, cdr.currency, "en")
    return f"{PAID} {format_money(paid, cdr.currency, 'en')}, where the price is {price}."


def _waits(cdr: Cdr) -> bool:
    """Only for somebody to bill, and for no person's look at what the charger said."""
    return cdr.state == State.REVIEW and (cdr.review == NOBODY or cdr.review.startswith(PAID))


def _is_too_much(cdr: Cdr, paid: Decimal) -> bool:
    """More came for a bill that is settled: finance has it given back, by whoever runs the terminal."""
    return cdr.state == State.SETTLED and not cdr.review and paid > cdr.gross


def _take(cdr: Cdr) -> bool:
    """A payment for each settled reference, once: a terminal may say it again with another time.

    Whether there was one that is new.
    """
    payments = Payment.objects.at_terminal().filter(session=cdr.session_id)
    known = set(payments.values_list("settlement__psp_ref", flat=True))
    before = len(known)
    rows = Settlement.objects.filter(
        session=cdr.session_id, status=Settlement.Status.SETTLED, amount__gt=0
    ).order_by("received_at", "pk")
    for row in rows:
        amount = round_money(row.amount, cdr.currency)
        if row.psp_ref in known or amount <= 0:
            continue
        known.add(row.psp_ref)
        _book(row, cdr, amount)
    return len(known) > before


def _paid(cdr: Cdr) -> Decimal:
    payments = Payment.objects.at_terminal().filter(session=cdr.session_id)
    return payments.aggregate(total=Sum("amount_captured"))["total"] or Decimal(0)


def _book(row: Settlement, cdr: Cdr, amount: Decimal) -> None:
    payment = Payment.objects.create(
        operator=cdr.session.station.site.operator,
        session=cdr.session,
        method=Payment.Method.TERMINAL,
        settlement=row,
        state=Payment.State.CAPTURED,
        currency=cdr.currency,
        amount=amount,
        amount_captured=amount,
    )
    posting.book(booking=posting.of_capture(payment))


def untaken(now: datetime, stale: datetime) -> QuerySet[Session]:
    """Charges whose settlement came, and whose payment was lost on its way to us."""
    settled = Settlement.objects.filter(
        session=OuterRef("pk"),
        status=Settlement.Status.SETTLED,
        amount__gt=0,
        received_at__range=(now - policy.LOOK_BACK, stale),
    )
    waiting = Session.objects.filter(Exists(settled), user=None, cdr__state=State.REVIEW, cdr__review=NOBODY)
    return waiting.with_place().order_by("stopped_at")
