"""OCPP 1.6 (edition 2, with the security extensions): what each message of a station does."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime

from stations import access, boot, commands, facts, meter, sessions
from stations.models import State
from stations.ocpp import wire
from stations.ocpp.routing import Incoming, Route, empty

log = logging.getLogger(__name__)

VERSION = "1.6"

STATES = {
    "Available": State.AVAILABLE,
    "Preparing": State.PREPARING,
    "Charging": State.CHARGING,
    "SuspendedEV": State.SUSPENDED_EV,
    "SuspendedEVSE": State.SUSPENDED_EVSE,
    "Finishing": State.FINISHING,
    "Reserved": State.RESERVED,
    "Unavailable": State.UNAVAILABLE,
    "Faulted": State.FAULTED,
}

#: §7.2 AuthorizationStatus has five words; the others mean “no” in the nearest of them.
VERDICTS = {access.Verdict.NOT_AT_THIS_TIME: "Blocked", access.Verdict.UNKNOWN: "Invalid"}


def now_text(incoming: Incoming) -> str:
    return wire_now(incoming.received_at)


def wire_now(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def boot_notification(incoming: Incoming) -> dict:
    payload = incoming.payload
    status = boot.boot(
        station=incoming.station,
        vendor=payload["chargePointVendor"],
        model=payload["chargePointModel"],
        serial_number=payload.get("chargePointSerialNumber") or payload.get("chargeBoxSerialNumber") or "",
        firmware=payload.get("firmwareVersion") or "",
        reason="",
        received_at=incoming.received_at,
    )
    return {"currentTime": now_text(incoming), "interval": boot.interval(status), "status": status}


def heartbeat(incoming: Incoming) -> dict:
    return {"currentTime": now_text(incoming)}


def id_tag_info(decision: access.Decision) -> dict:
    info = {"status": VERDICTS.get(decision.verdict, decision.verdict.value)}
    if decision.group:
        info["parentIdTag"] = decision.group[:20]
    return info


def authorize(incoming: Incoming) -> dict:
    decision = sessions.authorize(
        station=incoming.station, token=incoming.payload["idTag"], now=incoming.received_at
    )
    return {"idTagInfo": id_tag_info(decision)}


def start_transaction(incoming: Incoming) -> dict:
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
    if not decision.allowed and session.is_open:
        # Some stations charge on whatever they are told here.
        commands.remote_stop(session=session, reason=decision.reason[:120])
    return {"transactionId": int(session.transaction_id), "idTagInfo": id_tag_info(decision)}


def stop_transaction(incoming: Incoming) -> dict:
    """Always answered once stored: a station that gets an error repeats its stop for ever."""
    payload = incoming.payload
    stopped_at, _flag = wire.device_time(payload["timestamp"], incoming.received_at)
    sessions.stop(
        station=incoming.station,
        transaction_id=str(payload["transactionId"]),
        stopped_at=stopped_at,
        received_at=incoming.received_at,
        meter_stop_wh=wire.number(payload["meterStop"]),
        reason=payload.get("reason") or "Local",
    )
    if not payload.get("idTag"):
        return {}
    decision = sessions.authorize(station=incoming.station, token=payload["idTag"], now=incoming.received_at)
    return {"idTagInfo": id_tag_info(decision)}


def stop_facts(payload: dict, received_at: datetime) -> Iterator[facts.Fact]:
    """A stop may bring readings that were never sent on the way (§6.49 transactionData)."""
    found = tuple(meter.samples(payload.get("transactionData") or [], received_at))
    if found:
        yield facts.Metered(0, found, str(payload["transactionId"]))


def status_facts(payload: dict, received_at: datetime) -> Iterator[facts.Fact]:
    # Connector 0 is the station as a whole; its EVSEs report for themselves.
    if payload["connectorId"] < 1:
        return
    error = payload["errorCode"]
    yield facts.Reported(
        payload["connectorId"],
        STATES[payload["status"]],
        received_at,
        error_code="" if error == "NoError" else error,
        vendor_error=payload.get("vendorErrorCode") or "",
        info=payload.get("info") or "",
    )


def meter_facts(payload: dict, received_at: datetime) -> Iterator[facts.Fact]:
    found = tuple(meter.samples(payload["meterValue"], received_at))
    transaction = payload.get("transactionId")
    if found:
        yield facts.Metered(payload["connectorId"], found, "" if transaction is None else str(transaction))


def data_transfer(incoming: Incoming) -> dict:
    return {"status": "UnknownVendorId"}


def sign_certificate(incoming: Incoming) -> dict:
    return {"status": "Rejected"}


ROUTES = {
    "Authorize": Route(decide=authorize),
    "BootNotification": Route(
        decide=boot_notification,
        before_boot=True,
        free_texts=("chargePointVendor", "chargePointModel", "firmwareVersion", "chargePointSerialNumber"),
    ),
    "DataTransfer": Route(answer=data_transfer),
    "DiagnosticsStatusNotification": Route(answer=empty),
    "FirmwareStatusNotification": Route(answer=empty),
    "Heartbeat": Route(answer=heartbeat, durable=False),
    "LogStatusNotification": Route(answer=empty),
    "MeterValues": Route(answer=empty, facts=meter_facts),
    "SecurityEventNotification": Route(answer=empty, free_texts=("techInfo",)),
    "SignCertificate": Route(answer=sign_certificate),
    "SignedFirmwareStatusNotification": Route(answer=empty),
    "StartTransaction": Route(decide=start_transaction),
    "StatusNotification": Route(
        answer=empty, facts=status_facts, free_texts=("info", "vendorId", "vendorErrorCode")
    ),
    "StopTransaction": Route(decide=stop_transaction, facts=stop_facts),
}
