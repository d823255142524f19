"""Lines that add up, whatever is refunded; numbers."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import invoicing

RATES = st.sampled_from([Decimal(0), Decimal(7), Decimal(19), Decimal("25.5")])
CENTS = st.integers(1, 100_000).map(lambda cents: Decimal(cents) / 100)


@st.composite
def lines(draw):
    return [
        invoicing.fee_line(text="Line", gross=draw(CENTS), vat_percent=draw(RATES), currency="EUR")
        for _each in range(draw(st.integers(1, 6)))
    ]


@given(lines())
def test_lines_rates_and_totals_agree(document):
    net, tax, gross = invoicing.total(document)
    assert net + tax == gross == sum(line.gross for line in document)
    rates = invoicing.by_rate(document)
    assert sum(rate.net for rate in rates) == net
    assert sum(rate.tax for rate in rates) == tax


@given(lines(), st.lists(st.integers(1, 100), min_size=1, max_size=5))
def test_refunds_add_up_to_the_invoice(document, shares):
    whole = invoicing.total(document)[2]
    credited = []
    for share in shares:
        left = whole + invoicing.total(credited)[2]
        amount = min(left, (whole * share / 100).quantize(Decimal("0.01")))
        if amount > 0:
            note = invoicing.credit_lines(
                document, credited=credited, amount=amount, currency="EUR", text="Refund"
            )
            assert invoicing.total(note)[2] == -amount
            credited += note
    left = whole + invoicing.total(credited)[2]
    if left > 0:
        credited += invoicing.credit_lines(
            document, credited=credited, amount=left, currency="EUR", text="Rest"
        )
    # Refunded whole, it is as if it had never been, for every rate of tax.
    assert all(
        (rate.net, rate.tax, rate.gross) == (0, 0, 0) for rate in invoicing.by_rate([*document, *credited])
    )


def test_more_than_is_left_is_refused():
    document = [invoicing.fee_line(text="Fee", gross=Decimal(5), vat_percent=Decimal(19), currency="EUR")]
    with pytest.raises(ValueError, match="larger"):
        invoicing.credit_lines(document, credited=[], amount=Decimal("5.01"), currency="EUR", text="Refund")


@pytest.mark.parametrize(("currency", "net"), [("EUR", "8.40"), ("JPY", "8"), ("KWD", "8.403")])
def test_tax_is_rounded_to_the_currency(currency, net):
    assert invoicing.net_of(Decimal(10), Decimal(19), currency) == Decimal(net)


@pytest.mark.parametrize(
    ("party", "kind", "number"),
    [
        ("ABC", "380", "ABC-2026-000007"),
        ("ABC", "381", "ABC-C2026-000007"),
        ("ABC", "389", "ABC-H2026-000007"),
        ("", "380", "2026-000007"),
    ],
)
def test_numbers(party, kind, number):
    prefix = invoicing.series_prefix(party_id=party, year=2026, kind=kind)
    assert invoicing.number(prefix, 7) == number
