"""NotifyEvent and the other reports of block N."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from stations import device_events, facts, monitors
from stations.models import State
from stations.ocpp.routing import Incoming
from stations.ocpp.v201.availability import STATES


def event_facts(payload: dict, received_at: datetime) -> Iterator[facts.Fact]:
    """Takes an EVSE’s state and faults from the device model.

    NotifyEvent is how 2.x stations tell a fault (variable `Problem`), and 2.1's also any other state.

    That a problem is over says nothing of the state; `device_events` finds that.
    """
    for event in payload["eventData"]:
        component, name = event["component"], event["variable"]["name"]
        number = (component.get("evse") or {}).get("id", 0)
        if number < 1 and component["name"] != "ChargingStation":
            continue
        if name == "Problem" and device_events.is_true(event["actualValue"]) and not event.get("cleared"):
            yield facts.Reported(
                number,
                State.FAULTED,
                received_at,
                error_code=event.get("techCode", "")[:60],
                info=event.get("techInfo", "")[:120],
            )
        elif name == "AvailabilityState" and event["actualValue"] in STATES:
            yield facts.Reported(number, STATES[event["actualValue"]], received_at)
        elif name == "Problem" and number < 1:
            yield facts.Reported(0, State.AVAILABLE, received_at)


def notify_event(incoming: Incoming) -> None:
    """Keeps each event; a grave one opens an alert, a problem makes the place faulted."""
    device_events.notified(
        station=incoming.station, payload=incoming.payload, received_at=incoming.received_at
    )


def monitoring_report(incoming: Incoming) -> None:
    """Keeps what the charger watches, part by part."""
    monitors.reported(station=incoming.station, payload=incoming.payload, now=incoming.received_at)
