"""What every frame of ours must look like, whatever the case is about (OCPP-J §4; the schemas' own order)."""

from __future__ import annotations

import json
import re

from stations.ocpp import schemas
from tests.charger import CALL, CALLERROR, CALLRESULT, CALLRESULTERROR, Charger

#: RFC 3339 in UTC, with milliseconds at most, as every version's examples have it.
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z")
CODES = {
    "1.6": {
        "NotImplemented",
        "NotSupported",
        "InternalError",
        "ProtocolError",
        "SecurityError",
        "FormationViolation",
        "PropertyConstraintViolation",
        "OccurenceConstraintViolation",
        "TypeConstraintViolation",
        "GenericError",
    },
    "2.x": {
        "FormatViolation",
        "GenericError",
        "InternalError",
        "MessageTypeNotSupported",
        "NotImplemented",
        "NotSupported",
        "OccurrenceConstraintViolation",
        "PropertyConstraintViolation",
        "ProtocolError",
        "RpcFrameworkError",
        "SecurityError",
        "TypeConstraintViolation",
    },
}


def check(version: str, charger: Charger) -> None:
    """Everything that this charger was sent is as the standard has it."""
    asked = {frame[1]: frame[2] for frame in charger.sent if isinstance(frame, list) and frame[0] == CALL}
    for text, frame in zip(charger.texts, charger.received, strict=True):
        assert is_compact(text), text
        assert 0 < len(frame[1]) <= 36, text
        if frame[0] == CALL:
            assert len(frame) == 4, text
            assert schemas.is_valid(version, frame[2], frame[3]), text
        elif frame[0] == CALLRESULT and frame[1] in asked:
            action = asked[frame[1]]
            assert schemas.is_valid(version, action, frame[2], answer=True), (action, text)
            assert in_order(version, action, frame[2], answer=True), text
        elif frame[0] in (CALLERROR, CALLRESULTERROR):
            assert frame[0] == CALLERROR or version == "2.1", text
            assert frame[2] in CODES["1.6" if version == "1.6" else "2.x"], text
            assert len(frame[3]) <= 255, text
            assert isinstance(frame[4], dict), text


def is_compact(text: str | bytes) -> bool:
    """JSON as short as it can be written: metered connections pay for blanks."""
    if isinstance(text, bytes):
        return False
    return text == json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)


def in_order(version: str, action: str, payload: dict, *, answer: bool = False) -> bool:
    """Members come as the schema lists them: some chargers read by position."""
    schema = schemas._raw(version, action, answer)
    return schema is not None and _in_order(payload, schema, schema)


def _in_order(value, node: dict, root: dict) -> bool:
    node = _resolved(node, root)
    if isinstance(value, list):
        return all(_in_order(item, node.get("items", {}), root) for item in value)
    if not isinstance(value, dict):
        return True
    known = list(node.get("properties", {}))
    places = [known.index(name) for name in value if name in known]
    return places == sorted(places) and all(
        _in_order(item, node["properties"][name], root) for name, item in value.items() if name in known
    )


def _resolved(node: dict, root: dict) -> dict:
    while "$ref" in node:
        found = root
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node
