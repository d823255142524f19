"""Keys and certificates that a case needs, made on the spot."""

from __future__ import annotations

import base64
import contextlib
import ssl
import tempfile
import warnings
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(thing) -> str:
    return thing.public_bytes(serialization.Encoding.PEM).decode()


def _certificate(subject: str, public_key, issuer: str, issuer_key, *, is_ca: bool) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


_ROOT_KEY = ec.generate_private_key(ec.SECP256R1())
_ROOT = _certificate("Test root", _ROOT_KEY.public_key(), "Test root", _ROOT_KEY, is_ca=True)

#: A root certificate to install in a station.
CERTIFICATE = _pem(_ROOT)

#: How a station names an installed certificate.
HASH = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "a1" * 32,
    "issuerKeyHash": "b2" * 32,
    "serialNumber": "c3",
}


def signing_request(common_name: str, organisation: str) -> str:
    """A station's wish for a certificate of a key of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
        ]
    )
    return _pem(x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256()))


def is_issued_for(chain: str, request: str) -> bool:
    """The chain's first certificate is for the request's key and name, and each is signed by the next."""
    certificates = x509.load_pem_x509_certificates(chain.encode())
    wanted = x509.load_pem_x509_csr(request.encode())
    for signed, signer in zip(certificates, certificates[1:], strict=False):
        signed.verify_directly_issued_by(signer)
    leaf = certificates[0]
    common_names = [
        each.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value for each in (leaf.subject, wanted.subject)
    ]
    return leaf.public_key() == wanted.public_key() and common_names[0] == common_names[1]


def server_files(folder: Path) -> tuple[Path, Path]:
    """What a TLS server on 127.0.0.1 needs: its certificate and its key."""
    return _files(folder, "127.0.0.1")


def trusting() -> ssl.SSLContext:
    """A station's own view: it trusts the test root, and nothing else."""
    return ssl.create_default_context(cadata=CERTIFICATE)


def foreign_certificate(common_name: str) -> str:
    """A station's certificate by an authority that nobody here knows."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _pem(_certificate(common_name, key.public_key(), "Test root", _ROOT_KEY, is_ca=False))


def old_tls() -> ssl.SSLContext:
    """A station that speaks nothing newer than TLS 1.1."""
    context = trusting()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def can_meet(station: ssl.SSLContext, version: ssl.TLSVersion) -> bool:
    """Whether this station gets through to a server that speaks this version of TLS and takes any cipher."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        server.load_cert_chain(*server_files(Path(folder)))
        server.set_ciphers("DEFAULT:@SECLEVEL=0")
        server.minimum_version = server.maximum_version = version
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        station.wrap_bio(back, there, server_hostname="127.0.0.1"),
        server.wrap_bio(there, back, server_side=True),
    ]
    for _flight in range(4):
        for end in ends:
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return ends[0].version() is not None


def basic(user: str, password: str) -> str:
    """The header with which a station says who it is."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _files(folder: Path, common_name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(common_name, key.public_key(), "Test root", _ROOT_KEY, is_ca=False)
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "own.pem").write_text(_pem(certificate))
    (folder / "own.key").write_bytes(pem)
    return folder / "own.pem", folder / "own.key"
