"""Security events: what stations tell of attempts on themselves, and how grave each is."""

from __future__ import annotations

from datetime import datetime

from stations import events
from stations.models import Event, Station

#: The standard's list (2.0.1 and 2.1 appendix 1, 1.6 security extensions §5.4; 1.6 says CentralSystem and
#: ChargePoint for Csms and ChargingStation) in OCPP's severities. Its “critical” only means “must be
#: reported”, each start included: graver than a warning is here what somebody has to look into.
SEVERITIES = {
    "TamperDetectionActivated": 3,
    "SecurityLogWasCleared": 3,
    "InvalidFirmwareSignature": 3,
    "InvalidFirmwareSigningCertificate": 3,
    "AttemptedReplayAttacks": 3,
    "InvalidCsmsCertificate": 4,
    "InvalidCentralSystemCertificate": 4,
    "InvalidChargingStationCertificate": 4,
    "InvalidChargePointCertificate": 4,
    "DiscardedRenewedClientCertificate": 4,
    "InvalidTLSVersion": 4,
    "InvalidTLSCipherSuite": 4,
    "CsmsFailedToAuthenticate": 4,
    "CentralSystemFailedToAuthenticate": 4,
    "FailedToAuthenticateAtCsms": 6,
    "FailedToAuthenticateAtCentralSystem": 6,
    "MemoryExhaustion": 4,
    "MaintenanceLoginFailed": 4,
    "MaintenanceLoginAccepted": 6,
    "SettingSystemTime": 6,
    "ReconfigurationOfSecurityParameters": 6,
    "InvalidMessages": 6,
    "FirmwareUpdated": 7,
    "StartupOfTheDevice": 7,
    "ResetOrReboot": 7,
    # The portal's own, about a station's sockets.
    "AddressChanged": 7,
    "ConnectionFlapping": 5,
}
#: Makers add types of their own; what they mean is not known here.
UNKNOWN = 6


def severity_of(code: str) -> int:
    return SEVERITIES.get(code, UNKNOWN)


def record(
    *, station: Station, code: str, text: str = "", at: datetime, received_at: datetime | None = None
) -> None:
    """Keep one security event, of the station's or of ours about it."""
    events.record(
        [
            Event(
                station=station,
                kind=Event.Kind.SECURITY,
                code=code,
                severity=severity_of(code),
                at=at,
                received_at=received_at or at,
                text=text,
            )
        ]
    )
