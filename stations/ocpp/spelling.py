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


def start_options(version: str, profile: dict | None, group: str) -> dict:
    """What a remote start may say besides: a charging profile for the session, the token's group."""
    if _is_16(version):
        return {"chargingProfile": profile} if profile else {}
    options: dict = {"chargingProfile": profile} if profile else {}
    if group:
        options["groupIdToken"] = {"idToken": group, "type": "Central"}
    return options


def reset(version: str, hard: bool, evse: int | None = None, resume: bool = False) -> tuple[str, dict]:
    """1.6 knows neither single EVSEs nor, before 2.1, going on afterwards: it restarts as a whole."""
    if _is_16(version):
        return "Reset", {"type": "Hard" if hard or resume else "Soft"}
    if resume and version == "2.1":
        payload: dict = {"type": "ImmediateAndResume"}
    else:
        payload = {"type": "Immediate" if hard or resume else "OnIdle"}
    if evse:
        payload["evseId"] = evse
    return "Reset", payload


def unlock(version: str, evse: int, connector: int) -> tuple[str, dict]:
    if _is_16(version):
        return "UnlockConnector", {"connectorId": evse}
    return "UnlockConnector", {"evseId": evse, "connectorId": connector}


def change_availability(
    version: str, evse: int | None, operative: bool, connector: int | None = None
) -> tuple[str, dict]:
    """`evse` None means the whole station; `connector` None the whole EVSE."""
    word = "Operative" if operative else "Inoperative"
    if _is_16(version):
        return "ChangeAvailability", {"connectorId": evse or 0, "type": word}
    payload: dict = {"operationalStatus": word}
    if evse:
        payload["evse"] = {"id": evse} | ({"connectorId": connector} if connector else {})
    return "ChangeAvailability", payload


#: In 1.6 these are asked for with a message of the security extensions.
EXTENDED = ("LogStatusNotification", "SignChargePointCertificate")


def trigger(
    version: str, message: str, evse: int | None, connector: int | None, custom: str = ""
) -> tuple[str, dict]:
    payload: dict = {"requestedMessage": message}
    if _is_16(version):
        if evse:
            payload["connectorId"] = evse
        return "ExtendedTriggerMessage" if message in EXTENDED else "TriggerMessage", payload
    if evse:
        payload["evse"] = {"id": evse} | ({"connectorId": connector} if connector else {})
    if custom:
        payload["customTrigger"] = custom
    return "TriggerMessage", payload


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
        # As Authorize answers with it.
        payload["groupIdToken"] = {"idToken": group, "type": "Central"}
    return "ReserveNow", payload


def cancel_reservation(version: str, reservation_id: int) -> tuple[str, dict]:
    return "CancelReservation", {"reservationId": reservation_id}
