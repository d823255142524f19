"""A new password by the protocol: old and new count until the new one was used; neither is ever shown."""

import base64

import pytest

from stations.configuration import credentials, passwords, profiles, runs
from stations.configuration.masking import MASK
from stations.exceptions import ChargerOffline
from stations.models import Command, ConfigurationRun, Message, Provisioning, Setting, Station
from tests.charger import Charger, Refused
from tests.stations.configuration.conftest import PASSWORD

VERSIONS = ["1.6", "2.0.1", "2.1"]


def given(cp):
    """The password that the portal has sent."""
    for call in cp.calls("ChangeConfiguration"):
        if call["key"] == "AuthorizationKey":
            return call["value"]
    for call in cp.calls("SetVariables"):
        for each in call["setVariableData"]:
            if each["variable"]["name"] == "BasicAuthPassword":
                return each["attributeValue"]
    return None


def rotate():
    return passwords.rotate(station=Station.objects.get())


def ended(kind="password"):
    return ConfigurationRun.objects.filter(kind=kind).exclude(status="running").first()


async def rotated(cp, database, eventually):
    await cp.boot()
    await database(rotate)
    run = await eventually(ended)
    return run, given(cp)


async def comes_in(door, password, headers=None, version="1.6"):
    try:
        async with Charger(door.url, "CP-1", password, version=version, headers=headers):
            return True
    except Refused:
        return False


@pytest.fixture(autouse=True)
def _no_set_up(settings):
    settings.OCPP_CONFIGURE_ON_BOOT = False


@pytest.mark.parametrize("version", VERSIONS)
async def test_old_and_new_count_until_the_new_one_is_used(
    door, charger, station, database, eventually, version
):
    async with charger(version) as cp:
        run, new = await rotated(cp, database, eventually)
        assert run.status == "done"
    assert (len(new) == 40) if version == "1.6" else (16 <= len(new) <= 40)
    assert await comes_in(door, PASSWORD, version=version)
    assert not await comes_in(door, "something-else-1", version=version)
    assert await comes_in(door, new, version=version)
    assert not await comes_in(door, PASSWORD, version=version)
    assert await comes_in(door, new, version=version)


async def test_a_1_6_key_is_bytes_and_chargers_present_it_either_way(
    door, charger, station, database, eventually
):
    async with charger() as cp:
        _run, key = await rotated(cp, database, eventually)
    raw = base64.b64encode(b"CP-1:" + bytes.fromhex(key)).decode()
    assert await comes_in(door, None, {"Authorization": f"Basic {raw}"})
    assert await comes_in(door, key.lower())


async def test_a_key_of_bytes_that_are_no_text(door, charger, station, database, eventually):
    key = "FF00FE" * 6
    async with charger() as cp:
        await cp.boot()

        def send():
            from stations import commands

            payload = {"key": "AuthorizationKey", "value": key}
            commands.send(station=Station.objects.get(), action="ChangeConfiguration", payload=payload)

        await database(send)
        await cp.expect("ChangeConfiguration")
        await eventually(lambda: Command.objects.filter(status="answered").exists())
    raw = base64.b64encode(b"CP-1:" + bytes.fromhex(key)).decode()
    assert await comes_in(door, None, {"Authorization": f"Basic {raw}"})
    assert not await comes_in(door, PASSWORD)


@pytest.mark.parametrize("version", VERSIONS)
async def test_it_is_shown_nowhere(door, charger, station, database, eventually, caplog, version):
    caplog.set_level("DEBUG")
    async with charger(version) as cp:
        _run, new = await rotated(cp, database, eventually)
        if version == "1.6":
            # This charger tells its key to whoever asks.
            cp.on(
                "GetConfiguration",
                {"configurationKey": [{"key": "AuthorizationKey", "readonly": False, "value": new}]},
            )
            await database(lambda: runs.read(station=Station.objects.get()))
            await eventually(ended, "read")
        else:
            cp.settings["SecurityCtrlr/BasicAuthPassword"] = new
            await cp.notify(7)
        await cp.call("Heartbeat", {})
    await eventually(lambda: Message.objects.filter(action="Heartbeat").exists() or True)
    rows = await database(
        lambda: [
            *Message.objects.values_list("frame", flat=True),
            *(f"{each.payload}{each.response}{each.secrets}" for each in Command.objects.all()),
            *(f"{each.calls}{each.results}" for each in ConfigurationRun.objects.all()),
            *(f"{each.value}{each.refused_value}" for each in Setting.objects.all()),
        ]
    )
    assert any(MASK in row for row in rows)
    assert not any(new in row or new.lower() in row.lower() for row in rows)
    assert new not in caplog.text


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_charger_that_refuses_keeps_its_old_one(
    door, charger, station, database, eventually, version
):
    odd = {"AuthorizationKey": "Rejected", "SecurityCtrlr/BasicAuthPassword": "Rejected"}
    async with charger(version, odd=odd) as cp:
        run, new = await rotated(cp, database, eventually)
    assert run.status == "failed"
    assert await database(lambda: Provisioning.objects.get().next_password_hash) == ""
    assert await comes_in(door, PASSWORD, version=version)
    assert not await comes_in(door, new, version=version)


async def test_a_charger_that_goes_before_it_answers_may_have_either(
    door, charger, station, database, eventually
):
    async with charger() as cp:
        await cp.boot()
        cp.on("ChangeConfiguration", None)
        await database(rotate)
        await cp.expect("ChangeConfiguration")
        new = given(cp)
        with pytest.raises(credentials.UnderWay):
            await database(rotate)
    assert (await eventually(ended)).status == "failed"
    with pytest.raises(ChargerOffline):
        await database(rotate)
    assert await comes_in(door, PASSWORD)
    # It has come with its old one since: so it did not take that, and may be given another.
    async with charger() as cp:
        await cp.boot()
        await database(rotate)
        await cp.expect("ChangeConfiguration")
        newer = given(cp)
        await eventually(lambda: ConfigurationRun.objects.filter(status="done").first())
    assert not await comes_in(door, new)
    assert await comes_in(door, newer)


async def test_an_offline_charger_gets_none(station, database):
    with pytest.raises(ChargerOffline):
        await database(rotate)
    assert not await database(Provisioning.objects.exclude(next_password_hash="").exists)


async def test_without_a_password_there_is_nothing_to_change(station, database):
    await database(lambda: Station.objects.update(security_profile=3))
    with pytest.raises(passwords.NoPassword):
        await database(rotate)


# Security profiles

TLS = {"X-Forwarded-Proto": "https"}


@pytest.fixture
def behind_proxy(settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def raise_to(profile):
    return profiles.upgrade(station=Station.objects.get(), profile=profile)


def profile():
    return Station.objects.get().security_profile


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_higher_profile(door, charger, station, database, eventually, behind_proxy, version):
    await database(
        lambda: Setting.objects.create(
            station=station, path=profiles.PRIORITY, variable="x", value="1,2", choices="1,2,3"
        )
    )
    place = "NetworkConfiguration[1]/OcppInterface"
    await database(
        lambda: Setting.objects.create(station=station, path=place, variable="x", value="Wireless0")
    )
    async with charger(version) as cp:
        await cp.boot()
        await database(raise_to, 2)
        assert (await eventually(ended, "profile")).status == "done"
        if version == "1.6":
            assert cp.calls("ChangeConfiguration") == [{"key": "SecurityProfile", "value": "2"}]
        else:
            network = cp.calls("SetNetworkProfile")[0]
            assert network["configurationSlot"] == 3
            assert network["connectionData"]["securityProfile"] == 2
            assert network["connectionData"]["ocppInterface"] == "Wireless0"
            assert network["connectionData"]["ocppCsmsUrl"].startswith("wss://")
            assert cp.settings[profiles.PRIORITY] == "3,1,2"
            assert cp.calls("Reset") == [{"type": "OnIdle"}]
    # Under way it may still come as before.
    assert await comes_in(door, PASSWORD, version=version)
    assert await database(profile) == 1
    assert await comes_in(door, PASSWORD, TLS, version)
    assert await database(profile) == 2
    assert not await comes_in(door, PASSWORD, version=version)
    with pytest.raises(profiles.NotHigher):
        await database(raise_to, 1)
    with pytest.raises(profiles.NotHigher):
        await database(raise_to, 2)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_charger_that_refuses_the_profile_keeps_its_own(
    charger, station, database, eventually, version
):
    async with charger(version, odd={"SecurityProfile": "Rejected"}) as cp:
        cp.on("SetNetworkProfile", {"status": "Rejected"})
        await cp.boot()
        await database(raise_to, 2)
        run = await eventually(ended, "profile")
        assert not cp.calls("Reset")
    assert (run.status, "Rejected" in run.problem) == ("failed", True)
    assert await database(lambda: Provisioning.objects.get().next_security_profile) is None
