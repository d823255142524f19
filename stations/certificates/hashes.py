"""How OCPP names a certificate: hashes of its issuer's name and key, and its serial number."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from hashlib import new

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

#: OCPP's words and hashlib's, and what `cryptography` calls them.
ALGORITHMS = {"SHA256": hashes.SHA256, "SHA384": hashes.SHA384, "SHA512": hashes.SHA512}


@dataclass(frozen=True)
class HashData:
    """CertificateHashDataType; hexadecimal in lower case, the serial number without zeros ahead."""

    hash_algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str

    @classmethod
    def read(cls, wire: dict) -> HashData:
        """From a message; chargers differ in case and in leading zeros. Raises ValueError for nonsense."""
        for name in ("issuerNameHash", "issuerKeyHash"):
            bytes.fromhex(wire[name])
        return cls(
            wire["hashAlgorithm"],
            wire["issuerNameHash"].lower(),
            wire["issuerKeyHash"].lower(),
            serial_text(int(wire["serialNumber"], 16)),
        )

    def wire(self) -> dict:
        return {
            "hashAlgorithm": self.hash_algorithm,
            "issuerNameHash": self.issuer_name_hash,
            "issuerKeyHash": self.issuer_key_hash,
            "serialNumber": self.serial_number,
        }

    def fields(self) -> dict:
        """By the names of a row's columns."""
        return asdict(self)


def serial_text(serial: int) -> str:
    """Hexadecimal without “0x” and without leading zeros, as the standard spells it."""
    return f"{serial:x}"


def name_hash(name: x509.Name, algorithm: str) -> str:
    return new(algorithm.lower(), name.public_bytes()).hexdigest()


def key_hash(certificate: x509.Certificate, algorithm: str) -> str:
    """Of the public key's bit string alone, without its tag and length (RFC 6960 §4.1.1)."""
    public = certificate.public_key()
    info = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return new(algorithm.lower(), _bit_string(info)).hexdigest()


def hash_data(certificate: x509.Certificate, issuer: x509.Certificate, algorithm: str = "SHA256") -> HashData:
    """The certificate's name in OCPP; a root is its own issuer."""
    return HashData(
        algorithm,
        name_hash(certificate.issuer, algorithm),
        key_hash(issuer, algorithm),
        serial_text(certificate.serial_number),
    )


def is_issuer(candidate: x509.Certificate, named: HashData) -> bool:
    """Whether the certificate that `named` tells of says it was issued by this one."""
    return (
        name_hash(candidate.subject, named.hash_algorithm) == named.issuer_name_hash
        and key_hash(candidate, named.hash_algorithm) == named.issuer_key_hash
    )


def was_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer's key signed it; not whether the issuer may sign certificates."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether it may sign certificates."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _bit_string(info: bytes) -> bytes:
    """The value of the second element of SubjectPublicKeyInfo, less its count of unused bits."""
    _tag, body, _rest = _element(info)
    _tag, _algorithm, rest = _element(body)
    _tag, bits, _rest = _element(rest)
    return bits[1:]


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """(tag, value, what follows) of the first DER element."""
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    return der[0], der[start : start + length], der[start + length :]
