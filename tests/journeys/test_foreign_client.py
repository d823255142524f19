"""Clients that aren't ours charge a car, against the running portal.

The `ocpp` package's charge point, and npm's `ocpp-rpc` with its strict validation on: each checks every
message of ours against schemas of its own.
"""

import asyncio
import base64
import os
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import ocpp.v16
import ocpp.v16.call
import ocpp.v21
import ocpp.v21.call
import ocpp.v201
import ocpp.v201.call
import pytest
from websockets.asyncio.client import connect

PASSWORD = "a-foreign-client-1"
TOKEN = "0451ABCD"


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def api(portal):
    with portal.api() as client:
        made = client.post("id-tokens/", json={"token": TOKEN, "type": "ISO14443", "status": "accepted"})
        assert made.status_code == 201, made.text
        yield client


def new_station(api, identity: str) -> None:
    made = api.post(
        "stations/",
        json={
            "site": "berlin-hauptbahnhof",
            "identity": identity,
            "password": PASSWORD,
            "security_profile": 1,
            "evses": [{"number": 1, "connectors": [{"number": 1, "standard": "IEC_62196_T2"}]}],
        },
    )
    assert made.status_code == 201, made.text


def dial(portal, identity: str, subprotocol: str):
    credentials = base64.b64encode(f"{identity}:{PASSWORD}".encode()).decode()
    return connect(
        f"{portal.ocpp}/{identity}",
        subprotocols=[subprotocol],
        additional_headers={"Authorization": f"Basic {credentials}"},
        proxy=None,
    )


def session_of(api, identity: str) -> dict:
    sessions = api.get("sessions/", params={"station": identity}).json()["results"]
    assert len(sessions) == 1
    return sessions[0]


async def test_ocpp_1_6(portal, api):
    new_station(api, "FOREIGN-16")
    call = ocpp.v16.call
    async with dial(portal, "FOREIGN-16", "ocpp1.6") as socket:
        point = ocpp.v16.ChargePoint("FOREIGN-16", socket)
        reading = asyncio.create_task(point.start())
        boot = await point.call(call.BootNotification("Model", "Vendor"), suppress=False)
        assert boot.status == "Accepted"
        assert (await point.call(call.Heartbeat(), suppress=False)).current_time
        await point.call(call.StatusNotification(1, "NoError", "Available"), suppress=False)
        allowed = await point.call(call.Authorize(TOKEN), suppress=False)
        assert allowed.id_tag_info["status"] == "Accepted"
        started = await point.call(call.StartTransaction(1, TOKEN, 1000, now()), suppress=False)
        assert started.id_tag_info["status"] == "Accepted"
        sample = {"value": "1500", "unit": "Wh", "measurand": "Energy.Active.Import.Register"}
        await point.call(
            call.MeterValues(
                1, [{"timestamp": now(), "sampledValue": [sample]}], transaction_id=started.transaction_id
            ),
            suppress=False,
        )
        stop = call.StopTransaction(2000, now(), started.transaction_id, reason="Local", id_tag=TOKEN)
        await point.call(stop, suppress=False)
        reading.cancel()
    session = session_of(api, "FOREIGN-16")
    assert session["transaction_id"] == str(started.transaction_id)
    assert (session["energy_wh"], session["stop_reason"]) == (1000, "Local")


@pytest.mark.parametrize(
    ("identity", "subprotocol", "version", "call"),
    [
        ("FOREIGN-201", "ocpp2.0.1", ocpp.v201, ocpp.v201.call),
        ("FOREIGN-21", "ocpp2.1", ocpp.v21, ocpp.v21.call),
    ],
)
async def test_ocpp_2(portal, api, identity, subprotocol, version, call):
    new_station(api, identity)
    async with dial(portal, identity, subprotocol) as socket:
        station = version.ChargePoint(identity, socket)
        reading = asyncio.create_task(station.start())
        boot = await station.call(
            call.BootNotification({"model": "Model", "vendor_name": "Vendor"}, "PowerUp"), suppress=False
        )
        assert boot.status == "Accepted"
        status = call.StatusNotification(
            timestamp=now(), connector_status="Available", evse_id=1, connector_id=1
        )
        await station.call(status, suppress=False)
        token = {"id_token": TOKEN, "type": "ISO14443"}
        allowed = await station.call(call.Authorize(token), suppress=False)
        assert allowed.id_token_info["status"] == "Accepted"

        def event(kind: str, number: int, register_wh: int, context: str, **more):
            sampled = [{"value": register_wh, "context": context}]
            return call.TransactionEvent(
                event_type=kind,
                timestamp=now(),
                trigger_reason="Authorized",
                seq_no=number,
                transaction_info={"transaction_id": f"TX-{identity}", **more},
                evse={"id": 1, "connector_id": 1},
                id_token=token if kind == "Started" else None,
                meter_value=[{"timestamp": now(), "sampled_value": sampled}],
            )

        started = await station.call(event("Started", 0, 1000, "Transaction.Begin"), suppress=False)
        assert started.id_token_info["status"] == "Accepted"
        await station.call(event("Updated", 1, 1500, "Sample.Periodic"), suppress=False)
        await station.call(event("Ended", 2, 2500, "Transaction.End", stopped_reason="Local"), suppress=False)
        reading.cancel()
    session = session_of(api, identity)
    assert session["transaction_id"] == f"TX-{identity}"
    assert (session["energy_wh"], session["stop_reason"]) == (1500, "Local")


# --- from npm --------------------------------------------------------------------------------------

NPM = Path(__file__).parent / "npm"


@pytest.fixture(scope="module")
def node_modules():
    """The packages of the lock, installed once into a cache folder of their own."""
    if not (shutil.which("node") and shutil.which("npm")):
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail("node and npm are not installed, and nothing may be skipped here")
        pytest.skip("node and npm are not installed: apt-get install nodejs npm")
    lock = (NPM / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "evportal"
    folder = cache / f"npm-{sha256(lock).hexdigest()[:16]}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as making:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(NPM / name, making)
            done = subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=making,
                capture_output=True,
                text=True,
                timeout=300,
            )
            assert done.returncode == 0, done.stderr
            # Whole or not at all: another run may be making the same.
            made = Path(making) / "whole"
            made.mkdir()
            shutil.move(Path(making) / "node_modules", made / "node_modules")
            if not folder.exists():
                made.rename(folder)
    return folder / "node_modules"


@pytest.mark.parametrize(
    ("version", "start", "stop"),
    [
        ("1.6", "RemoteStartTransaction", "RemoteStopTransaction"),
        # Its schemas of 2.1 can't be found under that version's names, so 2.1 is the other package's alone.
        ("2.0.1", "RequestStartTransaction", "RequestStopTransaction"),
    ],
)
async def test_a_client_from_npm(portal, api, node_modules, version, start, stop):
    identity = f"NPM-{version}"
    new_station(api, identity)
    client = await asyncio.create_subprocess_exec(
        "node",
        str(NPM / "charge.js"),
        portal.ocpp,
        identity,
        PASSWORD,
        f"ocpp{version}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"NODE_PATH": str(node_modules)},
    )
    try:
        await says(client, "connected")
        await says(client, "available")
        portal.until(
            "SELECT e.state FROM stations_evse e JOIN stations_station s ON s.id = e.station_id "
            "WHERE s.identity = %s",
            identity,
            expected="available",
        )
        if version == "1.6":
            send(api, identity, "GetConfiguration", {"key": ["HeartbeatInterval"]})
            wanted = {"connectorId": 1, "idTag": TOKEN}
        else:
            variable = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
            send(api, identity, "GetVariables", {"getVariableData": [variable]})
            wanted = {
                "evseId": 1,
                "remoteStartId": 7,
                "idToken": {"idToken": TOKEN, "type": "ISO14443"},
            }
        assert send(api, identity, start, wanted)["status"] == "Accepted"
        await says(client, "charging")
        session = session_of(api, identity)
        transaction = int(session["transaction_id"]) if version == "1.6" else session["transaction_id"]
        assert send(api, identity, stop, {"transactionId": transaction})["status"] == "Accepted"
        await says(client, "done")
    finally:
        if client.returncode is None:
            client.kill()
        await client.wait()
    session = session_of(api, identity)
    assert (session["energy_wh"], session["stop_reason"]) == (1500, "Remote")


async def says(client, word: str) -> None:
    """Its next line; what it complained of where it ended instead."""
    line = await asyncio.wait_for(client.stdout.readline(), 30)
    assert line.decode().strip() == word, line or (await client.stderr.read()).decode()


def send(api, identity: str, action: str, payload: dict) -> dict:
    body = {"action": action, "payload": payload}
    command = api.post(f"stations/{identity}/commands/?wait=20", json=body).json()
    assert command.get("status") == "answered", command
    return command["response"]
