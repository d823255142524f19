"""A client that isn't ours charges a car: the `ocpp` package's charge point, against the running portal."""

import asyncio
import base64
from datetime import UTC, datetime

import ocpp.v16
import ocpp.v16.call
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


async def test_ocpp_2_0_1(portal, api):
    new_station(api, "FOREIGN-201")
    call = ocpp.v201.call
    async with dial(portal, "FOREIGN-201", "ocpp2.0.1") as socket:
        station = ocpp.v201.ChargePoint("FOREIGN-201", socket)
        reading = asyncio.create_task(station.start())
        boot = await station.call(
            call.BootNotification({"model": "Model", "vendor_name": "Vendor"}, "PowerUp"), suppress=False
        )
        assert boot.status == "Accepted"
        await station.call(call.StatusNotification(now(), "Available", 1, 1), suppress=False)
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
                transaction_info={"transaction_id": "FOREIGN-TX-1", **more},
                evse={"id": 1, "connector_id": 1},
                id_token=token if kind == "Started" else None,
                meter_value=[{"timestamp": now(), "sampled_value": sampled}],
            )

        started = await station.call(event("Started", 0, 1000, "Transaction.Begin"), suppress=False)
        assert started.id_token_info["status"] == "Accepted"
        await station.call(event("Updated", 1, 1500, "Sample.Periodic"), suppress=False)
        await station.call(event("Ended", 2, 2500, "Transaction.End", stopped_reason="Local"), suppress=False)
        reading.cancel()
    session = session_of(api, "FOREIGN-201")
    assert session["transaction_id"] == "FOREIGN-TX-1"
    assert (session["energy_wh"], session["stop_reason"]) == (1500, "Local")
