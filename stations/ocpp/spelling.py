"""The same wish in each version's words: (action, payload) for what the portal's own features send."""

from __future__ import annotations

from datetime import UTC, datetime


def _is_16(version: str) -> bool:
    return version in ("", "1.6")


def wire_time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def remote_start(
    version: str, evse: int, token: str, token_type: str, remote_start_id: int
) -> tuple[str, dict]:
    if _is_16(version):
        return "RemoteStartTransaction", {"connectorId": evse, "idTag": token}
    return "RequestStartTransaction", {
        "evseId": evse,
        "remoteStartId": remote_start_id,
        "idToken": {"idToken": token, "type": token_type},
    }


def remote_stop(version: str, transaction_id: str) -> tuple[str, dict]:
    if _is_16(version):
        return "RemoteStopTransaction", {"transactionId": int(transaction_id)}
    return "RequestStopTransaction", {"transactionId": transaction_id}


def reset(version: str, hard: bool) -> tuple[str, dict]:
    if _is_16(version):
        return "Reset", {"type": "Hard" if hard else "Soft"}
    return "Reset", {"type": "Immediate" if hard else "OnIdle"}


def unlock(version: str, evse: int, connector: int) -> tuple[str, dict]:
    if _is_16(version):
        return "UnlockConnector", {"connectorId": evse}
    return "UnlockConnector", {"evseId": evse, "connectorId": connector}


def change_availability(version: str, evse: int | None, operative: bool) -> tuple[str, dict]:
    """`evse` None means the whole station."""
    word = "Operative" if operative else "Inoperative"
    if _is_16(version):
        return "ChangeAvailability", {"connectorId": evse or 0, "type": word}
    payload: dict = {"operationalStatus": word}
    if evse:
        payload["evse"] = {"id": evse}
    return "ChangeAvailability", payload


def reserve(
    version: str, reservation_id: int, evse: int, token: str, token_type: str, group: str, ends_at: datetime
) -> tuple[str, dict]:
    if _is_16(version):
        payload: dict = {
            "connectorId": evse,
            "expiryDate": wire_time(ends_at),
            "idTag": token,
            "reservationId": reservation_id,
        }
        if group:
            payload["parentIdTag"] = group
        return "ReserveNow", payload
    payload = {
        "id": reservation_id,
        "expiryDateTime": wire_time(ends_at),
        "idToken": {"idToken": token, "type": token_type},
        "evseId": evse,
    }
    if group:
        payload["groupIdToken"] = {"idToken": group, "type": token_type}
    return "ReserveNow", payload


def cancel_reservation(version: str, reservation_id: int) -> tuple[str, dict]:
    return "CancelReservation", {"reservationId": reservation_id}
