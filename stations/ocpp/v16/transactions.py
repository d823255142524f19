"""StartTransaction, StopTransaction and MeterValues (1.6 §4.8, §4.10, §4.7)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from stations import authorising, clocks, facts, meter, orphans, refused, sessions, signed
from stations.models import Station
from stations.ocpp import wire
from stations.ocpp.routing import Incoming
from stations.ocpp.v16.authorization import id_tag_info


def start_transaction(incoming: Incoming) -> dict:
    """Opens the session once, however often it is reported, and says whether the token may charge."""
    payload = incoming.payload
    started_at, flag = clocks.moment(incoming.station, payload["timestamp"], incoming.received_at)
    session, decision = sessions.start(
        station=incoming.station,
        report=sessions.Start(
            # 0 is the station as a whole, where no transaction can be: sessions finds out which is meant.
            evse_number=payload["connectorId"],
            connector_number=1,
            token=payload["idTag"],
            started_at=started_at,
            received_at=incoming.received_at,
            meter_start_wh=wire.number(payload["meterStart"]),
            said=payload["timestamp"],
            is_skewed=flag == wire.SKEW,
            reservation_id=payload.get("reservationId"),
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
    report = stop_report(incoming.station, payload, incoming.received_at)
    session = sessions.stop(station=incoming.station, **vars(report))
    signed.keep(session, payload.get("transactionData") or [], incoming.received_at)
    if session is None:
        orphans.stopped(station=incoming.station, report=report, payload=payload)
    if not payload.get("idTag"):
        return {}
    decision = authorising.authorize(
        station=incoming.station, token=payload["idTag"], now=incoming.received_at, stopping=True
    )
    return {"idTagInfo": id_tag_info(decision)}


def stop_report(station: Station, payload: dict, received_at: datetime) -> sessions.Stop:
    stopped_at, flag = clocks.moment(station, payload["timestamp"], received_at)
    return sessions.Stop(
        transaction_id=str(payload["transactionId"]),
        stopped_at=stopped_at,
        received_at=received_at,
        meter_stop_wh=wire.number(payload["meterStop"]),
        reason=payload.get("reason") or "Local",
        token=payload.get("idTag") or "",
        is_skewed=flag == wire.SKEW,
    )


def stop_facts(payload: dict, received_at: datetime) -> Iterator[facts.Fact]:
    """A stop may bring readings that were never sent on the way (§6.49 transactionData)."""
    data = payload.get("transactionData") or []
    transaction_id = str(payload["transactionId"])
    found = tuple(meter.samples(data, received_at))
    if found:
        yield facts.Metered(0, found, transaction_id)
    yield from signed.facts(data, received_at, 0, transaction_id)


def meter_facts(payload: dict, received_at: datetime) -> Iterator[facts.Fact]:
    """Keeps readings in one set of units, and moves energy and power of the session on."""
    found = tuple(meter.samples(payload["meterValue"], received_at))
    transaction = payload.get("transactionId")
    # Many stations leave it out, or send 0 or -1, though a transaction runs at that connector.
    transaction_id = "" if transaction is None or transaction <= 0 else str(transaction)
    if found:
        yield facts.Metered(
            payload["connectorId"], found, transaction_id, is_of_session=True, payload=payload
        )
    yield from signed.facts(payload["meterValue"], received_at, payload["connectorId"], transaction_id)
