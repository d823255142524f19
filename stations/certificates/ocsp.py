"""OCSP (RFC 6960): ask others about their certificates, and answer about ours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes as digests
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from stations.certificates import local
from stations.certificates.hashes import (
    ALGORITHMS,
    HashData,
    is_authority,
    is_issuer,
    serial_text,
    was_issued_by,
)
from stations.certificates.issuing import REASONS
from stations.models import Authority, Certificate

CONTENT_TYPE, REQUEST_TYPE = "application/ocsp-response", "application/ocsp-request"
#: Others than chargers still name certificates by SHA-1.
DIGESTS = {**ALGORITHMS, "SHA1": digests.SHA1}
#: How long our own answers hold.
VALID = timedelta(hours=12)
#: Clocks of responders may be ahead of ours by so much.
SKEW = timedelta(minutes=5)
WORDS = {
    ocsp.OCSPCertStatus.GOOD: "Good",
    ocsp.OCSPCertStatus.REVOKED: "Revoked",
    ocsp.OCSPCertStatus.UNKNOWN: "Unknown",
}


class Unusable(Exception):
    """The responder's answer is of no use; the message says why."""


class Forged(Unusable):
    """Its signature is not the issuer's."""


class UnknownIssuer(Unusable):
    """Nobody here knows the certificate's issuer, so the answer's signature can't be checked."""


@dataclass(frozen=True)
class Answer:
    """`status` in 2.1's words: Good, Revoked or Unknown."""

    der: bytes
    status: str
    next_update: datetime | None


def build_request(named: HashData) -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        bytes.fromhex(named.issuer_name_hash),
        bytes.fromhex(named.issuer_key_hash),
        int(named.serial_number, 16),
        ALGORITHMS[named.hash_algorithm](),
    )
    return builder.build().public_bytes(Encoding.DER)


def read_response(der: bytes, named: HashData, now: datetime) -> Answer:
    """What a responder says of this certificate now. Its signature is not checked. Raises `Unusable`."""
    response = _load(der)
    if response.response_status != ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise Unusable(f"The responder answered {response.response_status.name.lower()}.")
    serial = int(named.serial_number, 16)
    single = next((each for each in response.responses if each.serial_number == serial), None)
    if single is None:
        raise Unusable("The responder's answer is about another certificate.")
    until = single.next_update_utc
    if single.this_update_utc > now + SKEW or (until is not None and until < now - SKEW):
        raise Unusable("The responder's answer is not of now.")
    return Answer(der, WORDS[single.certificate_status], until)


def check_signature(der: bytes, named: HashData, known: list[x509.Certificate], now: datetime) -> None:
    """Signed by the certificate's issuer, or by whom the issuer appointed? Raises `Unusable` if not."""
    response = _load(der)
    issuers = [each for each in known if is_issuer(each, named)]
    # A responder may bring its issuer along; it counts where somebody we know signed it.
    brought = [each for each in response.certificates if is_authority(each) and is_issuer(each, named)]
    issuers += [each for each in brought if any(was_issued_by(each, by) for by in known)]
    if not issuers:
        raise UnknownIssuer("The issuer of the certificate is not among the operator's roots.")
    appointed = [
        each
        for each in response.certificates
        if _may_answer(each, now) and any(was_issued_by(each, by) for by in issuers)
    ]
    if not any(_signed(response, each.public_key()) for each in [*issuers, *appointed]):
        raise Forged("The responder's answer is not signed by the certificate's issuer.")


def _load(der: bytes) -> ocsp.OCSPResponse:
    try:
        return ocsp.load_der_ocsp_response(der)
    except (ValueError, UnsupportedAlgorithm):
        raise Unusable("The responder's answer can't be read.") from None


def _may_answer(certificate: x509.Certificate, now: datetime) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    in_time = certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc
    return in_time and ExtendedKeyUsageOID.OCSP_SIGNING in usage


def _signed(response: ocsp.OCSPResponse, key) -> bool:
    how, signature, signed = (
        response.signature_hash_algorithm,
        response.signature,
        response.tbs_response_bytes,
    )
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(how))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, padding.PKCS1v15(), how)
        else:
            return False
    except (InvalidSignature, TypeError):
        return False
    return True


# Our own certificates


def answer_about(named: HashData, now: datetime, nonce: x509.OCSPNonce | None = None) -> Answer | None:
    """What we say of a certificate of the built-in authority; None where another issued it."""
    authority = local.issuer_named(named)
    if authority is None:
        return None
    now = now.replace(microsecond=0)
    status, revoked_at, reason = _state(authority, named.serial_number)
    issuer, key = local.load(authority)
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response_by_hash(
            bytes.fromhex(named.issuer_name_hash),
            bytes.fromhex(named.issuer_key_hash),
            int(named.serial_number, 16),
            DIGESTS[named.hash_algorithm](),
            status,
            now,
            now + VALID,
            revoked_at,
            reason,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, issuer)
    )
    if nonce is not None:
        builder = builder.add_extension(nonce, critical=False)
    response = builder.sign(key, digests.SHA256())
    return Answer(response.public_bytes(Encoding.DER), WORDS[status], now + VALID)


def _state(authority: Authority, serial: str):
    """(status, revoked at, reason). A certificate that we never made is unknown, not good."""
    if authority.is_root:
        below = Authority.objects.filter(purpose=authority.purpose)
        mine = {serial_text(local.load_certificate(row).serial_number) for row in below}
        return (ocsp.OCSPCertStatus.GOOD if serial in mine else ocsp.OCSPCertStatus.UNKNOWN), None, None
    issuer = local.load_certificate(authority).subject.rfc4514_string()[:255]
    row = Certificate.objects.filter(serial_number=serial, issuer=issuer).exclude(fingerprint="").first()
    if row is None:
        return ocsp.OCSPCertStatus.UNKNOWN, None, None
    if row.revoked_at is None:
        return ocsp.OCSPCertStatus.GOOD, None, None
    reason = x509.ReasonFlags[REASONS[row.revocation_reason]]
    return ocsp.OCSPCertStatus.REVOKED, row.revoked_at.replace(microsecond=0), reason


def respond(request: bytes, now: datetime) -> bytes:
    """The public responder: an answer to whoever asks, signed where we know the issuer."""
    try:
        asked = ocsp.load_der_ocsp_request(request)
        algorithm, serial = asked.hash_algorithm.name.upper(), asked.serial_number
        DIGESTS[algorithm]
    except (ValueError, KeyError, NotImplementedError, UnsupportedAlgorithm):
        return _unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    named = HashData(
        algorithm, asked.issuer_name_hash.hex(), asked.issuer_key_hash.hex(), serial_text(serial)
    )
    answer = answer_about(named, now, _nonce(asked))
    if answer is None:
        return _unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED)
    return answer.der


def _nonce(asked: ocsp.OCSPRequest) -> x509.OCSPNonce | None:
    """Sent back as it came, where it has a length that RFC 8954 allows."""
    try:
        nonce = asked.extensions.get_extension_for_class(x509.OCSPNonce).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    return nonce if 1 <= len(nonce.nonce) <= 32 else None


def _unsuccessful(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
