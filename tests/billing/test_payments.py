"""The table of a payment's legal steps."""

import itertools

import pytest

from billing import payments
from billing.models import Payment
from billing.payments import LEGAL, State

STATUSES = {
    "requires_payment_method": None,
    "requires_confirmation": None,
    "requires_action": State.NEEDS_ACTION,
    "processing": None,
    "requires_capture": State.HELD,
    "succeeded": State.CAPTURED,
    "canceled": State.RELEASED,
}


def test_it_knows_every_state_of_the_model():
    assert {state.value for state in State} == set(Payment.State.values)
    assert set(LEGAL) == set(State)


@pytest.mark.parametrize(("status", "state"), STATUSES.items())
def test_it_reads_the_providers_status(status, state):
    assert payments.meaning(status) == state


def test_a_refusal_is_the_end_and_a_beginning_is_not():
    assert payments.after_news("new", "requires_payment_method") is None
    assert payments.after_news("new", "requires_payment_method", refused=True) == State.FAILED


@pytest.mark.parametrize("state", ["captured", "failed", "released"])
@pytest.mark.parametrize("status", STATUSES)
def test_nothing_follows_an_end(state, status):
    assert payments.after_news(state, status, refused=True) is None


def test_no_news_can_lead_in_a_circle():
    for state in State:
        seen, todo = set(), set(LEGAL[state])
        while todo:
            following = todo.pop()
            assert following != state
            seen.add(following)
            todo |= LEGAL[following] - seen


def test_late_news_never_leads_back():
    for order in itertools.permutations(["requires_action", "requires_capture", "succeeded"]):
        state = "new"
        for status in order:
            state = payments.after_news(state, status) or state
        assert state == State.CAPTURED


@pytest.mark.parametrize(
    ("amount", "captured", "refunded", "fine"),
    [
        (1, 5, 0, True),
        (5, 5, 0, True),
        (6, 5, 0, False),
        (3, 5, 3, False),
        (2, 5, 3, True),
        (0, 5, 0, False),
        (-1, 5, 0, False),
    ],
)
def test_a_refund_fits_into_the_charge(amount, captured, refunded, fine):
    assert payments.may_refund(amount, captured, refunded) is fine
