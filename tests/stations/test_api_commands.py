"""Commands over the API, to a charger on the real socket."""

import asyncio
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from stations import commands
from stations.models import Station
from stations.ocpp import hub
from tests import make
from tests.api import caller
from tests.charger import CallError, Charger

PASSWORD = "charger-password-1"


@pytest.fixture
def api(transactional_db):
    site = make.site()
    make.evse(station=make.station(site=site, identity="CP-1", password=PASSWORD))
    client = caller(operator=site.operator)

    def post(body, query=""):
        try:
            return client.post(f"stations/CP-1/commands/{query}", body)
        finally:
            connection.close()

    return sync_to_async(post, thread_sensitive=False)


async def test_the_reply_waits_for_the_chargers_answer(door, api):
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.boot()
        reply = {
            "configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}],
            "unknownKey": ["Ä"],
        }
        charger.on("GetConfiguration", lambda _payload: reply)
        answer = await api({"action": "GetConfiguration", "payload": {}}, "?wait=10")
    assert answer.status_code == 201
    assert answer.data["status"] == "answered"
    assert answer.data["response"] == reply


async def test_2x_calls_are_spelt_as_the_version_spells_them(door, api):
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        await charger.boot()
        answer = await api({"action": "RemoteStartTransaction", "payload": {"idTag": "A"}}, "?wait=5")
        assert answer.status_code == 400
        assert "2.0.1" in answer.data["errors"]["action"][0]
        answer = await api({"action": "Reset", "payload": {"type": "OnIdle"}}, "?wait=10")
    assert (answer.data["status"], answer.data["response"]["status"]) == ("answered", "Accepted")


def refuse(_payload):
    raise CallError("NotSupported", "not here", {})


async def test_a_charger_that_refuses_the_call_is_an_error_with_its_code(door, api):
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.boot()
        charger.on("Reset", refuse)
        answer = await api({"action": "Reset", "payload": {"type": "Soft"}}, "?wait=10")
    assert answer.data["status"] == "error"
    assert (answer.data["error_code"], answer.data["error_description"]) == ("NotSupported", "not here")


async def test_a_short_wait_ends_before_a_slow_charger(door, api):
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.boot()
        charger.on("Reset", None)
        answer = await api({"action": "Reset", "payload": {"type": "Soft"}}, "?wait=0.3")
    assert answer.status_code == 201
    assert answer.data["status"] in ("queued", "sent")


async def test_a_call_may_wait_for_a_charger_that_is_away(door, api, monkeypatch):
    monkeypatch.setattr(hub, "SETTLE_SECONDS", 0.05)
    command = await sync_to_async(keep)(timedelta(hours=1))
    assert command.status == "queued"
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.boot()
        assert await charger.expect("Reset") == {"type": "Soft"}
        for _i in range(100):
            await sync_to_async(refresh)(command)
            if command.status == "answered":
                break
            await asyncio.sleep(0.05)
    assert command.status == "answered"


def keep(keep_for):
    try:
        station = Station.objects.get(identity="CP-1")
        return commands.send(station=station, action="Reset", payload={"type": "Soft"}, keep_for=keep_for)
    finally:
        connection.close()


def refresh(command):
    try:
        command.refresh_from_db()
    finally:
        connection.close()
