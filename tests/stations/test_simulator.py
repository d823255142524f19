"""Whole charges through the socket, for each protocol version."""

import asyncio
import json

import pytest

from stations.simulator import Car, Fleet, FleetConfig, StationConfig
from tests.stations.csms import FakeCsms

SPEED = 600
VERSIONS = ("1.6", "2.0.1", "2.1")
BOTH = ("1.6", "2.0.1")
TOMORROW = "2099-01-01T00:00:00Z"
HASH = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "a",
    "issuerKeyHash": "b",
    "serialNumber": "1",
}


@pytest.fixture
async def csms():
    async with FakeCsms() as portal:
        yield portal


@pytest.fixture
async def switch_on(csms):
    """Start one station and wait for its boot; all are stopped after the test."""
    fleets = []

    async def start(version="1.6", *, speed=SPEED, ready=True, **more):
        wire = {"identity": "CP 1", "password": "secret", "version": version, **more}
        config = FleetConfig(
            stations=(StationConfig.parse(wire),),
            url=csms.url,
            speed=speed,
            seed=7,
            first_backoff_s=0.02,
            call_timeout_s=1.0,
        )
        fleets.append(Fleet(config))
        await fleets[-1].start()
        if ready:
            await fleets[-1].ready()
            await csms.wait(lambda: csms.statuses())
        return fleets[-1]["CP 1"]

    yield start
    for fleet in fleets:
        await fleet.stop()


def started(csms):
    """Payloads that start a transaction, in either version."""
    return csms.payloads("StartTransaction") + csms.payloads("TransactionEvent", eventType="Started")


def ended(csms):
    return csms.payloads("StopTransaction") + csms.payloads("TransactionEvent", eventType="Ended")


def reason(payload):
    return payload.get("reason") or payload["transactionInfo"]["stoppedReason"]


def samples(csms, measurand="Energy.Active.Import.Register"):
    """Every value sent of a measurand, in order."""
    return [
        float(sample["value"])
        for _, payload in csms.calls
        for value in payload.get("meterValue", []) + payload.get("transactionData", [])
        for sample in value["sampledValue"]
        if sample["measurand"] == measurand
    ]


async def remote_start(csms, version, token="APP", **more):
    if version == "1.6":
        return await csms.ask("RemoteStartTransaction", {"idTag": token, "connectorId": 1, **more})
    return await csms.ask(
        "RequestStartTransaction",
        {"idToken": {"idToken": token, "type": "Central"}, "remoteStartId": 42, "evseId": 1, **more},
    )


async def remote_stop(csms, version, charger):
    tx = charger.evse(1).transaction
    if version == "1.6":
        return await csms.ask("RemoteStopTransaction", {"transactionId": tx.portal_id})
    return await csms.ask("RequestStopTransaction", {"transactionId": tx.id})


async def charging(csms, charger, token="CARD", car=None):
    """A car that charges by card at EVSE 1, and the portal knows."""
    charger.evse(1).plug_in(car or Car())
    assert await charger.evse(1).swipe(token) == "started"
    await csms.wait(lambda: started(csms))


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


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_whole_charge_by_card(csms, switch_on, version):
    charger = await switch_on(version)
    point = charger.evse(1)
    point.plug_in(Car(soc=50))
    assert await point.swipe("CARD") == "started"
    await csms.wait(lambda: samples(csms)[2:])
    assert point.evse.power_w == 11_000
    assert await point.swipe("card") == "stopped"
    stop = await csms.wait(lambda: ended(csms))
    await csms.wait(lambda: len(csms.statuses()) == (4 if version == "1.6" else 2))
    point.unplug()
    await csms.wait(lambda: csms.statuses()[-1] == "Available")
    assert reason(stop[0]) == "Local"
    assert csms.credentials == ["CP 1:secret"]
    finer = ["Available", "Preparing", "Charging", "Finishing", "Available"]
    assert csms.statuses() == (finer if version == "1.6" else ["Available", "Occupied", "Available"])
    assert max(samples(csms)) == pytest.approx(point.evse.register_wh, abs=1)
    assert max(samples(csms)) > min(samples(csms))
    assert max(samples(csms, "Power.Active.Import")) == 11_000
    if version != "1.6":
        numbers = [payload["seqNo"] for payload in csms.payloads("TransactionEvent")]
        assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_whole_charge_by_remote_start_and_stop(csms, switch_on, version):
    charger = await switch_on(version)
    charger.evse(1).plug_in(Car())
    assert (await remote_start(csms, version))["status"] == "Accepted"
    [start] = await csms.wait(lambda: started(csms))
    if version != "1.6":
        assert start["transactionInfo"]["remoteStartId"] == 42
        assert start["triggerReason"] == "RemoteStart"
    assert not csms.payloads("Authorize")
    await csms.wait(lambda: samples(csms)[1:])
    assert (await remote_stop(csms, version, charger))["status"] == "Accepted"
    assert reason((await csms.wait(lambda: ended(csms)))[0]) == "Remote"


@pytest.mark.parametrize("version", BOTH)
async def test_a_remote_start_without_a_car_is_given_up(csms, switch_on, version):
    charger = await switch_on(version)
    assert (await remote_start(csms, version))["status"] == "Accepted"
    if version == "1.6":
        await csms.wait(lambda: csms.statuses() == ["Available", "Preparing", "Available"])
        assert not started(csms)
    else:
        [end] = await csms.wait(lambda: ended(csms))
        assert (end["triggerReason"], reason(end)) == ("EVConnectTimeout", "Timeout")
    assert charger.evse(1).status == "Available"


async def test_a_car_comes_by_itself_after_a_remote_start(csms, switch_on):
    await switch_on("2.0.1", tempers=["auto-plug"])
    await remote_start(csms, "2.0.1")
    triggers = lambda: [p["triggerReason"] for p in csms.payloads("TransactionEvent")]  # noqa: E731
    await csms.wait(lambda: triggers()[2:])
    assert triggers()[:3] == ["RemoteStart", "CablePluggedIn", "ChargingStateChanged"]


@pytest.mark.parametrize("version", BOTH)
async def test_a_refused_token_charges_nothing(csms, switch_on, version):
    charger = await switch_on(version)
    charger.evse(1).plug_in(Car())
    assert await charger.evse(1).swipe("BAD") == "refused: Invalid"
    assert charger.evse(1).evse.power_w == 0
    # A remote start is not asked about before, but judged by the answer to the start.
    await remote_start(csms, version, token="BAD")
    assert reason((await csms.wait(lambda: ended(csms)))[0]) == "DeAuthorized"


@pytest.mark.parametrize("version", BOTH)
async def test_unplugging_ends_the_charge(csms, switch_on, version):
    charger = await switch_on(version)
    await charging(csms, charger)
    charger.evse(1).unplug()
    assert reason((await csms.wait(lambda: ended(csms)))[0]) == "EVDisconnected"
    assert await charger.evse(1).swipe("CARD") == "waiting"


@pytest.mark.parametrize("version", BOTH)
async def test_a_full_car_suspends(csms, switch_on, version):
    charger = await switch_on(version, speed=3600)
    await charging(csms, charger, car=Car(battery_wh=10_000, soc=78, target_soc=80))
    if version == "1.6":
        await csms.wait(lambda: csms.statuses()[-1] == "SuspendedEV")
    else:
        suspended = lambda: [  # noqa: E731
            p
            for p in csms.payloads("TransactionEvent")
            if p["transactionInfo"]["chargingState"] == "SuspendedEV"
        ]
        assert (await csms.wait(suspended))[0]["triggerReason"] == "ChargingStateChanged"
    assert charger.evse(1).evse.car.soc == pytest.approx(80)


@pytest.mark.parametrize("version", BOTH)
async def test_what_happens_offline_is_delivered_in_order(csms, switch_on, version):
    charger = await switch_on(version)
    point = charger.evse(1)
    await charging(csms, charger)
    await csms.wait(lambda: samples(csms)[1:])
    charger.go_offline()
    await asyncio.sleep(0.3)
    known = len(csms.calls)
    # The card was accepted online before, so the cache knows it.
    assert await point.swipe("CARD") == "stopped"
    assert await point.swipe("CARD") == "started"
    await asyncio.sleep(0.15)
    await point.swipe("CARD")
    assert len(csms.calls) == known
    charger.come_back()
    await csms.wait(lambda: len(ended(csms)) == 2)
    assert csms.connections == 2
    assert len(csms.payloads("BootNotification")) == 1
    stamps = [
        p.get("timestamp") or p["meterValue"][0]["timestamp"]
        for a, p in csms.calls
        if a in ("StartTransaction", "StopTransaction", "MeterValues", "TransactionEvent")
    ]
    assert stamps == sorted(stamps)
    assert samples(csms)[-1] == pytest.approx(point.evse.register_wh, abs=1)
    if version == "1.6":
        numbers = [p["transactionId"] for p in ended(csms)]
        assert len(set(numbers)) == 2 and -1 not in numbers
    else:
        assert [p["offline"] for p in ended(csms)] == [True, True]


@pytest.mark.parametrize("version", BOTH)
async def test_a_cut_while_the_portal_owes_an_answer_loses_nothing(csms, switch_on, version):
    charger = await switch_on(version)
    action = "StartTransaction" if version == "1.6" else "TransactionEvent"
    csms.answers[action] = lambda _payload: None
    await charging(csms, charger)
    await csms.drop()
    del csms.answers[action]
    await csms.wait(lambda: len(started(csms)) == 2)
    assert started(csms)[0] == started(csms)[1]


async def test_a_failed_transaction_message_is_retried_and_given_up(csms, switch_on):
    csms.answers["StartTransaction"] = lambda _payload: ["InternalError"]
    charger = await switch_on("1.6")
    await charging(csms, charger)
    await csms.wait(lambda: len(started(csms)) == 3)
    charger.evse(1).unplug()
    [end] = await csms.wait(lambda: ended(csms))
    assert end["transactionId"] == -1
    assert len(started(csms)) == 3


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


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
async def test_it_boots_until_it_is_accepted(csms, switch_on, status):
    csms.answers["BootNotification"] = lambda _payload: {
        "status": status,
        "currentTime": TOMORROW,
        "interval": 60,
    }
    charger = await switch_on("1.6", ready=False)
    await csms.until("BootNotification", times=2)
    charger.evse(1).plug_in(Car())
    assert {action for action, _ in csms.calls} == {"BootNotification"}
    if status == "Pending":
        await csms.ask("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1})
        await csms.until("StatusNotification", status="Preparing")
    del csms.answers["BootNotification"]
    await csms.until("StatusNotification", connectorId=0)


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


@pytest.mark.parametrize("version", BOTH)
async def test_a_fault_ends_the_charge_and_is_reported(csms, switch_on, version):
    charger = await switch_on(version)
    await charging(csms, charger)
    charger.evse(1).fault("GroundFailure", "E-7")
    await csms.wait(lambda: csms.statuses()[-1] == "Faulted")
    if version == "1.6":
        assert csms.payloads("StatusNotification")[-1]["vendorErrorCode"] == "E-7"
    else:
        assert (await csms.until("NotifyEvent"))["eventData"][0]["techCode"] == "E-7"
    charger.evse(1).clear_fault()
    await csms.wait(lambda: csms.statuses()[-1] != "Faulted")


async def test_power_loss_is_told_afterwards(csms, switch_on):
    charger = await switch_on("1.6")
    await charging(csms, charger)
    await charger.lose_power(30)
    [end] = await csms.wait(lambda: ended(csms))
    assert reason(end) == "PowerLoss"
    actions = [action for action, _ in csms.calls]
    assert actions.index("StopTransaction") > len(actions) - 1 - actions[::-1].index("BootNotification")


async def test_it_answers_while_its_own_call_waits(csms, switch_on):
    charger = await switch_on("1.6")
    csms.answers["Authorize"] = lambda _payload: None
    swipe = asyncio.create_task(charger.evse(1).swipe("CARD"))
    await csms.until("Authorize")
    assert (await csms.ask("ClearCache", {}))["status"] == "Accepted"
    assert not swipe.done()
    assert await swipe == "refused: Invalid"


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
    reply = csms.ask("DeleteCertificate", {"certificateHashData": HASH})
    assert await reply == {"error": "NotImplemented"}
    csms.lenient = True
    code = "FormationViolation" if version == "1.6" else "FormatViolation"
    assert await csms.ask("Reset", {}) == {"error": code}


async def test_a_rejecting_station_rejects_remote_starts(csms, switch_on):
    charger = await switch_on("1.6", tempers=[{"reject_share": 1.0}])
    charger.evse(1).plug_in(Car())
    assert (await remote_start(csms, "1.6"))["status"] == "Rejected"


async def test_a_flaky_station_comes_back_and_a_liar_lies(csms, switch_on):
    charger = await switch_on("1.6", tempers=["flaky", "liar", {"drop_every_s": 60}])
    await csms.wait(lambda: csms.connections >= 2 and csms.payloads("StatusNotification")[1:])
    assert (charger.now() - charger.clock.now()).total_seconds() == pytest.approx(600, abs=1)


async def test_a_faulty_station_breaks_and_recovers(csms, switch_on):
    await switch_on("1.6", tempers=[{"fault_every_s": 120}])
    await csms.wait(lambda: "Faulted" in csms.statuses() and csms.statuses()[-1] == "Available")
    assert csms.payloads("StatusNotification", status="Faulted")[0]["vendorErrorCode"]


async def test_visitors_charge_where_they_are_welcome(csms, switch_on):
    evses = [{"number": 1}, {"number": 2, "visitors": False}]
    visitors = {"tokens": ["A", "B"], "arrivals_per_hour": 60}
    await switch_on("1.6", speed=3600, evses=evses, visitors=visitors)
    await csms.wait(lambda: len(ended(csms)) >= 2, timeout=10)
    assert {payload["connectorId"] for payload in started(csms)} == {1}
    assert {payload["idTag"] for payload in started(csms)} <= {"A", "B"}
