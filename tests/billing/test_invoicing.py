"""Lines that add up, whatever is refunded; numbers."""

from dataclasses import dataclass, replace
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


# By line


@dataclass
class Line:
    """As a line of an issued document."""

    pk: int
    position: int
    gross: Decimal
    vat_percent: Decimal
    net: Decimal
    tax: Decimal
    corrects_id: int | None = None
    vat_category: str = "S"
    kind: str = "ENERGY"
    text: str = "Energy"
    quantity: Decimal = Decimal(2)
    unit: str = "kWh"
    unit_price: Decimal = Decimal("0.5")
    per: int = 1
    energy_wh: Decimal = Decimal(2000)


def issued(position: int, gross: str, percent: str = "19", **fields) -> Line:
    amount, rate = Decimal(gross), Decimal(percent)
    net = invoicing.net_of(amount, rate, "EUR")
    return Line(position, position, amount, rate, net, amount - net, **fields)


def by_line(lines, wanted: dict[int, str], credited=()):
    found = invoicing.line_credits(
        lines,
        credited=list(credited),
        wanted={position: Decimal(amount) for position, amount in wanted.items()},
        currency="EUR",
        text=lambda line: line.text,
    )
    return [
        Line(
            0, n, new.gross, new.vat_percent, new.net, new.tax, corrects_id=old.pk, unit=new.unit,
            quantity=new.quantity, energy_wh=new.energy_wh,
        )
        for n, (old, new) in enumerate(found, start=1)
    ]  # fmt: skip


def test_a_line_that_goes_back_whole_is_the_line_with_another_sign():
    [back] = by_line([issued(1, "4.90"), issued(2, "1.00", "7")], {1: "4.90"})
    assert (back.gross, back.net, back.tax) == (Decimal("-4.90"), Decimal("-4.12"), Decimal("-0.78"))
    assert (back.quantity, back.unit, back.energy_wh) == (2, "kWh", -2000)


def test_a_part_of_a_line_has_the_lines_rate():
    [back] = by_line([issued(1, "4.90"), issued(2, "1.00", "7")], {2: "0.50"})
    assert (back.vat_percent, back.net, back.tax) == (7, Decimal("-0.47"), Decimal("-0.03"))
    assert (back.quantity, back.unit, back.energy_wh) == (1, "", 0)


@given(
    st.lists(st.tuples(st.integers(1, 3000), st.sampled_from(["19", "7"])), min_size=1, max_size=5),
    st.data(),
)
def test_lines_given_back_in_parts_come_to_the_whole_document(amounts, data):
    lines = [issued(n, str(Decimal(cents) / 100), rate) for n, (cents, rate) in enumerate(amounts, start=1)]
    credited: list[Line] = []
    for line in data.draw(st.permutations(lines * 2)):
        _net, left = invoicing.left_of(line, (one for one in credited if one.corrects_id == line.pk))
        if left:
            part = Decimal(data.draw(st.integers(1, int(left * 100)))) / 100
            credited += by_line(lines, {line.position: str(part)}, credited)
    for line in lines:
        _net, left = invoicing.left_of(line, (one for one in credited if one.corrects_id == line.pk))
        if left:
            credited += by_line(lines, {line.position: str(left)}, credited)
    assert invoicing.total([*lines, *credited]) == (0, 0, 0)


@pytest.mark.parametrize("wanted", [{1: "4.91"}, {1: "0"}, {1: "-1"}, {3: "1"}, {2: "0.31"}])
def test_more_than_is_left_of_a_line_is_refused(wanted):
    lines = [issued(1, "4.90"), issued(2, "1.00", "7")]
    by_rate = issued(3, "0.70", "7")
    given_back = replace(by_rate, gross=-by_rate.gross, net=-by_rate.net, tax=-by_rate.tax)
    with pytest.raises(invoicing.LineRefused):
        by_line(lines, wanted, [given_back])
