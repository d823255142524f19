"""Keys, requests and certificates for the tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID


def key(curve=None):
    return ec.generate_private_key(curve or ec.SECP256R1())


def name(common: str, organisation: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)] if common else []
    if organisation:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(parts)


def csr(common: str = "CP-1", organisation: str = "", *, own=None, digest=None) -> str:
    request = x509.CertificateSigningRequestBuilder().subject_name(name(common, organisation))
    signed = request.sign(own or key(), digest or hashes.SHA256())
    return pem(signed)


def pem(*papers) -> str:
    return "".join(paper.public_bytes(Encoding.PEM).decode() for paper in papers)


class Issuer:
    """A root or another authority of somebody else's."""

    def __init__(self, common: str = "Test root", *, above: Issuer | None = None):
        self.key = key()
        signer = above or self
        self.above = above
        self.certificate = self._sign(name(common), self.key.public_key(), signer, name(common), is_ca=True)

    def leaf(
        self, common: str, *, own=None, days: int = 30, since_days: int = 1, responder: str = ""
    ) -> x509.Certificate:
        return self._sign(
            name(common),
            (own or key()).public_key(),
            self,
            name(common),
            is_ca=False,
            days=days,
            since_days=since_days,
            responder=responder,
        )

    def _sign(self, subject, public, signer, own, *, is_ca, days=3650, since_days=1, responder=""):
        now = datetime.now(UTC).replace(microsecond=0)
        issuer = own if signer is self and is_ca else signer.certificate.subject
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=since_days))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        )
        if responder:
            access = x509.AccessDescription(
                x509.AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(responder)
            )
            builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        return builder.sign(signer.key, hashes.SHA256())
