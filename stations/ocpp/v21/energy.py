"""What 2.1 adds about energy: priority and dynamic profiles (K), DER controls (R), streams of values (N)."""

from __future__ import annotations

from stations import charging_needs, der, streams
from stations.charging_profiles import answers
from stations.ocpp.routing import Incoming


def priority_charging(incoming: Incoming) -> None:
    """Notes that the driver asked for all the power there is."""
    charging_needs.priority_changed(
        station=incoming.station,
        transaction_id=incoming.payload["transactionId"],
        activated=incoming.payload["activated"],
    )


def pull_dynamic_schedule(incoming: Incoming) -> dict:
    """Answers with the limit that holds now."""
    return answers.pulled(station=incoming.station, number=incoming.payload["chargingProfileId"])


def der_alarm(incoming: Incoming) -> None:
    """Keeps as an event that the grid is out of its bounds."""
    der.alarmed(station=incoming.station, payload=incoming.payload, received_at=incoming.received_at)


def der_start_stop(incoming: Incoming) -> None:
    """Keeps that a control of the grid has begun or ended."""
    der.started_or_stopped(
        station=incoming.station, payload=incoming.payload, received_at=incoming.received_at
    )


def der_report(incoming: Incoming) -> None:
    """Keeps one part of the controls that the charger holds."""
    der.reported(station=incoming.station, payload=incoming.payload, now=incoming.received_at)


def open_stream(incoming: Incoming) -> dict:
    """Accepts a stream of values, where it is of a monitor that is known."""
    return {"status": streams.opened(station=incoming.station, payload=incoming.payload)}


def close_stream(incoming: Incoming) -> dict:
    """Ends a stream of values."""
    streams.closed(station=incoming.station, stream_id=incoming.payload["id"])
    return {}


def stream(incoming: Incoming) -> None:
    """Keeps streamed values: readings where they are of a meter, the last value anyway."""
    streams.notified(station=incoming.station, payload=incoming.payload, received_at=incoming.received_at)
