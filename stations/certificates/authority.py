"""The certificate authority that the portal was given by the setting `OCPP_CA`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from cryptography import x509
from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True)
class SigningRequest:
    """What a station asks to have certified; checked already, names included."""

    csr: x509.CertificateSigningRequest
    #: The names of the certificate, whatever else the request says.
    common_name: str
    organisation: str
    #: OCPP's CertificateSigningUse: ChargingStationCertificate, V2GCertificate or V2G20Certificate.
    use: str


class CannotSign(Exception):
    """The authority refuses for good; the message says why. Any other error is tried again."""


class CertificateAuthority(Protocol):
    """An authority: a class without arguments, called from workers, which may take its time."""

    def sign(self, request: SigningRequest) -> list[x509.Certificate]:
        """The certificate, followed by its issuers but for the root. Raises `CannotSign`."""

    def revoke(self, certificate: x509.Certificate, reason: str) -> None:
        """Have it revoked there; `reason` in RFC 5280's words (keyCompromise, superseded…)."""

    def roots(self, use: str) -> list[x509.Certificate]:
        """The roots from which certificates of this use are signed."""


@lru_cache
def _class(path: str):
    return import_string(path)


def authority() -> CertificateAuthority:
    return _class(settings.OCPP_CA)()
