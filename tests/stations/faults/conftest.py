"""A station with two EVSEs, a neighbour, and what the fault tests say most."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from stations.models import Event, Message, Orphan, Reading, Session
from tests import make
from tests.charger import Charger

PASSWORD = "charger-password-1"
TAG = "04A2B3C4"


class Place:
    def __init__(self):
        self.site = make.site()
        self.station = make.station(site=self.site, identity="CP-1", password=PASSWORD)
        self.evse = make.evse(station=self.station, max_power_w=22_000)
        self.second = make.evse(station=self.station, number=2, max_power_w=22_000)
        self.token = make.id_token(operator=self.site.operator, token=TAG, user=make.user())
        self.neighbour = make.station(site=self.site, identity="CP-2", password=PASSWORD)
        make.evse(station=self.neighbour)


@pytest.fixture
def place(transactional_db):
    return Place()


@pytest.fixture
def charger(door, place):
    """`async with charger() as one:`; another version or station by name."""

    def connect(version="1.6", identity="CP-1", **more) -> Charger:
        return Charger(door.url, identity, PASSWORD, version=version, **more)

    return connect


@pytest.fixture
def ask(database):
    """What the database says now."""

    class Ask:
        async def sessions(self, **only) -> list[Session]:
            rows = Session.objects.select_related("evse", "station").filter(**only)
            return await database(lambda: list(rows.order_by("start_received_at")))

        async def session(self, **only) -> Session:
            [found] = await self.sessions(**only)
            return found

        async def orphans(self, **only) -> list[Orphan]:
            return await database(lambda: list(Orphan.objects.filter(**only).order_by("pk")))

        async def readings(self, **only) -> list[Reading]:
            return await database(lambda: list(Reading.objects.filter(**only).order_by("at")))

        async def events(self) -> list[str]:
            return await database(lambda: list(Event.objects.order_by("pk").values_list("code", flat=True)))

        async def bad_frames(self) -> list[str]:
            bad = Message.objects.filter(kind=Message.Kind.BAD).order_by("at")
            return await database(lambda: list(bad.values_list("frame", flat=True)))

    return Ask()


def ago(**time) -> str:
    return text(datetime.now(UTC) - timedelta(**time))


def text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def start(meter=1000, at=None, tag=TAG, connector=1, **more) -> dict:
    payload = {"connectorId": connector, "idTag": tag, "meterStart": meter, "timestamp": at or ago(hours=1)}
    return payload | more


def stop(transaction_id, meter=6000, at=None, **more) -> dict:
    return {"transactionId": transaction_id, "meterStop": meter, "timestamp": at or ago(minutes=1)} | more


def values(*sampled, at=None, **more) -> dict:
    """MeterValues of 1.6 with these sampled values."""
    return {
        "connectorId": 1,
        "meterValue": [{"timestamp": at or ago(minutes=30), "sampledValue": list(sampled)}],
    } | more


def event(kind, seq_no=0, meter=None, at=None, tx="T-1", tag=None, **more) -> dict:
    """TransactionEvent of 2.x."""
    at = at or ago(minutes=60 - seq_no)
    context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
    payload = {
        "eventType": kind,
        "timestamp": at,
        "triggerReason": "MeterValuePeriodic",
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": tx},
        "evse": {"id": 1, "connectorId": 1},
    }
    if tag:
        payload["idToken"] = {"idToken": tag, "type": "ISO14443"}
    if meter is not None:
        sampled = {"value": meter, "context": context, "unitOfMeasure": {"unit": "Wh"}}
        payload["meterValue"] = [{"timestamp": at, "sampledValue": [sampled]}]
    return payload | more


async def raw(charger: Charger, action: str, payload_text: str, message_id="m1"):
    """Send a CALL whose payload is exactly this text; returns the answering frame."""
    await charger.send_raw(f'[2,"{message_id}","{action}",{payload_text}]')
    return await charger.next_frame()


def dumps(payload) -> str:
    return json.dumps(payload)
