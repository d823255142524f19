"""A station that is new is read and set up after its first boot, in each version's words."""

import pytest

from monitoring.adopt import adopt
from stations import commands
from stations.configuration import templates
from stations.models import (
    Batch,
    Command,
    ConfigurationRun,
    ConfigurationTemplate,
    PendingStation,
    Provisioning,
    Setting,
    Station,
)
from stations.tasks import ingest
from tests import make
from tests.stations.configuration.conftest import Configured

SETTINGS = {
    "1.6": {
        "HeartbeatInterval": "17",
        "MeterValueSampleInterval": "900",
        "AuthorizeRemoteTxRequests": "true",
        "NumberOfConnectors": "1",
        "GetConfigurationMaxKeys": "3",
    },
    "2.0.1": {
        "OCPPCommCtrlr/HeartbeatInterval": "17",
        "SampledDataCtrlr/TxUpdatedInterval": "900",
        "AuthCtrlr/AuthorizeRemoteStart": "true",
        "DeviceDataCtrlr/ItemsPerMessage[SetVariables]": "2",
        "DeviceDataCtrlr/ItemsPerMessage[GetVariables]": "3",
        "Connector@1.1/AvailabilityState": "Available",
    },
}
SETTINGS["2.1"] = SETTINGS["2.0.1"]
HEARTBEAT = {"1.6": "HeartbeatInterval"}
ODD = {"1.6": "MeterValuesSampledData"}


def configured():
    return Provisioning.objects.filter(configured_at__isnull=False).first()


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_a_new_station_is_read_and_set_up(charger, station, database, eventually, version):
    heartbeat = HEARTBEAT.get(version, "OCPPCommCtrlr/HeartbeatInterval")
    odd = ODD.get(version, "SampledDataCtrlr/TxUpdatedMeasurands")
    async with charger(version, settings=SETTINGS[version], odd={odd: "Rejected"}) as cp:
        assert (await cp.boot())["status"] == "Accepted"
        if version != "1.6":
            await cp.expect("GetBaseReport")
            await eventually(has_been_read)
        await eventually(configured)
        assert cp.settings[heartbeat] == "300"
        if version == "1.6":
            # Read back in questions no longer than the station takes.
            assert all(len(each.get("key", [])) <= 3 for each in cp.calls("GetConfiguration"))
        else:
            assert all(len(each["setVariableData"]) <= 2 for each in cp.calls("SetVariables"))
            assert all(len(each["getVariableData"]) <= 3 for each in cp.calls("GetVariables"))

    kept = {row.path: row for row in await database(lambda: list(Setting.objects.all()))}
    assert kept[heartbeat].value == "300"
    assert (kept[odd].refusal, kept[odd].tried_at is not None) == ("Rejected", True)
    first = await database(ConfigurationRun.objects.get, kind="first")
    assert first.status == "partly"
    assert first.results[odd]["status"] == "Rejected"
    assert first.results[heartbeat] == {"wanted": "300", "status": "Accepted", "info": ""}
    row = await database(Station.objects.select_related("site").get)
    states = {each.path: str(each.state) for each in await database(templates.differences, row)}
    assert (states[heartbeat], states[odd]) == ("same", "refused")


def has_been_read():
    """Once a worker has ingested the report's parts."""
    for batch in Batch.objects.filter(done_at=None):
        ingest(str(batch.pk))
    return Provisioning.objects.filter(read_at__isnull=False).exists()


async def test_what_it_refused_is_not_asked_again_but_new_firmware_is_read(
    charger, station, database, eventually
):
    async with charger(settings=SETTINGS["1.6"], odd={"HeartbeatInterval": "Rejected"}) as cp:
        await cp.boot()
        await eventually(configured)
        tries = len(cp.calls("ChangeConfiguration"))
        await cp.boot()
        await cp.boot(firmwareVersion="2.0")
        await eventually(lambda: ConfigurationRun.objects.filter(kind="read", status="done").count() == 2)
        assert len(cp.calls("ChangeConfiguration")) == tries
    assert await database(lambda: Provisioning.objects.get().read_firmware) == "2.0"


async def test_the_operators_template_stands_in_for_the_portals_own(charger, station, database, eventually):
    def template(**more):
        return ConfigurationTemplate.objects.create(operator=station.site.operator, **more)

    for_all = {"HeartbeatInterval": "60", "LightIntensity": "50"}
    await database(template, name="All", values=for_all, position=20)
    await database(
        template, name="Vendor's", vendor="VENDOR", values={"HeartbeatInterval": "90"}, position=10
    )
    await database(template, name="Other", model="else", values={"HeartbeatInterval": "1"}, position=1)
    await database(template, name="2.x", protocol="2.x", values={"A/B": "1"}, position=1)
    async with charger(settings={**SETTINGS["1.6"], "LightIntensity": "10"}) as cp:
        await cp.boot()
        await eventually(configured)
        assert (cp.settings["HeartbeatInterval"], cp.settings["LightIntensity"]) == ("90", "50")
        assert cp.settings["MeterValueSampleInterval"] == "900"


async def test_an_adopted_station_is_set_up(door, transactional_db, database, eventually):
    def adopt_it():
        pending = PendingStation.objects.create(
            identity="CP-9", first_seen_at=make.NOON, last_seen_at=make.NOON
        )
        fields = {"name": "New", "evses": 1, "standard": "IEC_62196_T2", "power_kw": 11}
        return adopt(pending=pending, site=make.site(), **fields)[1]

    password = await database(adopt_it)
    async with Configured(door.url, "CP-9", password, settings=SETTINGS["1.6"]) as cp:
        await cp.boot()
        await eventually(configured)
        assert cp.settings["HeartbeatInterval"] == "300"


async def test_a_restart_that_it_asks_for_is_known_until_it_boots(charger, station, database, eventually):
    async with charger(settings=SETTINGS["1.6"], odd={"HeartbeatInterval": "RebootRequired"}) as cp:
        await cp.boot()
        await eventually(configured)
        assert await database(lambda: Provisioning.objects.get().reboot_required_at)
        await cp.boot()
        assert not await database(lambda: Provisioning.objects.get().reboot_required_at)


async def test_a_station_that_knows_its_keys_only_by_name(charger, station, database, eventually):
    def by_name(payload):
        return cp.get_configuration(payload) if payload.get("key") else {}

    async with charger(settings=SETTINGS["1.6"]) as cp:
        cp.on("GetConfiguration", by_name)
        await cp.boot()
        await eventually(configured)
    assert await database(lambda: Setting.objects.get(path="NumberOfConnectors").value) == "1"


async def test_a_station_without_reports_is_asked_for_its_variables(charger, station, database, eventually):
    async with charger("2.0.1", settings=SETTINGS["2.0.1"]) as cp:
        cp.on("GetBaseReport", {"status": "NotSupported"})
        await cp.boot()
        await eventually(configured)
        assert cp.settings["OCPPCommCtrlr/HeartbeatInterval"] == "300"
        assert [each["reportBase"] for each in cp.calls("GetBaseReport")] == [
            "FullInventory",
            "ConfigurationInventory",
        ]


async def test_a_call_sent_by_hand_tells_as_well(charger, station, database, eventually):
    async with charger(settings={"HeartbeatInterval": "17"}) as cp:
        await cp.boot()
        await eventually(configured)
        payload = {"key": "Vendor.Key", "value": "x"}
        row = await database(Station.objects.get)
        await database(lambda: commands.send(station=row, action="ChangeConfiguration", payload=payload))
        await eventually(lambda: Setting.objects.filter(path="Vendor.Key", value="x").exists())
    assert await database(Command.objects.filter(status="answered").count) > 2
