"""Certificates (2.0.1 blocks A and M); security events are 1.6's."""

from __future__ import annotations

from stations.certificates import issuing
from stations.certificates.hashes import HashData
from stations.models import Certificate
from stations.ocpp.routing import Incoming


def sign_certificate(incoming: Incoming) -> dict:
    """Has a certificate made for the charger, which gets it with CertificateSigned."""
    payload = incoming.payload
    wanted = payload.get("hashRootCertificate")
    try:
        root = HashData.read(wanted) if wanted else None
    except ValueError:
        return refused("InvalidValue", "hashRootCertificate can't be read.")
    row = issuing.request(
        station=incoming.station,
        csr=payload["csr"],
        use=payload.get("certificateType") or "",
        request_id=payload.get("requestId"),
        wanted_root=root,
        received_at=incoming.received_at,
    )
    if row.status == Certificate.Status.REFUSED:
        return refused("InvalidCSR", row.problem)
    return {"status": "Accepted"}


def refused(code: str, why: str, status: str = "Rejected") -> dict:
    return {"status": status, "statusInfo": {"reasonCode": code, "additionalInfo": why[:512]}}
