"""Blocks L, N and P: firmware, logs, what stations know of customers, data transfer."""

import json

from tests.charger import now
from tests.stations.conformance import keys
from tests.stations.conformance.bench import REJECTED
from tests.stations.conformance.v201.transaction import charging

FETCHED = ["Downloading", "Downloaded", "SignatureVerified"]


def firmware(**more) -> dict:
    return {
        "requestId": 9,
        "firmware": {
            "location": "https://files.example.com/firmware.bin",
            "retrieveDateTime": "2026-06-15T12:00:00Z",
            "signingCertificate": keys.CERTIFICATE,
            "signature": "c2lnbmF0dXJl",
            **more,
        },
    }


async def updates(bench, *statuses: str, charger=None, **more):
    """L01: each step that the station tells of is kept."""
    charger = charger or await bench.boot()
    await bench.send(charger, "UpdateFirmware", firmware(**more))
    await steps(bench, charger, *statuses)
    return charger


async def steps(bench, charger, *statuses: str) -> None:
    for status in statuses:
        step = {"status": status, "requestId": 9}
        assert await charger.call("FirmwareStatusNotification", step) == {}
    assert (await bench.firmware_steps())[-len(statuses) :] == list(statuses)


async def installed(bench, charger) -> None:
    await charger.close()
    again = await bench.boot(
        reason="FirmwareUpdate",
        chargingStation={"vendorName": "Acme", "model": "Two", "firmwareVersion": "2.0"},
    )
    await steps(bench, again, "Installed")
    assert (await bench.row()).firmware == "2.0"


async def tc_l_01(bench):
    await installed(bench, await updates(bench, *FETCHED, "Installing", "InstallRebooting"))


async def tc_l_02(bench):
    charger = await updates(
        bench, *FETCHED, "InstallScheduled", "Installing", installDateTime="2026-06-15T13:00:00Z"
    )
    await installed(bench, charger)


async def tc_l_03(bench):
    await installed(bench, await updates(bench, "DownloadScheduled", *FETCHED, "Installing"))


async def tc_l_04(bench):
    await certificate_refused(bench, "RevokedCertificate")


async def tc_l_05(bench):
    await certificate_refused(bench, "InvalidCertificate")


async def certificate_refused(bench, status: str) -> None:
    charger = await bench.boot()
    command = await bench.send(charger, "UpdateFirmware", firmware(), {"status": status})
    assert not command.accepted


async def tc_l_06(bench):
    charger = await updates(bench, "Downloading", "Downloaded", "InvalidSignature")
    event = {"type": "InvalidFirmwareSignature", "timestamp": now()}
    assert await charger.call("SecurityEventNotification", event) == {}
    assert await bench.events("security") == ["InvalidFirmwareSignature"]


async def tc_l_07(bench):
    await updates(bench, "Downloading", "DownloadFailed")


async def tc_l_08(bench):
    await updates(bench, *FETCHED, "Installing", "InstallVerificationFailed")


async def tc_l_09(bench):
    await updates(bench, *FETCHED, "Installing", "InstallationFailed")


async def tc_l_10(bench):
    charger = await bench.boot()
    await bench.send(charger, "UpdateFirmware", firmware())
    assert await charger.call("FirmwareStatusNotification", {"status": "Downloading", "requestId": 9}) == {}
    second = firmware() | {"requestId": 10}
    command = await bench.send(charger, "UpdateFirmware", second, {"status": "AcceptedCanceled"})
    assert command.response == {"status": "AcceptedCanceled"}
    await bench.logged("FirmwareStatusNotification")


async def tc_l_11(bench):
    charger = await bench.boot()
    await bench.send(charger, "UpdateFirmware", firmware())
    second = firmware() | {"requestId": 10}
    command = await bench.send(charger, "UpdateFirmware", second, REJECTED)
    assert not command.accepted


async def tc_l_13(bench):
    charger, transaction = await charging(bench)
    await updates(bench, "DownloadScheduled", charger=charger)
    await transaction.ended("EVCommunicationLost", "EVDisconnected", "Idle", meter_wh=1500)
    await transaction.is_over("EVDisconnected", energy_wh=500)
    await steps(bench, charger, *FETCHED, "Installing")


# N: logs


def log(kind: str, number: int = 8) -> dict:
    return {"logType": kind, "requestId": number, "log": {"remoteLocation": "https://files.example.com/log"}}


async def gets_log(bench, kind: str):
    charger = await bench.boot()
    await bench.send(charger, "GetLog", log(kind), {"status": "Accepted", "filename": "log.zip"})
    await log_steps(bench, charger, 8, "Uploading", "Uploaded")
    return charger


async def log_steps(bench, charger, number: int, *statuses: str) -> None:
    for status in statuses:
        step = {"status": status, "requestId": number}
        assert await charger.call("LogStatusNotification", step) == {}
    frames = await bench.logged("LogStatusNotification", times=len(statuses))
    assert [json.loads(frame)[3]["status"] for frame in frames] == list(statuses)


async def tc_n_25(bench):
    await gets_log(bench, "DiagnosticsLog")


async def tc_n_34(bench):
    charger = await bench.boot()
    command = await bench.send(charger, "GetLog", log("DiagnosticsLog"), REJECTED)
    assert not command.accepted


async def tc_n_35(bench):
    await gets_log(bench, "SecurityLog")


async def tc_n_36(bench):
    charger = await bench.boot()
    first = await bench.send(charger, "GetLog", log("DiagnosticsLog", 8))
    second = await bench.send(
        charger,
        "GetLog",
        log("DiagnosticsLog", 9),
        {"status": "AcceptedCanceled", "filename": "log.zip"},
    )
    assert (first.response["status"], second.response["status"]) == ("Accepted", "AcceptedCanceled")
    await log_steps(bench, charger, 9, "AcceptedCanceled", "Uploading", "Uploaded")


# N: customers


async def tc_n_27(bench):
    await asks_about_customer(bench, {"report": True, "clear": False}, "Name: Alice")


async def tc_n_28(bench):
    await asks_about_customer(bench, {"report": True, "clear": False}, "")


async def tc_n_29(bench):
    charger = await bench.boot()
    asked = customer(bench, {"report": True, "clear": False})
    for status in ("Rejected", "Invalid"):
        command = await bench.send(charger, "CustomerInformation", asked, {"status": status})
        assert not command.accepted


async def tc_n_30(bench):
    await asks_about_customer(bench, {"report": True, "clear": True}, "Name: Alice")


async def tc_n_31(bench):
    await asks_about_customer(bench, {"report": True, "clear": True}, "")


async def tc_n_32(bench):
    charger = await bench.boot()
    await bench.send(charger, "CustomerInformation", customer(bench, {"report": False, "clear": True}))


async def tc_n_62(bench):
    charger = await bench.boot()
    asked = {"requestId": 3, "report": True, "clear": True, "customerIdentifier": "customer-1"}
    await bench.send(charger, "CustomerInformation", asked)
    await tells(bench, charger, "Name: Alice")


def customer(bench, what: dict) -> dict:
    return {"requestId": 3, **what, "idToken": {"idToken": bench.token, "type": "ISO14443"}}


async def asks_about_customer(bench, what: dict, found: str) -> None:
    charger = await bench.boot()
    await bench.send(charger, "CustomerInformation", customer(bench, what))
    await tells(bench, charger, found)


async def tells(bench, charger, found: str) -> None:
    told = {"data": found, "seqNo": 0, "generatedAt": now(), "requestId": 3}
    assert await charger.call("NotifyCustomerInformation", told) == {}
    (frame,) = await bench.logged("NotifyCustomerInformation")
    assert json.loads(frame)[3]["data"] == found


# P: data transfer


async def tc_p_02(bench):
    charger = await bench.boot()
    answer = await charger.call(
        "DataTransfer", {"vendorId": "org.nobody", "messageId": "M", "data": {"a": 1}}
    )
    assert answer["status"] in ("UnknownVendorId", "UnknownMessageId", "Rejected")
    (frame,) = await bench.logged("DataTransfer")
    assert json.loads(frame)[3]["data"] == {"a": 1}


async def tc_p_03(bench):
    """Members of a maker's own are the one extension that the standard allows, at any depth."""
    custom = {"vendorId": "org.nobody", "somethingElse": [1, {"b": None}]}
    charger = await bench.connect()
    station = {"vendorName": "Acme", "model": "Two", "customData": custom}
    assert (await charger.boot(chargingStation=station, customData=custom))["status"] == "Accepted"
    await bench.status(charger, "Available", customData=custom)
    assert await bench.state() == "available"
    assert (await bench.row()).vendor == "Acme"
    (frame,) = await bench.logged("BootNotification")
    assert json.loads(frame)[3]["customData"] == custom
