"""A charger with settings of its own, in each version's words."""

import asyncio
import time

import pytest

from stations.configuration import names
from stations.ocpp import hub
from tests import make
from tests.charger import Charger
from tests.stations.conftest import *  # noqa: F403

PASSWORD = "charger-password-1"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch, settings):
    monkeypatch.setattr(hub, "SETTLE_SECONDS", 0.02)
    settings.OCPP_CONFIGURE_ON_BOOT = True


@pytest.fixture
def station(transactional_db):
    row = make.station(identity="CP-1", password=PASSWORD)
    make.evse(station=row)
    return row


@pytest.fixture
def eventually(database):
    """Wait until a question to the database is answered with something true; returns that."""

    async def wait(function, *args, seconds=10):
        until = time.monotonic() + seconds
        while not (found := await database(function, *args)):
            assert time.monotonic() < until, "it never came to that"
            await asyncio.sleep(0.05)
        return found

    return wait


class Configured(Charger):
    """Holds settings by path; `odd` are words it answers to a change of that path instead of taking it."""

    def __init__(self, *args, settings=None, odd=None, readonly=(), most=1000, **kwargs):
        super().__init__(*args, **kwargs)
        self.settings = dict(settings or {})
        self.odd, self.readonly, self.most = odd or {}, set(readonly), most
        self.report_parts = 2
        self.on("GetConfiguration", self.get_configuration)
        self.on("ChangeConfiguration", self.change_configuration)
        self.on("GetBaseReport", self.get_base_report)
        self.on("GetVariables", self.get_variables)
        self.on("SetVariables", self.set_variables)

    # 1.6

    def get_configuration(self, payload):
        asked = payload.get("key") or list(self.settings)
        known = [
            {"key": key, "readonly": key in self.readonly, "value": self.settings[key]}
            for key in asked
            if key in self.settings
        ]
        return {"configurationKey": known, "unknownKey": [key for key in asked if key not in self.settings]}

    def change_configuration(self, payload):
        return {"status": self._set(payload["key"], payload["value"])}

    # 2.x

    async def get_base_report(self, payload):
        asyncio.get_running_loop().create_task(self.notify(payload["requestId"]))
        return {"status": "Accepted"}

    async def notify(self, request_id, order=None):
        paths = list(self.settings)
        size = max(1, -(-len(paths) // self.report_parts))
        parts = [paths[at : at + size] for at in range(0, len(paths), size)]
        for number in order or range(len(parts)):
            await self.call(
                "NotifyReport",
                {
                    "requestId": request_id,
                    "generatedAt": "2026-06-15T12:00:00Z",
                    "seqNo": number,
                    "tbc": number < len(parts) - 1,
                    "reportData": [self._line(path) for path in parts[number]],
                },
            )

    def _line(self, path):
        mutability = "ReadOnly" if path in self.readonly else "ReadWrite"
        return {
            **names.to_wire(names.parse("2.0.1", path)),
            "variableAttribute": [{"value": self.settings[path], "mutability": mutability}],
            "variableCharacteristics": {
                "dataType": "integer",
                "supportsMonitoring": False,
                "unit": "s",
                "minLimit": 1,
                "maxLimit": 86400.5,
            },
        }

    def get_variables(self, payload):
        assert len(payload["getVariableData"]) <= self.most
        return {"getVariableResult": [self._read_one(each) for each in payload["getVariableData"]]}

    def _read_one(self, each):
        path = str(names.from_wire(each))
        if path not in self.settings:
            return {**each, "attributeStatus": "UnknownVariable"}
        return {**each, "attributeStatus": "Accepted", "attributeValue": self.settings[path]}

    def set_variables(self, payload):
        assert len(payload["setVariableData"]) <= self.most
        results = []
        for each in payload["setVariableData"]:
            word = self._set(str(names.from_wire(each)), each["attributeValue"])
            shown = {name: part for name, part in each.items() if name != "attributeValue"}
            results.append({**shown, "attributeStatus": word})
        return {"setVariableResult": results}

    def _set(self, path, value):
        word = self.odd.get(path, "Accepted")
        if word in ("Accepted", "RebootRequired"):
            self.settings[path] = value
        return word

    def calls(self, action):
        """The payloads of the portal's calls of this action so far."""
        frames = [frame for frame in self.received if isinstance(frame, list) and frame[0] == 2]
        return [payload for _kind, _id, name, payload in frames if name == action]


@pytest.fixture
def charger(door):
    def make_one(version="1.6", password=PASSWORD, **more):
        return Configured(door.url, "CP-1", password, version=version, **more)

    return make_one
