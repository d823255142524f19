"""Holds on a wallet: a card's steps without a provider, each in one transaction with its entries.

What is reserved is out of the balance, and the database lets no balance go below zero: however many holds
are asked for at once, those that the wallet can't carry are refused.
"""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from billing import ledger
from billing.actions import posting
from billing.exceptions import PaymentRefused
from billing.models import Journal, Payment
from evportal.accounts.models import Operator, User

State = Payment.State
Kind = Journal.Kind


def covers(*, user: User | None, operator: Operator, currency: str, amount: Decimal) -> bool:
    """Whether the wallet carries a hold of so much. Prepaid money is spent before a card is asked."""
    if user is None or amount <= 0:
        return False
    return posting.wallet_balance(user=user, operator=operator, currency=currency) >= amount


def reserve(payment: Payment) -> None:
    """Book the hold of a payment that was just made; in its transaction, which fails when it is too much."""
    _book(payment, Kind.WALLET_HOLD, payment.amount)


def raise_by(payment: Payment, amount: Decimal, *, key: str) -> None:
    """Reserve so much more; in the caller's transaction, which fails when the wallet hasn't it."""
    _book(payment, Kind.WALLET_HOLD, amount, key=key)


@transaction.atomic
def capture(*, payment: Payment, amount: Decimal) -> bool:
    """Spend so much of what is reserved; the rest is in the wallet again."""
    won = Payment.objects.filter(pk=payment.pk, state=State.HELD).update(
        state=State.CAPTURED,
        amount_to_capture=amount,
        amount_captured=amount,
        updated_at=timezone.now(),
    )
    payment.refresh_from_db()
    if won:
        _book(payment, Kind.WALLET_SPEND, amount, of=payment.amount)
    return won == 1


@transaction.atomic
def release(*, payment: Payment) -> bool:
    won = Payment.objects.filter(pk=payment.pk, state=State.HELD).update(
        state=State.RELEASED, updated_at=timezone.now()
    )
    payment.refresh_from_db()
    if won:
        _book(payment, Kind.WALLET_RELEASE, payment.amount)
    return won == 1


def _book(payment: Payment, kind: str, amount: Decimal, *, key: str = "", **how) -> None:
    if payment.user_id is None:
        raise PaymentRefused("The driver of this wallet is no longer known.")
    posting.book(
        booking=posting.Booking(
            key=key or f"{kind} {payment.pk}",
            kind=kind,
            operator_id=payment.operator_id,
            currency=payment.currency,
            at=payment.updated_at,
            lines=ledger.lines_of(kind, amount, **how),
            reference=str(payment.pk),
            user_id=payment.user_id,
        )
    )
