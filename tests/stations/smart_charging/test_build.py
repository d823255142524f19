"""Profiles made from wishes: each version's words, the station's unit, and what the standard forbids."""

from datetime import timedelta
from decimal import Decimal

import pytest

from stations import profiles
from stations.charging_profiles import build
from tests.make import NOON

Abilities = build.Abilities


def made(version="2.0.1", purpose=build.TX_DEFAULT, **words):
    words = {"number": 7, "watts": Decimal(11000), "starts_at": NOON} | words
    return build.limit(version, purpose, **words)


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
@pytest.mark.parametrize("purpose", [build.STATION_MAX, build.TX_DEFAULT, build.TX])
def test_what_is_built_fits_its_version_and_the_standards_rules(version, purpose):
    profile = made(version, purpose, until=NOON + timedelta(hours=1), transaction_id="42")
    assert version in profiles.versions(profile)
    place = 0 if purpose == build.STATION_MAX else 1
    assert build.problem(version, profile, evse_number=place, has_session=True) == ""
    assert profile.get("transactionId") == (None if purpose != build.TX else 42 if version == "1.6" else "42")
    [schedule] = build.schedules(profile)
    assert schedule["duration"] == 3600 and profile["validTo"] == "2026-06-15T13:00:00.000Z"


def test_1_6_has_its_own_word_for_the_whole_station():
    assert made("1.6", build.STATION_MAX)["chargingProfilePurpose"] == "ChargePointMaxProfile"


@pytest.mark.parametrize(
    ("version", "units", "wish", "limit"),
    [
        # 1.6 with alternating current: amperes unless it has said that it takes watts.
        ("1.6", "", {"watts": Decimal(11000)}, (15.9, "A")),
        ("1.6", "AW", {"watts": Decimal(11000)}, (11000, "W")),
        ("1.6", "A", {"watts": Decimal(11040)}, (16, "A")),
        ("1.6", "W", {"amps": Decimal(16)}, (11040, "W")),
        ("1.6", "A", {"watts": Decimal(3680), "phases": 1}, (16, "A")),
        ("1.6", "", {"watts": Decimal(50000), "is_dc": True}, (50000, "W")),
        ("2.0.1", "", {"watts": Decimal("7400.55")}, (7400.5, "W")),
        ("2.0.1", "A", {"watts": Decimal(11000)}, (15.9, "A")),
        ("2.1", "", {"amps": Decimal(10)}, (10, "A")),
        ("2.1", "", {"watts": Decimal(0)}, (0, "W")),
    ],
)
def test_in_the_unit_that_the_station_takes_and_never_above_the_wish(version, units, wish, limit):
    words = {"watts": None} | wish
    assert build.first_limit(made(version, abilities=Abilities(units), **words)) == limit


@pytest.mark.parametrize(
    "words",
    [
        {"watts": None},
        {"amps": Decimal(6)},
        {"watts": Decimal(-1)},
        {"is_dc": True, "abilities": Abilities("A")},
        {"is_dynamic": True},
        {"purpose": build.PRIORITY},
    ],
)
def test_what_can_not_be_said_is_refused(words):
    with pytest.raises(build.UnbuildableLimit):
        made(**words)


def test_a_dynamic_profile_has_no_times_and_the_stack_level_is_the_stations():
    profile = made("2.1", is_dynamic=True, stack_level=9, abilities=Abilities(max_stack_level=3))
    assert "2.1" in profiles.versions(profile) and profile["stackLevel"] == 3
    assert build.problem("2.1", profile, evse_number=1) == ""
    assert "startSchedule" not in build.schedules(profile)[0]


def changed(schedule=(), **words):
    profile = made() | words
    profile["chargingSchedule"] = [profile["chargingSchedule"][0] | dict(schedule)]
    return profile


PERIODS = [{"startPeriod": 0, "limit": 1}, {"startPeriod": 60, "limit": 2}]


@pytest.mark.parametrize(
    ("profile", "place", "words"),
    [
        (changed(chargingProfilePurpose=build.EXTERNAL), {}, "others than the operator"),
        (changed(chargingProfilePurpose=build.STATION_MAX), {"evse_number": 1}, "not to one EVSE"),
        (changed(chargingProfilePurpose=build.TX), {"evse_number": 1}, "running session"),
        (changed(chargingProfilePurpose=build.PRIORITY), {"version": "2.0.1"}, "no profile for"),
        (changed(stackLevel=4), {"abilities": Abilities(max_stack_level=3)}, "up to 3"),
        (changed(chargingProfileKind="Recurring"), {}, "daily or weekly"),
        (changed(chargingProfileKind="Relative"), {}, "no fixed start"),
        (changed({"chargingSchedulePeriod": PERIODS[1:]}), {}, "begin at 0"),
        (changed({"chargingSchedulePeriod": PERIODS[::-1]}), {}, "begin at 0"),
        (
            changed({"chargingSchedulePeriod": PERIODS}),
            {"abilities": Abilities(max_periods=1)},
            "at most 1 periods",
        ),
        (changed(), {"abilities": Abilities("A")}, "limits in W"),
    ],
)
def test_what_the_standard_or_the_station_forbids(profile, place, words):
    version = place.pop("version", "2.0.1")
    assert words in build.problem(version, profile, **({"evse_number": 0} | place))
