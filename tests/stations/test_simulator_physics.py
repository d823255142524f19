"""Meters, batteries and limits: what must hold whatever is sent."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.simulator.car import Car
from stations.simulator.profiles import Profile, Profiles, UnusableProfile
from stations.simulator.station import STEP_S, Evse
from stations.simulator.tempers import Temper

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)


class HandClock:
    """A clock that moves when told to."""

    def __init__(self):
        self.at_s = 0.0

    def seconds(self):
        return self.at_s


def evse_with(car, **more):
    clock = HandClock()
    evse = Evse(1, clock=clock, rng=random.Random(1), **more)
    evse.plug_in(car)
    evse.close_contactor()
    return clock, evse


@given(
    soc=st.floats(0, 100),
    battery_wh=st.floats(5_000, 120_000),
    dc=st.booleans(),
    steps=st.lists(st.tuples(st.floats(0, STEP_S), st.sampled_from([None, 0, 4200, 7000])), max_size=60),
)
def test_the_register_is_the_integral_of_power(soc, battery_wh, dc, steps):
    car = Car(battery_wh=battery_wh, soc=soc)
    clock, evse = evse_with(car, dc=dc, max_power_w=50_000 if dc else 22_000)
    room_wh, energy_wh = car.room_wh, 0.0
    for seconds, limit_w in steps:
        evse.allowance_w = lambda limit_w=limit_w: limit_w
        before_wh = evse.register_wh
        energy_wh += min(evse.power_w * seconds / 3600, car.room_wh)
        clock.at_s += seconds
        assert evse.register_wh >= before_wh
    assert evse.register_wh == pytest.approx(energy_wh, abs=1e-6)
    assert room_wh - car.room_wh == pytest.approx(energy_wh, abs=1e-3)


@given(wait_s=st.floats(1, 7200), looks=st.integers(1, 20))
def test_it_does_not_matter_how_often_the_meter_is_read(wait_s, looks):
    totals = []
    for pieces in (1, looks):
        clock, evse = evse_with(Car(battery_wh=60_000, soc=70), dc=True, max_power_w=100_000)
        for _ in range(pieces):
            clock.at_s += wait_s / pieces
            evse.advance()
        totals.append(evse.register_wh)
    assert totals[0] == pytest.approx(totals[1], rel=0.02)


def test_power_tapers_above_80_percent():
    powers = [Car(soc=soc, max_dc_w=100_000).accepts_w(dc=True) for soc in (20, 80, 85, 90, 95, 99)]
    assert powers[0] == powers[1] == 100_000
    assert powers[1:] == sorted(powers[1:], reverse=True)
    assert powers[3] == pytest.approx(52_500)
    assert Car(soc=100).accepts_w(dc=True) == 0


def test_volts_times_amperes_is_the_power():
    for car, dc in [(Car(phases=1), False), (Car(), False), (Car(), True)]:
        _, evse = evse_with(car, dc=dc)
        reading = evse.read()
        assert sum(volts * amperes for _, volts, amperes in reading.phases) == pytest.approx(reading.power_w)
        assert (reading.soc is None) == (not dc)


def test_a_limit_below_six_amperes_pauses_ac():
    _, evse = evse_with(Car())
    evse.allowance_w = lambda: 4139.0
    assert (evse.power_w, evse.flow) == (0, "SuspendedEVSE")
    evse.allowance_w = lambda: 4140.0
    assert (evse.power_w, evse.flow) == (4140, "Charging")


def test_the_register_survives_cars_and_the_cable_locks_while_charging():
    clock, evse = evse_with(Car())
    assert evse.plugged.locked
    clock.at_s += 3600
    evse.unplug()
    assert evse.register_wh == pytest.approx(11_000)
    assert not any(connector.plugged or connector.locked for connector in evse.connectors)
    with pytest.raises(ValueError, match="no connector 5"):
        evse.plug_in(Car(), 5)


def profile(**more):
    wire = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "startSchedule": NOON.isoformat(),
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}, {"startPeriod": 60, "limit": 10}],
        },
    }
    schedule = wire["chargingSchedule"] | more.pop("schedule", {})
    return Profile.parse(wire | {"chargingSchedule": schedule} | more, evse=1)


@pytest.mark.parametrize(
    ("made", "after_s", "limit_w"),
    [
        (profile(), -1, None),
        (profile(), 0, 16 * 230 * 3),
        (profile(), 59, 16 * 230 * 3),
        (profile(), 60, 10 * 230 * 3),
        (profile(schedule={"duration": 90}), 90, None),
        (profile(chargingProfileKind="Recurring", recurrencyKind="Daily"), 86_400, 16 * 230 * 3),
        (profile(chargingProfileKind="Recurring", recurrencyKind="Daily"), 2 * 86_400 + 60, 10 * 230 * 3),
        (profile(validTo=(NOON + timedelta(seconds=30)).isoformat()), 30, None),
        (profile(schedule={"chargingRateUnit": "W"}), 0, 16),
    ],
)
def test_which_limit_holds_when(made, after_s, limit_w):
    moment = NOON + timedelta(seconds=after_s)
    assert made.limit_w(moment, tx_started=None, voltage_v=230, phases=3) == limit_w


def test_the_highest_level_leads_and_the_cap_of_the_station_binds():
    profiles = Profiles()
    watts = {"chargingRateUnit": "W"}

    def install(id, level, limit, purpose="TxDefaultProfile"):
        period = {"chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
        profiles.install(
            profile(
                chargingProfileId=id,
                stackLevel=level,
                chargingProfilePurpose=purpose,
                schedule=watts | period,
            )
        )

    def limit_w():
        return profiles.limit_w(1, NOON, tx_started=NOON, voltage_v=230, phases=3)

    assert limit_w() is None
    install(1, 0, 9000)
    install(2, 5, 12_000)
    assert limit_w() == 12_000
    install(3, 0, 7000, "TxProfile")
    assert limit_w() == 7000
    install(4, 0, 5000, "ChargePointMaxProfile")
    assert limit_w() == 5000
    profiles.forget_transaction(1)
    profiles.clear(id=4)
    install(2, 5, 8000)
    assert limit_w() == 8000
    assert len(profiles) == 2


def test_the_composite_schedule_follows_the_steps():
    profiles = Profiles()
    profiles.install(profile())
    steps = profiles.composite(1, NOON, 600, most_w=9000, tx_started=None, voltage_v=230, phases=3)
    assert steps == [(0, 9000), (60, 6900)]


def test_a_schedule_that_does_not_start_at_zero_is_refused():
    with pytest.raises(UnusableProfile):
        profile(schedule={"chargingSchedulePeriod": [{"startPeriod": 5, "limit": 1}]})


def test_tempers_combine():
    temper = Temper.of(["flaky", "liar", {"drop_every_s": 60, "drop_lasts_s": [1, 2]}])
    assert (temper.drop_every_s, temper.drop_lasts_s, temper.clock_offset_s) == (60, (1, 2), 600)
    with pytest.raises(ValueError, match="Unknown temper 'moody'"):
        Temper.of(["moody"])
