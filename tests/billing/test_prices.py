"""One price, wherever it is asked."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.template import Context, Template
from django.utils import timezone

from billing import prices
from billing.exceptions import NoTariff
from evportal.accounts.models import Vehicle
from tests import make
from tests.billing import money

pytestmark = pytest.mark.django_db


def test_an_evses_own_tariff_comes_before_its_sites():
    evse = make.evse()
    of_site = money.tariff(site=evse.station.site)
    assert prices.version_for(evse, timezone.now()) == of_site
    own = money.tariff(evse=evse)
    del evse.tariff_versions
    assert prices.version_for(evse, timezone.now()) == own


def test_versions_follow_each_other():
    evse = make.evse()
    old = money.tariff(evse=evse)
    new = money.version(old.tariff, valid_from=make.NOON)
    assert prices.version_for(evse, make.NOON - timedelta(seconds=1)) == old
    assert prices.version_for(evse, make.NOON) == new


def test_without_a_tariff_there_is_no_quote():
    with pytest.raises(NoTariff):
        prices.quote(evse=make.evse(), starts_at=make.NOON, now=make.NOON)


@pytest.mark.parametrize(
    ("power_w", "minutes", "energy_wh", "hold"),
    [(11_000, 60, 8_800, "10"), (150_000, 60, 40_000, "25"), (22_000, 30, 8_800, "10")],
)
def test_the_estimate_is_what_a_car_takes(power_w, minutes, energy_wh, hold):
    evse = make.evse(max_power_w=power_w)
    money.tariff(evse=evse)
    found = prices.quote(
        evse=evse, starts_at=make.NOON, ends_at=make.NOON + timedelta(minutes=minutes), now=make.NOON
    )
    assert found.energy_wh == energy_wh
    assert found.gross == (Decimal(energy_wh) / 1000 * Decimal("0.49")).quantize(Decimal("0.01"))
    assert found.hold_amount == Decimal(hold)


def test_the_estimate_fits_the_drivers_car():
    user = make.user()
    Vehicle.objects.create(user=user, name="Zoe", battery_kwh=20, max_power_kw=7)
    evse = make.evse(max_power_w=150_000)
    assert prices.usual_energy_wh(evse, None, user) == 14_000
    assert prices.usual_energy_wh(evse, timedelta(hours=1), user) == 5_600


@pytest.mark.parametrize(("currency", "hold"), [("JPY", "500"), ("KWD", "2.000"), ("EUR", "5.00")])
def test_holds_are_round_in_every_currency(currency, hold):
    evse = make.evse()
    money.tariff(evse=evse, components=[money.ENERGY | {"price": 0.7}], currency=currency)
    found = prices.estimate(evse=evse, starts_at=make.NOON, energy_wh=Decimal(1000))
    assert found.hold == Decimal(hold)


def test_the_running_cost_grows_with_meter_values_only():
    evse = money.place()
    session = make.session(evse=evse, user=make.user())
    assert prices.running(session).gross == 0
    money.reading(session, minutes=10, wh=3_000)
    money.reading(session, minutes=20, wh=6_000)
    assert prices.running(session).gross == Decimal("2.45")
    assert prices.running(session, session.started_at + timedelta(minutes=15)).gross == Decimal("0.98")


def test_flagged_and_grid_side_readings_cost_nothing():
    evse = money.place()
    session = make.session(evse=evse)
    money.reading(session, minutes=10, wh=3_000)
    money.reading(session, minutes=20, wh=900_000)
    session.readings.filter(value=900_000).update(flag="jump")
    assert prices.running(session).gross == Decimal("0.98")


def test_parking_is_billed_after_charging():
    evse = money.place(components=[money.ENERGY, money.PARKING])
    session = make.session(evse=evse, minutes=60, energy_wh=10_000)
    money.reading(session, minutes=30, wh=11_000)
    kinds = {line.kind: line.gross for line in prices.running(session).lines}
    assert kinds == {"ENERGY": Decimal("4.90"), "PARKING_TIME": Decimal("3.00")}


def test_every_tag_shows_the_same_price(django_assert_num_queries):
    evse = money.place(components=[money.ENERGY, money.PARKING])
    ends = make.NOON + timedelta(minutes=30)
    context = Context({"evse": evse, "site": evse.station.site, "starts": make.NOON, "ends": ends})

    def shown(tag: str) -> str:
        return Template("{% load billing_tags %}{% " + tag + " %}").render(context)

    assert shown("from_price evse") == "€0.49/kWh"
    assert shown("from_price site") == "from €0.49/kWh"
    assert shown("slot_price evse starts ends") == "about €4.31"
    assert "€0.49 per kWh" in shown("tariff_lines evse")
    assert shown("money 11.8 'EUR'") == "€11.80"
    session = make.session(evse=evse, minutes=30, energy_wh=10_000)
    context["session"] = session
    assert shown("running_cost session") == "€4.90"
    with django_assert_num_queries(0):
        shown("slot_price evse starts ends")


def test_lists_ask_once():
    site = make.site()
    evses = [make.evse(station=make.station(site=site)) for _each in range(5)]
    money.tariff(site=site)
    prices.attach(evses)
    assert all(prices.version_for(evse, timezone.now()) for evse in evses)


def test_a_quote_is_in_the_sites_time():
    night = {
        "elements": [
            {
                "price_components": [money.ENERGY | {"price": 0.2}],
                "restrictions": {"start_time": "22:00", "end_time": "06:00"},
            },
            {"price_components": [money.ENERGY]},
        ]
    }
    evse = make.evse()
    money.tariff(evse=evse, **night)
    # 21:30 UTC is 23:30 in Berlin's summer.
    late = datetime(2026, 7, 1, 21, 30, tzinfo=UTC)
    assert prices.estimate(evse=evse, starts_at=late, energy_wh=Decimal(10_000)).gross == Decimal("2.00")
