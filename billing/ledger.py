"""What each event of money books: debit equals credit, in every line of this table. Pure; no Django.

Accounts are the operator's, one set for each currency. A driver's wallet is money that the operator owes
them, so it is a liability; what a running charge has reserved of it stands in an account of its own until it
is spent or free again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Code(StrEnum):
    """The accounts, numbered as charts of accounts are: 1 assets, 2 liabilities, 4 income, 6 cost."""

    BANK = "1000"
    TRANSIT = "1050"
    PROVIDER = "1100"
    TERMINAL = "1110"
    DISPUTED = "1150"
    RECEIVABLE = "1200"
    VAT = "2000"
    WALLET = "2100"
    WALLET_RESERVED = "2110"
    REVENUE = "4000"
    FEES = "6000"
    LOSSES = "6100"


#: Accounts that each driver has their own of.
PERSONAL = frozenset({Code.WALLET, Code.WALLET_RESERVED})


class Event(StrEnum):
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    CAPTURE = "capture"
    TERMINAL = "terminal"
    REFUND = "refund"
    REFUND_RETURNED = "refund_returned"
    TOP_UP = "top_up"
    WALLET_HOLD = "wallet_hold"
    WALLET_RELEASE = "wallet_release"
    WALLET_SPEND = "wallet_spend"
    WALLET_REFUND = "wallet_refund"
    FEE = "fee"
    PAYOUT = "payout"
    PAYOUT_ARRIVED = "payout_arrived"
    PAYOUT_RETURNED = "payout_returned"
    DISPUTE = "dispute"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    WRITE_OFF = "write_off"


@dataclass(frozen=True)
class Line:
    """One side of an entry: above zero on exactly one of them."""

    account: Code
    debit: Decimal = Decimal(0)
    credit: Decimal = Decimal(0)


class Unbalanced(ValueError):
    """Debits and credits differ, or a line has no side."""


def balanced(lines: Iterable[Line]) -> tuple[Line, ...]:
    """The lines without those of nothing; refused unless both sides are alike."""
    kept = tuple(line for line in lines if line.debit or line.credit)
    for line in kept:
        if min(line.debit, line.credit) != 0 or max(line.debit, line.credit) <= 0:
            raise Unbalanced(f"{line.account}: {line.debit} and {line.credit}")
    if total(kept) != sum((line.credit for line in kept), Decimal(0)):
        raise Unbalanced(str(kept))
    return kept


def total(lines: Iterable[Line]) -> Decimal:
    return sum((line.debit for line in lines), Decimal(0))


def lines_of(event: str, amount: Decimal, *, tax: Decimal = Decimal(0), of: Decimal = Decimal(0)):
    """What an event of so much books. Empty for nothing.

    amount  with tax, above zero; for a fee below zero too, where the provider gives it back
    tax     the VAT in it, for documents
    of      for a spend from the wallet: all that was reserved; what `amount` leaves of it is free
    """
    if amount == 0 and not of:
        return ()
    return balanced(_lines(Event(event), amount, tax, of))


def _lines(event: Event, amount: Decimal, tax: Decimal, of: Decimal) -> tuple[Line, ...]:
    match event:
        case Event.INVOICE:
            return (
                _debit(Code.RECEIVABLE, amount),
                _credit(Code.REVENUE, amount - tax),
                _credit(Code.VAT, tax),
            )
        case Event.CREDIT_NOTE:
            return (
                _debit(Code.REVENUE, amount - tax),
                _debit(Code.VAT, tax),
                _credit(Code.RECEIVABLE, amount),
            )
        case Event.WALLET_SPEND:
            return (
                _debit(Code.WALLET_RESERVED, of),
                _credit(Code.RECEIVABLE, amount),
                _credit(Code.WALLET, of - amount),
            )
        case Event.FEE if amount < 0:
            return _debit(Code.PROVIDER, -amount), _credit(Code.FEES, -amount)
    debit, credit = TWO_SIDED[event]
    return _debit(debit, amount), _credit(credit, amount)


#: Event → (account debited, account credited).
TWO_SIDED: dict[Event, tuple[Code, Code]] = {
    Event.CAPTURE: (Code.PROVIDER, Code.RECEIVABLE),
    # Taken by the charger's own terminal: whoever runs that owes it to the operator.
    Event.TERMINAL: (Code.TERMINAL, Code.RECEIVABLE),
    Event.REFUND: (Code.RECEIVABLE, Code.PROVIDER),
    # The driver's bank sent it back: we have the money again, and still owe it.
    Event.REFUND_RETURNED: (Code.PROVIDER, Code.RECEIVABLE),
    Event.TOP_UP: (Code.PROVIDER, Code.WALLET),
    Event.WALLET_HOLD: (Code.WALLET, Code.WALLET_RESERVED),
    Event.WALLET_RELEASE: (Code.WALLET_RESERVED, Code.WALLET),
    Event.WALLET_REFUND: (Code.RECEIVABLE, Code.WALLET),
    Event.FEE: (Code.FEES, Code.PROVIDER),
    # A payout is days on its way: at a month's end the bank account is what the bank says too.
    Event.PAYOUT: (Code.TRANSIT, Code.PROVIDER),
    Event.PAYOUT_ARRIVED: (Code.BANK, Code.TRANSIT),
    Event.PAYOUT_RETURNED: (Code.PROVIDER, Code.TRANSIT),
    # The provider takes the money at once and gives it back to whoever wins.
    Event.DISPUTE: (Code.DISPUTED, Code.PROVIDER),
    Event.DISPUTE_WON: (Code.PROVIDER, Code.DISPUTED),
    Event.DISPUTE_LOST: (Code.LOSSES, Code.DISPUTED),
    Event.WRITE_OFF: (Code.LOSSES, Code.RECEIVABLE),
}


def _debit(account: Code, amount: Decimal) -> Line:
    # A document may have lines below zero: such an amount stands on the other side.
    return Line(account, debit=amount) if amount >= 0 else Line(account, credit=-amount)


def _credit(account: Code, amount: Decimal) -> Line:
    return Line(account, credit=amount) if amount >= 0 else Line(account, debit=-amount)
