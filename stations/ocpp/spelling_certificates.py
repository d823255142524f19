"""What the portal sends about certificates, in each version's words."""

from __future__ import annotations

#: 1.6 knows two kinds of roots.
KINDS_16 = {
    "CSMSRootCertificate": "CentralSystemRootCertificate",
    "ManufacturerRootCertificate": "ManufacturerRootCertificate",
}
KINDS_201 = ("CSMSRootCertificate", "V2GRootCertificate", "MORootCertificate", "ManufacturerRootCertificate")
KINDS_21 = (*KINDS_201, "OEMRootCertificate")
TRIGGERS = {
    "ChargingStationCertificate": "SignChargingStationCertificate",
    "V2GCertificate": "SignV2GCertificate",
    "V2G20Certificate": "SignV2G20Certificate",
}


def _is_16(version: str) -> bool:
    return version in ("", "1.6")


def root_kinds(version: str) -> tuple[str, ...]:
    """The kinds of roots that a station of this version holds, in 2.x's words."""
    if _is_16(version):
        return tuple(KINDS_16)
    return KINDS_21 if version == "2.1" else KINDS_201


def uses(version: str) -> tuple[str, ...]:
    """The certificates for which a station of this version asks."""
    if _is_16(version):
        return ("ChargingStationCertificate",)
    return tuple(TRIGGERS) if version == "2.1" else ("ChargingStationCertificate", "V2GCertificate")


def certificate_signed(version: str, chain: str, use: str, request_id: int | None) -> tuple[str, dict]:
    payload: dict = {"certificateChain": chain}
    if use and not _is_16(version):
        payload["certificateType"] = use
    if request_id is not None and version == "2.1":
        payload["requestId"] = request_id
    return "CertificateSigned", payload


def ask_to_sign(version: str, use: str) -> tuple[str, dict]:
    if _is_16(version):
        return "ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}
    return "TriggerMessage", {"requestedMessage": TRIGGERS[use]}


def install(version: str, kind: str, pem: str) -> tuple[str, dict]:
    word = KINDS_16[kind] if _is_16(version) else kind
    return "InstallCertificate", {"certificateType": word, "certificate": pem}


def read_installed(version: str) -> list[tuple[str, dict]]:
    """1.6 is asked kind by kind; later versions list all in one answer."""
    action = "GetInstalledCertificateIds"
    if _is_16(version):
        return [(action, {"certificateType": word}) for word in KINDS_16.values()]
    return [(action, {})]


def delete(hash_data: dict) -> tuple[str, dict]:
    return "DeleteCertificate", {"certificateHashData": hash_data}


def organisation(version: str, name: str) -> tuple[str, dict]:
    """What a station must know to name its operator in its requests."""
    if _is_16(version):
        return "ChangeConfiguration", {"key": "CpoName", "value": name}
    component, variable = {"name": "SecurityCtrlr"}, {"name": "OrganizationName"}
    return "SetVariables", {
        "setVariableData": [{"component": component, "variable": variable, "attributeValue": name}]
    }
