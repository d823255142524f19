"""Frames mutated along the protocol's schemas: no crash, no hang, and an answer or a note for every one.

`EVPORTAL_FRAMES=1000000 pytest tests/stations/test_fuzz_frames.py` looks longer; a failure names its seed.
"""

from __future__ import annotations

import copy
import json
import os
import random
import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from stations import facts
from stations.models import Message, Station
from stations.ocpp import frames, schemas, versions
from stations.ocpp.connection import Connection
from stations.ocpp.together import Crowds

FRAMES = int(os.environ.get("EVPORTAL_FRAMES", "3000"))
SEED = int(os.environ.get("EVPORTAL_SEED", "1"))
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
NASTY = [
    None, True, False, 0, -1, 1, 2**31, 2**63 - 1, 10**30, -0.0, 1e308, 0.1, "", " ", "x" * 300,
    "\x00", "\ud800", "NaN", "Infinity", "1,5", "1e400", "-", "2026-02-30T00:00:00Z",
    "0000-00-00T99:99:99Z", "1970-01-01T00:00:00", "2026-06-15T12:00:00+99:99", "' OR 1=1 --",
    "<script>", "ÄÖÜ", "🚗", [], {}, [[]], [None], {"": None}, [{}] * 50,
]  # fmt: skip


def instance(node: dict, root: dict, rnd: random.Random, depth: int = 0):
    """Something that the schema allows."""
    node = schemas.resolve(node, root)
    if "enum" in node:
        return rnd.choice(node["enum"])
    kind = node.get("type")
    if kind == "object":
        wanted = set(node.get("required", []))
        names = [
            name for name in node.get("properties", {}) if name in wanted or rnd.random() < 0.4 - depth / 20
        ]
        return {name: instance(node["properties"][name], root, rnd, depth + 1) for name in names}
    if kind == "array":
        few = rnd.randint(node.get("minItems", 0), max(node.get("minItems", 0), 2))
        return [instance(node.get("items", {}), root, rnd, depth + 1) for _i in range(few)]
    if kind == "string":
        if node.get("format") == "date-time":
            return "2026-06-15T11:59:00Z"
        return rnd.choice(["A", "4711", "abc"])[: node.get("maxLength", 10)]
    return {"integer": rnd.randint(0, 5), "number": 1.5, "boolean": True}.get(kind, "x")


def mutated(value, rnd: random.Random):
    """The payload with one thing in it made wrong."""
    value = copy.deepcopy(value)
    places = [(None, None)]

    def walk(node):
        for key, item in list(node.items() if isinstance(node, dict) else enumerate(node)):
            places.append((node, key))
            if isinstance(item, dict | list):
                walk(item)

    walk(value)
    node, key = rnd.choice(places)
    if node is None:
        return rnd.choice([value, rnd.choice(NASTY), {**value, "extra": rnd.choice(NASTY)}])
    if rnd.random() < 0.2 and isinstance(node, dict):
        del node[key]
    else:
        node[key] = rnd.choice(NASTY)
    return value


def texts(rnd: random.Random, count: int):
    actions = [(version, action) for version in versions.ROUTES for action in schemas.FROM_STATION[version]]
    for _i in range(count):
        version, action = rnd.choice(actions)
        schema = schemas._raw(version, action, False)
        payload = instance(schema, schema, rnd)
        for _n in range(rnd.randint(0, 3)):
            payload = mutated(payload, rnd) if isinstance(payload, dict) else payload
        frame = [
            rnd.choice([2, 2, 2, 2, 3, 4, 5, "2", None]),
            rnd.choice(["1", "", "x" * 40, 7]),
            action,
            payload,
        ]
        if rnd.random() < 0.8:
            frame[0], frame[1] = 2, str(uuid.UUID(int=rnd.getrandbits(128)))
        text = json.dumps(frame)
        cut = rnd.random()
        if cut < 0.05:
            text = text[: rnd.randint(0, len(text))]
        elif cut < 0.1:
            at = rnd.randint(0, len(text) - 1)
            text = text[:at] + chr(rnd.randint(0, 0x2FF)) + text[at + 1 :]
        yield version, text


def test_every_frame_is_read_or_refused():
    """Reading, checking and the facts of what passes: only the two refusals may be raised."""
    rnd, passed, refused = random.Random(SEED), 0, 0
    for number, (version, text) in enumerate(texts(rnd, FRAMES)):
        try:
            message = frames.decode(text, version)
            if not isinstance(message, frames.Call):
                continue
            route = versions.ROUTES[version].get(message.action)
            payload = frames.checked(message, version, route.free_texts if route else ())
        except (frames.BadFrame, frames.CallError) as refusal:
            refused += 1
            if isinstance(refusal, frames.CallError):
                assert json.loads(refusal.frame())[0] == 4
            continue
        except Exception as error:
            raise AssertionError(f"seed {SEED}, frame {number}, {version}: {text}") from error
        passed += 1
        if route.facts is not None:
            assert all(isinstance(fact, facts.Fact) for fact in route.facts(payload, NOW)), text
    # Both ways are taken often, so neither goes untested.
    assert passed > FRAMES / 5
    assert refused > FRAMES / 10


class Log:
    """A journal that keeps nothing but what it was told."""

    def __init__(self):
        self.entries = []

    async def write(self, entry, *, ingest):
        self.entries.append(entry)

    def note(self, entry):
        self.entries.append(entry)


@pytest.mark.parametrize("version", list(versions.ROUTES))
async def test_a_connection_answers_every_call_and_notes_every_frame(version, monkeypatch):
    rnd, sent, log = random.Random(SEED), [], Log()

    async def send(event):
        sent.append(event)

    async def decided(_function, incoming):
        return {"status": "Accepted"}

    async def asked(_self, _function, incoming):
        return {"status": "Accepted"}

    async def answered_by_others(incoming):
        return {"status": "Accepted"}

    # Decisions need a database and have tests of their own; here it is about frames.
    monkeypatch.setattr("stations.ocpp.connection.in_thread", decided)
    monkeypatch.setattr(Crowds, "ask", asked)
    # What others would be asked for is answered in its turn, by nobody.
    monkeypatch.setattr("stations.ocpp.connection.MAX_SLOW", 0)
    monkeypatch.setattr(
        "stations.ocpp.connection.versions.ROUTES",
        {
            name: {
                action: replace(route, slowly=answered_by_others) if route.slowly else route
                for action, route in routes.items()
            }
            for name, routes in versions.ROUTES.items()
        },
    )
    monkeypatch.setattr(Connection, "_throttle", lambda self: _nothing())
    connection = Connection(Station(pk=1, registration="Accepted"), version, send, log, Crowds())
    for number, (_version, text) in enumerate(texts(rnd, FRAMES // 6)):
        sent.clear()
        log.entries.clear()
        connection._bad_frames = 0
        await connection._frame(text, None)
        where = f"seed {SEED}, frame {number}: {text}"
        assert connection.is_open, where
        kinds = [entry.kind for entry in log.entries if entry.from_station]
        assert len(sent) <= 1, where
        if sent:
            answer = json.loads(sent[0]["text"])
            assert answer[0] in (3, 4), where
            if answer[0] == 4:
                assert answer[2] != "InternalError", where
        else:
            assert kinds and kinds[0] in (Message.Kind.BAD, Message.Kind.RESULT, Message.Kind.ERROR), where


async def _nothing():
    return None
