"""Is a certificate still good? From our own records, from what was asked lately, or from who knows."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from hashlib import sha256

from cryptography import x509
from django.core.cache import cache

from stations.certificates import crl, local, ocsp
from stations.certificates.fetching import Unreachable, fetch
from stations.certificates.hashes import HashData
from stations.certificates.ocsp import Answer, Unusable
from stations.models import Authority, RootCertificate
from stations.ocpp.threads import in_thread

#: An answer is kept until its next update, but not for longer; one without such a time, a moment.
KEPT_AT_MOST, KEPT_WITHOUT_TIME = timedelta(days=1), timedelta(minutes=5)


async def by_ocsp(
    named: HashData, urls: list[str], *, now: datetime, known: list[x509.Certificate] | None = None
) -> Answer:
    """Ask the responders one after another. With `known`, the answer's signature must be of one of these or
    of whom they appointed; without, whoever gets the answer has to check it. Raises `Unusable`."""
    own = await in_thread(ocsp.answer_about, named, now)
    if own is not None:
        return own
    request = ocsp.build_request(named)

    def read(body: bytes) -> Answer:
        answer = ocsp.read_response(body, named, now)
        if known is not None:
            ocsp.check_signature(body, named, known, now)
        return answer

    return await _first(
        urls,
        read,
        now,
        key=f"ocsp|{named}",
        ask=lambda url: fetch(url, content=request, content_type=ocsp.REQUEST_TYPE, accept=ocsp.CONTENT_TYPE),
    )


async def by_crl(named: HashData, urls: list[str], *, now: datetime, known: list[x509.Certificate]) -> Answer:
    """The same from revocation lists."""
    own = await in_thread(ocsp.answer_about, named, now)
    if own is not None:
        return own
    return await _first(
        urls,
        lambda body: crl.read(body, named, known, now),
        now,
        key="crl",
        ask=lambda url: fetch(url, accept=crl.CONTENT_TYPE),
    )


async def _first(urls: list[str], read, now: datetime, *, key: str, ask) -> Answer:
    """The first answer that is of use. What came from the cache is checked like what came by wire."""
    problem = Unusable("The certificate names nobody who could be asked.")
    for url in urls:
        slot = "revocation:" + sha256(f"{key}|{url}".encode()).hexdigest()
        with contextlib.suppress(Unusable):
            kept = await in_thread(_kept, slot)
            if kept is not None:
                return read(kept)
        try:
            body = await ask(url)
            answer = read(body)
        except Unreachable as error:
            problem = Unusable(str(error))
        except Unusable as error:
            problem = error
        else:
            await in_thread(_keep, slot, body, answer.next_update, now)
            return answer
    raise problem


def _kept(slot: str) -> bytes | None:
    try:
        return cache.get(slot)
    except Exception:
        # A cache that is down only makes us ask again.
        return None


def _keep(slot: str, body: bytes, until: datetime | None, now: datetime) -> None:
    kept = KEPT_WITHOUT_TIME if until is None else min(until - now, KEPT_AT_MOST)
    if kept > timedelta(seconds=1):
        with contextlib.suppress(Exception):
            cache.set(slot, body, kept.total_seconds())


def trusted(operator_id: int, kinds: tuple[str, ...]) -> list[x509.Certificate]:
    """The operator's certificates of these kinds, and our own authorities'."""
    rows = RootCertificate.objects.filter(operator=operator_id, kind__in=kinds)
    found = [x509.load_pem_x509_certificate(row.certificate.encode()) for row in rows]
    return found + [local.load_certificate(row) for row in Authority.objects.all()]
