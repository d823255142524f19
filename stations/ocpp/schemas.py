"""The protocol's own JSON schemas, compiled once, and a tolerant reading of what real chargers send.

Chargers label optional fields `null`, add fields of their own, send numbers as strings and overlong texts.
All of that is mended where nothing is lost; what stays wrong is refused with the code of the standard.
"""

from __future__ import annotations

import importlib.util
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path

import jsonschema_rs
import orjson

from stations.exceptions import InvalidPayload, UnknownAction

FOLDERS = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
VERSIONS = tuple(FOLDERS)

#: What a station may send; everything else with a schema is ours to send (some are both).
FROM_STATION = {
    "1.6": frozenset(
        [
            "Authorize",
            "BootNotification",
            "DataTransfer",
            "DiagnosticsStatusNotification",
            "FirmwareStatusNotification",
            "Heartbeat",
            "LogStatusNotification",
            "MeterValues",
            "SecurityEventNotification",
            "SignCertificate",
            "SignedFirmwareStatusNotification",
            "StartTransaction",
            "StatusNotification",
            "StopTransaction",
        ]
    ),
    "2.0.1": frozenset(
        [
            "Authorize",
            "BootNotification",
            "ClearedChargingLimit",
            "DataTransfer",
            "FirmwareStatusNotification",
            "Get15118EVCertificate",
            "GetCertificateStatus",
            "Heartbeat",
            "LogStatusNotification",
            "MeterValues",
            "NotifyChargingLimit",
            "NotifyCustomerInformation",
            "NotifyDisplayMessages",
            "NotifyEVChargingNeeds",
            "NotifyEVChargingSchedule",
            "NotifyEvent",
            "NotifyMonitoringReport",
            "NotifyReport",
            "PublishFirmwareStatusNotification",
            "ReportChargingProfiles",
            "ReservationStatusUpdate",
            "SecurityEventNotification",
            "SignCertificate",
            "StatusNotification",
            "TransactionEvent",
        ]
    ),
}
FROM_STATION["2.1"] = FROM_STATION["2.0.1"] | frozenset(
    [
        "BatterySwap",
        "GetCertificateChainStatus",
        "NotifyDERAlarm",
        "NotifyDERStartStop",
        "NotifyPeriodicEventStream",
        "NotifyPriorityCharging",
        "NotifySettlement",
        "OpenPeriodicEventStream",
        "ClosePeriodicEventStream",
        "PullDynamicScheduleUpdate",
        "ReportDERControl",
        "VatNumberValidation",
    ]
)


@cache
def _folder(version: str) -> Path:
    spec = importlib.util.find_spec("ocpp")
    return Path(spec.submodule_search_locations[0]) / FOLDERS[version] / "schemas"


@cache
def _raw(version: str, action: str, answer: bool) -> dict | None:
    suffix = "Response" if answer else ("" if version == "1.6" else "Request")
    if not action.isalnum():
        return None
    path = _folder(version) / f"{action}{suffix}.json"
    if not path.is_file() and not answer:
        # What is never answered has no suffix either (2.1 NotifyPeriodicEventStream).
        path = _folder(version) / f"{action}.json"
    if not path.is_file():
        return None
    schema = orjson.loads(path.read_text("utf-8-sig"))
    # The 1.6 files write multipleOf 0.1, which binary floating point can't hold.
    return _without(schema, "multipleOf")


def _without(node, key):
    if isinstance(node, dict):
        return {name: _without(value, key) for name, value in node.items() if name != key}
    if isinstance(node, list):
        return [_without(value, key) for value in node]
    return node


@cache
def _validator(version: str, action: str, answer: bool):
    schema = _raw(version, action, answer)
    return None if schema is None else jsonschema_rs.validator_for(schema)


#: What can be meant as a time; whether it can be believed, `wire.device_time` says.
TIME_SHAPE = r"^\s*\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?\s*([Zz]|[+-]\d\d:?\d\d)?\s*$"


@cache
def _tolerant(version: str, action: str):
    """The same, for what chargers send: a time without a zone, or of 30 February, is still a report."""
    schema = _raw(version, action, False)
    return None if schema is None else jsonschema_rs.validator_for(_with_shapes(schema))


def _with_shapes(node):
    if isinstance(node, dict):
        shaped = {name: _with_shapes(value) for name, value in node.items()}
        if shaped.get("format") == "date-time":
            del shaped["format"]
            shaped["pattern"] = TIME_SHAPE
        return shaped
    if isinstance(node, list):
        return [_with_shapes(value) for value in node]
    return node


@cache
def actions_to_station(version: str) -> tuple[str, ...]:
    """Every action that we may send to a station of this version, in the protocol's spelling."""
    suffix = "" if version == "1.6" else "Request"
    names = {path.stem.removesuffix("Request") for path in _folder(version).glob(f"*{suffix}.json")}
    names = {name for name in names if not name.endswith("Response")}
    return tuple(sorted((names - FROM_STATION[version]) | {"DataTransfer"}))


def request_schema(version: str, action: str) -> dict | None:
    return _raw(version, action, False)


def response_schema(version: str, action: str) -> dict | None:
    return _raw(version, action, True)


def is_valid(version: str, action: str, payload: dict, *, answer: bool = False) -> bool:
    validator = _validator(version, action, answer)
    return validator is not None and validator.is_valid(payload)


def problem(version: str, action: str, payload: dict, *, answer: bool = False, tolerant: bool = False):
    """The first way in which the payload breaks its schema, as (path, message, keyword), or None."""
    validator = _tolerant(version, action) if tolerant else _validator(version, action, answer)
    for error in validator.iter_errors(payload):
        return ".".join(str(part) for part in error.instance_path), error.message, error.kind.name
    return None


def check_call(version: str, action: str, payload: dict) -> None:
    """Refuse a call of ours that is not in the protocol, before it is stored or sent."""
    if action not in actions_to_station(version):
        raise UnknownAction(f"OCPP {version} has no action “{action}” that we could send to a station.")
    found = problem(version, action, payload)
    if found:
        path, message, _keyword = found
        raise InvalidPayload(f"{action}: {path + ': ' if path else ''}{message}")


def mend(version: str, action: str, payload: dict, *, answer: bool = False) -> dict:
    """What the station meant, as far as nothing is lost by it; the result may still be invalid."""
    schema = _raw(version, action, answer)
    return _mend(payload, schema, schema) if schema else payload


def resolve(node: dict, root: dict) -> dict:
    while "$ref" in node:
        found = root
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def in_order(version: str, action: str, payload: dict) -> dict:
    """The same call with its members in the schema's order, at every depth.

    PostgreSQL's jsonb forgets the order, and some chargers read their messages by position.
    """
    schema = _raw(version, action, False)
    return _in_order(payload, schema, schema) if schema else payload


def _in_order(value, node: dict, root: dict):
    node = resolve(node, root)
    if isinstance(value, list):
        return [_in_order(item, node.get("items", {}), root) for item in value]
    if not isinstance(value, dict):
        return value
    known = node.get("properties", {})
    names = [name for name in known if name in value] + [name for name in value if name not in known]
    return {name: _in_order(value[name], known.get(name, {}), root) for name in names}


def _mend(value, node: dict, root: dict):
    node = resolve(node, root)
    kind = node.get("type")
    if kind == "object" and isinstance(value, dict):
        known = node.get("properties", {})
        closed = node.get("additionalProperties") is False
        mended = {}
        for name, item in value.items():
            if item is None or (closed and name not in known):
                continue
            mended[name] = _mend(item, known[name], root) if name in known else item
        return mended
    if kind == "array":
        # Some chargers send a lone object where the standard wants a list of them.
        items = value if isinstance(value, list) else [value]
        return [_mend(item, node.get("items", {}), root) for item in items if item is not None]
    if kind == "string":
        return _text(value, node)
    if kind in ("integer", "number") and isinstance(value, str):
        return _number(value, kind)
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    return value


def _text(value, node: dict):
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str) and "enum" in node and value not in node["enum"]:
        folded = {word.casefold(): word for word in node["enum"]}
        return folded.get(value.casefold(), "OtherError" if "OtherError" in node["enum"] else value)
    return value


def _number(text: str, kind: str):
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return text
    if not number.is_finite():
        return text
    if kind == "integer":
        return int(number) if number == number.to_integral_value() else text
    return float(number)


def truncate(version: str, action: str, payload: dict, fields: tuple[str, ...]) -> dict:
    """Cut free texts to the schema's length; identifiers never, because that would name another thing."""
    schema = _raw(version, action, False) or {}
    known = schema.get("properties", {})
    cut = dict(payload)
    for name in fields:
        limit = resolve(known.get(name, {}), schema).get("maxLength")
        if limit and isinstance(cut.get(name), str):
            cut[name] = cut[name][:limit]
    return cut


def without(payload: dict, fields: tuple[str, ...]) -> dict:
    """The payload with an empty text in the place of those fields (dotted), where it has them."""
    copy = orjson.loads(orjson.dumps(payload))
    for path in fields:
        *parents, name = path.split(".")
        node = copy
        for part in parents:
            node = node.get(part) if isinstance(node, dict) else None
        if isinstance(node, dict) and isinstance(node.get(name), str):
            node[name] = ""
    return copy
