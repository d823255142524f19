"""Certificates for stations, and how they come in with one: a proxy ends TLS and tells what it verified."""

from __future__ import annotations

import contextlib
from urllib.parse import quote

from django.test import override_settings

from stations.models import Station
from tests.charger import Charger
from tests.stations.conformance import keys
from tests.stations.conformance.bench import ACCEPTED

HEADER = "X-Client-Cert"


async def given_certificate(bench, charger: Charger, answer=ACCEPTED, **more) -> str:
    """The station made itself a key and asks to have it certified; the chain that the portal sends it."""
    from stations.tasks import sign_certificates

    charger.on("CertificateSigned", answer)
    request = keys.signing_request(bench.identity, bench.operator.name)
    if bench.is_21:
        # By this the station knows its answer again.
        more["requestId"] = 4711
    reply = await charger.call("SignCertificate", {"csr": request, **more})
    assert reply["status"] == "Accepted"
    await bench.database(sign_certificates)
    signed = await charger.expect("CertificateSigned")
    assert signed.get("certificateType") == more.get("certificateType")
    assert signed.get("requestId") == more.get("requestId")
    assert keys.is_issued_for(signed["certificateChain"], request)
    return signed["certificateChain"]


@contextlib.contextmanager
def behind_proxy():
    """The portal trusts the proxy before it to say how chargers came, and with which certificate."""
    with override_settings(
        TRUST_PROXY=True,
        OCPP_CLIENT_CERT_HEADER=HEADER,
        SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
    ):
        yield


def presenting(chain: str = "") -> dict:
    """How to `connect` through that proxy: over TLS, with a client certificate or without."""
    headers = {"X-Forwarded-Proto": "https"}
    if chain:
        headers[HEADER] = quote(chain.partition("-----END")[0] + "-----END CERTIFICATE-----\n")
    return {"password": None, "headers": headers}


async def takes_certificates_only(bench) -> None:
    """Security profile 3 from now on, and no password that would do instead."""
    await bench.database(
        Station.objects.filter(pk=bench.station.pk).update, security_profile=3, password_hash=""
    )
