"""What cars ask for: kept on the session, and answered with what the portal can promise."""

from decimal import Decimal

import pytest

from stations import charging_needs, charging_profiles
from stations.models import ChargingNeeds, InstalledProfile
from tests.charger import now

DC = {
    "requestedEnergyTransfer": "DC",
    "departureTime": "2026-06-15T18:00:00Z",
    "dcChargingParameters": {"evMaxCurrent": 200, "evMaxVoltage": 400, "energyAmount": 30000},
}


@pytest.mark.parametrize(
    ("version", "limit_w", "is_managed", "status"),
    [
        ("2.0.1", 5, False, "Accepted"),
        ("2.0.1", None, False, "Accepted"),
        ("2.0.1", None, True, "Processing"),
        ("2.1", 5, True, "Accepted"),
        ("2.1", None, True, "Processing"),
        ("2.1", None, False, "NoChargingProfile"),
    ],
)
def test_what_is_promised(version, limit_w, is_managed, status):
    assert charging_needs.answer(version, limit_w=limit_w, is_managed=is_managed) == status


@pytest.mark.parametrize(
    ("needs", "energy_wh", "power_w"),
    [
        (DC, 30000, 80000),
        (
            {"requestedEnergyTransfer": "DC", "dcChargingParameters": {"evMaxCurrent": 1, "evMaxVoltage": 2}},
            None,
            2,
        ),
        (
            {
                "requestedEnergyTransfer": "AC_single_phase",
                "acChargingParameters": {
                    "energyAmount": 9000,
                    "evMinCurrent": 6,
                    "evMaxCurrent": 32,
                    "evMaxVoltage": 230,
                },
            },
            9000,
            7360,
        ),
        (
            {
                "requestedEnergyTransfer": "AC_BPT",
                "v2xChargingParameters": {"maxChargePower": 11000, "evTargetEnergyRequest": 7},
            },
            7,
            11000,
        ),
        ({"requestedEnergyTransfer": "WPT"}, None, None),
    ],
)
def test_energy_and_power_whichever_parameters_are_sent(needs, energy_wh, power_w):
    assert charging_needs.wish(needs) == (energy_wh, power_w)


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_needs_are_kept_and_a_known_limit_follows(online, database, place, version):
    async with online(version) as (charger, session):
        await database(charging_profiles.set_limit, evse=place.evse, watts=9000)
        await charger.expect("SetChargingProfile")
        answer = await charger.call("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": DC})
        assert answer == {"status": "Accepted"}
        profile = (await charger.expect("SetChargingProfile"))["chargingProfile"]
        assert profile["transactionId"] == session.transaction_id
        assert profile["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"] == 9000
        needs = await database(ChargingNeeds.objects.get)
        assert (needs.session_id, needs.energy_transfer, needs.energy_wh) == (
            session.pk,
            "DC",
            Decimal(30000),
        )
        assert needs.departure_at.hour == 18 and needs.needs == DC and needs.answer == "Accepted"
        schedule = {
            "id": 1,
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8500}],
        }
        plan = {"evseId": 1, "timeBase": now(), "chargingSchedule": schedule}
        assert await charger.call("NotifyEVChargingSchedule", plan) == {"status": "Accepted"}
        await database(needs.refresh_from_db)
        assert needs.schedule == schedule and needs.needs == DC


async def test_without_a_session_or_a_limit(online, database, place):
    async with online("2.1") as (charger, _session):
        needs = {"evseId": 1, "chargingNeeds": DC}
        assert (await charger.call("NotifyEVChargingNeeds", needs))["status"] == "NoChargingProfile"
        assert not await database(InstalledProfile.objects.exists)
        await charger.stop(100)
        refused = await charger.call("NotifyEVChargingNeeds", needs)
        assert refused["status"] == "Rejected" and refused["statusInfo"]["reasonCode"] == "TxNotFound"


async def test_priority_by_the_portal_and_at_the_charger(online, database, place, ingest_all):
    async with online("2.1") as (charger, session):
        await database(charging_needs.use_priority, session=session, activate=True)
        asked = await charger.expect("UsePriorityCharging")
        assert asked == {"transactionId": session.transaction_id, "activate": True}
        await database(charging_needs.allow_transfer, session=session, allowed=["DC", "DC_BPT"])
        await charger.expect("NotifyAllowedEnergyTransfer")
        told = {"transactionId": session.transaction_id, "activated": False}
        await charger.call("NotifyPriorityCharging", told)
        await ingest_all()
        needs = await database(ChargingNeeds.objects.get)
        assert needs.has_priority is False and needs.allowed_transfer == ["DC", "DC_BPT"]


async def test_priority_takes_2_1(online, database, place):
    async with online("2.0.1") as (_charger, session):
        with pytest.raises(charging_needs.NotPossible):
            await database(charging_needs.use_priority, session=session, activate=True)
