"""Two books compared: every difference named, and no cent beyond them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import reconciling
from billing.models import Difference
from billing.reconciling import Kind, Mend, Ours, States, Theirs, What, compare

AT = datetime(2026, 6, 15, 12, tzinfo=UTC)


def there(object_="pi_1", amount=10, *, what=What.CHARGE, id_="txn_1", fee=0, **fields) -> Theirs:
    return Theirs(
        id_, what, object_, fields.pop("currency", "EUR"), Decimal(amount), AT, Decimal(fee), **fields
    )


def here(object_="pi_1", amount=10, *, what=What.CHARGE, key="capture 1", **fields) -> Ours:
    return Ours(key, what, object_, fields.pop("currency", "EUR"), Decimal(amount), AT, **fields)


def fee(id_="txn_1", amount=1, **fields) -> Ours:
    return here(id_, -amount, what=What.FEE, key=f"fee {id_}", **fields)


CASES = {
    "alike": ([there()], [here()], []),
    "alike with its fee": ([there(fee=1)], [here(), fee()], []),
    "a charge that we never learned of": ([there()], [], [(Kind.MISSING_HERE, 10, Mend.LEARN_PAYMENT)]),
    "a refund made elsewhere": (
        [there("re_1", -4, what=What.REFUND)], [], [(Kind.MISSING_HERE, -4, Mend.LEARN_REFUND)],
    ),
    "a payout": ([there("po_1", -9, what=What.PAYOUT)], [], [(Kind.MISSING_HERE, -9, Mend.LEARN_PAYOUT)]),
    "a charge that they never made": ([], [here()], [(Kind.MISSING_THERE, -10, Mend.NONE)]),
    "another amount": ([there(amount=9)], [here()], [(Kind.AMOUNT, -1, Mend.NONE)]),
    "a fee that is not booked": ([there(fee=1)], [here()], [(Kind.FEE, -1, Mend.BOOK)]),
    "a fee of another amount": ([there(fee=2)], [here(), fee()], [(Kind.FEE, -1, Mend.NONE)]),
    "a fee that was never taken": ([there()], [here(), fee()], [(Kind.FEE, 1, Mend.NONE)]),
    "a fee for nothing": ([], [fee("txn_9")], [(Kind.MISSING_THERE, 1, Mend.NONE)]),
    "a fee by itself": ([there("txn_1", -3, what=What.FEE)], [fee(amount=3)], []),
    "a fee by itself, not booked": (
        [there("txn_1", -3, what=What.FEE)], [], [(Kind.FEE, -3, Mend.BOOK)],
    ),
    "charged twice there": (
        [there(), there(id_="txn_2")], [here()], [(Kind.DUPLICATE, 10, Mend.NONE)],
    ),
    "booked twice here": ([there()], [here(), here(key="capture 2")], [(Kind.DUPLICATE, -10, Mend.NONE)]),
    "nobody's": ([there("pi_9", known=False)], [], [(Kind.UNKNOWN, 10, Mend.NONE)]),
    "a kind of movement that we don't know": (
        [there("txn_1", 5, what=What.OTHER)], [], [(Kind.UNKNOWN, 5, Mend.NONE)],
    ),
    "another operator's": (
        [there(owner=1)], [here(owner=2)],
        [(Kind.MISSING_HERE, 10, Mend.LEARN_PAYMENT), (Kind.MISSING_THERE, -10, Mend.NONE)],
    ),
    "another currency": (
        [there(currency="SEK")], [here()],
        [(Kind.MISSING_THERE, -10, Mend.NONE), (Kind.MISSING_HERE, 10, Mend.LEARN_PAYMENT)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_difference_has_its_name(case):
    theirs, ours, wanted = CASES[case]
    found = compare(theirs, ours)
    assert [(each.kind, each.amount, each.mend) for each in found] == wanted
    assert all(each.ours and each.theirs and each.advice for each in found)
    assert reconciling.unexplained(theirs, ours, found) == 0


def states(*, agree: bool) -> States:
    return States(What.CHARGE, "pi_1", "EUR", "held", "canceled", agree, mend=Mend.LEARN_PAYMENT)


def test_states_that_differ_are_told_unless_the_money_says_it_already():
    [found] = compare([there()], [here()], [states(agree=False)])
    assert (found.kind, found.amount, found.ours, found.theirs) == (Kind.STATE, 0, "held", "canceled")
    assert compare([there()], [here()], [states(agree=True)]) == []
    assert [each.kind for each in compare([there()], [], [states(agree=False)])] == [Kind.MISSING_HERE]


def test_both_sides_say_what_and_when():
    [found] = compare([there(amount="9.50")], [here()])
    assert found.theirs == "9.5 EUR on 2026-06-15 12:00 (txn_1)"
    assert found.ours == "10 EUR on 2026-06-15 12:00 (capture 1)"


OBJECTS = st.sampled_from(["a", "b", "c"])
AMOUNTS = st.integers(-5, 5).map(Decimal)
OWNERS = st.sampled_from([None, 1, 2])


@st.composite
def both_books(draw):
    whats, currencies = st.sampled_from(sorted(What)), st.sampled_from(["EUR", "SEK"])
    theirs = [
        Theirs(
            f"txn_{n}", draw(whats), draw(OBJECTS), draw(currencies), draw(AMOUNTS), AT,
            draw(st.integers(0, 2).map(Decimal)), draw(OWNERS), draw(st.booleans()),
        )
        for n in range(draw(st.integers(0, 6)))
    ]  # fmt: skip
    objects = st.one_of(OBJECTS, st.sampled_from([f"txn_{n}" for n in range(6)]))
    ours = [
        Ours(f"key {n}", draw(whats), draw(objects), draw(currencies), draw(AMOUNTS), AT, draw(OWNERS))
        for n in range(draw(st.integers(0, 6)))
    ]
    return theirs, ours


@given(both_books())
def test_no_cent_is_left_unexplained(books):
    theirs, ours = books
    found = compare(theirs, ours)
    assert reconciling.unexplained(theirs, ours, found) == 0
    keys = [(each.kind, each.owner, each.currency, each.what, each.object) for each in found]
    assert len(keys) == len(set(keys))


def test_the_words_are_those_of_the_model():
    assert {kind.value for kind in Kind} == set(Difference.Kind.values)
    assert {mend.value for mend in Mend} == set(Difference.Mend.values)
