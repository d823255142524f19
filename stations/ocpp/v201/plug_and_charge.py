"""What takes network time: Authorize with a certificate, OCSP, and contract certificates (blocks C and M)."""

from __future__ import annotations

import asyncio
import base64
from datetime import datetime, timedelta

from stations.certificates import contracts, plug_and_charge, revocation
from stations.certificates.hashes import HashData
from stations.certificates.ocsp import Unusable
from stations.models import RootKind
from stations.ocpp import wire
from stations.ocpp.routing import Incoming
from stations.ocpp.threads import in_thread
from stations.ocpp.v201 import authorization
from stations.ocpp.v201.security import refused

MAX_OCSP = 5_500
MAX_EXI = {"2.0.1": 7_500, "2.1": 17_000}
#: A station may ask again after so long where nobody could tell.
ASK_AGAIN_AFTER = timedelta(hours=1)


def has_certificate(payload: dict) -> bool:
    return bool(payload.get("certificate") or payload.get("iso15118CertificateHashData"))


async def authorize(incoming: Incoming) -> dict:
    """C07: the contract's certificate and the contract itself must both be good."""
    payload = incoming.payload
    state = await plug_and_charge.check(
        station=incoming.station,
        token=payload["idToken"]["idToken"],
        pem=payload.get("certificate") or "",
        hashes=payload.get("iso15118CertificateHashData") or [],
        now=incoming.received_at,
    )
    answer = await in_thread(authorization.authorize, incoming)
    if state != plug_and_charge.ACCEPTED:
        return {"idTokenInfo": {"status": "Invalid"}, "certificateStatus": state}
    if answer["idTokenInfo"]["status"] in ("Blocked", "Expired", "Invalid", "Unknown"):
        state = "ContractCancelled"
    return answer | {"certificateStatus": state}


async def certificate_status(incoming: Incoming) -> dict:
    """Answers whether a certificate is revoked, asked of its authority.

    M06: the station checks the responder's signature itself; it only has no way to ask.
    """
    asked = incoming.payload["ocspRequestData"]
    try:
        named = HashData.read(asked)
    except ValueError:
        return refused("InvalidValue", "The certificate's hashes can't be read.", "Failed")
    try:
        answer = await revocation.by_ocsp(named, [asked["responderURL"]], now=incoming.received_at)
    except Unusable as problem:
        return refused("Unspecified", str(problem), "Failed")
    text = base64.b64encode(answer.der).decode()
    if len(text) > MAX_OCSP:
        return refused("TooLargeElement", "The responder's answer is too long for OCPP.", "Failed")
    return {"status": "Accepted", "ocspResult": text}


async def chain_status(incoming: Incoming) -> dict:
    """Answers which certificates of a chain are revoked, asked of their authorities.

    2.1 M06: several certificates at once, and our word for it, so the signature is checked here.
    """
    station, now = incoming.station, incoming.received_at
    known = await in_thread(revocation.trusted, station.site.operator_id, tuple(RootKind.values))
    asked = incoming.payload["certificateStatusRequests"]
    return {"certificateStatus": await asyncio.gather(*(_status(each, known, now) for each in asked))}


async def _status(asked: dict, known, now: datetime) -> dict:
    ask = revocation.by_ocsp if asked["source"] == "OCSP" else revocation.by_crl
    try:
        named = HashData.read(asked["certificateHashData"])
        answer = await ask(named, asked["urls"], now=now, known=known)
        status, until = answer.status, answer.next_update
    except (ValueError, Unusable):
        status, until = "Failed", None
    return {
        "certificateHashData": asked["certificateHashData"],
        "source": asked["source"],
        "status": status,
        "nextUpdate": wire.time_text(until or now + ASK_AGAIN_AFTER),
    }


async def ev_certificate(incoming: Incoming) -> dict:
    """Gets the car its contract certificate from the provider that is set (M01, M02)."""
    payload = incoming.payload
    wanted = contracts.Wanted(
        payload["iso15118SchemaVersion"],
        payload["action"],
        payload["exiRequest"],
        payload.get("maximumContractCertificateChains"),
        tuple(payload.get("prioritizedEMAIDs") or ()),
    )
    try:
        given = await contracts.ev_certificate(incoming.station, wanted)
    except contracts.NoContract as problem:
        return refused("Unspecified", str(problem), "Failed") | {"exiResponse": ""}
    if len(given.exi_response) > MAX_EXI[incoming.version]:
        return refused("TooLargeElement", "The answer is too long for OCPP.", "Failed") | {"exiResponse": ""}
    answer: dict = {"status": "Accepted", "exiResponse": given.exi_response}
    if given.remaining is not None and incoming.version == "2.1":
        answer["remainingContracts"] = given.remaining
    return answer
