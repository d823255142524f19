"""Settings over the API, to a charger on the real socket."""

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from stations import tasks
from stations.models import Batch, ConfigurationRun, Setting, Station
from tests.api import caller


@pytest.fixture
def api(station, settings):
    settings.OCPP_CONFIGURE_ON_BOOT = False
    client = caller(operator=station.site.operator)

    def call(method, path, body=None):
        try:
            return getattr(client, method)(path, body)
        finally:
            connection.close()

    return sync_to_async(call, thread_sensitive=False)


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_values_are_set_and_read_back(charger, api, version):
    path = "HeartbeatInterval" if version == "1.6" else "OCPPCommCtrlr/HeartbeatInterval"
    async with charger(version, settings={path: "17"}, odd={"A/B": "Rejected", "A": "Rejected"}) as cp:
        await cp.boot()
        other = "A" if version == "1.6" else "A/B"
        wish = {"values": {path: "60", other: "1"}}
        answer = await api("post", "stations/CP-1/configuration/?wait=10", wish)
        assert answer.status_code == 201
        assert (answer.data["status"], answer.data["kind"]) == ("partly", "write")
        assert answer.data["results"][path]["status"] == "Accepted"
        assert answer.data["results"][other]["status"] == "Rejected"
    found = await api("get", f"configuration/?station=CP-1&path={path}")
    assert [(each["path"], each["value"]) for each in found.data["results"]] == [(path, "60")]
    runs = await api("get", "configuration-runs/?station=CP-1")
    assert len(runs.data["results"]) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"values": {}},
        {"values": {"AuthorizationKey": "x"}},
        {"values": {"A": 1}},
        {"read": True, "new_password": True},
        {"security_profile": 1},
    ],
)
async def test_what_makes_no_sense_changes_nothing(api, database, body):
    answer = await api("post", "stations/CP-1/configuration/", body)
    assert answer.status_code == 400
    assert not await database(ConfigurationRun.objects.exists)


async def test_an_offline_charger(api, database):
    answer = await api("post", "stations/CP-1/configuration/?wait=5", {"values": {"A": "1"}})
    assert (answer.status_code, answer.data["status"]) == (201, "failed")
    assert "not connected" in answer.data["problem"]
    answer = await api("post", "stations/CP-1/configuration/", {"new_password": True})
    assert answer.status_code == 409


async def test_reading_components(charger, api, eventually, database):
    async with charger("2.0.1", settings={"A/B": "1"}) as cp:
        cp.on("GetReport", {"status": "Accepted"})
        await cp.boot()
        answer = await api("post", "stations/CP-1/configuration/", {"components": ["A", "C"]})
        asked = await cp.expect("GetReport")
        assert asked["requestId"] == answer.data["id"]
        assert [each["component"]["name"] for each in asked["componentVariable"]] == ["A", "C"]
        await cp.notify(asked["requestId"])
    assert await eventually(lambda: ingest() or Setting.objects.filter(path="A/B").exists())
    await eventually(lambda: ConfigurationRun.objects.filter(status="done").exists())


def ingest():
    for batch in Batch.objects.filter(done_at=None):
        tasks.ingest(str(batch.pk))


async def test_templates(api, database):
    body = {"name": "All", "protocol": "1.6", "values": {"HeartbeatInterval": "60"}}
    made = await api("post", "configuration-templates/", body)
    assert made.status_code == 201
    assert (await api("post", "configuration-templates/", body)).status_code == 400
    url = f"configuration-templates/{made.data['id']}/"
    assert (await api("patch", url, {"values": {"SecurityProfile": "3"}})).status_code == 400
    assert (await api("patch", url, {"protocol": "2.x"})).status_code == 400
    assert (await api("patch", url, {"values": {"A": "1"}})).data["values"] == {"A": "1"}
    answer = await api("post", "stations/CP-1/configuration/", {"apply_templates": True})
    assert answer.data["results"]["A"]["wanted"] == "1"
    assert (await api("delete", url)).status_code == 204


async def test_a_registration_changed_over_the_api(charger, api, database):
    async with charger() as cp:
        await cp.boot()
        await api("patch", "stations/CP-1/", {"registration": "Pending"})
        assert await cp.expect("TriggerMessage") == {"requestedMessage": "BootNotification"}
        assert (await cp.boot())["status"] == "Pending"
    assert await database(lambda: Station.objects.get().registration) == "Pending"
