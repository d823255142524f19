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
async def test_firmware_and_logs_report_their_progress(csms, switch_on, version, files):
    charger = await switch_on(version)
    past = "2020-01-01T00:00:00Z"
    if version == "1.6":
        firmware = {"location": f"{files.url}/fw-2.5.bin", "retrieveDate": past}
        await csms.ask("GetDiagnostics", {"location": f"{files.url}/logs/"})
        await csms.until("DiagnosticsStatusNotification", status="Uploaded")
    else:
        file = {"location": f"{files.url}/fw-2.5.bin", "retrieveDateTime": past}
        firmware = {"requestId": 4, "firmware": file}
        log = {"remoteLocation": f"{files.url}/logs/"}
        await csms.ask("GetLog", {"log": log, "logType": "DiagnosticsLog", "requestId": 3})
        await csms.until("LogStatusNotification", status="Uploaded", requestId=3)
    await csms.ask("UpdateFirmware", firmware)
    await csms.until("FirmwareStatusNotification", status="Installed")
    statuses = [p["status"] for p in csms.payloads("FirmwareStatusNotification")]
    assert statuses == ["Downloading", "Downloaded", "Installing", "Installed"]
    assert "fw-2.5" in json.dumps(csms.payloads("BootNotification")[-1])
    assert charger.booted
    assert "firmware 1.0.0" in files.left[0].decode()


@pytest.mark.parametrize("version", BOTH)
async def test_files_that_can_not_be_had_or_left(csms, switch_on, version, files):
    charger = await switch_on(version)
    past, wrong = "2020-01-01T00:00:00Z", f"{files.url}/missing"
    if version == "1.6":
        firmware = {"location": wrong, "retrieveDate": past, "retries": 2, "retryInterval": 1}
        await csms.ask("GetDiagnostics", {"location": "ftp://example.org/logs"})
        await csms.until("DiagnosticsStatusNotification", status="UploadFailed")
    else:
        file = {"location": wrong, "retrieveDateTime": past}
        firmware = {"requestId": 4, "retries": 2, "retryInterval": 1, "firmware": file}
        log = {"remoteLocation": "ftp://example.org/logs"}
        await csms.ask("GetLog", {"log": log, "logType": "DiagnosticsLog", "requestId": 3})
        await csms.until("LogStatusNotification", status="UploadFailure", requestId=3)
    await csms.ask("UpdateFirmware", firmware)
    await csms.until("FirmwareStatusNotification", status="DownloadFailed")
    statuses = [p["status"] for p in csms.payloads("FirmwareStatusNotification")]
    assert statuses == ["Downloading"] * 3 + ["DownloadFailed"]
    assert charger.station.firmware == "1.0.0"


@pytest.mark.parametrize("version", BOTH)
async def test_unknown_and_unreadable_calls_get_errors(csms, switch_on, version):
    await switch_on(version)
    await csms._socket.send('{"not": "a call"}')
    csms.lenient = True
    assert await csms.ask("NeverHeardOf", {}) == {"error": "NotImplemented"}
    code = "FormationViolation" if version == "1.6" else "FormatViolation"
    assert await csms.ask("Reset", {}) == {"error": code}


# What limits it, and what it watches


async def test_installed_profiles_are_reported_for_each_evse(csms, switch_on):
    await switch_on("2.0.1", evses=[{"number": 1}, {"number": 2}])
    request = {"requestId": 9, "chargingProfile": {}}
    assert (await csms.ask("GetChargingProfiles", request))["status"] == "NoProfiles"
    first = limit("2.0.1", 5000)
    assert await set_profile(csms, "2.0.1", 1, first) == "Accepted"
    assert await set_profile(csms, "2.0.1", 2, limit("2.0.1", 6000) | {"id": 6}) == "Accepted"
    assert (await csms.ask("GetChargingProfiles", request))["status"] == "Accepted"
    await csms.until("ReportChargingProfiles", 2)
    told = csms.payloads("ReportChargingProfiles")
    assert [(one["evseId"], one["tbc"], one["requestId"]) for one in told] == [(1, True, 9), (2, False, 9)]
    assert told[0]["chargingProfile"] == [first]
    only = request | {"chargingProfile": {"chargingProfileId": [7]}}
    assert (await csms.ask("GetChargingProfiles", only))["status"] == "NoProfiles"


def watch(component="EVSE", variable="Power", type="UpperThreshold", value=1000, severity=4):
    return {
        "type": type,
        "value": value,
        "severity": severity,
        "component": {"name": component, "evse": {"id": 1}},
        "variable": {"name": variable},
    }


async def test_a_threshold_is_told_when_it_is_passed_and_when_it_is_over(csms, switch_on):
    charger = await switch_on("2.0.1")
    wishes = [watch(), watch(variable="Problem", type="Delta"), watch(variable="Fuse"), watch("Fan")]
    wishes += [watch(type="Periodic"), watch(variable="Problem"), watch()]
    answer = await csms.ask("SetVariableMonitoring", {"setMonitoringData": wishes})
    assert [one["status"] for one in answer["setMonitoringResult"]] == [
        "Accepted",
        "Accepted",
        "UnknownVariable",
        "UnknownComponent",
        "UnsupportedMonitorType",
        "UnsupportedMonitorType",
        "Duplicate",
    ]
    number = answer["setMonitoringResult"][0]["id"]
    await charging(csms, charger)
    [event] = (await csms.until("NotifyEvent"))["eventData"]
    assert (event["variableMonitoringId"], event["trigger"], float(event["actualValue"])) == (
        number,
        "Alerting",
        11000,
    )
    charger.evse(1).unplug()
    [over] = (await csms.until("NotifyEvent", 2))["eventData"]
    assert over["cleared"] and float(over["actualValue"]) == 0

    ask = {"requestId": 3, "monitoringCriteria": ["ThresholdMonitoring"]}
    assert (await csms.ask("GetMonitoringReport", ask))["status"] == "Accepted"
    report = await csms.until("NotifyMonitoringReport")
    assert [line["variableMonitoring"][0]["id"] for line in report["monitor"]] == [number]
    cleared = await csms.ask("ClearVariableMonitoring", {"id": [number, 99]})
    assert [one["status"] for one in cleared["clearMonitoringResult"]] == ["Accepted", "NotFound"]
    assert (await csms.ask("SetMonitoringBase", {"monitoringBase": "HardWiredOnly"}))["status"] == "Accepted"
    assert (await csms.ask("GetMonitoringReport", {"requestId": 4}))["status"] == "EmptyResultSet"


async def test_a_level_keeps_minor_events_quiet(csms, switch_on):
    charger = await switch_on("2.0.1")
    await csms.ask("SetVariableMonitoring", {"setMonitoringData": [watch(severity=6)]})
    assert (await csms.ask("SetMonitoringLevel", {"severity": 10}))["status"] == "Rejected"
    assert (await csms.ask("SetMonitoringLevel", {"severity": 5}))["status"] == "Accepted"
    await charging(csms, charger)
    await csms.until("TransactionEvent", triggerReason="ChargingStateChanged")
    await csms.ask("ClearCache", {})
    assert not csms.payloads("NotifyEvent")


async def test_a_car_on_direct_current_says_what_it_needs(csms, switch_on):
    charger = await switch_on("2.0.1", evses=[{"number": 1, "dc": True, "max_power_w": 150000}])
    await charging(csms, charger)
    told = await csms.until("NotifyEVChargingNeeds")
    assert told["chargingNeeds"]["requestedEnergyTransfer"] == "DC"
    assert told["chargingNeeds"]["dcChargingParameters"]["evMaxPower"] == 120000


async def test_a_dynamic_profile_is_obeyed_and_updated(csms, switch_on):
    charger = await switch_on("2.1")
    await charging(csms, charger)
    profile = limit("2.1", 5000) | {"chargingProfileKind": "Dynamic"}
    assert await set_profile(csms, "2.1", 1, profile) == "Accepted"
    assert charger.evse(1).evse.power_w == 5000
    update = {"chargingProfileId": 5, "scheduleUpdate": {"limit": 8000}}
    assert (await csms.ask("UpdateDynamicSchedule", update))["status"] == "Accepted"
    assert charger.evse(1).evse.power_w == 8000
    assert (await csms.ask("UpdateDynamicSchedule", update | {"chargingProfileId": 6}))[
        "status"
    ] == "Rejected"
    assert (await csms.ask("UpdateDynamicSchedule", update | {"scheduleUpdate": {}}))["status"] == "Rejected"


async def test_2_0_1_knows_no_dynamic_profiles(csms, switch_on):
    await switch_on("2.0.1")
    csms.lenient = True
    update = {"chargingProfileId": 5, "scheduleUpdate": {"limit": 8000}}
    assert (await csms.ask("UpdateDynamicSchedule", update)) == {"error": "NotImplemented"}
