"""Calls about firmware and logs that have one shape in every version."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING

from . import maintenance
from .clock import parse_stamp
from .transport import Answer

if TYPE_CHECKING:
    from .charger import SimulatedCharger


def update_with_number(charger: SimulatedCharger, payload: dict) -> dict | Answer:
    """1.6's SignedUpdateFirmware and 2.x's UpdateFirmware, which have the same shape."""
    firmware = payload["firmware"]
    if problem := maintenance.certificate_problem(firmware.get("signingCertificate", "")):
        return {"status": problem}
    install = firmware.get("installDateTime")
    order = maintenance.Order(
        firmware["location"],
        parse_stamp(firmware["retrieveDateTime"]),
        install_at=parse_stamp(install) if install else None,
        request_id=payload["requestId"],
        retries=payload.get("retries", 0),
        retry_interval_s=payload.get("retryInterval", maintenance.RETRY_S),
        certificate=firmware.get("signingCertificate", ""),
        signature=firmware.get("signature", ""),
    )
    return Answer({"status": "Accepted"}, lambda: charger.spawn(maintenance.update_firmware(charger, order)))


def get_log(charger: SimulatedCharger, payload: dict) -> Answer:
    """GetLog of 1.6's security extension and of 2.x, which are the same."""
    name = maintenance.log_name(charger)[:255]
    return Answer(
        {"status": "Accepted", "filename": name}, lambda: charger.spawn(upload(charger, payload, name))
    )


def upload(charger: SimulatedCharger, payload: dict, name: str) -> Coroutine:
    return maintenance.upload_log(
        charger,
        payload.get("location") or payload["log"]["remoteLocation"],
        name,
        payload.get("requestId"),
        retries=payload.get("retries", 0),
        retry_interval_s=payload.get("retryInterval", maintenance.RETRY_S),
    )
