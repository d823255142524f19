"""Money back: never more than was charged, each refund with a credit note to the invoice it corrects."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing import gateway, payments
from billing.actions import invoices, posting
from billing.exceptions import PaymentRefused, ProviderRefused, RefundTooHigh
from billing.models import Payment, Refund
from evportal.accounts.models import User
from evportal.money import round_money

State = Refund.State


class WalletGone(PaymentRefused):
    default = _("This was paid from a wallet whose driver is gone: pay it back in another way.")


def refund(*, payment: Payment, amount: Decimal, reason: str, by: User | None) -> Refund:
    """Book the refund on the row that holds the limit, then send it; the credit note follows its success."""
    with transaction.atomic(durable=True):
        locked = Payment.objects.select_for_update().get(pk=payment.pk)
        amount = round_money(amount, locked.currency)
        if not payments.may_refund(amount, locked.amount_captured, locked.amount_refunded):
            raise RefundTooHigh
        row = Refund.objects.create(payment=locked, amount=amount, reason=reason, created_by=by)
        locked.amount_refunded += amount
        locked.save(update_fields=["amount_refunded", "updated_at"])
    payment.refresh_from_db()
    return send_refund(row=row)


def send_refund(*, row: Refund) -> Refund:
    """Ask the provider, once however often this is called, and write the credit note with the answer."""
    if row.state != State.NEW:
        return row
    try:
        stripe_id = _send(row)
    except (ProviderRefused, WalletGone) as refusal:
        fail_refund(row=row, message=str(refusal))
        raise
    with transaction.atomic():
        won = Refund.objects.filter(pk=row.pk, state=State.NEW).update(
            state=State.DONE, stripe_id=stripe_id, updated_at=timezone.now()
        )
        row.refresh_from_db()
        if won:
            posting.book(booking=posting.of_refund(row))
            invoices.issue_credit_note(refund=row)
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
