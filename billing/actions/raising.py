"""Raise a hold while its session runs: our row, then the bank, then the hold; or out of the wallet at once.

Who dies in between leaves a row that is being asked for; `finish` reads the provider's side and goes on. The
amounts are totals, so that a step which is taken twice is one step.
"""

from __future__ import annotations

import logging
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils import timezone

from billing import gateway, policy
from billing.actions import wallet_holds
from billing.exceptions import CardDeclined, PaymentRefused, ProviderRefused, WalletTooLow
from billing.models import HoldIncrement, Payment

log = logging.getLogger(__name__)
State = HoldIncrement.State


def first_amount(payment: Payment) -> Decimal:
    """What was held before anything was raised."""
    first = payment.increments.order_by("created_at").first()
    return first.before if first is not None else payment.amount


def may_be_raised(payment: Payment) -> bool:
    """Whether there is any sense in asking: the card allows it, and the bank hasn't said no before."""
    if payment.state != Payment.State.HELD:
        return False
    if payment.increments.filter(state=State.REFUSED).exists():
        return False
    if payment.method == Payment.Method.WALLET:
        return True
    return payment.may_raise and payment.increments.count() < policy.MOST_RAISES


def raise_hold(*, payment: Payment, amount: Decimal) -> HoldIncrement:
    """Hold so much altogether. A raise that is under way is gone on with, whatever it asked for.

    Raises `ProviderDown` where the outcome is unknown: the row stays, and the sweeper finds out. Refused by
    the bank or the wallet, the row says so, and the hold is what it was.
    """
    if payment.state != Payment.State.HELD or amount <= payment.amount:
        raise PaymentRefused
    if payment.method == Payment.Method.WALLET:
        return _from_wallet(payment, amount)
    row, is_new = _open(payment, amount)
    if is_new:
        _ask(row)
    return row


def _open(payment: Payment, amount: Decimal) -> tuple[HoldIncrement, bool]:
    try:
        # Durable: the row must be there before the provider hears of it.
        with transaction.atomic(durable=True):
            row = HoldIncrement.objects.create(payment=payment, before=payment.amount, amount=amount)
            return row, True
    except IntegrityError:
        return HoldIncrement.objects.get(payment=payment, state=State.NEW), False


def _from_wallet(payment: Payment, amount: Decimal) -> HoldIncrement:
    """One transaction: nothing is left half done."""
    row = HoldIncrement(payment=payment, before=payment.amount, amount=amount, state=State.DONE)
    try:
        with transaction.atomic():
            won = Payment.objects.filter(
                pk=payment.pk, state=Payment.State.HELD, amount=payment.amount
            ).update(amount=amount, updated_at=timezone.now())
            if won:
                row.save()
                payment.refresh_from_db()
                wallet_holds.raise_by(payment, amount - row.before, key=f"wallet_raise {row.pk}")
    except IntegrityError as error:
        if "wallets_are_never_negative" not in str(error):
            raise
        payment.refresh_from_db()
        row = HoldIncrement(payment=payment, before=payment.amount, amount=amount, state=State.REFUSED)
        row.error_code, row.error_message = "wallet_too_low", str(WalletTooLow.default)[:255]
        row.save()
    else:
        if not won:
            payment.refresh_from_db()
            raise PaymentRefused
    return row


def _ask(row: HoldIncrement) -> None:
    payment = row.payment
    try:
        intent = gateway.raise_hold(
            payment.stripe_intent, increment_id=row.pk, amount=row.amount, currency=payment.currency
        )
    except CardDeclined as refusal:
        _refuse(row, refusal.code, str(refusal))
    except ProviderRefused:
        # Raised already by a step whose answer was lost, or there is no hold any more.
        _take(row, gateway.retrieve(payment.stripe_intent))
    else:
        _take(row, intent)


def _take(row: HoldIncrement, intent: gateway.Intent) -> None:
    if intent.status == "requires_capture" and intent.amount >= row.amount:
        _finish(row)
    else:
        _refuse(row, "not_raised", str(PaymentRefused.default))


@transaction.atomic
def _finish(row: HoldIncrement) -> None:
    """The bank holds it: the hold is what the row says, once."""
    won = HoldIncrement.objects.filter(pk=row.pk, state=State.NEW).update(
        state=State.DONE, updated_at=timezone.now()
    )
    if won:
        Payment.objects.filter(pk=row.payment_id, amount__lt=row.amount).update(
            amount=row.amount, updated_at=timezone.now()
        )
    row.refresh_from_db()
    row.payment.refresh_from_db()


def _refuse(row: HoldIncrement, code: str, words: str) -> None:
    HoldIncrement.objects.filter(pk=row.pk, state=State.NEW).update(
        state=State.REFUSED, error_code=code[:60], error_message=words[:255], updated_at=timezone.now()
    )
    row.refresh_from_db()
    log.info("Payment %s was not raised to %s: %s", row.payment_id, row.amount, code)


def finish(*, row: HoldIncrement) -> HoldIncrement:
    """What a crash or a lost answer left: read the provider's side, then go on from there."""
    payment = row.payment
    if row.state != State.NEW:
        return row
    intent = gateway.retrieve(payment.stripe_intent)
    if intent.status != "requires_capture" or intent.amount >= row.amount:
        _take(row, intent)
    else:
        _ask(row)
    return row


def finish_of(*, payment: Payment) -> None:
    """Before the hold is charged: what it is must be known."""
    row = HoldIncrement.objects.filter(payment=payment, state=State.NEW).select_related("payment").first()
    if row is not None:
        finish(row=row)
        payment.refresh_from_db()
