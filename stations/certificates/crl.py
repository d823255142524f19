"""Revocation lists (RFC 5280): read others' and publish ours."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from stations.certificates import local
from stations.certificates.hashes import HashData, is_issuer
from stations.certificates.issuing import REASONS
from stations.certificates.ocsp import Answer, Forged, UnknownIssuer, Unusable
from stations.models import Certificate

CONTENT_TYPE = "application/pkix-crl"
VALID = timedelta(hours=12)


def read(body: bytes, named: HashData, known: list[x509.Certificate], now: datetime) -> Answer:
    """What a list says of this certificate. Raises `ocsp.Unusable`."""
    try:
        if body.lstrip().startswith(b"-----BEGIN"):
            found = x509.load_pem_x509_crl(body)
        else:
            found = x509.load_der_x509_crl(body)
    except ValueError:
        raise Unusable("The revocation list can't be read.") from None
    issuers = [each for each in known if is_issuer(each, named)]
    if not issuers:
        raise UnknownIssuer("The issuer of the certificate is not among the operator's roots.")
    if not any(_is_signed(found, each) for each in issuers):
        raise Forged("The revocation list is not signed by the certificate's issuer.")
    until = found.next_update_utc
    if until is not None and until < now:
        raise Unusable("The revocation list is out of date.")
    entry = found.get_revoked_certificate_by_serial_number(int(named.serial_number, 16))
    return Answer(b"", "Good" if entry is None else "Revoked", until)


def _is_signed(found: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return found.issuer == issuer.subject and found.is_signature_valid(issuer.public_key())
    except (TypeError, ValueError):
        return False


def publish(purpose: str, now: datetime) -> bytes:
    """The built-in authority's list for one purpose, without what has expired anyway."""
    issuer, key = local.load(local.issuer_of(purpose))
    now = now.replace(microsecond=0)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(now)
        .next_update(now + VALID)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False
        )
        # Numbers only have to grow (RFC 5280 §5.2.3).
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
    )
    rows = Certificate.objects.filter(
        issuer=issuer.subject.rfc4514_string()[:255], not_after__gt=now, revoked_at__isnull=False
    )
    for row in rows:
        reason = x509.ReasonFlags[REASONS[row.revocation_reason]]
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(int(row.serial_number, 16))
            .revocation_date(row.revoked_at)
        )
        if reason is not x509.ReasonFlags.unspecified:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
