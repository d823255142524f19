"""Several web processes side by side: a command finds the one that holds its charger, also after a death."""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from evportal.embedded.addresses import CHECKOUT
from evportal.run import plan
from evportal.run.settings import child_environment
from tests.charger import Charger

PASSWORD = "a-charger-of-two-1"


class Node:
    """One more web process of the running portal, on a port of its own."""

    def __init__(self, portal, port: int):
        self.url, self.ocpp = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/ocpp"
        env = child_environment(portal.data, portal.env) | {"PORT": str(port)}
        self._output = (portal.data / f"node-{port}.log").open("wb")
        self.process = subprocess.Popen(
            plan.web(env).argv,
            cwd=CHECKOUT,
            env=os.environ | env,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    def wait(self, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/healthz", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        raise AssertionError("the second node did not start")

    def kill(self) -> None:
        """As if its machine lost power."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        self._output.close()


@pytest.fixture
def second(portal):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    node = Node(portal, port)
    try:
        node.wait()
        yield node
    finally:
        node.stop()


@pytest.fixture
def here(portal):
    """The first node's API."""
    with portal.api() as client:
        yield client


def new_station(api, identity: str) -> None:
    made = api.post(
        "stations/",
        json={
            "site": "berlin-hauptbahnhof",
            "identity": identity,
            "password": PASSWORD,
            "evses": [{"number": 1, "connectors": [{"number": 1, "standard": "IEC_62196_T2"}]}],
        },
    )
    assert made.status_code == 201, made.text


async def tell(api, identity: str, action: str = "ClearCache", query: str = "?wait=20", **more) -> dict:
    """In a thread: the charger answers from this one."""
    body = {"action": action, "payload": {}, **more}
    answer = await asyncio.to_thread(api.post, f"stations/{identity}/commands/{query}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_command_finds_the_charger_from_either_node(portal, second, here):
    new_station(here, "NODES-1")
    new_station(here, "NODES-2")
    there = httpx.Client(base_url=f"{second.url}/api/v1/", headers=here.headers, timeout=60)
    with there:
        async with (
            Charger(second.ocpp, "NODES-1", PASSWORD) as far,
            Charger(portal.ocpp, "NODES-2", PASSWORD) as near,
        ):
            await far.boot()
            await near.boot()
            for api in (here, there):
                for charger in (far, near):
                    command = await tell(api, charger.identity)
                    assert (command["status"], command["response"]) == ("answered", {"status": "Accepted"})
            assert len([frame for frame in far.received if frame[0] == 2]) == 2
            assert len([frame for frame in near.received if frame[0] == 2]) == 2


async def test_a_killed_nodes_charger_is_found_where_it_comes_back(portal, second, here):
    new_station(here, "NODES-3")
    async with Charger(second.ocpp, "NODES-3", PASSWORD) as charger:
        await charger.boot()
        assert (await tell(here, "NODES-3"))["status"] == "answered"
        second.kill()
        await charger.closed(10)
        # Its row still names the dead node: what may wait is not lost with it.
        kept = await tell(here, "NODES-3", "GetLocalListVersion", "", if_offline="wait", expires_in=300)
        assert kept["status"] in ("queued", "sent")
    async with Charger(portal.ocpp, "NODES-3", PASSWORD) as charger:
        await charger.boot()
        assert (await tell(here, "NODES-3"))["status"] == "answered"
        await charger.expect("GetLocalListVersion", 20)
        end = time.monotonic() + 20
        while (found := here.get(f"commands/{kept['id']}/").json())["status"] != "answered":
            assert time.monotonic() < end, found
            await asyncio.sleep(0.2)
    sent = [frame[2] for frame in charger.received if frame[0] == 2]
    assert sorted(sent) == ["ClearCache", "GetLocalListVersion"]


async def test_a_node_that_is_asked_to_end_loses_nothing_it_acknowledged(portal, second, here):
    """A deployment: chargers keep reporting while the process ends, and are told to come back (1012)."""
    new_station(here, "NODES-4")
    acknowledged = []
    began = datetime.now(UTC) - timedelta(hours=3)

    async def report(charger, number: int) -> None:
        sampled = {"value": str(number), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        at = (began + timedelta(seconds=number)).isoformat()
        values = [{"timestamp": at, "sampledValue": [sampled]}]
        await charger.call("MeterValues", {"connectorId": 1, "meterValue": values})
        acknowledged.append(number)

    async def keep_reporting(charger) -> None:
        # Until the door closes: the report then under way has no answer, and may or may not be kept.
        with contextlib.suppress(Exception):
            for number in itertools.count(1):
                await report(charger, number)

    async with Charger(second.ocpp, "NODES-4", PASSWORD) as charger:
        await charger.boot()
        reporting = asyncio.create_task(keep_reporting(charger))
        while len(acknowledged) < 50:
            await asyncio.sleep(0.01)
        second.process.terminate()
        assert await charger.closed(10) == 1012
        reporting.cancel()
    # Having drained, uvicorn lets the signal end it.
    assert await asyncio.to_thread(second.process.wait, 20) in (0, -signal.SIGTERM)
    assert len(acknowledged) >= 50

    found = (
        "SELECT r.value::int FROM stations_reading r JOIN stations_evse e ON e.id = r.evse_id "
        "JOIN stations_station s ON s.id = e.station_id WHERE s.identity = 'NODES-4'"
    )
    end = time.monotonic() + 30
    while missing := set(acknowledged) - {number for (number,) in portal.query(found)}:
        assert time.monotonic() < end, missing
        await asyncio.sleep(0.2)
