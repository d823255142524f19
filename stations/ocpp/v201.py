"""OCPP 2.0.1 (edition 3): what each message of a station does. 2.1 adds to it in v21."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from stations import access, boot, commands, facts, meter, sessions
from stations.models import Session, State
from stations.ocpp import wire
from stations.ocpp.routing import Incoming, Route, empty
from stations.ocpp.v16 import wire_now

log = logging.getLogger(__name__)

VERSION = "2.0.1"

STATES = {
    "Available": State.AVAILABLE,
    "Occupied": State.OCCUPIED,
    "Reserved": State.RESERVED,
    "Unavailable": State.UNAVAILABLE,
    "Faulted": State.FAULTED,
}


def boot_notification(incoming: Incoming) -> dict:
    charger = incoming.payload["chargingStation"]
    status = boot.boot(
        station=incoming.station,
        vendor=charger["vendorName"],
        model=charger["model"],
        serial_number=charger.get("serialNumber") or "",
        firmware=charger.get("firmwareVersion") or "",
        reason=incoming.payload["reason"],
        received_at=incoming.received_at,
    )
    return {
        "currentTime": wire_now(incoming.received_at),
        "interval": boot.interval(status),
        "status": status,
    }


def heartbeat(incoming: Incoming) -> dict:
    return {"currentTime": wire_now(incoming.received_at)}


def id_token_info(decision: access.Decision) -> dict:
    info: dict = {"status": decision.verdict.value}
    if decision.group:
        info["groupIdToken"] = {"idToken": decision.group[:36], "type": "Central"}
    return info


def authorize(incoming: Incoming) -> dict:
    token = incoming.payload["idToken"]["idToken"]
    decision = sessions.authorize(station=incoming.station, token=token, now=incoming.received_at)
    return {"idTokenInfo": id_token_info(decision)}


def needs_decision(payload: dict) -> bool:
    """Most events only report how the charge goes on."""
    return payload["eventType"] != "Updated" or bool(payload.get("idToken"))


def transaction_event(incoming: Incoming) -> dict:
    """§E: Started and Ended decide; Updated may come first, last or not at all, and only reports."""
    kind = incoming.payload["eventType"]
    if kind == "Ended":
        return _ended(incoming)
    return _started(incoming) if kind == "Started" else _updated(incoming)


def _started(incoming: Incoming) -> dict:
    payload = incoming.payload
    session, decision = sessions.start(station=incoming.station, report=_start_report(incoming))
    if not payload.get("idToken"):
        return {}
    if not decision.allowed and session.is_open:
        commands.remote_stop(session=session, reason=decision.reason[:120])
    return {"idTokenInfo": id_token_info(decision)}


def _start_report(incoming: Incoming) -> sessions.Start:
    payload = incoming.payload
    started_at, _flag = wire.device_time(payload["timestamp"], incoming.received_at)
    evse = payload.get("evse") or {}
    transaction = payload["transactionInfo"]
    return sessions.Start(
        evse_number=max(evse.get("id", 1), 1),
        connector_number=max(evse.get("connectorId", 1), 1),
        token=(payload.get("idToken") or {}).get("idToken", ""),
        started_at=started_at,
        received_at=incoming.received_at,
        meter_start_wh=_register(incoming, "Transaction.Begin"),
        transaction_id=transaction["transactionId"],
        remote_start_id=transaction.get("remoteStartId"),
        charging_state=transaction.get("chargingState", ""),
    )


def _updated(incoming: Incoming) -> dict:
    """An Updated that brings the token: the car was plugged in first and the driver came after."""
    token = incoming.payload["idToken"]["idToken"]
    decision = sessions.identify(
        station=incoming.station,
        transaction_id=incoming.payload["transactionInfo"]["transactionId"],
        token=token,
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
    sessions.stop(
        station=incoming.station,
        transaction_id=transaction_id,
        stopped_at=stopped_at,
        received_at=incoming.received_at,
        meter_stop_wh=_register(incoming, "Transaction.End"),
        reason=payload["transactionInfo"].get("stoppedReason") or "Local",
    )
    token = (payload.get("idToken") or {}).get("idToken", "")
    if not token:
        return {}
    return {
        "idTokenInfo": id_token_info(
            sessions.authorize(station=incoming.station, token=token, now=incoming.received_at)
        )
    }


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


def status_facts(payload: dict, received_at: datetime) -> Iterator[facts.Fact]:
    if payload["evseId"] > 0:
        yield facts.Reported(payload["evseId"], STATES[payload["connectorStatus"]], received_at)


def meter_facts(payload: dict, received_at: datetime) -> Iterator[facts.Fact]:
    found = tuple(meter.samples(payload["meterValue"], received_at))
    if found:
        yield facts.Metered(payload["evseId"], found)


def event_facts(payload: dict, received_at: datetime) -> Iterator[facts.Fact]:
    """NotifyEvent is how 2.x stations tell a fault: variable `Problem` of a connector or an EVSE."""
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


def data_transfer(incoming: Incoming) -> dict:
    return {"status": "UnknownVendorId"}


def rejected(incoming: Incoming) -> dict:
    return {"status": "Rejected"}


def failed(incoming: Incoming) -> dict:
    return {"status": "Failed"}


def no_certificate(incoming: Incoming) -> dict:
    return {"status": "Failed", "exiResponse": ""}


ROUTES = {
    "Authorize": Route(decide=authorize),
    "BootNotification": Route(decide=boot_notification, before_boot=True),
    "ClearedChargingLimit": Route(answer=empty),
    "DataTransfer": Route(answer=data_transfer),
    "FirmwareStatusNotification": Route(answer=empty),
    "Get15118EVCertificate": Route(answer=no_certificate),
    "GetCertificateStatus": Route(answer=failed),
    "Heartbeat": Route(answer=heartbeat, durable=False),
    "LogStatusNotification": Route(answer=empty),
    "MeterValues": Route(answer=empty, facts=meter_facts),
    "NotifyChargingLimit": Route(answer=empty),
    "NotifyCustomerInformation": Route(answer=empty),
    "NotifyDisplayMessages": Route(answer=empty),
    "NotifyEVChargingNeeds": Route(answer=rejected),
    "NotifyEVChargingSchedule": Route(answer=rejected),
    "NotifyEvent": Route(answer=empty, facts=event_facts),
    "NotifyMonitoringReport": Route(answer=empty),
    "NotifyReport": Route(answer=empty, before_boot=True),
    "PublishFirmwareStatusNotification": Route(answer=empty),
    "ReportChargingProfiles": Route(answer=empty),
    "ReservationStatusUpdate": Route(answer=empty),
    "SecurityEventNotification": Route(answer=empty),
    "SignCertificate": Route(answer=rejected),
    "StatusNotification": Route(answer=empty, facts=status_facts),
    "TransactionEvent": Route(
        decide=transaction_event, decides=needs_decision, answer=empty, facts=transaction_facts
    ),
}
