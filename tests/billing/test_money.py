from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evportal.money import exponent, format_money, format_unit_price, from_minor, round_money, to_minor

D = Decimal


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("5.125", "EUR", "5.13"),
        ("5.1249999999999999999999999", "EUR", "5.12"),
        ("-0.005", "EUR", "-0.01"),
        ("0.004", "EUR", "0.00"),
        ("1199.5", "JPY", "1200"),
        ("1.2505", "KWD", "1.251"),
        ("1.00005", "CLF", "1.0001"),
        ("123456789012345678901234567890.125", "EUR", "123456789012345678901234567890.13"),
    ],
)
def test_money_is_rounded_half_up_to_the_currencys_smallest_unit(amount, currency, rounded):
    assert str(round_money(D(amount), currency)) == rounded


@pytest.mark.parametrize("currency", ["", "eur", "XXX", "EURO", "€"])
def test_an_unknown_currency_is_refused_with_a_sentence(currency):
    with pytest.raises(ValueError, match=r"is not an ISO 4217 currency code\."):
        round_money(D(1), currency)


@pytest.mark.parametrize("amount", ["NaN", "Infinity"])
def test_what_is_not_a_number_is_not_money(amount):
    with pytest.raises(ValueError, match="not an amount of money"):
        round_money(D(amount), "EUR")


def test_exponents_that_are_not_two():
    assert {code: exponent(code) for code in ("ISK", "UGX", "XOF", "BHD", "TND", "UYW", "USD")} == {
        "ISK": 0,
        "UGX": 0,
        "XOF": 0,
        "BHD": 3,
        "TND": 3,
        "UYW": 4,
        "USD": 2,
    }


@pytest.mark.parametrize(
    ("amount", "currency", "minor"), [("11.80", "EUR", 1180), ("1200", "JPY", 1200), ("1.25", "KWD", 1250)]
)
def test_minor_units(amount, currency, minor):
    assert to_minor(D(amount), currency) == minor
    assert from_minor(minor, currency) == D(amount)


@given(st.integers(-(10**15), 10**15), st.sampled_from(["JPY", "EUR", "KWD", "CLF"]))
def test_minor_units_come_back(minor, currency):
    assert to_minor(from_minor(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "shown"),
    [
        ("11.8", "EUR", "en", "€11.80"),
        ("1200", "JPY", "en", "¥1,200"),
        ("1.25", "KWD", "en", "KWD\u00a01.250"),
        ("-3", "EUR", "en", "-€3.00"),
        ("-0.001", "EUR", "en", "€0.00"),
        ("1234567.891", "USD", "en-GB", "$1,234,567.89"),
        ("1234.5", "EUR", "de", "1.234,50\u00a0€"),
        ("1234.5", "CHF", "de_CH", "1.234,50\u00a0CHF"),
        ("5", "EUR", "xx", "€5.00"),
    ],
)
def test_money_on_a_page(amount, currency, locale, shown):
    assert format_money(D(amount), currency, locale) == shown


@pytest.mark.parametrize(
    ("price", "currency", "shown"),
    [("0.45", "EUR", "€0.45"), ("0.5355", "EUR", "€0.5355"), ("0.4", "EUR", "€0.40"), ("30", "JPY", "¥30")],
)
def test_unit_prices_keep_what_is_finer_than_a_coin(price, currency, shown):
    assert format_unit_price(D(price), currency) == shown
