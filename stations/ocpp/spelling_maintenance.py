"""Firmware, logs and customer information in each version's words: (action, payload)."""

from __future__ import annotations

from datetime import datetime

from stations.ocpp.spelling import wire_time


def _is_16(version: str) -> bool:
    return version in ("", "1.6")


def _without_none(payload: dict) -> dict:
    return {name: value for name, value in payload.items() if value is not None and value != ""}


def update_firmware(
    version: str,
    request_id: int,
    location: str,
    retrieve_at: datetime,
    *,
    install_at: datetime | None = None,
    retries: int | None = None,
    retry_interval_s: int | None = None,
    signing_certificate: str = "",
    signature: str = "",
) -> tuple[str, dict]:
    """1.6 has a message of its own for signed ones; its plain one has no number and installs at once."""
    trying = {"retries": retries, "retryInterval": retry_interval_s}
    if _is_16(version) and not signature:
        plain = {"location": location, "retrieveDate": wire_time(retrieve_at)}
        return "UpdateFirmware", _without_none(plain | trying)
    firmware = {
        "location": location,
        "retrieveDateTime": wire_time(retrieve_at),
        "installDateTime": wire_time(install_at) if install_at else None,
        "signingCertificate": signing_certificate,
        "signature": signature,
    }
    payload = _without_none({"requestId": request_id, "firmware": _without_none(firmware)} | trying)
    return "SignedUpdateFirmware" if _is_16(version) else "UpdateFirmware", payload


def publish_firmware(
    request_id: int, location: str, checksum: str, retries: int | None, retry_interval_s: int | None
) -> tuple[str, dict]:
    return "PublishFirmware", _without_none(
        {
            "location": location,
            "checksum": checksum,
            "requestId": request_id,
            "retries": retries,
            "retryInterval": retry_interval_s,
        }
    )


def unpublish_firmware(checksum: str) -> tuple[str, dict]:
    return "UnpublishFirmware", {"checksum": checksum}


def get_log(
    version: str,
    request_id: int,
    kind: str,
    location: str,
    oldest: datetime | None,
    latest: datetime | None,
    retries: int,
) -> tuple[str, dict]:
    """1.6 asks for diagnostics by its own old message, and by the security extension's for other logs."""
    if _is_16(version) and kind == "DiagnosticsLog":
        return "GetDiagnostics", _without_none(
            {
                "location": location,
                "retries": retries,
                "startTime": wire_time(oldest) if oldest else None,
                "stopTime": wire_time(latest) if latest else None,
            }
        )
    log = {
        "remoteLocation": location,
        "oldestTimestamp": wire_time(oldest) if oldest else None,
        "latestTimestamp": wire_time(latest) if latest else None,
    }
    return "GetLog", {
        "logType": kind,
        "requestId": request_id,
        "retries": retries,
        "log": _without_none(log),
    }


def customer_information(
    request_id: int,
    *,
    report: bool,
    clear: bool,
    token: str = "",
    token_type: str = "",
    identifier: str = "",
    certificate: dict | None = None,
) -> tuple[str, dict]:
    payload: dict = {"requestId": request_id, "report": report, "clear": clear}
    if token:
        payload["idToken"] = {"idToken": token, "type": token_type}
    if identifier:
        payload["customerIdentifier"] = identifier
    if certificate:
        payload["customerCertificate"] = certificate
    return "CustomerInformation", payload
