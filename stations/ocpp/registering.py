"""What passes while a station is not accepted (1.6 §4.2; 2.x use cases B02, B03). Pure."""

from __future__ import annotations

ACCEPTED, PENDING, REJECTED = "Accepted", "Pending", "Rejected"

#: Nobody charges at a station that isn't accepted; it may be looked at and set up.
NOT_WHILE_PENDING = frozenset(
    [
        "RemoteStartTransaction",
        "RemoteStopTransaction",
        "RequestStartTransaction",
        "RequestStopTransaction",
        "ReserveNow",
    ]
)

#: What a station sends because we asked for it, by our call. Seconds for which it then passes.
MINUTES, HOURS = 120, 6 * 3600
REPLIES = {
    "CustomerInformation": ("NotifyCustomerInformation", MINUTES),
    "ExtendedTriggerMessage": ("", MINUTES),
    "GetBaseReport": ("NotifyReport", MINUTES),
    "GetDiagnostics": ("DiagnosticsStatusNotification", HOURS),
    "GetLog": ("LogStatusNotification", HOURS),
    "GetMonitoringReport": ("NotifyMonitoringReport", MINUTES),
    "GetReport": ("NotifyReport", MINUTES),
    "SignedUpdateFirmware": ("SignedFirmwareStatusNotification", HOURS),
    "TriggerMessage": ("", MINUTES),
    "UpdateFirmware": ("FirmwareStatusNotification", HOURS),
}
CERTIFICATES = frozenset(
    [
        "SignChargePointCertificate",
        "SignChargingStationCertificate",
        "SignCombinedCertificate",
        "SignV2G20Certificate",
        "SignV2GCertificate",
    ]
)


def refusal(registration: str, action: str, payload: dict) -> str:
    """Why this call may not be sent to a connected station now; empty if it may."""
    if registration == ACCEPTED:
        return ""
    if registration == REJECTED and not (
        action.endswith("TriggerMessage") and payload.get("requestedMessage") == "BootNotification"
    ):
        return "The charger's registration is rejected: nothing may be sent to it."
    if action in NOT_WHILE_PENDING:
        return "The charger's registration is pending: it may be set up, but not used yet."
    return ""


def allowed_by(action: str, payload: dict) -> tuple[str, int]:
    """(the message that a station may send because of this call of ours, for how many seconds)."""
    message, seconds = REPLIES.get(action, ("", 0))
    if seconds and not message:
        asked = str(payload.get("requestedMessage") or "")
        message = "SignCertificate" if asked in CERTIFICATES else asked
    return message, seconds
