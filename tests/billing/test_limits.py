"""The pure rule: what ends a charge next, and when; what is too much is less than one meter interval."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import limits
from billing.limits import Kind, Limits, Seen
from tests.make import NOON

MINUTE = timedelta(minutes=1)
KW = Decimal(1000) / 3600


def seen(**fields) -> Seen:
    defaults = {
        "started_at": NOON,
        "at": NOON + 10 * MINUTE,
        "energy_wh": Decimal(2000),
        "cost": Decimal("1.00"),
        "wh_per_s": 12 * KW,
        "cost_per_s": Decimal("0.10") / 60,
    }
    return Seen(**(defaults | fields))


@pytest.mark.parametrize(
    ("wanted", "fields", "kind", "after"),
    [
        # 12 kW are 200 Wh a minute.
        (Limits(energy_wh=Decimal(3000)), {}, Kind.ENERGY, 5),
        (Limits(energy_wh=Decimal(2000)), {}, Kind.ENERGY, 0),
        (Limits(energy_wh=Decimal(1999)), {}, Kind.ENERGY, 0),
        # A car that takes nothing never reaches it.
        (Limits(energy_wh=Decimal(3000)), {"wh_per_s": Decimal(0)}, Kind.ENERGY, None),
        (Limits(money=Decimal("1.50")), {}, Kind.MONEY, 5),
        # Idling costs, even where no energy flows.
        (Limits(money=Decimal("1.50")), {"wh_per_s": Decimal(0)}, Kind.MONEY, 5),
        (Limits(minutes=30), {}, Kind.TIME, 20),
        (Limits(minutes=5), {}, Kind.TIME, -5),
        (
            Limits(soc_percent=80),
            {"soc_percent": Decimal(75), "soc_per_s": Decimal("0.5") / 60},
            Kind.SOC,
            10,
        ),
        (Limits(soc_percent=80), {"soc_percent": Decimal(80)}, Kind.SOC, 0),
        (Limits(soc_percent=80), {"soc_percent": Decimal(75)}, Kind.SOC, None),
        # The first of several.
        (Limits(energy_wh=Decimal(3000), minutes=12), {}, Kind.TIME, 2),
        (Limits(energy_wh=Decimal(2400), minutes=30, money=Decimal(9)), {}, Kind.ENERGY, 2),
        # One that can't be foreseen comes after one that can.
        (Limits(soc_percent=80, minutes=600), {"soc_percent": Decimal(79)}, Kind.TIME, 590),
    ],
)
def test_what_binds_next(wanted, fields, kind, after):
    first = limits.reaches(wanted, seen(**fields))[0]
    assert first.kind is kind
    expected = None if after is None else NOON + 10 * MINUTE + after * MINUTE
    assert first.at == expected


def test_a_battery_that_the_car_does_not_tell_limits_nothing():
    assert limits.reaches(Limits(soc_percent=80), seen()) == []
    assert limits.reaches(Limits(), seen()) == []
    assert not Limits()


@pytest.mark.parametrize(
    ("moments", "expected"),
    [([], 60), ([NOON], 60), ([NOON, NOON + timedelta(seconds=15)], 15), ([NOON, NOON], 60)],
)
def test_how_often_the_meter_speaks(moments, expected):
    assert limits.interval(moments) == timedelta(seconds=expected)


def cost_at(per_minute: str, begin: str = "0", since: datetime = NOON):
    def cost(at):
        return Decimal(begin) + Decimal(per_minute) * Decimal((at - since).total_seconds()) / 60

    return cost


@pytest.mark.parametrize(
    ("cost", "secured", "until"),
    [
        (cost_at("1"), "5", 5),
        (cost_at("1", "4"), "5", 1),
        (cost_at("1", "5"), "5", 0),
        (cost_at("1", "6"), "5", 0),
        (cost_at("0.1"), "5", None),
        (cost_at("0"), "5", None),
    ],
)
def test_until_when_the_money_lasts(cost, secured, until):
    at = limits.secured_until(cost_at=cost, secured=Decimal(secured), since=NOON, horizon=NOON + 10 * MINUTE)
    if until is None:
        assert at is None
    else:
        assert timedelta(0) <= NOON + until * MINUTE - at <= timedelta(seconds=1)
        assert cost(at) <= Decimal(secured) or at == NOON


@pytest.mark.parametrize(
    ("held", "cost", "step", "most", "wanted", "expected"),
    [
        ("25", "24", "25", "100", None, "50"),
        ("25", "60", "25", "100", None, "85"),
        ("90", "89", "25", "100", None, "100"),
        ("100", "99", "25", "100", None, None),
        ("25", "24", "25", "100", "30", "30"),
        ("30", "29", "25", "100", "30", None),
    ],
)
def test_what_a_hold_is_raised_to(held, cost, step, most, wanted, expected):
    found = limits.raised_to(
        held=Decimal(held),
        cost=Decimal(cost),
        step=Decimal(step),
        most=Decimal(most),
        wanted=None if wanted is None else Decimal(wanted),
    )
    assert found == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize(
    ("wanted", "battery", "expected"),
    [
        (Limits(energy_wh=Decimal(20_000)), None, "20000"),
        (Limits(soc_percent=50), "60000", "30000"),
        (Limits(soc_percent=50), None, None),
        (Limits(energy_wh=Decimal(20_000), soc_percent=50), "60000", "20000"),
        (Limits(money=Decimal(5)), "60000", None),
    ],
)
def test_how_much_energy_a_limit_means(wanted, battery, expected):
    found = limits.energy_bound(wanted, battery_wh=None if battery is None else Decimal(battery))
    assert found == (None if expected is None else Decimal(expected))


@given(
    interval_s=st.integers(5, 900),
    limit_wh=st.integers(500, 60_000),
    powers=st.lists(st.integers(0, 22_000), min_size=1, max_size=60),
)
def test_what_is_too_much_is_less_than_one_interval_gives(interval_s, limit_wh, powers):
    """A charge at changing power, stopped as the rule says: by the clock, and with each meter value."""
    at, wh = NOON, Decimal(0)
    for power in [*powers, *[22_000] * 60]:
        rate = Decimal(power) / 3600
        # As the meter says it at `at`: the power of just now.
        found = limits.reaches(Limits(energy_wh=Decimal(limit_wh)), seen(at=at, energy_wh=wh, wh_per_s=rate))
        stop_at, following = found[0].at, at + timedelta(seconds=interval_s)
        # The car may take all there is before the meter speaks again.
        if stop_at is not None and stop_at <= following:
            taken = wh + Decimal(22_000) / 3600 * Decimal((stop_at - at).total_seconds())
            assert taken - limit_wh <= Decimal(22_000) / 3600 * interval_s
            return
        at, wh = following, wh + rate * interval_s
    assert wh < limit_wh


def test_a_meter_that_is_silent_for_long_tells_nothing():
    assert not limits.is_silent(NOON, MINUTE, NOON + timedelta(minutes=59))
    assert limits.is_silent(NOON, MINUTE, NOON + timedelta(minutes=61))
    assert not limits.is_silent(NOON, timedelta(minutes=30), NOON + timedelta(minutes=80))


@pytest.mark.parametrize("set_one", [{"energy_wh": 0}, {"money": 0}, {"minutes": 0}, {"soc_percent": 0}])
def test_a_limit_of_nothing_is_a_limit(set_one):
    assert Limits(**set_one)


@pytest.mark.parametrize(
    ("now", "limit", "expected"),
    [
        ("0", "10", "0"),
        ("5", "10", "0.5"),
        ("10", "10", "1"),
        ("12", "10", "1"),
        # A meter that was set back.
        ("-1", "10", "0"),
        # Half of a unit is a limit, none isn't one that anything fits into.
        ("0.25", "0.5", "0.5"),
        ("0", "0.5", "0"),
        ("0", "0", "1"),
        ("0", "-1", "1"),
    ],
)
def test_how_much_of_a_limit_is_used(now, limit, expected):
    assert limits.share(Decimal(now), Decimal(limit)) == Decimal(expected)


def test_each_limit_tells_how_much_of_it_is_used():
    wanted = Limits(energy_wh=Decimal(8000), money=Decimal(5), minutes=40, soc_percent=80)
    found = limits.reaches(wanted, seen(soc_percent=Decimal(60)))
    assert {one.kind: one.share for one in found} == {
        Kind.ENERGY: Decimal("0.25"),
        Kind.MONEY: Decimal("0.2"),
        Kind.TIME: Decimal("0.25"),
        Kind.SOC: Decimal("0.75"),
    }


def test_of_those_that_can_not_be_foreseen_the_fuller_one_comes_first():
    idle = seen(wh_per_s=Decimal(0), cost_per_s=Decimal(0))
    fuller_energy = limits.reaches(Limits(energy_wh=Decimal(2500), money=Decimal(5)), idle)
    assert [one.kind for one in fuller_energy] == [Kind.ENERGY, Kind.MONEY]
    fuller_money = limits.reaches(Limits(energy_wh=Decimal(9000), money=Decimal("1.10")), idle)
    assert [one.kind for one in fuller_money] == [Kind.MONEY, Kind.ENERGY]


def test_slow_growth_is_growth_and_what_is_two_days_ahead_is_not_foreseen():
    days = Decimal(2 * 24 * 3600)
    at = limits.reached_at(Decimal(0), days / 4, Decimal("0.5"), NOON)
    assert at == NOON + timedelta(days=1)
    assert limits.reached_at(Decimal(0), days - 1, Decimal(1), NOON) == NOON + timedelta(days=2, seconds=-1)
    assert limits.reached_at(Decimal(0), days, Decimal(1), NOON) is None
    # A meter that runs backwards reaches nothing.
    assert limits.reached_at(Decimal(0), Decimal(10), Decimal(-1), NOON) is None


def test_silence_begins_after_an_hour_or_three_intervals():
    hour, second = timedelta(hours=1), timedelta(seconds=1)
    assert not limits.is_silent(NOON, MINUTE, NOON + hour)
    assert limits.is_silent(NOON, MINUTE, NOON + hour + second)
    assert not limits.is_silent(NOON, 30 * MINUTE, NOON + 90 * MINUTE)
    assert limits.is_silent(NOON, 30 * MINUTE, NOON + 90 * MINUTE + second)


def test_meter_values_in_the_wrong_order_tell_no_interval():
    assert limits.interval([NOON + MINUTE * 5, NOON]) == MINUTE
    # The last two count, not those before.
    assert limits.interval([NOON, NOON + 9 * MINUTE, NOON + 11 * MINUTE]) == 2 * MINUTE


def test_money_that_lasts_to_the_horizon_exactly_ends_nothing():
    horizon = NOON + 10 * MINUTE
    secured = {"since": NOON, "horizon": horizon}
    assert limits.secured_until(cost_at=cost_at("1"), secured=Decimal(10), **secured) is None
    assert limits.secured_until(cost_at=cost_at("1"), secured=Decimal("9.99"), **secured) < horizon
    # It steps up by the hour: what is secured is enough until that very moment.
    step = lambda at: Decimal(5) if at < NOON + 7 * MINUTE else Decimal(9)  # noqa: E731
    until = limits.secured_until(cost_at=step, secured=Decimal(6), **secured)
    assert timedelta(0) <= NOON + 7 * MINUTE - until <= timedelta(seconds=1)


def test_a_smaller_battery_share_bounds_the_energy():
    wanted = Limits(energy_wh=Decimal(20_000), soc_percent=25)
    assert limits.energy_bound(wanted, battery_wh=Decimal(60_000)) == Decimal(15_000)
    assert limits.energy_bound(Limits(soc_percent=80), battery_wh=Decimal(0)) is None


def test_what_a_station_is_told_of_the_limits():
    every = Limits(energy_wh=Decimal(8000), money=Decimal("12.50"), minutes=90, soc_percent=80)
    told = {"maxCost": 12.5, "maxEnergy": 8000.0, "maxTime": 5400, "maxSoC": 80}
    assert limits.transaction_limit(every, {}, knows_tariff=True) == told
    del told["maxCost"]
    assert limits.transaction_limit(every, {}, knows_tariff=False) == told
    assert limits.transaction_limit(Limits(), {}, knows_tariff=True) == {}


def test_a_limit_that_was_told_and_holds_no_more_is_set_beyond_reach():
    told = {"maxCost": 12.5, "maxEnergy": 8000.0, "maxTime": 5400, "maxSoC": 80}
    lifted = limits.transaction_limit(Limits(), told, knows_tariff=True)
    # The field is a 32-bit number; no battery is fuller than full.
    assert (lifted["maxTime"], lifted["maxSoC"]) == (2_147_483_647, 100)
    assert lifted["maxCost"] >= 1_000_000
    assert lifted["maxEnergy"] >= 1e9
    kept = limits.transaction_limit(Limits(minutes=30), {"maxTime": 60}, knows_tariff=True)
    assert kept == {"maxTime": 1800}
