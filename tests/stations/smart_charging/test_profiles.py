"""Limits at the charger, over the real socket: sent, applied, refused, read back, ended."""

import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone

from stations import charging_profiles, smart_charging, tasks
from stations.charging_profiles import answers
from stations.charging_profiles.actions import NoSuchLimit
from stations.models import ChargingProfile, Command, Event, InstalledProfile, SmartCharging
from tests import make
from tests.charger import now

VERSIONS = ["1.6", "2.0.1", "2.1"]


async def settled(database, row, *states):
    """Wait until the charger's answer is on the row."""
    for _n in range(100):
        await database(row.refresh_from_db)
        if row.state in states:
            return row
        await asyncio.sleep(0.03)
    raise AssertionError(f"it is still {row.state}")


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_sessions_limit_is_applied_and_ends_with_it(online, database, version):
    async with online(version) as (charger, session):
        row = await database(charging_profiles.set_limit, session=session, watts=7000)
        sent = await charger.expect("SetChargingProfile")
        row = await settled(database, row, "accepted")
        profile = sent["csChargingProfiles" if version == "1.6" else "chargingProfile"]
        assert str(profile["transactionId"]) == session.transaction_id
        assert sent["connectorId" if version == "1.6" else "evseId"] == 1
        assert (row.purpose, row.limit_w, row.source) == ("TxProfile", 7000, "CSO")
        await charger.stop(500)
        row = await settled(database, row, "cleared")
        assert row.reason == "its session ended" and row.ended_at


async def test_a_new_limit_replaces_the_old_one_and_a_clear_ends_it(online, database, place):
    async with online("2.0.1") as (charger, _session):
        first = await database(charging_profiles.set_limit, evse=place.evse, watts=11000)
        await settled(database, first, "accepted")
        second = await database(charging_profiles.set_limit, evse=place.evse, watts=6000)
        await settled(database, second, "accepted")
        await settled(database, first, "cleared")
        assert first.reason == "replaced" and first.profile_id == second.profile_id
        assert await database(charging_profiles.held_limit_w, place.evse, timezone.now()) == 6000
        await database(charging_profiles.clear_limit, evse=place.evse)
        assert (await charger.expect("ClearChargingProfile")) == {"chargingProfileId": second.profile_id}
        await settled(database, second, "cleared")
        assert await database(charging_profiles.held_limit_w, place.evse, timezone.now()) is None


async def test_43_a_refused_limit_is_not_applied_and_tried_again_later_and_later(online, database, place):
    async with online("1.6") as (charger, _session):
        charger.on("SetChargingProfile", {"status": "Rejected"})
        row = await database(charging_profiles.set_limit, evse=place.evse, watts=11000)
        await settled(database, row, "rejected")
        assert row.reason == "Rejected" and row.retry_at > timezone.now()
        assert await database(answers.retry_due, timezone.now()) == 0
        first_wait = row.retry_at - timezone.now()
        # It has said meanwhile that it takes watts only: the second try is in watts.
        await database(SmartCharging.objects.create, station=place.station, rate_units="W")
        assert await database(answers.retry_due, row.retry_at) == 1
        await settled(database, row, "rejected")
        assert row.attempts == 2 and row.retry_at - timezone.now() > first_wait
        charger.on("SetChargingProfile", {"status": "Accepted"})
        assert await database(answers.retry_due, row.retry_at) == 1
        await settled(database, row, "accepted")
        assert row.retry_at is None
        units = [
            (await charger.expect("SetChargingProfile"))["csChargingProfiles"]["chargingSchedule"][
                "chargingRateUnit"
            ]
            for _n in range(3)
        ]
        assert units == ["A", "W", "W"]


def test_an_offline_charger_has_no_limit_and_gets_it_when_it_is_back(place):
    place.station.ocpp_version = "2.0.1"
    place.station.save()
    row = charging_profiles.set_limit(evse=place.evse, watts=9000)
    row.refresh_from_db()
    assert row.state == "rejected" and "offline" in row.reason.lower()
    assert answers.retry_due(row.retry_at) == 0
    waiting = charging_profiles.set_limit(station=place.station, watts=9000, keep_for=timedelta(hours=1))
    waiting.refresh_from_db()
    assert waiting.state == "sent" and waiting.command.status == "queued"


def test_a_new_wish_replaces_one_that_was_never_applied(place):
    first = charging_profiles.set_limit(evse=place.evse, watts=9000)
    charging_profiles.set_limit(evse=place.evse, watts=8000, keep_for=timedelta(hours=1))
    first.refresh_from_db()
    assert (first.state, first.reason, first.retry_at) == ("cleared", "replaced", None)


def test_limits_end_by_the_clock(place):
    now = timezone.now()
    row = charging_profiles.set_limit(
        evse=place.evse, watts=9000, until=now + timedelta(hours=1), keep_for=timedelta(hours=1)
    )
    assert charging_profiles.held_limit_w(place.evse, now) == 9000
    assert charging_profiles.held_limit_w(place.evse, now + timedelta(hours=1)) is None
    assert answers.end_due(now + timedelta(hours=1)) == 1
    row.refresh_from_db()
    assert row.state == "cleared"


def test_what_can_not_be_is_refused_before_anything_is_stored(place):
    ended = make.session(evse=place.evse, minutes=5)
    with pytest.raises(NoSuchLimit):
        charging_profiles.set_limit(session=ended, watts=1000)
    named = ChargingProfile.objects.create(
        operator=place.site.operator,
        description="Nights",
        profile={
            "stackLevel": 0,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}],
            },
        },
    )
    with pytest.raises(NoSuchLimit, match="running session"):
        charging_profiles.install(profile=named, station=place.station, evse=place.evse)
    place.station.ocpp_version = "2.0.1"
    with pytest.raises(NoSuchLimit, match=r"OCPP 2\.0\.1"):
        charging_profiles.install(profile=named, station=place.station, evse=place.evse)
    assert not InstalledProfile.objects.exists() and not Command.objects.exists()


async def test_a_named_profile_goes_out_under_its_own_number_with_the_transaction(online, database, place):
    named = await database(
        ChargingProfile.objects.create,
        operator=place.site.operator,
        description="Slow",
        profile={
            "stackLevel": 2,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": [
                {
                    "id": 1,
                    "chargingRateUnit": "W",
                    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 4000}],
                }
            ],
        },
    )
    async with online("2.0.1") as (charger, session):
        row = await database(charging_profiles.install, profile=named, station=place.station, session=session)
        sent = await charger.expect("SetChargingProfile")
        assert sent["chargingProfile"]["id"] == named.pk
        assert sent["chargingProfile"]["transactionId"] == session.transaction_id
        await settled(database, row, "accepted")
        assert row.named_id == named.pk


def wire_profile(number, purpose="TxDefaultProfile", **more):
    return {
        "id": number,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [
            {
                "id": 1,
                "startSchedule": now(),
                "chargingRateUnit": "W",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 5000}],
            }
        ],
        **more,
    }


async def test_reading_back_finds_strangers_and_misses_what_is_gone(online, database, place, ingest_all):
    async with online("2.0.1") as (charger, _session):
        mine = await database(charging_profiles.set_limit, evse=place.evse, watts=11000)
        await settled(database, mine, "accepted")
        command = await database(charging_profiles.read_back, station=place.station)
        asked = await charger.expect("GetChargingProfiles")
        part = {"requestId": asked["requestId"], "chargingLimitSource": "CSO", "evseId": 1}
        await charger.call(
            "ReportChargingProfiles",
            part | {"tbc": True, "chargingProfile": [wire_profile(77, stackLevel=3)]},
        )
        other = {"evseId": 0, "chargingLimitSource": "EMS"}
        external = wire_profile(78, "ChargingStationExternalConstraints")
        await ingest_all()
        assert await database(InstalledProfile.objects.filter(state="accepted").count) == 2
        await charger.call("ReportChargingProfiles", part | other | {"chargingProfile": [external]})
        await ingest_all()
        assert command.action == "GetChargingProfiles"
        rows = await database(
            lambda: sorted(
                InstalledProfile.objects.filter(state="accepted").values_list(
                    "profile_id", "source", "evse__number"
                )
            )
        )
        assert rows == [(77, "CSO", 1), (78, "EMS", None)]
        await database(mine.refresh_from_db)
        assert (mine.state, mine.reason) == ("rejected", "no longer at the charger")


async def test_what_a_restart_lost_is_noticed_and_sent_anew(online, database, place):
    async with online("2.1") as (charger, session):
        row = await database(charging_profiles.set_limit, evse=place.evse, watts=11000)
        for_session = await database(charging_profiles.set_limit, session=session, watts=5000)
        await settled(database, row, "accepted")
        await settled(database, for_session, "accepted")
        later = timezone.now() + timedelta(minutes=1)
        assert await database(answers.read_back_due, later) == 0
        charger.on("GetChargingProfiles", {"status": "NoProfiles"})
        await charger.boot()
        assert await database(answers.read_back_due, later) == 1
        assert await database(answers.read_back_due, later) == 0
        await settled(database, row, "rejected")
        await settled(database, for_session, "cleared")
        assert row.reason == for_session.reason == "no longer at the charger"
        assert await database(answers.retry_due, later) == 1
        await settled(database, row, "accepted")


async def test_limits_of_others_come_and_go(online, database, place, ingest_all):
    async with online("2.0.1") as (charger, _session):
        limit = {
            "chargingLimit": {"chargingLimitSource": "EMS", "isGridCritical": True},
            "evseId": 1,
            "chargingSchedule": [
                {
                    "id": 1,
                    "chargingRateUnit": "A",
                    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}],
                }
            ],
        }
        await charger.call("NotifyChargingLimit", limit)
        await ingest_all()
        row = await database(InstalledProfile.objects.get)
        assert (row.source, row.limit_w, row.evse_id) == ("EMS", 6900, place.evse.pk)
        await charger.call("ClearedChargingLimit", {"chargingLimitSource": "EMS", "evseId": 1})
        await ingest_all()
        await database(row.refresh_from_db)
        assert row.state == "cleared"
    told = await database(
        lambda: list(Event.objects.order_by("pk").values_list("kind", "severity", "is_cleared"))
    )
    assert told == [("charging_limit", 5, False), ("charging_limit", 8, True)]


async def test_a_call_made_by_hand_is_known_too(online, database, place):
    from stations import commands

    async with online("2.0.1") as (_charger, _session):
        payload = {"evseId": 0, "chargingProfile": wire_profile(5, "ChargingStationMaxProfile")}
        await database(commands.send, station=place.station, action="SetChargingProfile", payload=payload)
        for _n in range(100):
            row = await database(InstalledProfile.objects.first)
            if row is not None:
                break
            await asyncio.sleep(0.03)
        assert (row.state, row.profile_id, row.evse_id) == ("accepted", 5, None)


async def test_dynamic_limits_are_pushed_and_pulled(online, database, place):
    async with online("2.1") as (charger, _session):
        row = await database(charging_profiles.set_limit, evse=place.evse, watts=11000, is_dynamic=True)
        assert (await charger.expect("SetChargingProfile"))["chargingProfile"][
            "chargingProfileKind"
        ] == "Dynamic"
        await settled(database, row, "accepted")
        again = await database(charging_profiles.set_limit, evse=place.evse, watts=8000, is_dynamic=True)
        assert again.pk == row.pk
        assert (await charger.expect("UpdateDynamicSchedule")) == {
            "chargingProfileId": row.profile_id,
            "scheduleUpdate": {"limit": 8000},
        }
        pulled = await charger.call("PullDynamicScheduleUpdate", {"chargingProfileId": row.profile_id})
        assert pulled == {"status": "Accepted", "scheduleUpdate": {"limit": 8000}}
        assert (await charger.call("PullDynamicScheduleUpdate", {"chargingProfileId": 1}))[
            "status"
        ] == "Rejected"


@pytest.mark.parametrize(
    ("version", "answer"),
    [
        (
            "1.6",
            {
                "configurationKey": [
                    {"key": "ChargingScheduleAllowedChargingRateUnit", "readonly": True, "value": "Current"},
                    {"key": "ChargeProfileMaxStackLevel", "readonly": True, "value": "8"},
                    {"key": "ChargingScheduleMaxPeriods", "readonly": True, "value": "many"},
                ]
            },
        ),
        (
            "2.0.1",
            {
                "getVariableResult": [
                    {
                        "component": {"name": "SmartChargingCtrlr"},
                        "variable": {"name": "RateUnit"},
                        "attributeStatus": "Accepted",
                        "attributeValue": "A",
                    },
                    {
                        "component": {"name": "SmartChargingCtrlr"},
                        "variable": {"name": "ProfileStackLevel"},
                        "attributeStatus": "Accepted",
                        "attributeValue": "8",
                    },
                    {
                        "component": {"name": "SmartChargingCtrlr"},
                        "variable": {"name": "PeriodsPerSchedule"},
                        "attributeStatus": "UnknownVariable",
                    },
                ]
            },
        ),
    ],
)
async def test_a_station_is_asked_once_what_it_can_do(online, database, place, version, answer):
    async with online(version) as (charger, _session):
        charger.on("GetConfiguration", answer)
        charger.on("GetVariables", answer)
        assert await database(smart_charging.ask_due, timezone.now()) == 0
        later = timezone.now() + timedelta(minutes=1)
        assert await database(smart_charging.ask_due, later) == 1
        assert await database(smart_charging.ask_due, later) == 0
        await charger.expect("GetConfiguration" if version == "1.6" else "GetVariables")
        for _n in range(100):
            can = await database(lambda: SmartCharging.objects.get())
            if can.rate_units:
                break
            await asyncio.sleep(0.03)
        assert (can.rate_units, can.max_stack_level, can.max_periods) == ("A", 8, None)
        await database(tasks.tend_limits)
        await database(lambda: type(place.station).objects.update(firmware="2.0"))
        assert await database(smart_charging.ask_due, later) == 1
