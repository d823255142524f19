"""Book what happened, in the transaction in which it happened; the same event twice is one journal row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from billing import ledger
from billing.models import Entry, Invoice, Journal, LedgerAccount, Payment, Refund
from evportal.accounts.models import Operator, User

Kind = Journal.Kind


@dataclass(frozen=True)
class Booking:
    """An event to book: `key` is its natural key, `lines` what `ledger.lines_of` says of it."""

    key: str
    kind: str
    operator_id: int
    currency: str
    at: datetime
    lines: Sequence[ledger.Line]
    reference: str = ""
    #: Whose wallet, where a line is a wallet's.
    user_id: int | None = None


def book(*, booking: Booking) -> None:
    book_all(bookings=[booking])


@transaction.atomic
def book_all(*, bookings: Iterable[Booking]) -> int:
    """Book those that are not booked yet, in a few statements however many they are; how many were new."""
    wanted = {one.key: one for one in bookings if one.lines}
    rows = {
        key: Journal(
            operator_id=one.operator_id,
            key=key,
            kind=one.kind,
            at=one.at,
            reference=one.reference[:80],
            currency=one.currency,
            amount=ledger.total(ledger.balanced(one.lines)),
            entry_count=len(one.lines),
        )
        for key, one in wanted.items()
    }
    # Who comes second waits here for the first one's commit, then finds its row.
    Journal.objects.bulk_create([rows[key] for key in sorted(rows)], ignore_conflicts=True, batch_size=1000)
    ours = Journal.objects.filter(pk__in=[row.pk for row in rows.values()]).values_list("key", flat=True)
    new = [wanted[key] for key in sorted(ours)]
    accounts = _accounts(new)
    entries = [
        Entry(
            journal=rows[one.key],
            account_id=accounts[_account_key(one, line)],
            debit=line.debit,
            credit=line.credit,
        )
        for one in new
        for line in one.lines
    ]
    # In the order of accounts, because each entry locks its wallet's row: two transactions never cross.
    Entry.objects.bulk_create(sorted(entries, key=lambda entry: entry.account_id), batch_size=1000)
    return len(new)


def _account_key(one: Booking, line: ledger.Line) -> tuple:
    user = one.user_id if line.account in ledger.PERSONAL else None
    return one.operator_id, str(line.account), one.currency, user


def _accounts(bookings: Sequence[Booking]) -> dict[tuple, int]:
    """The accounts' ids; those that are missing are opened."""
    keys = {_account_key(one, line) for one in bookings for line in one.lines}
    for key in keys:
        if key[1] in ledger.PERSONAL and key[3] is None:
            raise ledger.Unbalanced("A wallet's entry needs to know whose wallet it is.")
    return {key: _account(*key) for key in sorted(keys, key=str)}


def _account(operator_id: int, code: str, currency: str, user_id: int | None) -> int:
    fields = {"operator_id": operator_id, "code": code, "currency": currency, "user_id": user_id}
    found = LedgerAccount.objects.filter(**fields).values_list("pk", flat=True).first()
    if found is None:
        LedgerAccount.objects.bulk_create(
            [LedgerAccount(**fields, is_personal=code in ledger.PERSONAL)], ignore_conflicts=True
        )
        found = LedgerAccount.objects.filter(**fields).values_list("pk", flat=True).get()
    return found


# What to book


def of_document(invoice: Invoice) -> Booking:
    kind = Kind.CREDIT_NOTE if invoice.is_credit_note else Kind.INVOICE
    # A credit note's amounts are below zero.
    sign = -1 if invoice.is_credit_note else 1
    return Booking(
        key=f"document {invoice.pk}",
        kind=kind,
        operator_id=invoice.operator_id,
        currency=invoice.currency,
        at=invoice.issued_at,
        lines=ledger.lines_of(kind, sign * invoice.gross, tax=sign * invoice.tax),
        reference=invoice.number,
    )


def _reference(payment: Payment) -> str:
    """By which those who moved the money know it."""
    if payment.settlement is not None:
        return payment.settlement.psp_ref
    return payment.stripe_intent or str(payment.pk)


def of_capture(payment: Payment) -> Booking:
    kind = Kind.TERMINAL if payment.method == Payment.Method.TERMINAL else Kind.CAPTURE
    return Booking(
        key=f"capture {payment.pk}",
        kind=kind,
        operator_id=payment.operator_id,
        currency=payment.currency,
        at=payment.updated_at,
        lines=ledger.lines_of(kind, payment.amount_captured),
        reference=_reference(payment),
    )


def of_refund(refund: Refund) -> Booking:
    payment = refund.payment
    kind = Kind.WALLET_REFUND if payment.method == Payment.Method.WALLET else Kind.REFUND
    return Booking(
        key=f"refund {refund.pk}",
        kind=kind,
        operator_id=payment.operator_id,
        currency=payment.currency,
        at=refund.updated_at,
        lines=ledger.lines_of(kind, refund.amount),
        reference=refund.stripe_id or str(refund.pk),
        user_id=payment.user_id,
    )


def of_returned_refund(refund: Refund) -> Booking:
    payment = refund.payment
    return Booking(
        key=f"refund returned {refund.pk}",
        kind=Kind.REFUND_RETURNED,
        operator_id=payment.operator_id,
        currency=payment.currency,
        at=refund.updated_at,
        lines=ledger.lines_of(Kind.REFUND_RETURNED, refund.amount),
        reference=refund.stripe_id or str(refund.pk),
    )


# Balances


def wallet_balance(*, user: User, operator: Operator, currency: str) -> Decimal:
    """What the driver may spend now: reserved amounts are out of it already."""
    account = LedgerAccount.objects.filter(
        user=user, operator=operator, currency=currency, code=LedgerAccount.Code.WALLET
    ).first()
    return account.balance if account is not None else Decimal(0)
