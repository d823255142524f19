"""The built-in certificate authority: a root and an issuer below it for each purpose, kept in the database.

Good for an operator who has no authority of its own. The keys are encrypted with one derived from
SECRET_KEY, so a copy of the database alone can sign nothing.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings
from django.db import connection, transaction

from stations.certificates.authority import CannotSign, SigningRequest
from stations.certificates.hashes import HashData, is_issuer
from stations.models import Authority, CertificateUse

ROOT_YEARS, ISSUER_YEARS = 30, 10
#: ISO 15118-2 has a charger's certificate towards cars live for two or three months.
V2G_DAYS = 90
#: Chargers whose clock is behind would take a new certificate for one of tomorrow.
BACKDATED = timedelta(days=1)
PURPOSES = {CertificateUse.STATION: Authority.Purpose.CSMS}
NAMES = {Authority.Purpose.CSMS: "evportal chargers", Authority.Purpose.V2G: "evportal V2G"}


class LocalAuthority:
    """See `authority.CertificateAuthority`."""

    def sign(self, request: SigningRequest) -> list[x509.Certificate]:
        row = issuer_of(purpose_of(request.use))
        issuer, key = load(row)
        now = datetime.now(UTC).replace(microsecond=0)
        not_after = now + timedelta(days=_days(request.use))
        if not_after > issuer.not_valid_after_utc:
            raise CannotSign("The issuing certificate itself expires before that.")
        certificate = _leaf(request, issuer, now - BACKDATED, not_after, row.purpose).sign(
            key, hashes.SHA256()
        )
        return [certificate, issuer]

    def revoke(self, certificate: x509.Certificate, reason: str) -> None:
        """Nothing: whoever asks us by OCSP or takes the list is told from the portal's own rows."""

    def roots(self, use: str) -> list[x509.Certificate]:
        return [load_certificate(root_of(purpose_of(use)))]


def purpose_of(use: str) -> str:
    return PURPOSES.get(use, Authority.Purpose.V2G)


def _days(use: str) -> int:
    return settings.OCPP_CERTIFICATE_DAYS if use == CertificateUse.STATION else V2G_DAYS


def root_of(purpose: str) -> Authority:
    return _ready(purpose)[0]


def issuer_of(purpose: str) -> Authority:
    return _ready(purpose)[1]


def issuer_named(named: HashData) -> Authority | None:
    """Which of our authorities issued what is named so; nothing is made for the asking."""
    for row in Authority.objects.all():
        if is_issuer(load_certificate(row), named):
            return row
    return None


def load_certificate(row: Authority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(row.certificate.encode())


def load(row: Authority) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        plain = _box().decrypt(row.private_key.encode())
    except InvalidToken:
        # The old key belongs into SECRET_KEY_FALLBACKS when SECRET_KEY changes.
        raise RuntimeError("The authority's key was encrypted with another SECRET_KEY.") from None
    return load_certificate(row), serialization.load_der_private_key(plain, None)


def _box() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(secret: str) -> bytes:
    kdf = HKDF(hashes.SHA256(), 32, salt=None, info=b"evportal: keys of the certificate authority")
    return base64.urlsafe_b64encode(kdf.derive(secret.encode()))


def _ready(purpose: str) -> tuple[Authority, Authority]:
    """Root and issuer, made on the first use: by one process, however many ask at once."""
    found = {row.is_root: row for row in Authority.objects.filter(purpose=purpose)}
    if len(found) == 2:
        return found[True], found[False]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('evportal.authority'))")
        found = {row.is_root: row for row in Authority.objects.filter(purpose=purpose)}
        if len(found) < 2:
            found = _make(purpose)
    return found[True], found[False]


def _make(purpose: str) -> dict[bool, Authority]:
    now = datetime.now(UTC).replace(microsecond=0) - BACKDATED
    root_key, issuer_key = (ec.generate_private_key(ec.SECP256R1()) for _each in range(2))
    root_name, issuer_name = (_name(f"{NAMES[purpose]} {word}") for word in ("root", "issuing CA"))
    root = (
        _builder(root_name, root_name, root_key.public_key(), now, ROOT_YEARS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    issuer = (
        _builder(issuer_name, root_name, issuer_key.public_key(), now, ISSUER_YEARS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
        )
        .sign(root_key, hashes.SHA256())
    )
    return {
        True: _store(purpose, True, root, root_key),
        False: _store(purpose, False, issuer, issuer_key),
    }


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "evportal"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _builder(subject, issuer, public_key, now: datetime, years: int) -> x509.CertificateBuilder:
    usage = dict.fromkeys(
        [
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ],
        False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=365 * years))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            # It answers OCSP requests itself, hence digital_signature.
            x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **usage),
            critical=True,
        )
    )


def _leaf(
    request: SigningRequest, issuer: x509.Certificate, not_before: datetime, not_after: datetime, purpose: str
) -> x509.CertificateBuilder:
    subject = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, request.organisation[:64]),
        x509.NameAttribute(NameOID.COMMON_NAME, request.common_name[:64]),
    ]
    usage = ExtendedKeyUsageOID.CLIENT_AUTH
    if request.use != CertificateUse.STATION:
        # The charger is the TLS server towards the car; the last part of its name says so (15118-2 annex F).
        subject.append(x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "CPO"))
        usage = ExtendedKeyUsageOID.SERVER_AUTH
    key = request.csr.public_key()
    responder = x509.AccessDescription(
        x509.AuthorityInformationAccessOID.OCSP,
        x509.UniformResourceIdentifier(f"{settings.PUBLIC_URL}/ocsp/"),
    )
    revoked = x509.DistributionPoint(
        [x509.UniformResourceIdentifier(f"{settings.PUBLIC_URL}/crl/{purpose}.crl")], None, None, None
    )
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(issuer.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_agreement=isinstance(key, ec.EllipticCurvePublicKey),
                key_encipherment=not isinstance(key, ec.EllipticCurvePublicKey),
                content_commitment=False,
                data_encipherment=False,
                key_cert_sign=False,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False
        )
        .add_extension(x509.AuthorityInformationAccess([responder]), critical=False)
        .add_extension(x509.CRLDistributionPoints([revoked]), critical=False)
    )


def _store(purpose: str, is_root: bool, certificate: x509.Certificate, key) -> Authority:
    der = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Authority.objects.create(
        purpose=purpose,
        is_root=is_root,
        subject=certificate.subject.rfc4514_string()[:200],
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        private_key=_box().encrypt(der).decode(),
        not_after=certificate.not_valid_after_utc,
    )
