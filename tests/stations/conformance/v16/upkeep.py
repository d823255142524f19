"""Local lists, firmware, diagnostics and security of 1.6 (with its security extensions)."""

import json

from stations.models import Station
from tests.charger import Refused
from tests.stations.conformance import keys
from tests.stations.conformance.bench import ACCEPTED, PASSWORD, REJECTED
from tests.stations.conformance.entry import (
    behind_proxy,
    given_certificate,
    presenting,
    takes_certificates_only,
)

WHERE = "https://files.example.com/firmware.bin"


async def tc_042_1(bench):
    charger = await bench.boot()
    command = await bench.send(charger, "GetLocalListVersion", {}, {"listVersion": -1})
    assert command.response["listVersion"] == -1


async def tc_042_2(bench):
    charger = await bench.boot()
    command = await bench.send(charger, "GetLocalListVersion", {}, {"listVersion": 0})
    assert command.response["listVersion"] == 0


async def tc_043_1(bench):
    await sends_list(bench, "Full", "NotSupported")


async def tc_043_3(bench):
    await sends_list(bench, "Full", "Failed")


async def tc_043_4(bench):
    await sends_list(bench, "Full", "Accepted")


async def tc_043_5(bench):
    await sends_list(bench, "Differential", "Accepted")


async def sends_list(bench, update: str, outcome: str) -> None:
    charger = await bench.boot()
    asked = {
        "listVersion": 1,
        "localAuthorizationList": [{"idTag": bench.token, "idTagInfo": {"status": "Accepted"}}],
        "updateType": update,
    }
    command = await bench.send(charger, "SendLocalList", asked, {"status": outcome})
    assert command.accepted == (outcome == "Accepted")


async def tc_044_1(bench):
    charger = await updates_firmware(bench, ["Downloading", "Downloaded", "Installing"])
    await charger.close()
    again = await bench.boot(firmwareVersion="2.0")
    assert await again.call("FirmwareStatusNotification", {"status": "Installed"}) == {}
    assert (await bench.row()).firmware == "2.0"
    assert (await bench.firmware_steps())[-1] == "Installed"


async def tc_044_2(bench):
    await updates_firmware(bench, ["Downloading", "DownloadFailed"])


async def tc_044_3(bench):
    await updates_firmware(bench, ["Downloading", "Downloaded", "Installing", "InstallationFailed"])


async def updates_firmware(bench, statuses: list[str]):
    charger = await bench.boot()
    asked = {"location": WHERE, "retrieveDate": "2026-06-15T12:00:00Z"}
    await bench.send(charger, "UpdateFirmware", asked, {})
    for status in statuses:
        assert await charger.call("FirmwareStatusNotification", {"status": status}) == {}
    assert await bench.firmware_steps() == statuses
    return charger


async def tc_045_1(bench):
    await gets_diagnostics(bench, ["Uploading", "Uploaded"])


async def tc_045_2(bench):
    await gets_diagnostics(bench, ["Uploading", "UploadFailed"])


async def gets_diagnostics(bench, statuses: list[str]) -> None:
    charger = await bench.boot()
    asked = {"location": "https://files.example.com/diagnostics"}
    command = await bench.send(charger, "GetDiagnostics", asked, {"fileName": "diagnostics.zip"})
    assert command.response["fileName"] == "diagnostics.zip"
    for status in statuses:
        assert await charger.call("DiagnosticsStatusNotification", {"status": status}) == {}
    frames = await bench.logged("DiagnosticsStatusNotification", times=len(statuses))
    assert [json.loads(frame)[3]["status"] for frame in frames] == statuses


async def tc_079(bench):
    charger = await bench.boot()
    asked = {
        "log": {"remoteLocation": "https://files.example.com/log"},
        "logType": "SecurityLog",
        "requestId": 8,
    }
    await bench.send(charger, "GetLog", asked, {"status": "Accepted", "filename": "security.log"})
    for status in ("Uploading", "Uploaded"):
        assert await charger.call("LogStatusNotification", {"status": status, "requestId": 8}) == {}
    frames = await bench.logged("LogStatusNotification", times=2)
    assert json.loads(frames[-1])[3] == {"status": "Uploaded", "requestId": 8}


async def tc_080(bench):
    statuses = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting"]
    charger = await updates_securely(bench, statuses)
    await charger.close()
    again = await bench.boot(firmwareVersion="2.0")
    assert await again.call("SignedFirmwareStatusNotification", {"status": "Installed", "requestId": 9}) == {}
    assert (await bench.row()).firmware == "2.0"
    assert (await bench.firmware_steps())[-1] == "Installed"


async def tc_081(bench):
    charger = await updates_securely(bench, ["Downloading", "Downloaded", "InvalidSignature"])
    await security_event(charger, "InvalidFirmwareSignature")
    assert await bench.events("security") == ["InvalidFirmwareSignature"]


async def updates_securely(bench, statuses: list[str]):
    charger = await bench.boot()
    asked = {
        "firmware": {
            "location": WHERE,
            "retrieveDateTime": "2026-06-15T12:00:00Z",
            "signature": "c2lnbmF0dXJl",
            "signingCertificate": keys.CERTIFICATE,
        },
        "requestId": 9,
    }
    await bench.send(charger, "SignedUpdateFirmware", asked)
    for status in statuses:
        answer = await charger.call("SignedFirmwareStatusNotification", {"status": status, "requestId": 9})
        assert answer == {}
    assert await bench.firmware_steps() == statuses
    return charger


async def security_event(charger, kind: str) -> None:
    event = {"type": kind, "timestamp": "2026-06-15T12:00:00Z"}
    assert await charger.call("SecurityEventNotification", event) == {}


async def tc_073(bench):
    """Security §3.2: a new key; the old one counts no more once the charger has used it."""
    from stations.configuration import passwords

    charger = await bench.boot()
    charger.on("ChangeConfiguration", ACCEPTED)
    await bench.database(passwords.rotate, station=await bench.row())
    asked = await charger.expect("ChangeConfiguration")
    assert asked["key"] == "AuthorizationKey"
    new = bytes.fromhex(asked["value"])
    assert 16 <= len(new) <= 20
    await charger.close()
    await bench.boot(await bench.connect(password=new.decode()))
    await refuses(bench, password=PASSWORD)


async def tc_074(bench):
    charger = await bench.boot()
    await bench.send(charger, "ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
    await given_certificate(bench, charger)


async def tc_075_1(bench):
    await installs(bench, "ManufacturerRootCertificate")


async def tc_075_2(bench):
    await installs(bench, "CentralSystemRootCertificate")


async def installs(bench, kind: str) -> None:
    charger = await bench.boot()
    asked = {"certificateType": kind, "certificate": keys.CERTIFICATE}
    await bench.send(charger, "InstallCertificate", asked)
    found = {"status": "Accepted", "certificateHashData": [keys.HASH]}
    command = await bench.send(charger, "GetInstalledCertificateIds", {"certificateType": kind}, found)
    assert command.response["certificateHashData"] == [keys.HASH]


async def tc_076(bench):
    charger = await bench.boot()
    await bench.send(charger, "DeleteCertificate", {"certificateHashData": keys.HASH})


async def tc_077(bench):
    charger = await bench.boot()
    await bench.send(charger, "ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
    await given_certificate(bench, charger, REJECTED)
    await security_event(charger, "InvalidChargePointCertificate")
    assert await bench.events("security") == ["InvalidChargePointCertificate"]


async def tc_078(bench):
    charger = await bench.boot()
    asked = {"certificateType": "CentralSystemRootCertificate", "certificate": keys.CERTIFICATE}
    await bench.send(charger, "InstallCertificate", asked, REJECTED)
    await security_event(charger, "InvalidCentralSystemCertificate")
    assert await bench.events("security") == ["InvalidCentralSystemCertificate"]


async def tc_083(bench):
    """Security §4: once the charger has come with the higher profile, nothing below it is let in."""
    from stations.configuration import profiles

    charger = await bench.boot()
    charger.on("ChangeConfiguration", ACCEPTED)
    await bench.database(profiles.upgrade, station=await bench.row(), profile=2, url=bench.tls_url)
    assert await charger.expect("ChangeConfiguration") == {"key": "SecurityProfile", "value": "2"}
    await charger.close()
    await bench.boot(await bench.connect(**bench.over_tls()))
    assert (await bench.row()).security_profile == 2
    await refuses(bench)


async def tc_085(bench):
    await refuses(bench, password="wrong-password")
    await refuses(bench, password=None)
    charger = await bench.boot()
    assert charger.subprotocol == "ocpp1.6"
    assert (await bench.row()).is_online


async def refuses(bench, **how) -> None:
    """The socket is refused before the upgrade."""
    try:
        await bench.connect(**how)
    except Refused as refused:
        assert refused.status == 401
    else:
        raise AssertionError("it was let in")


async def tc_086(bench):
    await bench.database(Station.objects.filter(pk=bench.station.pk).update, security_profile=2)
    await refuses(bench)
    charger = await bench.boot(await bench.connect(**bench.over_tls()))
    version = charger.socket.transport.get_extra_info("ssl_object").version()
    assert version in ("TLSv1.2", "TLSv1.3")
    assert (await bench.row()).is_online


async def tc_087(bench):
    charger = await bench.boot()
    chain = await given_certificate(bench, charger)
    await charger.close()
    await takes_certificates_only(bench)
    with behind_proxy():
        await refuses(bench, **presenting())
        await bench.boot(await bench.connect(**presenting(chain)))
    assert (await bench.row()).is_online


async def tc_088(bench):
    for offered, chosen in ((["ocpp1.6"], "ocpp1.6"), (["ocpp1.5", "ocpp1.6"], "ocpp1.6")):
        charger = await bench.connect(subprotocols=offered)
        assert charger.subprotocol == chosen
        assert (await charger.boot())["status"] == "Accepted"
        await charger.close()
    try:
        await bench.connect(subprotocols=["ocpp1.5"])
    except Refused as refused:
        assert refused.status == 400
    else:
        raise AssertionError("a version that the portal doesn't speak was let in")
    assert (await bench.row()).ocpp_version == "1.6"
