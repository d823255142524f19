"""RELIABILITY §3, rows 31, 35 and 37, in bytes: what a WebSocket library would not do for a test."""

import asyncio
import base64
import json
import os

import psycopg
import pytest
from django.db import connection

from evportal.logs import ContextFilter
from stations import boot
from stations.journal_lane import Lane
from stations.models import Message, Station
from tests.charger import CallError, Charger
from tests.stations.door import open_door
from tests.stations.faults.conftest import PASSWORD

TEXT, PING, CLOSE = 0x81, 0x89, 0x88
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


async def upgrade(url: str, identity: str = "CP-1", *, extensions: str = ""):
    """A socket after the upgrade, of which nothing answers by itself: (reader, writer, the answer's head)."""
    host, port = url.removeprefix("ws://").split("/")[0].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    credentials = base64.b64encode(f"{identity}:{PASSWORD}".encode()).decode()
    lines = [
        f"GET /ocpp/{identity} HTTP/1.1",
        f"Host: {host}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: ocpp1.6",
        f"Authorization: Basic {credentials}",
        *([f"Sec-WebSocket-Extensions: {extensions}"] if extensions else []),
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert head.startswith(b"HTTP/1.1 101"), head
    return reader, writer, head.decode().lower()


def masked(first: int, payload: bytes) -> bytes:
    """One client frame of at most 125 bytes, its mask all zero."""
    return bytes([first, 0x80 | len(payload)]) + bytes(4) + payload


async def test_31_nothing_is_ever_unpacked(door, place, charger):
    """A few bytes may unpack to gigabytes: compression isn't agreed on; who uses it all the same is out."""
    reader, writer, head = await upgrade(door.url, extensions="permessage-deflate")
    assert "sec-websocket-extensions" not in head
    async with charger(identity="CP-2") as other:
        writer.write(masked(0xC1, bytes(20)))  # FIN, RSV1 (compressed), text
        first, length = await asyncio.wait_for(reader.readexactly(2), 5)
        assert first == CLOSE
        assert int.from_bytes((await reader.readexactly(length))[:2], "big") == 1002
        assert (await other.boot())["status"] == "Accepted"
    writer.close()


@pytest.fixture
def impatient(transactional_db):
    with open_door(ws_ping_interval=0.3, ws_ping_timeout=0.3) as opened:
        yield opened
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE stations_message, stations_reading")


async def test_35_a_dead_peer_is_noticed_and_a_silent_one_gets_signs_of_life(impatient, place, database):
    def is_online(identity):
        return Station.objects.get(identity=identity).is_online

    reader, writer, _head = await upgrade(impatient.url)
    async with Charger(impatient.url, "CP-2", PASSWORD) as alive:
        # It never answers the ping: its cable is cut, and TCP would not know for a quarter of an hour.
        assert (await asyncio.wait_for(reader.readexactly(2), 5))[0] == PING
        assert await database(is_online, "CP-1")
        until = asyncio.get_running_loop().time() + 10
        while await database(is_online, "CP-1"):
            assert asyncio.get_running_loop().time() < until, "a dead peer still counts as online"
            await asyncio.sleep(0.05)
        # The other one, which says nothing either but answers, is still there.
        assert await database(is_online, "CP-2")
        assert (await alive.boot())["status"] == "Accepted"
    writer.close()


def test_35_pings_are_as_often_as_chargers_need_them():
    from evportal.serve import SOCKETS

    assert SOCKETS["ws_ping_interval"] <= 30
    assert SOCKETS["ws_ping_interval"] + SOCKETS["ws_ping_timeout"] <= 60


@pytest.mark.parametrize("registration", Station.Registration.values)
def test_37_who_came_together_does_not_come_together_for_ever(registration):
    """2,000 stations that boot in the same second spread over a tenth of their interval, and evenly."""
    intervals = [boot.interval(registration, station_id) for station_id in range(1, 2001)]
    shortest, longest = min(intervals), max(intervals)
    assert longest <= 1.1 * shortest
    seconds = longest - shortest + 1
    assert seconds >= shortest // 10
    assert max(intervals.count(each) for each in set(intervals)) <= 2000 / seconds + 1


def report(message_id: str) -> bytes:
    payload = {
        "connectorId": 1,
        "meterValue": [{"timestamp": "2026-06-15T12:00:00Z", "sampledValue": [{"value": "1"}]}],
    }
    return json.dumps([2, message_id, "MeterValues", payload]).encode()


def long_masked(first: int, payload: bytes) -> bytes:
    """One client frame of 126 to 65535 bytes, its mask all zero."""
    return bytes([first, 0xFE]) + len(payload).to_bytes(2, "big") + bytes(4) + payload


async def answer(reader) -> list:
    first, length = await asyncio.wait_for(reader.readexactly(2), 5)
    assert first == TEXT, hex(first)
    if length == 126:
        length = int.from_bytes(await reader.readexactly(2), "big")
    return json.loads(await reader.readexactly(length))


@pytest.fixture
def accepted(place):
    Station.objects.update(registration=Station.Registration.ACCEPTED)


def stored() -> list[str]:
    return list(
        Message.objects.filter(action="MeterValues").order_by("at").values_list("message_id", flat=True)
    )


async def test_however_a_report_is_cut_up_it_is_stored_once_and_answered(door, accepted, database):
    reader, writer, _head = await upgrade(door.url)
    whole = long_masked(TEXT, report("whole"))
    text = report("fragments")
    pieces = [whole, whole[:1], whole[1:90], whole[90:]]
    pieces += [long_masked(0x01, text[:130]), masked(PING, b"?"), masked(0x80, text[130:])]
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.02)
    got = [await answer(reader), await answer(reader)]
    pong = await reader.readexactly(3)
    got.append(await answer(reader))
    writer.close()
    assert got == [[3, "whole", {}], [3, "whole", {}], [3, "fragments", {}]]
    assert pong == b"\x8a\x01?"
    assert await database(stored) == ["whole", "whole", "fragments"]


async def test_what_comes_in_one_piece_is_answered_in_its_order(door, accepted, database):
    """Reports take a shorter way than decisions do; neither may overtake the other."""
    reader, writer, _head = await upgrade(door.url)
    expected = []
    for turn in range(20):
        names = [f"{turn}-{name}" for name in ("a", "b", "card", "c")]
        authorize = json.dumps([2, names[2], "Authorize", {"idTag": "NOBODY"}]).encode()
        writer.write(long_masked(TEXT, report(names[0])))
        if turn % 2:
            await asyncio.sleep(0)
        writer.write(
            long_masked(TEXT, report(names[1]))
            + masked(TEXT, authorize)
            + long_masked(TEXT, report(names[3]))
        )
        expected += names
    got = [(await answer(reader))[1] for _name in expected]
    writer.close()
    assert got == expected
    assert await database(stored) == [name for name in expected if "card" not in name]


@pytest.mark.parametrize(
    ("frame", "code"), [(masked(0x81, b"\xff\xfe"), 1007), (bytes([0x81, 3]) + b"[2]", 1002)]
)
async def test_what_no_client_may_send_closes_the_socket_with_its_code(door, accepted, frame, code):
    reader, writer, _head = await upgrade(door.url)
    writer.write(frame)
    first, length = await asyncio.wait_for(reader.readexactly(2), 5)
    assert first == CLOSE
    assert int.from_bytes((await reader.readexactly(length))[:2], "big") == code
    writer.close()


async def test_what_cannot_be_stored_is_not_acknowledged_and_the_log_names_each_station(
    charger, accepted, monkeypatch, caplog
):
    async def away(self, statement, rows):
        raise psycopg.OperationalError("the server closed the connection unexpectedly")

    caplog.handler.addFilter(ContextFilter())
    async with charger() as one, charger(identity="CP-2") as other:
        with monkeypatch.context() as patch:
            patch.setattr(Lane, "copy", away)
            for each in (one, other, one):
                with pytest.raises(CallError) as refused:
                    await each.call("StatusNotification", STATUS)
                assert refused.value.code == "InternalError"
        # The same again, once the database is back: that is what a charger does.
        assert await one.call("StatusNotification", STATUS) == {}
    lines = [row for row in caplog.records if "was not stored" in row.message]
    assert [row.station for row in lines] == ["CP-1", "CP-2", "CP-1"]
