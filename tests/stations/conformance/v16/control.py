"""What the portal asks of a 1.6 charge point: reset, unlock, configure, trigger, charge by a profile."""

import json
from decimal import Decimal

from stations import commands
from stations.models import State
from tests.stations.conformance.bench import ACCEPTED, REJECTED
from tests.stations.conformance.v16.sessions import charging, end, is_ended

SCHEDULE = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]}


async def tc_013(bench):
    await resets(bench, hard=True, reason="HardReset")


async def tc_014(bench):
    await resets(bench, hard=False, reason="SoftReset")


async def resets(bench, *, hard: bool, reason: str) -> None:
    """§5.14: the charge point accepts, ends what runs, restarts and presents itself again."""
    charger = await charging(bench)
    booted_at = (await bench.row()).booted_at
    payload = await bench.portal(charger, "Reset", ACCEPTED, commands.reset, station=bench.station, hard=hard)
    assert payload == {"type": "Hard" if hard else "Soft"}
    await end(bench, charger, 1300, reason=reason)
    await charger.close()
    await bench.boot()
    await is_ended(bench, reason, energy_wh=300)
    station = await bench.row()
    assert station.booted_at > booted_at
    assert station.is_online


async def tc_017_1(bench):
    await unlocks(bench, await bench.boot(), "Unlocked")


async def tc_017_2(bench):
    await unlocks(bench, await bench.boot(), "NotSupported")


async def tc_018_1(bench):
    charger = await charging(bench)
    await unlocks(bench, charger, "Unlocked")
    await end(bench, charger, 1400, reason="UnlockCommand")
    await bench.status(charger, "Available")
    await is_ended(bench, "UnlockCommand", energy_wh=400)
    assert await bench.state() == State.AVAILABLE


async def tc_030(bench):
    await unlocks(bench, await bench.boot(), "UnlockFailed")


async def tc_031(bench):
    charger = await bench.boot()
    await bench.send(charger, "UnlockConnector", {"connectorId": 99}, {"status": "NotSupported"})


async def unlocks(bench, charger, outcome: str) -> None:
    payload = await bench.portal(
        charger, "UnlockConnector", {"status": outcome}, commands.unlock, evse=bench.evse
    )
    assert payload == {"connectorId": 1}


async def tc_019_1(bench):
    charger = await bench.boot()
    keys = [
        {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
        {"key": "NumberOfConnectors", "readonly": True, "value": "1"},
    ]
    command = await bench.send(charger, "GetConfiguration", {}, {"configurationKey": keys, "unknownKey": []})
    assert command.response["configurationKey"] == keys


async def tc_019_2(bench):
    charger = await bench.boot()
    found = [{"key": "SupportedFeatureProfiles", "readonly": True, "value": "Core,RemoteTrigger"}]
    command = await bench.send(
        charger, "GetConfiguration", {"key": ["SupportedFeatureProfiles"]}, {"configurationKey": found}
    )
    assert command.payload == {"key": ["SupportedFeatureProfiles"]}


async def tc_021(bench):
    charger = await bench.boot()
    await bench.send(charger, "ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "60"})


async def tc_040_1(bench):
    charger = await bench.boot()
    command = await bench.send(
        charger, "ChangeConfiguration", {"key": "NoSuchKey", "value": "1"}, {"status": "NotSupported"}
    )
    assert not command.accepted


async def tc_040_2(bench):
    charger = await bench.boot()
    command = await bench.send(
        charger, "ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "-1"}, REJECTED
    )
    assert not command.accepted


async def tc_054(bench):
    """§5.17: each message that can be triggered comes, is answered and is kept."""
    charger = await bench.boot()
    for wanted in ("MeterValues", "Heartbeat", "StatusNotification", "BootNotification"):
        asked = {"requestedMessage": wanted}
        if wanted in ("MeterValues", "StatusNotification"):
            asked["connectorId"] = 1
        await bench.send(charger, "TriggerMessage", asked)
        if wanted == "MeterValues":
            assert await charger.meter(4321) == {}
        elif wanted == "Heartbeat":
            assert "currentTime" in await charger.call("Heartbeat", {})
        elif wanted == "StatusNotification":
            await bench.status(charger, "Preparing")
        else:
            assert (await charger.boot())["status"] == "Accepted"
    for wanted in ("DiagnosticsStatusNotification", "FirmwareStatusNotification"):
        await bench.send(charger, "TriggerMessage", {"requestedMessage": wanted})
        assert await charger.call(wanted, {"status": "Idle"}) == {}
        await bench.logged(wanted)
    assert [reading.value for reading in await bench.readings()] == [Decimal(4321)]
    assert await bench.state() == State.PREPARING
    await bench.logged("BootNotification", times=2)


async def tc_055(bench):
    charger = await bench.boot()
    await bench.send(charger, "TriggerMessage", {"requestedMessage": "MeterValues"}, REJECTED)
    assert await bench.readings() == []


async def tc_056(bench):
    charger = await bench.boot()
    await bench.send(charger, "SetChargingProfile", profile("TxDefaultProfile", "Absolute"))


async def tc_057(bench):
    charger = await charging(bench)
    asked = profile("TxProfile", "Relative", transactionId=charger.transaction_id)
    await bench.send(charger, "SetChargingProfile", asked)
    assert (await bench.session()).is_open


def profile(purpose: str, kind: str, **more) -> dict:
    start = {"startSchedule": "2026-06-15T12:00:00Z"} if kind == "Absolute" else {}
    return {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 3,
            "stackLevel": 0,
            "chargingProfilePurpose": purpose,
            "chargingProfileKind": kind,
            "chargingSchedule": SCHEDULE | start,
            **more,
        },
    }


async def tc_061(bench):
    charger = await bench.boot()
    await bench.send(charger, "ClearCache", {})
    # With nothing cached, the charger asks again, and the portal still knows.
    assert await charger.authorize(bench.token) == "Accepted"


async def tc_064(bench):
    charger = await bench.boot()
    answer = await charger.call("DataTransfer", {"vendorId": "org.nobody", "messageId": "M", "data": "x"})
    assert answer["status"] in ("UnknownVendorId", "UnknownMessageId", "Rejected")
    (frame,) = await bench.logged("DataTransfer")
    assert json.loads(frame)[3]["vendorId"] == "org.nobody"


async def tc_066(bench):
    charger = await bench.boot()
    answer = {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": "2026-06-15T12:00:00Z",
        "chargingSchedule": SCHEDULE,
    }
    command = await bench.send(charger, "GetCompositeSchedule", {"connectorId": 1, "duration": 300}, answer)
    assert command.response["chargingSchedule"] == SCHEDULE


async def tc_067(bench):
    charger = await bench.boot()
    await bench.send(charger, "SetChargingProfile", profile("TxDefaultProfile", "Absolute"))
    await bench.send(charger, "ClearChargingProfile", {"id": 3})
    by_purpose = {"connectorId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0}
    await bench.send(charger, "ClearChargingProfile", by_purpose, {"status": "Unknown"})
