"""Keys and certificates that a case needs, made on the spot."""

from __future__ import annotations

import ssl
import tempfile
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


def signing_request(common_name: str) -> str:
    """A station's wish for a certificate of a key of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Operator"),
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


def server_files(folder: Path) -> dict[str, Path]:
    """What a TLS server on 127.0.0.1 needs."""
    certificate, key = _files(folder, "127.0.0.1")
    return {"ssl_certfile": certificate, "ssl_keyfile": key}


def trusting() -> ssl.SSLContext:
    """A station's own view: it trusts the test root, and nothing else."""
    return ssl.create_default_context(cadata=CERTIFICATE)


def trusting_as(common_name: str) -> ssl.SSLContext:
    """The same, and the station has a certificate of its own."""
    context = trusting()
    with tempfile.TemporaryDirectory() as folder:
        context.load_cert_chain(*_files(Path(folder), common_name))
    return context


def _files(folder: Path, common_name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(common_name, key.public_key(), "Test root", _ROOT_KEY, is_ca=False)
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "own.pem").write_text(_pem(certificate))
    (folder / "own.key").write_bytes(pem)
    return folder / "own.pem", folder / "own.key"
