"""TransactionEvent (2.0.1 block E) and MeterValues (block J)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from stations import authorising, clocks, display, facts, meter, refused, registers, sessions, signed
from stations.models import Session, State
from stations.ocpp import wire
from stations.ocpp.routing import Incoming
from stations.ocpp.v201.authorization import id_token_info, said


def needs_decision(payload: dict) -> bool:
    """Most events only report how the charge goes on."""
    return payload["eventType"] != "Updated" or bool(payload.get("idToken"))


def transaction_event(incoming: Incoming) -> dict:
    """Opens and ends the session once each, says whether its token may charge, keeps the readings.

    §E: Started and Ended decide; Updated may come first, last or not at all, and only reports.
    """
    kind = incoming.payload["eventType"]
    if kind == "Ended":
        return _ended(incoming)
    return _started(incoming) if kind == "Started" else _updated(incoming)


def _started(incoming: Incoming) -> dict:
    payload = incoming.payload
    session, decision = sessions.start(station=incoming.station, report=_start_report(incoming))
    if not payload.get("idToken"):
        return {}
    if not decision.allowed:
        refused.end(session, decision)
    return {"idTokenInfo": id_token_info(decision)}


def _start_report(incoming: Incoming, *, is_assumed: bool = False) -> sessions.Start:
    payload = incoming.payload
    started_at, flag = clocks.moment(incoming.station, payload["timestamp"], incoming.received_at)
    evse = payload.get("evse") or {}
    transaction = payload["transactionInfo"]
    token, kind = said(payload.get("idToken"))
    return sessions.Start(
        # Left out where the driver has not yet chosen one.
        evse_number=evse.get("id", 0),
        connector_number=evse.get("connectorId", 1),
        token=token,
        token_type=kind,
        offline=bool(payload.get("offline")),
        started_at=started_at,
        received_at=incoming.received_at,
        # Of a start that has not come, nobody knows what the meter said.
        meter_start_wh=None if is_assumed else _register(incoming, "Transaction.Begin"),
        transaction_id=transaction["transactionId"],
        remote_start_id=transaction.get("remoteStartId"),
        charging_state=transaction.get("chargingState", ""),
        said=payload["timestamp"],
        is_assumed=is_assumed,
        is_skewed=flag == wire.SKEW,
        reservation_id=payload.get("reservationId"),
    )


def _updated(incoming: Incoming) -> dict:
    """An Updated that brings the token: the car was plugged in first and the driver came after."""
    token, kind = said(incoming.payload["idToken"])
    transaction_id = incoming.payload["transactionInfo"]["transactionId"]
    if sessions.find(incoming.station, transaction_id) is None:
        _session, decision = sessions.start(
            station=incoming.station, report=_start_report(incoming, is_assumed=True)
        )
    else:
        decision = sessions.identify(
            station=incoming.station,
            transaction_id=transaction_id,
            token=token,
            kind=kind,
            offline=bool(incoming.payload.get("offline")),
            now=incoming.received_at,
        )
    return {"idTokenInfo": id_token_info(decision)}


def _ended(incoming: Incoming) -> dict:
    payload = incoming.payload
    transaction_id = payload["transactionInfo"]["transactionId"]
    stopped_at, flag = clocks.moment(incoming.station, payload["timestamp"], incoming.received_at)
    if sessions.find(incoming.station, transaction_id) is None:
        # Ended came before Started, or Started is lost: what was charged must not be lost with it.
        sessions.start(station=incoming.station, report=_start_report(incoming, is_assumed=True))
    token, kind = said(payload.get("idToken"))
    session = sessions.stop(
        station=incoming.station,
        transaction_id=transaction_id,
        stopped_at=stopped_at,
        received_at=incoming.received_at,
        meter_stop_wh=_register(incoming, "Transaction.End"),
        reason=payload["transactionInfo"].get("stoppedReason") or "Local",
        token=token,
        token_type=kind,
        evse_number=(payload.get("evse") or {}).get("id", 0),
        is_skewed=flag == wire.SKEW,
    )
    signed.keep(session, payload.get("meterValue") or [], incoming.received_at)
    answer: dict = {}
    total = display.final_cost(session) if session is not None else None
    if total is not None:
        answer["totalCost"] = float(total)
    if token:
        decision = authorising.authorize(
            station=incoming.station, token=token, kind=kind, now=incoming.received_at, stopping=True
        )
        answer["idTokenInfo"] = id_token_info(decision)
    return answer


def _register(incoming: Incoming, context: str) -> Decimal | None:
    """The energy register in the event's own meter values: of that context, or else the nearest to it."""
    found = list(meter.samples(incoming.payload.get("meterValue") or [], incoming.received_at))
    registered = [sample for sample in found if sample.measurand == meter.ENERGY]
    points = registers.billable([each for each in registered if each.context == context] or registered)
    if not points:
        return None
    return points[0][1] if context == "Transaction.Begin" else points[-1][1]


def transaction_facts(payload: dict, received_at: datetime) -> Iterator[facts.Fact]:
    transaction = payload["transactionInfo"]
    evse = (payload.get("evse") or {}).get("id", 0)
    values = payload.get("meterValue") or []
    at, _flag = wire.device_time(payload["timestamp"], received_at)
    connector = (payload.get("evse") or {}).get("connectorId", 1)
    yield facts.Progress(transaction["transactionId"], evse, connector, payload["seqNo"], at, received_at)
    found = tuple(meter.samples(values, received_at))
    if found:
        yield facts.Metered(evse, found, transaction["transactionId"])
    yield from signed.facts(values, received_at, evse, transaction["transactionId"])
    if payload["eventType"] == "Ended":
        # Many stations say nothing more until the cable is out.
        if evse > 0:
            yield facts.Reported(evse, State.FINISHING, received_at)
        return
    state = transaction.get("chargingState")
    if state in Session.ChargingState.values:
        yield facts.Flow(transaction["transactionId"], state, received_at)


def meter_facts(payload: dict, received_at: datetime) -> Iterator[facts.Fact]:
    """Keeps readings in one set of units, and moves energy and power of the session on."""
    found = tuple(meter.samples(payload["meterValue"], received_at))
    if found:
        yield facts.Metered(payload["evseId"], found)
    yield from signed.facts(payload["meterValue"], received_at, payload["evseId"], "")
