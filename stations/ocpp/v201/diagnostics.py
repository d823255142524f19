"""NotifyEvent and the other reports of block N."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from stations import facts
from stations.models import State


def event_facts(payload: dict, received_at: datetime) -> Iterator[facts.Fact]:
    """Keeps a fault of an EVSE; this is how 2.x stations tell one: its variable `Problem`."""
    for event in payload["eventData"]:
        number = (event["component"].get("evse") or {}).get("id", 0)
        if number < 1 or event["variable"]["name"] != "Problem":
            continue
        if str(event["actualValue"]).lower() == "true":
            yield facts.Reported(
                number,
                State.FAULTED,
                received_at,
                error_code=event.get("techCode", "")[:60],
                info=event.get("techInfo", "")[:120],
            )
