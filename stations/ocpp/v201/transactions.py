"""TransactionEvent (2.0.1 block E) and MeterValues (block J)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from stations import authorising, display, facts, meter, refused, sessions
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


def _start_report(incoming: Incoming) -> sessions.Start:
    payload = incoming.payload
    started_at, _flag = wire.device_time(payload["timestamp"], incoming.received_at)
    evse = payload.get("evse") or {}
    transaction = payload["transactionInfo"]
    return sessions.Start(
        evse_number=max(evse.get("id", 1), 1),
        connector_number=max(evse.get("connectorId", 1), 1),
        token=said(payload.get("idToken"))[0],
        token_type=said(payload.get("idToken"))[1],
        offline=bool(payload.get("offline")),
        started_at=started_at,
        received_at=incoming.received_at,
        meter_start_wh=_register(incoming, "Transaction.Begin"),
        transaction_id=transaction["transactionId"],
        remote_start_id=transaction.get("remoteStartId"),
        charging_state=transaction.get("chargingState", ""),
    )


def _updated(incoming: Incoming) -> dict:
    """An Updated that brings the token: the car was plugged in first and the driver came after."""
    token, kind = said(incoming.payload["idToken"])
    decision = sessions.identify(
        station=incoming.station,
        transaction_id=incoming.payload["transactionInfo"]["transactionId"],
        token=token,
        kind=kind,
        offline=bool(incoming.payload.get("offline")),
        now=incoming.received_at,
    )
    return {"idTokenInfo": id_token_info(decision)}


def _ended(incoming: Incoming) -> dict:
    payload = incoming.payload
    transaction_id = payload["transactionInfo"]["transactionId"]
    stopped_at, _flag = wire.device_time(payload["timestamp"], incoming.received_at)
    if sessions.find(incoming.station, transaction_id) is None:
        # Ended came before Started, or Started is lost: what was charged must not be lost with it.
        sessions.start(station=incoming.station, report=_start_report(incoming))
    session = sessions.stop(
        station=incoming.station,
        transaction_id=transaction_id,
        stopped_at=stopped_at,
        received_at=incoming.received_at,
        meter_stop_wh=_register(incoming, "Transaction.End"),
        reason=payload["transactionInfo"].get("stoppedReason") or "Local",
    )
    answer: dict = {}
    total = display.final_cost(session) if session is not None else None
    if total is not None:
        answer["totalCost"] = float(total)
    token, kind = said(payload.get("idToken"))
    if token:
        if session is not None:
            authorising.note_stopper(
                session=session, token=token, kind=kind, received_at=incoming.received_at
            )
        decision = authorising.authorize(
            station=incoming.station, token=token, kind=kind, now=incoming.received_at, stopping=True
        )
        answer["idTokenInfo"] = id_token_info(decision)
    return answer


def _register(incoming: Incoming, context: str) -> Decimal | None:
    """The energy register in the event's own meter values: of the context wanted, or else the last."""
    found = meter.register(meter.samples(incoming.payload.get("meterValue") or [], incoming.received_at))
    wanted = [sample for sample in found if sample.context == context] or found
    return wanted[-1].value if wanted else None


def transaction_facts(payload: dict, received_at: datetime) -> Iterator[facts.Fact]:
    transaction = payload["transactionInfo"]
    evse = (payload.get("evse") or {}).get("id", 0)
    found = tuple(meter.samples(payload.get("meterValue") or [], received_at))
    if found:
        yield facts.Metered(evse, found, transaction["transactionId"])
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
