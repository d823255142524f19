"""Block B: boot, the device model, resets, the network's settings."""

import json

import pytest

from stations import commands
from stations.models import Station
from tests.charger import CallError, Refused, now
from tests.stations.conformance.bench import ACCEPTED
from tests.stations.conformance.v201.transaction import charging

INTERVAL = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
OFFLINE = {"component": {"name": "AuthCtrlr"}, "variable": {"name": "AuthorizeRemoteStart"}}
SCHEDULED = {"status": "Scheduled"}


async def tc_b_01(bench):
    charger = await bench.boot(
        chargingStation={
            "vendorName": "Acme",
            "model": "Two",
            "serialNumber": "S-1",
            "firmwareVersion": "1.2",
        }
    )
    assert "currentTime" in await charger.call("Heartbeat", {})
    station = await bench.row()
    assert (station.vendor, station.model, station.serial_number, station.firmware) == (
        "Acme",
        "Two",
        "S-1",
        "1.2",
    )
    assert (station.boot_reason, station.ocpp_version) == ("PowerUp", bench.version)


async def registered(bench, status: str) -> None:
    await bench.database(Station.objects.filter(pk=bench.station.pk).update, registration=status)


async def tc_b_02(bench):
    await registered(bench, "Pending")
    charger = await bench.connect()
    answer = await charger.boot()
    assert answer["status"] == "Pending"
    assert answer["interval"] > 0
    # While it is pending, the portal may already read and write what it has.
    answers = {"getVariableResult": [INTERVAL | {"attributeStatus": "Accepted", "attributeValue": "300"}]}
    await bench.send(charger, "GetVariables", {"getVariableData": [INTERVAL]}, answers)
    await registered(bench, "Accepted")
    await bench.boot(charger)
    assert (await bench.row()).booted_at is not None


async def is_shut_out(charger) -> None:
    """B02/B03: until it is accepted, a station has nothing else to say."""
    for action, payload in (
        ("Heartbeat", {}),
        ("Authorize", {"idToken": {"idToken": "CARD", "type": "ISO14443"}}),
        (
            "StatusNotification",
            {"timestamp": now(), "connectorStatus": "Available", "evseId": 1, "connectorId": 1},
        ),
    ):
        with pytest.raises(CallError) as error:
            await charger.call(action, payload)
        assert error.value.code == "SecurityError"


async def tc_b_30(bench):
    for status in ("Pending", "Rejected"):
        await registered(bench, status)
        charger = await bench.connect()
        assert (await charger.boot())["status"] == status
        await is_shut_out(charger)
        await charger.close()
    await registered(bench, "Accepted")
    await bench.boot()


async def tc_b_31(bench):
    await registered(bench, "Pending")
    charger = await bench.connect()
    assert (await charger.boot())["status"] == "Pending"
    await registered(bench, "Accepted")
    await bench.send(charger, "TriggerMessage", {"requestedMessage": "BootNotification"})
    await bench.boot(charger)
    assert await bench.state() == "available"


async def tc_b_06(bench):
    await gets(bench, INTERVAL)


async def tc_b_07(bench):
    await gets(bench, INTERVAL, OFFLINE)


async def gets(bench, *wanted: dict) -> None:
    charger = await bench.boot()
    found = [each | {"attributeStatus": "Accepted", "attributeValue": "1"} for each in wanted]
    command = await bench.send(
        charger, "GetVariables", {"getVariableData": list(wanted)}, {"getVariableResult": found}
    )
    assert command.response["getVariableResult"] == found


async def tc_b_08(bench):
    """B06: no more variables in a message than the station said that it takes."""
    from stations.configuration import runs

    charger = await bench.boot()
    limit = {
        "component": {"name": "DeviceDataCtrlr"},
        "variable": {"name": "ItemsPerMessage", "instance": "GetVariables"},
        "variableAttribute": [{"value": "2", "mutability": "ReadOnly"}],
    }
    told = {"requestId": 1, "generatedAt": now(), "seqNo": 0, "reportData": [limit]}
    assert await charger.call("NotifyReport", told) == {}
    await bench.ingest()
    charger.on("SetVariables", lambda asked: taken(asked, "setVariable"))
    charger.on("GetVariables", lambda asked: taken(asked, "getVariable"))
    values = {f"SampledDataCtrlr/Own{number}": "1" for number in range(5)}
    await bench.database(runs.write, station=await bench.row(), values=values)
    sizes = [len((await charger.expect("GetVariables"))["getVariableData"]) for _round in range(3)]
    assert sizes == [2, 2, 1]


def taken(asked: dict, what: str) -> dict:
    """The station does as it is told, and says so of each variable."""
    results = []
    for each in asked[f"{what}Data"]:
        place = {"component": each["component"], "variable": each["variable"]}
        value = {"attributeValue": "1"} if what == "getVariable" else {}
        results.append(place | {"attributeStatus": "Accepted"} | value)
    return {f"{what}Result": results}


async def tc_b_09(bench):
    await sets(bench, INTERVAL)


async def tc_b_10(bench):
    await sets(bench, INTERVAL, OFFLINE)


async def sets(bench, *wanted: dict) -> None:
    charger = await bench.boot()
    # As long as the version lets it be.
    value = "1".zfill(2500 if bench.is_21 else 1000)
    asked = [each | {"attributeValue": value} for each in wanted]
    done = [each | {"attributeStatus": "Accepted"} for each in wanted]
    command = await bench.send(
        charger, "SetVariables", {"setVariableData": asked}, {"setVariableResult": done}
    )
    assert command.response["setVariableResult"] == done


async def tc_b_12(bench):
    await reports(bench, "ConfigurationInventory")


async def tc_b_13(bench):
    await reports(bench, "FullInventory")


async def tc_b_14(bench):
    await reports(bench, "SummaryInventory")


async def reports(bench, base: str) -> None:
    charger = await bench.boot()
    await bench.send(charger, "GetBaseReport", {"requestId": 5, "reportBase": base})
    await says(bench, charger)


async def says(bench, charger) -> None:
    """A report comes in parts, and each is answered and kept."""
    for number, wanted in enumerate((INTERVAL, OFFLINE)):
        part = {
            "requestId": 5,
            "generatedAt": now(),
            "seqNo": number,
            "tbc": number == 0,
            "reportData": [wanted | {"variableAttribute": [{"value": "1"}]}],
        }
        assert await charger.call("NotifyReport", part) == {}
    frames = await bench.logged("NotifyReport", times=2)
    assert [json.loads(frame)[3]["tbc"] for frame in frames] == [True, False]
    await bench.ingest()


async def tc_b_18(bench):
    charger = await bench.boot()
    asked = {"requestId": 5, "componentVariable": [INTERVAL, OFFLINE], "componentCriteria": ["Problem"]}
    await bench.send(charger, "GetReport", asked)
    await says(bench, charger)


async def tc_b_20(bench):
    charger = await bench.boot()
    asked = await bench.portal(charger, "Reset", ACCEPTED, commands.reset, station=bench.station)
    assert asked == {"type": "OnIdle"}
    await comes_back(bench, charger)


async def comes_back(bench, charger) -> None:
    booted_at = (await bench.row()).booted_at
    await charger.close()
    await bench.boot(reason="RemoteReset")
    station = await bench.row()
    assert station.booted_at > booted_at
    assert station.boot_reason == "RemoteReset"


async def tc_b_21(bench):
    charger, transaction = await charging(bench)
    await bench.portal(charger, "Reset", SCHEDULED, commands.reset, station=bench.station)
    await transaction.is_open("Charging")
    await transaction.ended("EVCommunicationLost", "EVDisconnected", "Idle", meter_wh=1500)
    await comes_back(bench, charger)
    await transaction.is_over("EVDisconnected", energy_wh=500)


async def tc_b_22(bench):
    charger, transaction = await charging(bench)
    asked = await bench.portal(charger, "Reset", ACCEPTED, commands.reset, station=bench.station, hard=True)
    assert asked == {"type": "Immediate"}
    await transaction.ended("ResetCommand", "ImmediateReset", "EVConnected", meter_wh=1500)
    await comes_back(bench, charger)
    await transaction.is_over("ImmediateReset", energy_wh=500)


async def tc_b_25(bench):
    charger = await bench.boot()
    await bench.send(charger, "Reset", {"type": "OnIdle", "evseId": 1})
    await bench.status(charger, "Unavailable")
    await bench.status(charger, "Available")
    assert await bench.state() == "available"


async def tc_b_26(bench):
    charger, transaction = await charging(bench)
    await bench.send(charger, "Reset", {"type": "OnIdle", "evseId": 1}, SCHEDULED)
    await transaction.is_open("Charging")
    await transaction.ended("EVCommunicationLost", "EVDisconnected", "Idle", meter_wh=1500)
    await bench.status(charger, "Available")
    await transaction.is_over("EVDisconnected", energy_wh=500)
    assert await bench.state() == "available"


async def tc_b_27(bench):
    charger, transaction = await charging(bench)
    await bench.send(charger, "Reset", {"type": "Immediate", "evseId": 1})
    await transaction.ended("ResetCommand", "ImmediateReset", "EVConnected", meter_wh=1200)
    await transaction.is_over("ImmediateReset", energy_wh=200)


async def tc_b_42(bench):
    await sets_network(bench, ACCEPTED)


async def tc_b_44(bench):
    await sets_network(bench, {"status": "Failed"})


async def sets_network(bench, answer) -> None:
    charger = await bench.boot()
    asked = {"configurationSlot": 2, "connectionData": network(bench)}
    command = await bench.send(charger, "SetNetworkProfile", asked, answer)
    assert command.accepted == (answer == ACCEPTED)


def network(bench) -> dict:
    data = {
        "messageTimeout": 30,
        "ocppCsmsUrl": "wss://csms.example.com/ocpp",
        "ocppInterface": "Wired0",
        "ocppTransport": "JSON",
        "securityProfile": 1,
    }
    if bench.is_21:
        # The version is agreed upon when the socket opens.
        return data
    return data | {"ocppVersion": "OCPP20"}


async def tc_b_58(bench):
    spoken = f"ocpp{bench.version}"
    charger = await bench.connect(subprotocols=["ocpp0.1", spoken])
    assert charger.subprotocol == spoken
    assert (await charger.boot())["status"] == "Accepted"
    await charger.close()
    with pytest.raises(Refused) as refused:
        await bench.connect(subprotocols=["ocpp0.1"])
    assert refused.value.status == 400
    assert (await bench.row()).ocpp_version == bench.version
