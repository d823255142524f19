"""Plug & Charge: is the certificate with which a car identifies itself good?"""

from __future__ import annotations

import asyncio
from datetime import datetime

from stations.certificates import chains, revocation
from stations.certificates.hashes import HashData
from stations.certificates.ocsp import Forged, UnknownIssuer, Unusable
from stations.models import RootKind, Station
from stations.ocpp.threads import in_thread

#: Contracts are issued below a mobility operator's root or the V2G root itself.
CONTRACT_ROOTS = (RootKind.MO, RootKind.V2G)

#: OCPP's AuthorizeCertificateStatus.
ACCEPTED, REVOKED = "Accepted", "CertificateRevoked"
SIGNATURE, CHAIN, NOBODY = "SignatureError", "CertChainError", "NoCertificateAvailable"


async def check(*, station: Station, token: str, pem: str, hashes: list[dict], now: datetime) -> str:
    """OCPP's word for the state of a contract's certificate: `pem` is its chain, `hashes` name its parts."""
    known = await in_thread(revocation.trusted, station.site.operator_id, CONTRACT_ROOTS)
    questions = []
    if pem:
        try:
            chain = chains.read(pem)
        except ValueError:
            return CHAIN
        chain, wrong = chains.complete(chain, known, now)
        if wrong or not chains.is_of_contract(chain[0], token):
            return wrong or CHAIN
        # An answer about a part of the chain may be signed by the part above it.
        known = known + chain[1:]
        questions += chains.to_ask(chain)
    try:
        questions += [(HashData.read(each), [each["responderURL"]]) for each in hashes]
    except ValueError:
        return CHAIN
    words = await asyncio.gather(*(_word(named, urls, known, now) for named, urls in questions))
    worst = [word for word in (REVOKED, SIGNATURE, CHAIN, NOBODY) if word in words]
    return worst[0] if worst else ACCEPTED


async def _word(named: HashData, urls: list[str], known, now: datetime) -> str:
    try:
        answer = await revocation.by_ocsp(named, urls, now=now, known=known)
    except Forged:
        return SIGNATURE
    except UnknownIssuer:
        return CHAIN
    except Unusable:
        return NOBODY
    return {"Good": ACCEPTED, "Revoked": REVOKED}.get(answer.status, CHAIN)
