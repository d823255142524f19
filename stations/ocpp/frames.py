"""OCPP-J frames: read once, refuse with the code that the version's standard spells (OCPP-J §4)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import orjson

from stations.ocpp import schemas

CALL, RESULT, ERROR = 2, 3, 4
#: 2.1 only: an answer of ours could not be used; a message that nobody answers.
RESULT_ERROR, SEND = 5, 6
MAX_ID = 36
#: In the place of an id that can't be read (2.0.1 part 4, §4.2.3).
NO_ID = "-1"
MAX_DEPTH = 32


class BadFrame(Exception):
    """No message at all; there is nothing to answer to."""


class CallError(Exception):
    """A message that is answered with CALLERROR; `code` as the version's standard spells it."""

    def __init__(self, message_id: str, code: str, description: str):
        super().__init__(description)
        self.message_id, self.code, self.description = message_id, code, description

    def frame(self) -> str:
        return encode([ERROR, self.message_id, self.code, self.description[:255], {}])


@dataclass(frozen=True)
class Call:
    message_id: str
    action: str
    payload: dict


@dataclass(frozen=True)
class Sent:
    """2.1's SEND: like a call, but never answered, not even when it is wrong."""

    message_id: str
    action: str
    payload: dict


@dataclass(frozen=True)
class Result:
    message_id: str
    payload: dict


@dataclass(frozen=True)
class Error:
    """CALLERROR to a call of ours; with `is_about_answer`, 2.1's CALLRESULTERROR to an answer of ours."""

    message_id: str
    code: str
    description: str
    is_about_answer: bool = False


#: keyword of JSON schema → (1.6's code, 2.x's code)
CODES = {
    "required": ("OccurenceConstraintViolation", "OccurrenceConstraintViolation"),
    "minItems": ("OccurenceConstraintViolation", "OccurrenceConstraintViolation"),
    "maxItems": ("OccurenceConstraintViolation", "OccurrenceConstraintViolation"),
    "type": ("TypeConstraintViolation", "TypeConstraintViolation"),
    "enum": ("PropertyConstraintViolation", "PropertyConstraintViolation"),
    "maxLength": ("PropertyConstraintViolation", "PropertyConstraintViolation"),
}
FORMAT = ("FormationViolation", "FormatViolation")


def _code(pair: tuple[str, str], version: str) -> str:
    return pair[0] if version == "1.6" else pair[1]


def encode(frame: list) -> str:
    return orjson.dumps(frame).decode()


def payload_text(payload: dict) -> str:
    return orjson.dumps(payload).decode() if payload else "{}"


def unreadable(version: str, why: str) -> str | None:
    """What a frame without a readable id is answered with; 1.6 has no word for it."""
    if version == "1.6":
        return None
    return CallError(NO_ID, "RpcFrameworkError", why).frame()


def bad_answer(version: str, action: str, result: Result) -> str | None:
    """2.1: the frame that refuses an answer which isn't what its schema says; None if it is."""
    if version != "2.1" or schemas.is_valid(version, action, result.payload, answer=True):
        return None
    path, message, keyword = schemas.problem(version, action, result.payload, answer=True)
    code, description = _code(CODES.get(keyword, FORMAT), version), f"{path + ': ' if path else ''}{message}"
    return encode([RESULT_ERROR, result.message_id, code, description[:255], {}])


#: A CALL whose rest is broken, cut off perhaps: it can be answered all the same.
READABLE_ID = re.compile(r'\s*\[\s*2\s*,\s*"([^"\\\x00-\x1f]{1,36})"\s*,')
#: Half of a character, which JSON can spell and UTF-8 can't.
LONE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


def load(text: str):
    """A frame's JSON; half characters, which stations make of unusual tags, are read as the sign for that."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        whole = LONE.sub(r"\\ufffd", text) if "\\u" in text else text
        if whole == text:
            raise
        return orjson.loads(whole)


def decode(text: str, version: str) -> Call | Sent | Result | Error:
    """Read a frame's envelope. Raises `BadFrame`, or `CallError` where the id can be read."""
    if _too_deep(text):
        raise BadFrame("nested too deeply")
    try:
        frame = load(text)
    except orjson.JSONDecodeError as error:
        if found := READABLE_ID.match(text):
            raise CallError(found[1], _code(FORMAT, version), "The message is not JSON.") from error
        raise BadFrame("not JSON") from error
    if not isinstance(frame, list) or len(frame) < 3 or not isinstance(frame[1], str):
        raise BadFrame("not an OCPP message")
    kind, message_id = frame[0], frame[1]
    if not 0 < len(message_id) <= MAX_ID or "\x00" in message_id:
        raise BadFrame("the message id is empty or too long")
    if kind == RESULT:
        if not isinstance(frame[2], dict):
            raise BadFrame("an answer without a payload")
        return Result(message_id, frame[2])
    if kind == ERROR:
        return Error(message_id, str(frame[2])[:60], str(frame[3])[:255] if len(frame) > 3 else "")
    if kind == CALL:
        if len(frame) != 4 or not isinstance(frame[2], str) or not isinstance(frame[3], dict):
            raise CallError(message_id, _code(FORMAT, version), "A CALL is [2, id, action, {payload}].")
        return Call(message_id, frame[2], frame[3])
    if version == "2.1" and kind == RESULT_ERROR:
        return Error(message_id, str(frame[2])[:60], str(frame[3])[:255] if len(frame) > 3 else "", True)
    if version == "2.1" and kind == SEND:
        if len(frame) != 4 or not isinstance(frame[2], str) or not isinstance(frame[3], dict):
            raise BadFrame("a SEND that isn't [6, id, action, {payload}]")
        return Sent(message_id, frame[2], frame[3])
    if version != "1.6" and isinstance(kind, int):
        raise CallError(message_id, "MessageTypeNotSupported", f"Message type {kind} is not supported.")
    raise BadFrame("unknown message type")


def _too_deep(text: str) -> bool:
    """A cheap upper bound, so that a frame of a million brackets costs nothing."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    depth = deepest = 0
    in_string = escaped = False
    for letter in text:
        if in_string:
            if escaped:
                escaped = False
            elif letter == "\\":
                escaped = True
            elif letter == '"':
                in_string = False
        elif letter == '"':
            in_string = True
        elif letter in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in "]}":
            depth -= 1
    return deepest > MAX_DEPTH


def checked(
    call: Call | Sent, version: str, free_texts: tuple[str, ...] = (), identifiers: tuple[str, ...] = ()
) -> dict:
    """The payload as the schema wants it, mended where nothing is lost; raises `CallError`."""
    if call.action not in schemas.FROM_STATION[version]:
        known = call.action in schemas.actions_to_station(version)
        code, why = ("NotSupported", "is ours to send") if known else ("NotImplemented", "is not known")
        raise CallError(call.message_id, code, f"{call.action[:50]} {why}.")
    if schemas.is_valid(version, call.action, call.payload):
        return call.payload
    payload = schemas.mend(version, call.action, call.payload)
    if free_texts:
        payload = schemas.truncate(version, call.action, payload, free_texts)
    found = schemas.problem(version, call.action, payload, tolerant=True)
    if found is None:
        return payload
    # Too long in nothing but an identifier.
    bare = schemas.without(payload, identifiers) if found[2] == "maxLength" else payload
    if bare is not payload and schemas.is_valid(version, call.action, bare):
        return payload
    path, message, keyword = found
    raise CallError(
        call.message_id, _code(CODES.get(keyword, FORMAT), version), f"{path + ': ' if path else ''}{message}"
    )
