"""Whether a contract's certificate chain is sound; values in, OCPP's word for what is wrong out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from stations.certificates import emaid
from stations.certificates.hashes import HashData, hash_data, is_authority, was_issued_by

#: ISO 15118 has a leaf, at most two authorities below the root, and the root.
LONGEST = 4
EXPIRED, BROKEN = "CertificateExpired", "CertChainError"


def read(pem: str) -> list[x509.Certificate]:
    """Leaf first, as ISO 15118 sends it. Raises ValueError."""
    return x509.load_pem_x509_certificates(pem.encode())


def complete(
    chain: list[x509.Certificate], roots: Iterable[x509.Certificate], now: datetime
) -> tuple[list[x509.Certificate], str]:
    """(the chain up to a trusted root, "") or (the chain, what is wrong with it)."""
    if not 0 < len(chain) <= LONGEST:
        return chain, BROKEN
    for below, above in zip(chain, chain[1:], strict=False):
        if not (is_authority(above) and was_issued_by(below, above)):
            return chain, BROKEN
    roots = list(roots)
    if chain[-1] not in roots:
        root = next((each for each in roots if is_authority(each) and was_issued_by(chain[-1], each)), None)
        if root is None:
            return chain, BROKEN
        chain = [*chain, root]
    if not all(each.not_valid_before_utc <= now < each.not_valid_after_utc for each in chain):
        return chain, EXPIRED
    return chain, ""


def is_of_contract(leaf: x509.Certificate, token: str) -> bool:
    """Whether the certificate is the contract's own: its common name is the contract id."""
    wanted = emaid.normal(token)
    names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return wanted is not None and [emaid.normal(str(each.value)) for each in names] == [wanted]


def to_ask(chain: list[x509.Certificate]) -> list[tuple[HashData, list[str]]]:
    """Which certificates of a complete chain can be asked about, and where."""
    found = []
    for certificate, issuer in zip(chain, chain[1:], strict=False):
        urls = responders(certificate)
        if urls:
            found.append((hash_data(certificate, issuer), urls))
    return found


def responders(certificate: x509.Certificate) -> list[str]:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [
        each.access_location.value
        for each in access
        if each.access_method == x509.AuthorityInformationAccessOID.OCSP
        and isinstance(each.access_location, x509.UniformResourceIdentifier)
    ]
