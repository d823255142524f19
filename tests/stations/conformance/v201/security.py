"""Blocks A and M: passwords, TLS, certificates."""

import ssl

import pytest

from stations.models import Station
from tests.charger import Charger, Refused, now
from tests.stations.conformance import keys
from tests.stations.conformance.bench import ACCEPTED, PASSWORD, REJECTED
from tests.stations.conformance.entry import (
    behind_proxy,
    given_certificate,
    presenting,
    takes_certificates_only,
)

BASIC_PASSWORD = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}


async def is_refused(bench, **how) -> Refused:
    """Nobody is let in, and nothing of it is a message."""
    with pytest.raises(Refused) as refused:
        await bench.connect(**how)
    return refused.value


async def tc_a_01(bench):
    charger = await bench.boot()
    assert charger.subprotocol == f"ocpp{bench.version}"
    assert (await bench.row()).is_online


async def tc_a_02(bench):
    wrong_user = keys.basic("SOMEBODY-ELSE", PASSWORD)
    refused = await is_refused(bench, password=None, headers={"Authorization": wrong_user})
    assert refused.status == 401
    await bench.is_offline()
    await bench.boot()


async def tc_a_03(bench):
    assert (await is_refused(bench, password="a-wrong-charger-password")).status == 401
    await bench.is_offline()
    await bench.boot()


async def profile(bench, number: int) -> None:
    await bench.database(Station.objects.filter(pk=bench.station.pk).update, security_profile=number)


async def tc_a_04(bench):
    await profile(bench, 2)
    assert (await is_refused(bench)).status == 401
    charger = await bench.boot(await bench.connect(**bench.over_tls()))
    spoken = charger.socket.transport.get_extra_info("ssl_object").version()
    assert spoken in ("TLSv1.2", "TLSv1.3")
    assert (await bench.row()).is_online


async def tc_a_06(bench):
    await profile(bench, 2)
    # A server that took so old a version would have met it.
    assert keys.can_meet(keys.old_tls(), ssl.TLSVersion.TLSv1_1)
    await is_refused(bench, **bench.over_tls(keys.old_tls()))
    await bench.is_offline()
    await bench.boot(await bench.connect(**bench.over_tls()))


async def certified(bench) -> str:
    """The station has a certificate, and nothing else counts for it any more."""
    charger = await bench.boot()
    chain = await given_certificate(bench, charger)
    await charger.close()
    await takes_certificates_only(bench)
    return chain


async def tc_a_07(bench):
    chain = await certified(bench)
    with behind_proxy():
        assert (await is_refused(bench, **presenting())).status == 401
        await bench.boot(await bench.connect(**presenting(chain)))
    assert (await bench.row()).is_online


async def tc_a_08(bench):
    chain = await certified(bench)
    with behind_proxy():
        foreign = presenting(keys.foreign_certificate(bench.identity))
        assert (await is_refused(bench, **foreign)).status == 401
        await bench.is_offline()
        await bench.boot(await bench.connect(**presenting(chain)))


async def tc_a_09(bench):
    """A01: a new password; the old one counts no more once the station has used it."""
    from stations.configuration import passwords

    charger = await bench.boot()
    charger.on("SetVariables", sets_all)
    await bench.database(passwords.rotate, station=await bench.row())
    (asked,) = (await charger.expect("SetVariables"))["setVariableData"]
    assert (asked["component"]["name"], asked["variable"]["name"]) == ("SecurityCtrlr", "BasicAuthPassword")
    assert 16 <= len(asked["attributeValue"]) <= 40
    await charger.close()
    await bench.boot(await bench.connect(password=asked["attributeValue"]))
    assert (await is_refused(bench)).status == 401


def sets_all(asked: dict) -> dict:
    """The station takes every value."""
    return {
        "setVariableResult": [
            {
                "attributeStatus": "Accepted",
                "component": each["component"],
                "variable": each["variable"],
            }
            for each in asked["setVariableData"]
        ]
    }


async def tc_a_10(bench):
    charger = await bench.boot()
    await sets(bench, charger, BASIC_PASSWORD, "another-charger-password", "Rejected")
    await bench.until(lambda: _has_one_password(bench.station.pk))
    await charger.close()
    assert (await is_refused(bench, password="another-charger-password")).status == 401
    await bench.boot()


def _has_one_password(pk: int) -> bool:
    """A password that was on its way counts beside the old one, until the answer has been taken in."""
    upcoming = getattr(Station.objects.get(pk=pk), "provisioning", None)
    return upcoming is None or not upcoming.next_password_hash


async def sets(bench, charger, variable: dict, value: str, status: str) -> None:
    asked = {"setVariableData": [variable | {"attributeValue": value}]}
    done = {"setVariableResult": [variable | {"attributeStatus": status}]}
    await bench.send(charger, "SetVariables", asked, done)


async def renews(bench, trigger: str, answer) -> Charger:
    """A02: the station is asked to make itself a new key, and is given a certificate for it."""
    charger = await bench.boot()
    await bench.send(charger, "TriggerMessage", {"requestedMessage": trigger})
    await given_certificate(bench, charger, answer, certificateType=trigger.removeprefix("Sign"))
    return charger


async def tc_a_11(bench):
    await renews(bench, "SignChargingStationCertificate", ACCEPTED)


async def tc_a_12(bench):
    await renews(bench, "SignV2GCertificate", ACCEPTED)


async def tc_a_14(bench):
    charger = await renews(bench, "SignChargingStationCertificate", REJECTED)
    event = {"type": "InvalidChargingStationCertificate", "timestamp": now()}
    assert await charger.call("SecurityEventNotification", event) == {}
    assert await bench.events("security") == ["InvalidChargingStationCertificate"]


async def tc_a_19(bench):
    """A05: a higher profile, once the station has come with it; there is no way back."""
    from stations.configuration import profiles

    charger = await bench.boot()
    charger.on("SetVariables", sets_all)
    await bench.database(profiles.upgrade, station=await bench.row(), profile=2, url=bench.tls_url)
    asked = await charger.expect("SetNetworkProfile")
    data = asked["connectionData"]
    assert (data["securityProfile"], data["ocppCsmsUrl"]) == (2, bench.tls_url)
    (wish,) = (await charger.expect("SetVariables"))["setVariableData"]
    assert wish["variable"]["name"] == "NetworkConfigurationPriority"
    assert wish["attributeValue"].startswith(str(asked["configurationSlot"]))
    assert await charger.expect("Reset") == {"type": "OnIdle"}
    await charger.close()
    await bench.boot(await bench.connect(**bench.over_tls()))
    assert (await bench.row()).security_profile == 2
    assert (await is_refused(bench)).status == 401


# M: certificates in the station


async def tc_m_01(bench):
    await installs(bench, "CSMSRootCertificate")


async def tc_m_02(bench):
    await installs(bench, "ManufacturerRootCertificate")


async def tc_m_05(bench):
    await installs(bench, "CSMSRootCertificate", "Failed")


async def installs(bench, kind: str, status: str = "Accepted") -> None:
    charger = await bench.boot()
    asked = {"certificateType": kind, "certificate": keys.CERTIFICATE}
    command = await bench.send(charger, "InstallCertificate", asked, {"status": status})
    assert command.accepted == (status == "Accepted")


async def tc_m_13(bench):
    await lists(bench, ["ManufacturerRootCertificate"], "ManufacturerRootCertificate")


async def tc_m_18(bench):
    await lists(bench, None, "CSMSRootCertificate", "ManufacturerRootCertificate", "V2GRootCertificate")


async def tc_m_19(bench):
    await lists(bench, ["MORootCertificate"])


async def lists(bench, wanted: list[str] | None, *kinds: str) -> None:
    charger = await bench.boot()
    answer: dict = {"status": "Accepted" if kinds else "NotFound"}
    if kinds:
        answer["certificateHashDataChain"] = [
            {"certificateType": kind, "certificateHashData": keys.HASH} for kind in kinds
        ]
    asked = {"certificateType": wanted} if wanted else {}
    command = await bench.send(charger, "GetInstalledCertificateIds", asked, answer)
    assert command.response == answer


async def tc_m_20(bench):
    for algorithm in ("SHA256", "SHA384", "SHA512"):
        await deletes(bench, algorithm, "Accepted")


async def tc_m_21(bench):
    await deletes(bench, "SHA256", "Failed")


async def deletes(bench, algorithm: str, status: str) -> None:
    charger = await bench.boot()
    asked = {"certificateHashData": keys.HASH | {"hashAlgorithm": algorithm}}
    command = await bench.send(charger, "DeleteCertificate", asked, {"status": status})
    assert command.accepted == (status == "Accepted")
    await charger.close()
