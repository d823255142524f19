"""What 2.1 adds about energy: priority and dynamic profiles (K), DER controls (R), streams of values (N)."""

from __future__ import annotations

from stations import charging_needs, der, streams
from stations.charging_profiles import answers
from stations.ocpp.routing import Incoming


def priority_charging(incoming: Incoming) -> None:
    charging_needs.priority_changed(
        station=incoming.station,
        transaction_id=incoming.payload["transactionId"],
        activated=incoming.payload["activated"],
    )


def pull_dynamic_schedule(incoming: Incoming) -> dict:
    return answers.pulled(station=incoming.station, number=incoming.payload["chargingProfileId"])


def der_alarm(incoming: Incoming) -> None:
    der.alarmed(station=incoming.station, payload=incoming.payload, received_at=incoming.received_at)


def der_start_stop(incoming: Incoming) -> None:
    der.started_or_stopped(
        station=incoming.station, payload=incoming.payload, received_at=incoming.received_at
    )


def der_report(incoming: Incoming) -> None:
    der.reported(station=incoming.station, payload=incoming.payload, now=incoming.received_at)


def open_stream(incoming: Incoming) -> dict:
    return {"status": streams.opened(station=incoming.station, payload=incoming.payload)}


def close_stream(incoming: Incoming) -> dict:
    streams.closed(station=incoming.station, stream_id=incoming.payload["id"])
    return {}


def stream(incoming: Incoming) -> None:
    streams.notified(station=incoming.station, payload=incoming.payload, received_at=incoming.received_at)
