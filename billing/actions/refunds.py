"""Money back: never more than was charged, each refund with a credit note to the invoice it corrects."""

from __future__ import annotations

import logging
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing import gateway, invoicing, payments
from billing.actions import invoices, posting
from billing.exceptions import LinesRefused, PaymentRefused, ProviderRefused, RefundTooHigh
from billing.gateway_books import RefundFacts
from billing.models import InvoiceLine, Payment, Refund, RefundLine
from evportal.accounts.models import User
from evportal.money import round_money

log = logging.getLogger(__name__)
State = Refund.State
MADE_THERE = _("Refunded at the payment provider")


class TakenAtTerminal(PaymentRefused):
    default = _("This was paid at the charger's terminal: it is given back there.")


class WalletGone(PaymentRefused):
    default = _("This was paid from a wallet whose driver is gone: pay it back in another way.")


def refund(
    *,
    payment: Payment,
    amount: Decimal | None = None,
    reason: str,
    by: User | None,
    lines: dict[int, Decimal | None] | None = None,
) -> Refund:
    """Book the refund on the row that holds the limit, then send it; the credit note follows its success.

    An amount goes over all lines of the invoice. `lines` gives back chosen ones instead: the gross amount for
    the position of each on the invoice that bills the payment, None for all that is left of it.
    """
    with transaction.atomic(durable=True):
        locked = Payment.objects.select_for_update().get(pk=payment.pk)
        if locked.method == Payment.Method.TERMINAL:
            raise TakenAtTerminal
        chosen = _chosen(locked, lines) if lines else {}
        if chosen:
            if amount is not None and amount != sum(chosen.values()):
                raise LinesRefused(_("The lines do not come to that amount."))
            amount = sum(chosen.values(), Decimal(0))
        elif amount is None:
            raise LinesRefused(_("Say an amount, or which lines."))
        amount = round_money(amount, locked.currency)
        if not payments.may_refund(amount, locked.amount_captured, locked.amount_refunded):
            raise RefundTooHigh
        row = Refund.objects.create(payment=locked, amount=amount, reason=reason, created_by=by)
        RefundLine.objects.bulk_create(
            RefundLine(refund=row, line=line, gross=gross) for line, gross in chosen.items()
        )
        locked.amount_refunded += amount
        locked.save(update_fields=["amount_refunded", "updated_at"])
    payment.refresh_from_db()
    return send_refund(row=row)


def _chosen(payment: Payment, lines: dict[int, Decimal | None]) -> dict[InvoiceLine, Decimal]:
    """The invoice's lines with the amounts to give back; refused where they are more than what is left."""
    original = invoices.billed(payment)
    if original is None:
        raise LinesRefused(_("No invoice bills this payment yet, so it has no lines."))
    # What is being sent has no credit note yet, but is promised. Read before the credit notes: one that is
    # written meanwhile is then counted twice, and not never.
    under_way = RefundLine.objects.filter(refund__payment=payment, refund__state=State.NEW)
    promised: dict[int, Decimal] = {}
    for position, gross in under_way.values_list("line__position", "gross"):
        promised[position] = promised.get(position, Decimal(0)) + gross
    _cdr, billed, credited = invoices.billed_lines(payment, original)
    by_position = {line.position: line for line in billed}
    wanted = {
        position: _wanted(by_position.get(position), gross, credited) for position, gross in lines.items()
    }
    together = {p: wanted.get(p, Decimal(0)) + promised.get(p, Decimal(0)) for p in {*wanted, *promised}}
    try:
        invoicing.line_credits(
            billed, credited=credited, wanted=together, currency=payment.currency, text=lambda line: line.text
        )
    except invoicing.LineRefused as refusal:
        raise LinesRefused(str(refusal)) from refusal
    for gross in wanted.values():
        if gross != round_money(gross, payment.currency):
            raise LinesRefused(_("That is finer than the smallest coin."))
    return {by_position[position]: gross for position, gross in wanted.items()}


def _wanted(line: InvoiceLine | None, gross: Decimal | None, credited: list[InvoiceLine]) -> Decimal:
    if gross is not None:
        return gross
    if line is None:
        return Decimal(0)
    return invoicing.left_of(line, (one for one in credited if one.corrects_id == line.pk))[1]


def send_refund(*, row: Refund) -> Refund:
    """Ask the provider, once however often this is called, and write the credit note with the answer."""
    if row.state != State.NEW:
        return row
    try:
        stripe_id = _send(row)
    except (ProviderRefused, WalletGone) as refusal:
        fail_refund(row=row, message=str(refusal))
        raise
    return finish_refund(row=row, stripe_id=stripe_id)


@transaction.atomic
def finish_refund(*, row: Refund, stripe_id: str) -> Refund:
    """It went out: booked, and its credit note written, once however often this is called."""
    won = Refund.objects.filter(pk=row.pk, state=State.NEW).update(
        state=State.DONE, stripe_id=stripe_id, updated_at=timezone.now()
    )
    row.refresh_from_db()
    if won:
        posting.book(booking=posting.of_refund(row))
        invoices.issue_credit_note(refund=row)
    return row


@transaction.atomic
def learn_refund(*, facts: RefundFacts) -> Refund | None:
    """Take over what the provider says of a refund, whoever made it; None: it is of no payment of ours.

    One that was made in the provider's own dashboard gets its row and its credit note here.
    """
    row = Refund.objects.filter(stripe_id=facts.id).first() or _by_our_id(facts.row)
    if row is None:
        row = _adopt(facts)
        if row is None:
            return None
    if row.state == State.NEW:
        finish_refund(row=row, stripe_id=facts.id)
    if facts.status in ("failed", "canceled"):
        bounced(row=row)
    return row


def _by_our_id(text: str) -> Refund | None:
    try:
        return Refund.objects.filter(pk=UUID(text)).first()
    except ValueError:
        return None


def _adopt(facts: RefundFacts) -> Refund | None:
    found = Payment.objects.filter(stripe_intent=facts.intent).exclude(stripe_intent="").first()
    if found is None:
        return None
    payment = Payment.objects.select_for_update().get(pk=found.pk)
    known = Refund.objects.filter(stripe_id=facts.id).first()
    if known is not None:
        return known
    if not payments.may_refund(facts.amount, payment.amount_captured, payment.amount_refunded):
        # Reconciliation names it: more went back than we know to have been charged.
        log.error("Refund %s of payment %s is more than what is left of it", facts.id, payment.pk)
        return None
    row = Refund.objects.create(payment=payment, amount=facts.amount, reason=str(MADE_THERE))
    payment.amount_refunded += facts.amount
    payment.save(update_fields=["amount_refunded", "updated_at"])
    return row


def _send(row: Refund) -> str:
    """The provider's id of the refund; what was paid from a wallet goes back there, in our own books."""
    payment = row.payment
    if payment.method == Payment.Method.WALLET:
        if payment.user_id is None:
            raise WalletGone
        return ""
    return gateway.refund(
        payment.stripe_intent, refund_id=row.pk, amount=row.amount, currency=payment.currency
    )


@transaction.atomic
def fail_refund(*, row: Refund, message: str) -> None:
    """It did not go out: the amount may be refunded again."""
    if Refund.objects.filter(pk=row.pk, state=State.NEW).update(
        state=State.FAILED, error_message=message[:255], updated_at=timezone.now()
    ):
        Payment.objects.filter(pk=row.payment_id).update(amount_refunded=F("amount_refunded") - row.amount)
    row.refresh_from_db()


@transaction.atomic
def bounced(*, row: Refund) -> bool:
    """The driver's bank sent a finished refund back. The credit note stands: pay it in another way."""
    won = Refund.objects.filter(pk=row.pk, state=State.DONE).update(
        state=State.FAILED,
        error_message="The driver's bank returned it: pay it in another way.",
        updated_at=timezone.now(),
    )
    row.refresh_from_db()
    if won:
        posting.book_all(bookings=[posting.of_refund(row), posting.of_returned_refund(row)])
    return won == 1
