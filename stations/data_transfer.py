"""DataTransfer: what makers say beyond the standard, by (vendor, message).

To add one: `register("org.maker", "Message", Handler(…))` in a module that an app's `ready` imports. What no
handler knows is refused with the standard's word, and kept as an event all the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stations import events
from stations.display.spelling import COST_VENDOR
from stations.models import Event
from stations.ocpp.routing import Incoming

ALL = ("1.6", "2.0.1", "2.1")


@dataclass(frozen=True)
class Handler:
    """`answer` makes (status, data) of the message's data at once, and touches no database; `later` does what
    there is to do, exactly once, in a worker. Without `later`, the message is kept as an event."""

    answer: Callable[[Any], tuple[str, Any]] = lambda data: ("Accepted", None)
    later: Callable[[Incoming], None] | None = None
    versions: tuple[str, ...] = ALL


_handlers: dict[tuple[str, str], Handler] = {}


def register(vendor: str, message: str, handler: Handler) -> None:
    _handlers[vendor.casefold(), message.casefold()] = handler


def find(incoming: Incoming) -> Handler | None:
    vendor, message = _named(incoming)
    handler = _handlers.get((vendor, message))
    return handler if handler is not None and incoming.version in handler.versions else None


def _named(incoming: Incoming) -> tuple[str, str]:
    payload = incoming.payload
    return payload["vendorId"].casefold(), (payload.get("messageId") or "").casefold()


def answer(incoming: Incoming) -> dict:
    handler = find(incoming)
    if handler is None:
        vendor, _message = _named(incoming)
        known = any(vendor == name for name, _rest in _handlers)
        return {"status": "UnknownMessageId" if known else "UnknownVendorId"}
    status, data = handler.answer(incoming.payload.get("data"))
    if data is None:
        return {"status": status}
    return {"status": status, "data": json.dumps(data) if incoming.version == "1.6" else data}


def keep(incoming: Incoming) -> None:
    handler = find(incoming)
    if handler is not None and handler.later is not None:
        handler.later(incoming)
        return
    payload = incoming.payload
    data = payload.get("data")
    events.record(
        [
            Event(
                station=incoming.station,
                kind=Event.Kind.OTHER,
                code=f"{payload['vendorId']} {payload.get('messageId') or ''}".strip(),
                severity=8 if handler is not None else 7,
                at=incoming.received_at,
                received_at=incoming.received_at,
                component="DataTransfer",
                text="" if handler is not None else "No part of the portal knows this message.",
                value=data if isinstance(data, str) else "" if data is None else json.dumps(data),
            )
        ]
    )


# The application note's one message from a station: the car has gone, so idling has ended.
register(COST_VENDOR, "ConnectorUnplugged", Handler(versions=("1.6",)))
