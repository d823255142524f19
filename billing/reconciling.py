"""Two books about the same money: what differs, named with both sides and a proposed mend. Pure; no Django.

`Theirs` is one movement of the balance by the provider's books, `Ours` what one event of our ledger did to
the account "payment provider". They are matched by object (a charge by its payment intent, a refund by its
id), never by day or by amount: the same event may lie on two days, and two drivers pay the same sum. Amounts
are signed, above zero where the balance grew.

What all differences come to is exactly what the two books differ by, so no cent is left unexplained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class What(StrEnum):
    """Movements, in words that both sides share."""

    CHARGE = "charge"
    REFUND = "refund"
    REFUND_RETURNED = "refund_returned"
    DISPUTE = "dispute"
    DISPUTE_WON = "dispute_won"
    PAYOUT = "payout"
    PAYOUT_RETURNED = "payout_returned"
    FEE = "fee"
    OTHER = "other"


class Kind(StrEnum):
    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    AMOUNT = "amount"
    FEE = "fee"
    STATE = "state"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"


class Mend(StrEnum):
    """What a button can do without harm. NONE: a person has to find out first."""

    NONE = ""
    LEARN_PAYMENT = "learn_payment"
    LEARN_REFUND = "learn_refund"
    LEARN_DISPUTE = "learn_dispute"
    LEARN_PAYOUT = "learn_payout"
    BOOK = "book"


@dataclass(frozen=True)
class Theirs:
    """`id` is the movement's, `object` what both sides know it by; `known`: a row of ours is behind it."""

    id: str
    what: What
    object: str
    currency: str
    amount: Decimal
    at: datetime
    fee: Decimal = Decimal(0)
    owner: int | None = None
    known: bool = True


@dataclass(frozen=True)
class Ours:
    key: str
    what: What
    object: str
    currency: str
    amount: Decimal
    at: datetime
    owner: int | None = None


@dataclass(frozen=True)
class States:
    """How the two sides say that one object stands. `agree` is what the tables of states make of it."""

    what: What
    object: str
    currency: str
    ours: str
    theirs: str
    agree: bool
    owner: int | None = None
    mend: Mend = Mend.NONE


@dataclass(frozen=True)
class Difference:
    kind: Kind
    what: What
    object: str
    currency: str
    #: What their books have more than ours.
    amount: Decimal
    ours: str
    theirs: str
    mend: Mend
    advice: str
    owner: int | None = None


#: What learns of a movement that is missing here.
LEARN = {
    What.CHARGE: Mend.LEARN_PAYMENT,
    What.REFUND: Mend.LEARN_REFUND,
    What.REFUND_RETURNED: Mend.LEARN_REFUND,
    What.DISPUTE: Mend.LEARN_DISPUTE,
    What.DISPUTE_WON: Mend.LEARN_DISPUTE,
    What.PAYOUT: Mend.LEARN_PAYOUT,
    What.PAYOUT_RETURNED: Mend.LEARN_PAYOUT,
    What.FEE: Mend.BOOK,
    What.OTHER: Mend.NONE,
}

ADVICE = {
    Kind.MISSING_HERE: "Take it over from the provider: the ledger then has it too.",
    Kind.MISSING_THERE: "Look it up at the provider. If it never happened there, book it back by hand.",
    Kind.AMOUNT: "Compare both documents. The provider's is what moved: book the rest by hand.",
    Kind.FEE: "Book the fee that the provider took.",
    Kind.STATE: "Take over the provider's state.",
    Kind.DUPLICATE: "One of them is too many: refund it, or book it back by hand.",
    Kind.UNKNOWN: "Nothing of ours is behind it: find out who else uses this account at the provider.",
}

_Key = tuple[int | None, str, What, str]


def compare(
    theirs: Iterable[Theirs], ours: Iterable[Ours], states: Iterable[States] = ()
) -> list[Difference]:
    """Every difference between the two books, the most telling word for each object once."""
    there, here = _grouped(theirs), _grouped(ours)
    fees = {key: rows for key, rows in here.items() if key[2] is What.FEE}
    found: list[Difference] = []
    for key in sorted((key for key in {*there, *here} if key[2] is not What.FEE), key=str):
        found += _money(key, there.get(key, []), here.get(key, []))
    found += _fees(there, fees)
    told = {(each.what, each.object) for each in found}
    found += [
        _difference(
            Kind.STATE, (each.owner, each.currency, each.what, each.object), Decimal(0),
            each.ours, each.theirs, each.mend,
        )
        for each in states
        if not each.agree and (each.what, each.object) not in told
    ]  # fmt: skip
    return found


def _grouped(rows: Iterable) -> dict[_Key, list]:
    found: dict[_Key, list] = {}
    for row in rows:
        found.setdefault((row.owner, row.currency, row.what, row.object), []).append(row)
    return found


def _money(key: _Key, there: Sequence[Theirs], here: Sequence[Ours]) -> list[Difference]:
    their_sum, our_sum = _sum(there), _sum(here)
    words = said(here), said(there)
    if not here:
        known = all(row.known for row in there)
        if len(there) > 1 and known:
            # All of it is missing here, whichever of them is too many.
            return [_difference(Kind.DUPLICATE, key, their_sum, *words, LEARN[key[2]])]
        if their_sum == 0 and known:
            return []
        kind = Kind.MISSING_HERE if known and key[2] is not What.OTHER else Kind.UNKNOWN
        return [_difference(kind, key, their_sum, *words, LEARN[key[2]] if known else Mend.NONE)]
    if not there:
        return [_difference(Kind.MISSING_THERE, key, -our_sum, *words, Mend.NONE)] if our_sum else []
    if their_sum == our_sum:
        return []
    kind = Kind.AMOUNT if len(there) == len(here) else Kind.DUPLICATE
    return [_difference(kind, key, their_sum - our_sum, *words, Mend.NONE)]


def _fees(there: Mapping[_Key, Sequence[Theirs]], booked: Mapping[_Key, Sequence[Ours]]) -> list[Difference]:
    """Each movement's fee against what was booked for that movement."""
    found, seen = [], set()
    # A movement may be shared out between owners; each share has its own fee.
    for (owner, currency, _what, _object), rows in there.items():
        for row in rows:
            key = owner, currency, What.FEE, row.id
            seen.add(key)
            here = booked.get(key, ())
            # A fee by itself is a movement of its own.
            fee = -row.fee + (row.amount if row.what is What.FEE else 0)
            if rest := fee - _sum(here):
                theirs = f"{_amount(fee, currency)} for {row.id}" if fee else said(())
                mend = Mend.BOOK if row.known and not here else Mend.NONE
                found.append(_difference(Kind.FEE, key, rest, said(here), theirs, mend))
    for key, here in booked.items():
        if key not in seen and _sum(here):
            found.append(_difference(Kind.MISSING_THERE, key, -_sum(here), said(here), said(()), Mend.NONE))
    return sorted(found, key=lambda each: each.object)


def _difference(kind: Kind, key: _Key, amount: Decimal, ours: str, theirs: str, mend: Mend) -> Difference:
    owner, currency, what, object_ = key
    return Difference(kind, what, object_, currency, amount, ours, theirs, mend, ADVICE[kind], owner)


def balance(there: Iterable[Theirs], here: Iterable[Ours]) -> tuple[Decimal, Decimal]:
    """What the balance changed by, in their books and in ours, fees taken off."""
    return sum((row.amount - row.fee for row in there), Decimal(0)), _sum(here)


def unexplained(there: Sequence[Theirs], here: Sequence[Ours], found: Iterable[Difference]) -> Decimal:
    """What the books differ by beyond what the differences name. Zero, or this module is wrong."""
    theirs, ours = balance(there, here)
    return theirs - ours - sum((each.amount for each in found), Decimal(0))


def said(rows: Sequence[Theirs] | Sequence[Ours]) -> str:
    """One side in a line: the amounts and when."""
    if not rows:
        return "nothing"
    return "; ".join(
        f"{_amount(row.amount, row.currency)} on {row.at:%Y-%m-%d %H:%M} "
        f"({row.key if isinstance(row, Ours) else row.id})"
        for row in rows[:4]
    )[:255]


def _amount(amount: Decimal, currency: str) -> str:
    return f"{amount.normalize():f} {currency}" if amount % 1 else f"{amount:.0f} {currency}"


def _sum(rows: Iterable[Theirs] | Iterable[Ours]) -> Decimal:
    return sum((row.amount for row in rows), Decimal(0))
