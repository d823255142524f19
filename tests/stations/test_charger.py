"""The bare charger itself: what protocol tests rely on."""

import asyncio
import json

import pytest
from websockets.asyncio.server import serve

from tests.charger import CallError, Charger, Refused
from tests.stations.csms import FakeCsms


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_a_charge_in_a_few_lines(version):
    async with FakeCsms() as csms, Charger(csms.url, "CP-1", "secret", version=version) as charger:
        assert charger.subprotocol == f"ocpp{version}"
        assert (await charger.boot())["status"] == "Accepted"
        await charger.status()
        assert await charger.authorize("CARD") == "Accepted"
        await charger.start("CARD", meter_wh=100)
        await charger.meter(150, power_w=7000)
        await charger.stop(200)
        assert csms.credentials == ["CP-1:secret"]
        assert len(charger.sent) == len(charger.received) == 6


async def test_it_answers_and_waits_for_calls():
    async with FakeCsms() as csms, Charger(csms.url, "CP-1") as charger:
        await charger.boot()
        assert (await csms.ask("Reset", {"type": "Soft"}))["status"] == "Accepted"
        assert await charger.expect("Reset") == {"type": "Soft"}
        charger.on("ClearCache", {"status": "Rejected"})
        assert (await csms.ask("ClearCache", {}))["status"] == "Rejected"

        def refuse(_payload):
            raise CallError("NotSupported", "", {})

        charger.on("ClearCache", refuse)
        assert await csms.ask("ClearCache", {}) == {"error": "NotSupported"}
        charger.on("ClearCache", None)
        with pytest.raises(TimeoutError):
            await csms.ask("ClearCache", {}, timeout=0.1)


async def test_errors_and_raw_frames():
    async with FakeCsms() as csms, Charger(csms.url, "CP-1") as charger:
        csms.answers["Heartbeat"] = lambda _payload: ["SecurityError"]
        with pytest.raises(CallError) as problem:
            await charger.call("Heartbeat", {})
        assert problem.value.code == "SecurityError"
        await charger.send_raw(json.dumps([2, "raw", "Heartbeat", {}]))
        assert (await charger.next_frame())[:3] == [4, "raw", "SecurityError"]
        await csms.drop()
        assert await charger.closed() == 1006


async def test_a_refused_connection_names_its_status():
    def refuse(connection, _request):
        return connection.respond(401, "who?")

    async with serve(lambda _socket: asyncio.sleep(0), "127.0.0.1", 0, process_request=refuse) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Refused) as refusal:
            async with Charger(f"ws://127.0.0.1:{port}/ocpp", "CP-1", "wrong"):
                pass
    assert (refusal.value.status, refusal.value.body) == (401, "who?")
