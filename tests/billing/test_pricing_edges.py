"""Edges of prices that a slip in the code would move unseen; most were found by `make mutants`."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from billing.pricing import PriceLimit, TaxIncluded, Waiver, describe, lint, plain, price
from billing.pricing.comparing import samples
from billing.pricing.limits import Limit, lowered
from tests.billing import test_additions as own
from tests.billing.test_additions import component, priced, tariff
from tests.billing.test_pricing import a_session, a_tariff, fee, hour, kwh, parked

D = Decimal


def test_a_start_fee_that_holds_from_one_o_clock_is_paid_by_who_is_there_then():
    evening = a_tariff((fee(2), {"start_time": datetime(2026, 1, 1, 13).time()}), kwh("0.50"))
    assert price(evening, a_session((120, 10_000))).net == D("7.00")
    assert price(evening, a_session((30, 10_000))).net == D("5.00")


def test_the_longest_of_a_groups_waits_counts():
    document = tariff(
        priced(component("PARKING_TIME", 6)),
        idle_grace_minutes=10,
        free_minutes=5,
        groups=[{"group": "staff", "idle_grace_minutes": 30}, {"group": "family", "free_minutes": 45}],
    )
    standing = a_session((60, 0))
    assert price(document, standing).gross == D("5.00")
    assert price(document, standing, ["staff"]).gross == D("3.00")
    assert price(document, standing, ["staff", "family"]).gross == D("1.50")


# Limits and tax


def test_no_rate_is_given_more_than_was_used_at_it():
    """Moving what is left to a lower rate ends where the whole of that rate is paid; then all is lowered."""
    nets = {20: Fraction(10), 10: Fraction(2)}
    rates = {20: Fraction(20, 100), 10: Fraction(10, 100)}
    found = lowered(nets, rates, Limit(Fraction(9), Fraction(10)))
    assert found == {20: Fraction(7) * 10 / Fraction("10.6"), 10: Fraction(2) * 10 / Fraction("10.6")}


@pytest.mark.parametrize(
    ("limits", "net", "gross"),
    [
        ({"min_price": (1, 11)}, "10.00", "11.90"),
        ({"min_price": (1, "11.90")}, "10.00", "11.90"),
        ({"max_price": (50, "11.91")}, "10.00", "11.90"),
        ({"min_price": (10, "11.90"), "max_price": (10, "11.90")}, "10.00", "11.90"),
    ],
)
def test_a_limit_that_is_kept_leaves_the_tax_as_it_is(limits, net, gross):
    limits = {name: PriceLimit(D(before), D(after)) for name, (before, after) in limits.items()}
    found = price(a_tariff(kwh("0.50", 19), **limits), a_session((60, 20_000)))
    assert (found.net, found.gross) == (D(net), D(gross))


def test_without_taxes_a_limit_has_one_side():
    untaxed = a_tariff(kwh("0.10"), tax=TaxIncluded.N_A, min_price=PriceLimit(D(5), D(7)))
    found = price(untaxed, a_session((60, 20_000)))
    assert (found.net, found.tax, found.gross) == (D(5), D(0), D(5))


def test_others_are_told_no_rate_of_what_has_none():
    mixed = a_tariff(kwh("0.50", 19), parked(6))
    told = price(mixed, a_session((60, 20_000), (30, 0))).to_ocpi_price()
    assert told["before_taxes"] == 13.0
    assert told["taxes"] == [{"name": "VAT", "percentage": 19.0, "amount": 1.9}]


def test_equal_limits_are_a_fixed_price_and_no_mistake():
    fixed = PriceLimit(D(10), D("11.90"))
    document = a_tariff(kwh("0.50", 19), min_price=fixed, max_price=fixed)
    assert "limits_crossed" not in {each.code for each in lint(document, max_power_w=22_000)}
    crossed = replace(document, min_price=PriceLimit(D(10), D("11.91")))
    assert "limits_crossed" in {each.code for each in lint(crossed, max_power_w=22_000)}


# Words, and what forms write


def test_that_holidays_cost_what_sundays_do_is_said():
    document = tariff(
        priced(component("ENERGY", 0.5)), holidays={"dates": ["2026-12-25"], "as_day": "SUNDAY"}
    )
    assert "Holidays are priced as Sun" in [line.text for line in describe(document)]


@pytest.mark.parametrize("waiver", [{"below_kwh": 0.5}, {"from_kwh": 0.5}, {"within_minutes": 0}])
def test_small_waivers_are_read(waiver):
    own = tariff(start_fee_waiver=waiver).own.start_fee_waiver
    assert own.to_ocpi() == waiver
    assert own != Waiver()


def written(base=own.BASE, **changes):
    return plain.to_tariff(replace(plain.of(base), **changes), base)


def test_hours_without_a_price_per_hour_say_so_where_others_have_one():
    """Otherwise the element that always holds would charge for them."""
    rates = (plain.Rate(D("0.45"), D(6)), plain.Rate(D("0.35")))
    night, always, *_ = written(rates=rates, week=own.letters(MON="0-6")).elements
    assert [(part.type, part.price) for part in night.price_components] == [
        ("ENERGY", D("0.35")),
        ("TIME", D(0)),
    ]
    no_energy = (plain.Rate(None, D(6)), plain.Rate(D("0.35")))
    night, *_ = written(rates=no_energy, week=own.letters(MON="0-6")).elements
    assert [(part.type, part.price) for part in night.price_components] == [
        ("ENERGY", D("0.35")),
        ("TIME", D(0)),
    ]


def test_a_price_per_hour_is_kept_as_fine_as_it_was_and_one_per_kwh_is_as_written():
    base = tariff(priced(component("ENERGY", 0.45001), component("TIME", 4.99998)))
    found = written(base, rates=(plain.Rate(D("0.45"), D("5.00")),), start_fee=D(1))
    prices = {part.type: part.price for part in found.elements[0].price_components}
    assert prices == {"ENERGY": D("0.45"), "TIME": D("4.99998"), "FLAT": D(1)}


def test_hours_that_begin_at_midnight_are_joined_only_with_those_that_end_there():
    week = list(own.letters(MON="0-6"))
    week[10:12] = "BB"
    lines = [line.text for line in describe(written(rates=own.TWO, week="".join(week)))]
    assert lines[:2] == ["€0.35 per kWh, Mon 00:00–06:00", "€0.35 per kWh, Mon 10:00–12:00"]


def test_a_limit_before_tax_has_its_other_side_reckoned():
    base = replace(own.BASE, tax_included=TaxIncluded.NO)
    found = written(base, max_price=D("10.00"), min_price=D("5.00"))
    assert found.max_price == PriceLimit(D("10.00"), D("11.90"))
    assert found.min_price == PriceLimit(D("5.00"), D("5.95"))


def test_a_group_with_another_rate_of_tax_is_not_for_the_form():
    reduced = component("ENERGY", 0.3) | {"vat": 7.0}
    with pytest.raises(plain.NotPlain):
        plain.of(tariff(groups=[{"group": "a", "elements": [priced(reduced)]}]))


def test_a_sample_is_at_the_hour_that_it_names():
    for each in samples(datetime(2026, 12, 25, 9, tzinfo=UTC), own.BERLIN):
        begins = each.usage.start.astimezone(own.BERLIN)
        assert (f"{begins:%H:%M}" if begins.hour != 12 else "noon") in each.words
        assert begins.minute in (0, 30)


def test_time_is_priced_to_the_second_with_a_step_of_one():
    assert price(a_tariff(hour(6)), a_session((1, 1_000))).net == D("0.10")
