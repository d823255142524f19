"""Lines and their tax at the edges: categories, shares of a refund, signs, a bill kept as JSON."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from billing import invoicing, lines, vat
from billing.pricing import price, quote_usage
from tests.billing.test_invoicing import by_line, issued
from tests.billing.test_pricing import BERLIN, NOON, a_tariff, fee, hour, kwh

D = Decimal


def priced():
    usage = quote_usage(NOON, NOON + timedelta(hours=1), tz=BERLIN, energy_kwh=D(10))
    return price(a_tariff(kwh("0.50", 19), fee("1.00", 7), hour("2.00")), usage)


# VAT


@pytest.mark.parametrize(
    ("place", "registered", "customer", "wanted"),
    [
        # Outside the EU there is no reverse charge of its own, whatever id there is.
        ("CH", {"DE"}, vat.Customer("business", "CH", "CHE123456789"), "S"),
        ("FR", {"DE"}, vat.Customer("business", "AT", "ATU12345675"), "S"),
        ("FR", {"DE"}, vat.Customer("private", "FR", "FR40303265045"), "S"),
        ("DE", {"DE", "CH"}, vat.Customer("reseller", "CH", "CHE123456789"), "S"),
        ("DE", {"DE"}, vat.Customer("reseller", "", ""), "S"),
        ("DE", {"DE"}, vat.Customer("reseller", "", "FR40303265045"), "AE"),
        ("DE", {"DE"}, vat.Customer("reseller", "FR", "FR40303265045", vat_id_refused=True), "S"),
        ("DE", {"DE", "GB"}, vat.Customer("reseller", "FR", "XI123456789"), "S"),
        ("GR", {"DE"}, vat.Customer("business", "GR", "EL094259216"), "AE"),
    ],
)
def test_how_a_charge_is_taxed_at_the_edges(place, registered, customer, wanted):
    assert vat.category(place=place, registered_in=registered, customer=customer) == wanted


@pytest.mark.parametrize(
    ("customer", "identified"),
    [
        (vat.Customer("business", "FR", "FR1"), True),
        (vat.Customer("reseller", "FR", "FR1"), True),
        (vat.Customer("private", "FR", "FR1"), False),
        (vat.Customer("business", "FR", ""), False),
        (vat.Customer("business", "FR", "FR1", True), False),
        (vat.Customer(), False),
    ],
)
def test_who_is_known_to_the_register(customer, identified):
    assert customer.is_identified is identified


def test_the_country_of_a_vat_id():
    ids = ("DE123456788", "EL094259216", "XI123456789", "")
    assert [vat.country_of(each) for each in ids] == ["DE", "GR", "GB", ""]
    assert vat.clean_vat_id("fr 40.303-265/045") == "FR40303265045"


@pytest.mark.parametrize("how", ["AE", "E", "O"])
def test_without_tax_the_price_is_the_net_price(how):
    before = priced()
    found = vat.applied(before, how)
    assert (found.net, found.tax, found.gross, found.taxes) == (before.net, 0, before.net, ())
    assert len(found.lines) == len(before.lines) == 3
    for old, new in zip(before.lines, found.lines, strict=True):
        assert (new.net, new.vat, new.tax, new.gross) == (old.net, 0, 0, old.net)
    assert vat.apply(before.lines, how) == list(found.lines)


@pytest.mark.parametrize("how", ["S", "Z"])
def test_a_taxed_price_stays_as_it_is(how):
    before = priced()
    assert vat.applied(before, how) == before and before.tax == D("1.02")
    assert vat.apply(before.lines, how) == list(before.lines)


def test_a_line_s_own_category():
    assert vat.category_of_line(D(19), "S") == "S"
    assert vat.category_of_line(D(0), "S") == vat.category_of_line(None, "S") == "Z"
    assert vat.category_of_line(D(19), "AE") == "AE" and vat.category_of_line(None, "E") == "E"


# Lines


def test_a_bill_s_lines_as_its_document_has_them():
    found = invoicing.lines_of(priced().lines)
    assert [
        (line.kind, line.vat_percent, line.vat_category, line.net, line.tax, line.gross, line.energy_wh)
        for line in sorted(found, key=lambda line: line.kind)
    ] == [
        ("ENERGY", 19, "S", D("5.00"), D("0.95"), D("5.95"), 10_000),
        ("FLAT", 7, "S", D("1.00"), D("0.07"), D("1.07"), 0),
        ("TIME", 0, "Z", D("2.00"), 0, D("2.00"), 0),
    ]  # fmt: skip
    untaxed = invoicing.lines_of(vat.applied(priced(), "AE").lines, how="AE")
    assert {(line.vat_category, line.vat_percent, line.tax) for line in untaxed} == {("AE", D(0), D(0))}


def test_a_charge_of_a_month_is_a_line_for_each_rate_and_its_energy_is_counted_once():
    bill = invoicing.lines_of(priced().lines)
    found = invoicing.session_lines(bill, text="x" * 300, energy_wh=D(10_000))
    assert [(line.vat_percent, line.net, line.tax, line.gross, line.energy_wh) for line in found] == [
        (19, D("5.00"), D("0.95"), D("5.95"), 10_000), (7, D("1.00"), D("0.07"), D("1.07"), 0),
        (0, D("2.00"), 0, D("2.00"), 0),
    ]  # fmt: skip
    for line in found:
        assert (line.kind, line.quantity, line.unit, line.per, len(line.text)) == ("SESSION", 1, "", 1, 200)
        assert line.unit_price == line.gross
    assert [line.vat_category for line in found] == ["S", "S", "Z"]


def test_the_vat_table_is_by_category_and_rate_the_highest_first():
    rows = [
        issued(1, "1.00", "0", vat_category="Z"), issued(2, "4.90"), issued(3, "1.00", "19.00"),
        issued(4, "2.00", "0", vat_category="AE"), issued(5, "1.07", "7"),
    ]  # fmt: skip
    found = [(str(rate.vat_percent), rate.vat_category, rate.gross) for rate in invoicing.by_rate(rows)]
    assert found == [
        ("19", "S", D("5.90")), ("7", "S", D("1.07")), ("0", "AE", D("2.00")), ("0", "Z", D("1.00")),
    ]  # fmt: skip
    assert invoicing.by_rate([]) == [] and invoicing.total([]) == (0, 0, 0)
    assert (
        invoicing.total(rows)
        == (D("8.96"), D("1.01"), D("9.97"))
        == tuple(sum(getattr(row, name) for row in rows) for name in ("net", "tax", "gross"))
    )


def test_a_priced_bill_comes_back_from_its_row():
    before = priced()
    rows = lines.to_json(before)
    assert lines.from_json(rows) == list(before.lines)
    assert lines.to_json(before.lines) == rows
    assert {row["vat"] for row in rows} == {"19", "7", None}
    assert [line.vat for line in lines.from_json(rows)].count(None) == 1


def test_words_are_cut_to_their_column():
    fee_line = invoicing.fee_line(text="x" * 300, gross=D(5), vat_percent=D(19), currency="EUR", how="AE")
    [back] = invoicing.negated([fee_line], lambda line: f"{line.text} more")
    assert (len(fee_line.text), len(back.text), fee_line.vat_category) == (200, 200, "AE")
    assert (back.quantity, back.unit_price, back.gross, back.net) == (1, -5, -5, -fee_line.net)


# Refunds


def credit(original, amount: str, credited=(), text="Refund", currency="EUR"):
    return invoicing.credit_lines(
        original, credited=list(credited), amount=D(amount), currency=currency, text=text
    )


def test_a_refund_is_shared_by_the_rates_gross_amounts():
    found = credit([issued(1, "11.90"), issued(2, "10.70", "7")], "2.26", text="x" * 300)
    assert [(line.vat_percent, line.net, line.tax, line.gross) for line in found] == [
        (19, D("-1.00"), D("-0.19"), D("-1.19")), (7, D("-1.00"), D("-0.07"), D("-1.07")),
    ]  # fmt: skip
    for line in found:
        assert (line.kind, line.quantity, line.unit, line.per) == ("CREDIT", 1, "", 1)
        assert (line.unit_price, line.vat_category, len(line.text)) == (line.gross, "S", 200)


def test_a_rate_of_which_nothing_goes_back_has_no_line():
    found = credit([issued(1, "100.00"), issued(2, "0.01", "7")], "1.00")
    assert [(line.vat_percent, line.gross) for line in found] == [(19, D("-1.00"))]


def test_the_whole_of_a_rate_takes_its_own_net_with_it():
    odd = replace(issued(1, "4.90"), net=D("4.10"), tax=D("0.80"))
    [line] = credit([odd], "4.90")
    assert (line.net, line.tax, line.gross) == (D("-4.10"), D("-0.80"), D("-4.90"))
    [part] = credit([odd], "4.89")
    assert (part.net, part.tax) == (D("-4.11"), D("-0.78"))
    # What is left counts, not what was billed.
    [rest] = credit([odd], "0.01", [part])
    assert (rest.net, rest.tax, rest.gross) == (D("0.01"), D("-0.02"), D("-0.01"))


def test_a_refund_in_a_currency_without_coins():
    found = credit([issued(1, "119"), issued(2, "107", "7")], "3", currency="JPY")
    assert [line.gross for line in found] == [-2, -1]
    assert sum(line.net + line.tax for line in found) == -3


@pytest.mark.parametrize("amount", ["0", "-1", "4.91"])
def test_what_is_not_there_can_not_go_back(amount):
    with pytest.raises(ValueError, match="larger than what is left"):
        credit([issued(1, "4.90")], amount)
    assert credit([issued(1, "4.90")], "0.01")[0].gross == D("-0.01")


def test_what_is_left_of_a_line():
    line = issued(1, "4.90")
    given = [issued(2, "-1.19"), issued(3, "-2.38")]
    assert invoicing.left_of(line, given) == (D("1.12"), D("1.33"))
    assert invoicing.left_of(line, []) == (D("4.12"), D("4.90"))


def test_the_last_of_a_line_takes_its_rest_and_the_last_of_a_rate_the_rate_s():
    """Three times a cent of tax that rounding would lose."""
    rows = [issued(1, "0.10"), issued(2, "1.00")]
    first = by_line(rows, {1: "0.03"})
    second = by_line(rows, {1: "0.03"}, first)
    third = by_line(rows, {1: "0.04"}, [*first, *second])
    given = [*first, *second, *third]
    assert [line.net for line in given] == [D("-0.03"), D("-0.03"), D("-0.02")]
    assert invoicing.total([rows[0], *given]) == (0, 0, 0)
    [rest] = by_line(rows, {2: "1.00"}, given)
    assert invoicing.total([*rows, *given, rest]) == (0, 0, 0)


def test_a_line_is_credited_in_its_own_words_and_kind():
    rows = [issued(1, "4.90", kind="TIME", per=60), issued(2, "1.00", "0", vat_category="Z")]
    found = invoicing.line_credits(
        rows,
        credited=[],
        wanted={2: D("1.00"), 1: D("4.90")},
        currency="EUR",
        text=lambda old: f"R {old.pk}",
    )
    assert [(old.pk, new.kind, new.text, new.per, new.vat_category) for old, new in found] == [
        (1, "TIME", "R 1", 60, "S"), (2, "ENERGY", "R 2", 1, "Z"),
    ]  # fmt: skip


def test_a_line_already_given_back_says_that_nothing_is_left():
    rows = [issued(1, "4.90")]
    given = by_line(rows, {1: "4.90"})
    with pytest.raises(invoicing.LineRefused, match="At most 0.00 EUR is left of “Energy”"):
        by_line(rows, {1: "0.01"}, given)
    # More than all of it was credited by rate: still nothing, and not less.
    more = [replace(given[0], gross=D("-5.00"), corrects_id=None)]
    with pytest.raises(invoicing.LineRefused, match="At most 0.00 EUR is left"):
        by_line(rows, {1: "0.01"}, more)


# Parties


def test_who_sells_and_who_buys():
    operator = SimpleNamespace(
        seller_name="Strom GmbH", street="Weg 1", postcode="10115", city="Berlin", country="DE",
        vat_id="DE1", support_email="a@example.com", support_phone="+49",
    )  # fmt: skip
    assert invoicing.seller(operator) == {
        "name": "Strom GmbH", "street": "Weg 1", "postcode": "10115", "city": "Berlin", "country": "DE",
        "vat_id": "DE1", "email": "a@example.com", "phone": "+49",
    }  # fmt: skip
    user = SimpleNamespace(name="Ada", mail_address="ada@example.com")
    assert invoicing.buyer(user) == {"name": "Ada", "email": "ada@example.com"}
    assert invoicing.buyer(None) == {"name": "", "email": ""}
