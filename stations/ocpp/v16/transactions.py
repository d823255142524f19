"""StartTransaction, StopTransaction and MeterValues (1.6 §4.8, §4.10, §4.7)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from stations import authorising, facts, meter, refused, sessions
from stations.ocpp import wire
from stations.ocpp.routing import Incoming
from stations.ocpp.v16.authorization import id_tag_info


def start_transaction(incoming: Incoming) -> dict:
    """Opens the session once, however often it is reported, and says whether the token may charge."""
    payload = incoming.payload
    started_at, _flag = wire.device_time(payload["timestamp"], incoming.received_at)
    session, decision = sessions.start(
        station=incoming.station,
        report=sessions.Start(
            evse_number=max(payload["connectorId"], 1),
            connector_number=1,
            token=payload["idTag"],
            started_at=started_at,
            received_at=incoming.received_at,
            meter_start_wh=wire.number(payload["meterStart"]),
        ),
    )
    if not decision.allowed:
        # Some stations charge on whatever they are told here.
        refused.end(session, decision)
    return {"idTagInfo": id_tag_info(decision), "transactionId": int(session.transaction_id)}


def stop_transaction(incoming: Incoming) -> dict:
    """Ends the session with its last meter value; one that nobody knows is kept for a person to look at.

    Always answered once stored: a station that gets an error repeats its stop for ever.
    """
    payload = incoming.payload
    stopped_at, _flag = wire.device_time(payload["timestamp"], incoming.received_at)
    session = sessions.stop(
        station=incoming.station,
        transaction_id=str(payload["transactionId"]),
        stopped_at=stopped_at,
        received_at=incoming.received_at,
        meter_stop_wh=wire.number(payload["meterStop"]),
        reason=payload.get("reason") or "Local",
    )
    if not payload.get("idTag"):
        return {}
    if session is not None:
        authorising.note_stopper(
            session=session, token=payload["idTag"], kind="", received_at=incoming.received_at
        )
    decision = authorising.authorize(
        station=incoming.station, token=payload["idTag"], now=incoming.received_at, stopping=True
    )
    return {"idTagInfo": id_tag_info(decision)}


def stop_facts(payload: dict, received_at: datetime) -> Iterator[facts.Fact]:
    """A stop may bring readings that were never sent on the way (§6.49 transactionData)."""
    found = tuple(meter.samples(payload.get("transactionData") or [], received_at))
    if found:
        yield facts.Metered(0, found, str(payload["transactionId"]))


def meter_facts(payload: dict, received_at: datetime) -> Iterator[facts.Fact]:
    """Keeps readings in one set of units, and moves energy and power of the session on."""
    found = tuple(meter.samples(payload["meterValue"], received_at))
    transaction = payload.get("transactionId")
    if found:
        yield facts.Metered(payload["connectorId"], found, "" if transaction is None else str(transaction))
