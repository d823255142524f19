"""Whether a certificate signing request may be signed: values in, a reason against it out."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

MIN_RSA_BITS, MIN_EC_BITS = 2048, 256
WEAK_HASHES = ("md5", "sha1", "sha224")


class BadRequest(ValueError):
    """It can't be signed; the message says why, for the operator and the charger's technician."""


def read(pem: str) -> x509.CertificateSigningRequest:
    """The request, if it is one, is signed with its own key, and that key is strong. Raises `BadRequest`."""
    try:
        csr = x509.load_pem_x509_csr(pem.encode())
        good = csr.is_signature_valid
    except (ValueError, UnsupportedAlgorithm, InvalidSignature, TypeError):
        raise BadRequest("It is not a certificate signing request in PEM.") from None
    if not good:
        raise BadRequest("Its signature is not of the key that it asks to have certified.")
    weak = weakness(csr.public_key())
    if weak:
        raise BadRequest(weak)
    if csr.signature_hash_algorithm is not None and csr.signature_hash_algorithm.name in WEAK_HASHES:
        raise BadRequest(f"It is signed with {csr.signature_hash_algorithm.name.upper()}.")
    return csr


def weakness(key) -> str:
    """Why a public key is too weak for a charger's certificate (2.0.1 A00.FR.507: 112 bits at least)."""
    if isinstance(key, rsa.RSAPublicKey):
        return "" if key.key_size >= MIN_RSA_BITS else f"Its RSA key has only {key.key_size} bits."
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "" if key.curve.key_size >= MIN_EC_BITS else f"Its key is on the curve {key.curve.name}."
    return "Its key is neither RSA nor on an elliptic curve."


def common_name(csr: x509.CertificateSigningRequest) -> str:
    """Its one common name. Raises `BadRequest`."""
    names = csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(names) != 1 or not isinstance(names[0].value, str) or not names[0].value.strip():
        raise BadRequest("Its subject must have one common name.")
    return names[0].value.strip()


def check_names(csr: x509.CertificateSigningRequest, *, own: list[str], organisations: list[str]) -> str:
    """The common name, which must be one of the station's `own`; an organisation that it names, the operator.

    2.0.1 A00.FR.508 and 509, 1.6 security extensions §3.3: the common name is the station's serial number,
    the organisation its operator. Raises `BadRequest`.
    """
    name = common_name(csr)
    if name.casefold() not in {each.casefold() for each in own if each}:
        raise BadRequest(f"Its common name “{name[:60]}” is not this station's identity or serial number.")
    for attribute in csr.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME):
        said = str(attribute.value).strip()
        if said and said.casefold() not in {each.casefold() for each in organisations if each}:
            raise BadRequest(
                f"Its organisation “{said[:60]}” is not the operator: set the charger's organisation name."
            )
    return name
