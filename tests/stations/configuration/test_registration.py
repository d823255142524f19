"""Pending and rejected stations: what passes, what may be sent, and how a change reaches them."""

import asyncio

import pytest

from stations import commands, registration
from stations.models import Batch, Command, Setting, Station
from stations.ocpp import hub
from stations.tasks import ingest
from tests.charger import CallError

VERSIONS = ["1.6", "2.0.1", "2.1"]
START = {
    "1.6": ("RemoteStartTransaction", {"idTag": "A"}),
    "2.0.1": (
        "RequestStartTransaction",
        {"idToken": {"idToken": "A", "type": "ISO14443"}, "remoteStartId": 1},
    ),
}
START["2.1"] = START["2.0.1"]
READ = {
    "1.6": ("GetConfiguration", {}),
    "2.0.1": ("GetBaseReport", {"requestId": 5, "reportBase": "FullInventory"}),
}
READ["2.1"] = READ["2.0.1"]


def send(action, payload):
    return commands.send(station=Station.objects.get(), action=action, payload=payload)


def become(word):
    return registration.register(station=Station.objects.get(), registration=word)


async def refused(call):
    with pytest.raises(CallError) as error:
        await call
    return error.value.code


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_pending_station(charger, station, database, eventually, version):
    await database(become, "Pending")
    async with charger(version, settings={"OCPPCommCtrlr/HeartbeatInterval": "5"}) as cp:
        answer = await cp.boot()
        assert answer["status"] == "Pending" and 60 <= answer["interval"] <= 66
        assert await refused(cp.call("Heartbeat", {})) == "SecurityError"
        assert await refused(cp.status()) == "SecurityError"
        # It may be looked at and set up, but not used.
        start = await database(send, *START[version])
        assert (start.status, start.error_code) == ("error", "SecurityError")
        read = await database(send, *READ[version])
        await cp.expect(read.action)
        await eventually(lambda: Command.objects.get(pk=read.pk).status == "answered")
        if version != "1.6":
            await cp.notify(5)
            for batch in await database(lambda: list(Batch.objects.filter(done_at=None))):
                await database(ingest, str(batch.pk))
            assert await database(lambda: Setting.objects.get().value) == "5"
        # What it was asked to send passes.
        await database(send, "TriggerMessage", {"requestedMessage": "StatusNotification"})
        await cp.expect("TriggerMessage")
        await cp.status()
        assert await refused(cp.call("Heartbeat", {})) == "SecurityError"
        # Accepted: its socket follows at once, and it is asked to boot.
        await database(become, "Accepted")
        assert (await cp.expect("TriggerMessage"))["requestedMessage"] == "BootNotification"
        assert (await cp.boot())["status"] == "Accepted"
        await cp.call("Heartbeat", {})


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_rejected_station_is_sent_nothing(charger, station, database, version):
    async with charger(version) as cp:
        await cp.boot()
        await cp.call("Heartbeat", {})
        await database(become, "Rejected")
        assert (await cp.expect("TriggerMessage"))["requestedMessage"] == "BootNotification"
        assert await refused(cp.call("Heartbeat", {})) == "SecurityError"
        assert (await cp.boot())["status"] == "Rejected"
        assert (await database(send, *READ[version])).status == "error"


async def test_the_row_decides_where_the_message_got_lost(
    charger, station, database, monkeypatch, eventually
):
    monkeypatch.setattr(hub, "BEAT_SECONDS", 0.1)
    async with charger() as cp:
        await cp.boot()
        await database(lambda: Station.objects.update(registration="Rejected"))
        for _i in range(100):
            try:
                await cp.call("Heartbeat", {})
                await asyncio.sleep(0.05)
            except CallError as error:
                assert error.code == "SecurityError"
                break
        else:
            pytest.fail("its socket never followed")


async def test_a_call_that_waits_is_sent_once_it_is_accepted(charger, station, database, eventually):
    await database(become, "Pending")
    async with charger() as cp:
        await cp.boot()
        await database(become, "Accepted")
        await cp.expect("TriggerMessage")
        await cp.boot()
        # The first configuration begins with reading it.
        await cp.expect("GetConfiguration")
