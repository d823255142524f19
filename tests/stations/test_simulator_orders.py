"""What the portal orders, and that the station does it."""

import asyncio
import json

import pytest

from stations.simulator import Car
from tests.stations.charging import BOTH, TOMORROW, charging, ended, reason, remote_start, started


def limit(version, watts, purpose="TxDefaultProfile", **more):
    schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": watts}]}
    profile = {
        "stackLevel": 1,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        **more,
    }
    if version == "1.6":
        return profile | {"chargingProfileId": 5, "chargingSchedule": schedule}
    return profile | {"id": 5, "chargingSchedule": [schedule | {"id": 1}]}


async def set_profile(csms, version, evse, profile):
    if version == "1.6":
        payload = {"connectorId": evse, "csChargingProfiles": profile}
    else:
        payload = {"evseId": evse, "chargingProfile": profile}
    return (await csms.ask("SetChargingProfile", payload))["status"]


@pytest.mark.parametrize("version", BOTH)
async def test_a_profile_is_obeyed(csms, switch_on, version):
    charger = await switch_on(version)
    evse = charger.evse(1).evse
    await charging(csms, charger)
    assert evse.power_w == 11_000
    assert await set_profile(csms, version, 1, limit(version, 5000)) == "Accepted"
    assert evse.power_w == 5000
    asked = {"connectorId" if version == "1.6" else "evseId": 1, "duration": 600}
    reply = await csms.ask("GetCompositeSchedule", asked)
    schedule = reply.get("chargingSchedule") or reply["schedule"]
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 5000}]
    assert await set_profile(csms, version, 1, limit(version, 0)) == "Accepted"
    assert evse.power_w == 0
    assert charger.evse(1).status == "SuspendedEVSE"
    cleared = {"id" if version == "1.6" else "chargingProfileId": 5}
    assert (await csms.ask("ClearChargingProfile", cleared))["status"] == "Accepted"
    assert evse.power_w == 11_000
    assert (await csms.ask("ClearChargingProfile", cleared))["status"] == "Unknown"


async def test_a_limit_of_the_station_is_shared(csms, switch_on):
    charger = await switch_on("1.6", evses=[{"number": 1}, {"number": 2}])
    assert await set_profile(csms, "1.6", 0, limit("1.6", 16_000, "ChargePointMaxProfile")) == "Accepted"
    for point in charger.points:
        point.plug_in(Car())
        await point.swipe("CARD")
    assert [point.evse.power_w for point in charger.points] == [8000, 8000]


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize("hard", [True, False])
async def test_a_reset_reconnects_and_boots_again(csms, switch_on, version, hard):
    charger = await switch_on(version)
    await charging(csms, charger)
    kinds = ("Hard", "Soft") if version == "1.6" else ("Immediate", "OnIdle")
    reply = await csms.ask("Reset", {"type": kinds[0] if hard else kinds[1]})
    if version != "1.6" and not hard:
        assert reply["status"] == "Scheduled"
        await charger.evse(1).swipe("CARD")
    else:
        assert reply["status"] == "Accepted"
    boot = await csms.until("BootNotification", times=2)
    assert csms.connections == 2
    [end] = await csms.wait(lambda: ended(csms))
    if version == "1.6":
        assert reason(end) == ("HardReset" if hard else "SoftReset")
    else:
        assert boot["reason"] == ("RemoteReset" if hard else "ScheduledReset")


@pytest.mark.parametrize("version", BOTH)
async def test_a_reservation_keeps_others_away(csms, switch_on, version):
    charger = await switch_on(version)
    point = charger.evse(1)
    if version == "1.6":
        order = {"connectorId": 1, "expiryDate": TOMORROW, "idTag": "MINE", "reservationId": 9}
    else:
        mine = {"idToken": "MINE", "type": "Central"}
        order = {"id": 9, "evseId": 1, "expiryDateTime": TOMORROW, "idToken": mine}
    assert (await csms.ask("ReserveNow", order))["status"] == "Accepted"
    await csms.wait(lambda: csms.statuses()[-1] == "Reserved")
    assert await point.swipe("OTHER") == "refused: reserved"
    assert (await remote_start(csms, version, token="OTHER"))["status"] == "Rejected"
    assert (await csms.ask("CancelReservation", {"reservationId": 9}))["status"] == "Accepted"
    assert (await csms.ask("CancelReservation", {"reservationId": 9}))["status"] == "Rejected"
    await csms.wait(lambda: csms.statuses()[-1] == "Available")
    assert (await csms.ask("ReserveNow", order))["status"] == "Accepted"
    point.plug_in(Car())
    assert await point.swipe("mine") == "started"
    assert (await csms.wait(lambda: started(csms)))[0]["reservationId"] == 9


async def test_a_reservation_expires(csms, switch_on):
    charger = await switch_on("2.0.1")
    soon = charger.now().replace(microsecond=0).isoformat()
    mine = {"idToken": "MINE", "type": "Central"}
    await csms.ask("ReserveNow", {"id": 9, "evseId": 1, "expiryDateTime": soon, "idToken": mine})
    await csms.until("ReservationStatusUpdate", reservationUpdateStatus="Expired")
    assert charger.evse(1).status == "Available"


async def test_a_station_that_cannot_reserve_says_so(csms, switch_on):
    await switch_on("1.6", tempers=["no-reservation"])
    order = {"connectorId": 1, "expiryDate": TOMORROW, "idTag": "MINE", "reservationId": 9}
    assert await csms.ask("ReserveNow", order) == {"error": "NotSupported"}


async def test_the_heartbeat_follows_the_portals_wish(csms, switch_on):
    await switch_on("1.6")
    changed = await csms.ask("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "30"})
    assert changed["status"] == "Accepted"
    await csms.until("Heartbeat", times=3)


@pytest.mark.parametrize("version", BOTH)
async def test_availability_waits_for_the_end_of_the_charge(csms, switch_on, version):
    charger = await switch_on(version)
    await charging(csms, charger)
    if version == "1.6":
        order = {"connectorId": 1, "type": "Inoperative"}
    else:
        order = {"evse": {"id": 1}, "operationalStatus": "Inoperative"}
    assert (await csms.ask("ChangeAvailability", order))["status"] == "Scheduled"
    charger.evse(1).unplug()
    await csms.wait(lambda: csms.statuses()[-1] == "Unavailable")
    assert await charger.evse(1).swipe("CARD") == "refused: out of order"


async def test_the_local_list_and_settings_of_16(csms, switch_on):
    await switch_on("1.6")
    entries = [{"idTag": "CARD", "idTagInfo": {"status": "Accepted"}}]
    update = {"listVersion": 3, "updateType": "Full", "localAuthorizationList": entries}
    assert (await csms.ask("SendLocalList", update))["status"] == "Accepted"
    assert (await csms.ask("GetLocalListVersion", {}))["listVersion"] == 3
    stale = {"listVersion": 3, "updateType": "Differential", "localAuthorizationList": []}
    assert (await csms.ask("SendLocalList", stale))["status"] == "VersionMismatch"
    reply = await csms.ask("GetConfiguration", {"key": ["NumberOfConnectors", "Nonsense"]})
    assert reply["unknownKey"] == ["Nonsense"]
    assert reply["configurationKey"] == [{"key": "NumberOfConnectors", "readonly": True, "value": "1"}]
    keys = (await csms.ask("GetConfiguration", {}))["configurationKey"]
    assert "AuthorizationKey" not in {entry["key"] for entry in keys}
    for key, value, status in [
        ("NumberOfConnectors", "2", "Rejected"),
        ("HeartbeatInterval", "-1", "Rejected"),
        ("Nonsense", "1", "NotSupported"),
    ]:
        assert (await csms.ask("ChangeConfiguration", {"key": key, "value": value}))["status"] == status


@pytest.mark.parametrize("version", BOTH)
async def test_a_new_password_is_used_at_once(csms, switch_on, version):
    await switch_on(version)
    new = "correct horse battery"
    if version == "1.6":
        await csms.ask("ChangeConfiguration", {"key": "AuthorizationKey", "value": new})
    else:
        variable = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
        await csms.ask("SetVariables", {"setVariableData": [variable | {"attributeValue": new}]})
    while csms.connections < 2:
        await asyncio.sleep(0.01)
    assert csms.credentials[-1] == f"CP 1:{new}"


async def test_the_device_model_of_201(csms, switch_on):
    await switch_on("2.0.1")
    variable = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedInterval"}}
    written = await csms.ask("SetVariables", {"setVariableData": [variable | {"attributeValue": "15"}]})
    assert written["setVariableResult"][0]["attributeStatus"] == "Accepted"
    read = await csms.ask("GetVariables", {"getVariableData": [variable]})
    assert read["getVariableResult"][0]["attributeValue"] == "15"
    unknown = {"component": {"name": "Toaster"}, "variable": {"name": "Slots"}}
    read = await csms.ask("GetVariables", {"getVariableData": [unknown]})
    assert read["getVariableResult"][0]["attributeStatus"] == "UnknownComponent"
    await csms.ask("GetBaseReport", {"requestId": 8, "reportBase": "FullInventory"})
    await csms.until("NotifyReport", tbc=False, requestId=8)
    parts = csms.payloads("NotifyReport")
    assert [part["seqNo"] for part in parts] == list(range(len(parts)))
    names = {line["component"]["name"] for part in parts for line in part["reportData"]}
    assert {"EVSE", "Connector", "ChargingStation", "TxCtrlr"} <= names


@pytest.mark.parametrize("version", BOTH)
async def test_firmware_and_logs_report_their_progress(csms, switch_on, version):
    charger = await switch_on(version)
    past = "2020-01-01T00:00:00Z"
    if version == "1.6":
        firmware = {"location": "https://example.org/fw-2.5.bin", "retrieveDate": past}
        await csms.ask("GetDiagnostics", {"location": "ftp://example.org/logs"})
        await csms.until("DiagnosticsStatusNotification", status="Uploaded")
    else:
        file = {"location": "https://example.org/fw-2.5.bin", "retrieveDateTime": past}
        firmware = {"requestId": 4, "firmware": file}
        log = {"remoteLocation": "ftp://example.org/logs"}
        await csms.ask("GetLog", {"log": log, "logType": "DiagnosticsLog", "requestId": 3})
        await csms.until("LogStatusNotification", status="Uploaded", requestId=3)
    await csms.ask("UpdateFirmware", firmware)
    await csms.until("FirmwareStatusNotification", status="Installed")
    statuses = [p["status"] for p in csms.payloads("FirmwareStatusNotification")]
    assert statuses == ["Downloading", "Downloaded", "Installing", "Installed"]
    assert "fw-2.5" in json.dumps(csms.payloads("BootNotification")[-1])
    assert charger.booted


@pytest.mark.parametrize("version", BOTH)
async def test_unknown_and_unreadable_calls_get_errors(csms, switch_on, version):
    await switch_on(version)
    await csms._socket.send('{"not": "a call"}')
    csms.lenient = True
    assert await csms.ask("NeverHeardOf", {}) == {"error": "NotImplemented"}
    code = "FormationViolation" if version == "1.6" else "FormatViolation"
    assert await csms.ask("Reset", {}) == {"error": code}
