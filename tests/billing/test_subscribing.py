"""The pure rules of plans: states, ends, what a period includes and which kWh are covered first."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from billing import allowance, pricing, subscribing
from billing.pricing import Kind, quote_usage
from billing.subscribing import Facts, State

AT = datetime(2026, 1, 31, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("status", "ends", "state"),
    [
        ("incomplete", False, State.INCOMPLETE),
        ("incomplete_expired", False, State.ENDED),
        ("active", False, State.ACTIVE),
        ("active", True, State.CANCELLING),
        ("trialing", False, State.ACTIVE),
        ("past_due", True, State.PAST_DUE),
        ("unpaid", False, State.PAST_DUE),
        ("paused", False, State.PAST_DUE),
        ("canceled", True, State.ENDED),
    ],
)
def test_the_providers_states_are_ours(status, ends, state):
    assert subscribing.state_of(status, ends=ends) == state


def test_what_has_ended_stays_so():
    assert not any(subscribing.may_move(State.ENDED, other) for other in State if other != State.ENDED)
    assert all(subscribing.may_move(state, State.ENDED) for state in State)


@pytest.mark.parametrize(
    ("facts", "days", "counts"),
    [
        (Facts(State.INCOMPLETE, None), 0, False),
        (Facts(State.ACTIVE, AT), -1, False),
        (Facts(State.ACTIVE, AT), 0, True),
        (Facts(State.ACTIVE, AT), 400, True),
        (Facts(State.CANCELLING, AT, ends_at=AT + 30 * DAY), 29, True),
        (Facts(State.CANCELLING, AT, ends_at=AT + 30 * DAY), 30, False),
        (Facts(State.PAST_DUE, AT, past_due_since=AT + 30 * DAY, grace=7 * DAY), 36, True),
        (Facts(State.PAST_DUE, AT, past_due_since=AT + 30 * DAY, grace=7 * DAY), 37, False),
        # A charge that began before the end, and is heard of after it.
        (Facts(State.ENDED, AT, ended_at=AT + 30 * DAY), 29, True),
        (Facts(State.ENDED, AT, ended_at=AT + 30 * DAY), 30, False),
        (Facts(State.ENDED, None), 0, False),
    ],
)
def test_when_a_plan_counts(facts, days, counts):
    assert subscribing.counts(facts, AT + days * DAY) is counts


@pytest.mark.parametrize(
    ("least", "ends"),
    [(1, (2026, 2, 28)), (2, (2026, 3, 31)), (3, (2026, 4, 30)), (12, (2027, 1, 31))],
)
def test_it_ends_once_its_least_months_are_over(least, ends):
    found = subscribing.ends_at(
        period_start=AT, period_end=datetime(2026, 2, 28, 9, tzinfo=UTC), started_at=AT, least_months=least
    )
    assert (found.year, found.month, found.day) == ends


@pytest.mark.parametrize(
    ("old", "new", "used", "days", "included"),
    [
        (10_000, 50_000, 0, 0, 50_000),
        (10_000, 50_000, 0, 15, 30_000),
        (10_000, 50_000, 0, 30, 10_000),
        (50_000, 10_000, 40_000, 15, 40_000),
        (10_000, 20_000, 0, 20, 13_333),
    ],
)
def test_a_switched_period_includes_of_each_plan_its_share(old, new, used, days, included):
    found = subscribing.included_after_switch(
        old_wh=D(old), new_wh=D(new), used_wh=D(used), start=AT, at=AT + days * DAY, end=AT + 30 * DAY
    )
    assert found == included


def bill(*components, kwh="10", restrictions=(), currency="EUR", tax="YES", **ocpi):
    tariff = pricing.Tariff.from_ocpi(
        {
            "id": "T", "currency": currency, "tax_included": tax,
            "elements": [
                {"price_components": [part], **({"restrictions": when} if when else {})}
                for part, when in zip(components, [*restrictions, *[None] * 9], strict=False)
            ],
            **ocpi,
        }
    )  # fmt: skip
    usage = quote_usage(AT, AT + timedelta(hours=1), tz=UTC, energy_kwh=D(kwh))
    return pricing.price(tariff, usage)


def energy(price, vat=19):
    return {"type": "ENERGY", "price": price, "vat": vat, "step_size": 1}


FLAT = {"type": "FLAT", "price": 1.0, "vat": 19, "step_size": 1}


@pytest.mark.parametrize(
    ("left", "wh", "gross"),
    [(0, 0, "4.90"), (-5, 0, "4.90"), (4_000, 4_000, "2.94"), (10_000, 10_000, "0"), (99_000, 10_000, "0")],
)
def test_energy_is_covered_as_far_as_it_goes(left, wh, gross):
    found = allowance.cover(bill(energy(0.49)), D(left))
    assert (found.wh, found.priced.gross) == (wh, D(gross))
    assert found.priced.gross == found.priced.net + found.priced.tax
    assert sum(line.gross for line in found.priced.lines) == found.priced.gross
    assert sum(part.tax for part in found.priced.taxes) == found.priced.tax


def test_what_was_charged_first_is_covered_first_at_its_own_price():
    first = {"max_kwh": 4}
    found = allowance.cover(bill(energy(0.30), energy(0.60), restrictions=[first]), D(5_000))
    included = [line for line in found.priced.lines if line.kind is Kind.INCLUDED]
    assert [(line.quantity, line.unit_price, line.gross) for line in included] == [
        (D(-4), D("0.30"), D("-1.20")), (D(-1), D("0.60"), D("-0.60"))
    ]  # fmt: skip


def test_fees_are_not_covered_and_free_energy_uses_nothing():
    assert allowance.cover(bill(energy(0.49), FLAT), D(99_000)).priced.gross == 1
    assert allowance.cover(bill(energy(0)), D(99_000)).wh == 0


def test_a_bill_never_falls_below_zero():
    cut = bill(energy(0.49), max_price={"before_taxes": 1.68, "after_taxes": 2.00})
    found = allowance.cover(cut, D(10_000))
    assert found.priced.gross == 0


@pytest.mark.parametrize("left", [1, 7, 333, 1_234, 5_678, 9_999])
@pytest.mark.parametrize("tax", ["YES", "NO"])
def test_tax_of_what_is_left_is_never_below_zero(left, tax):
    found = allowance.cover(bill(energy(0.4937), tax=tax), D(left)).priced
    assert found.net + found.tax == found.gross
    assert min(found.net, found.tax, found.gross) >= 0
