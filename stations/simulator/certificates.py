"""The station's keys and certificates: what it asks to have signed, and which roots it trusts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from stations.certificates.hashes import HashData, hash_data, is_authority, was_issued_by

from .transport import Answer

if TYPE_CHECKING:
    from .charger import SimulatedCharger

STATION, V2G = "ChargingStationCertificate", "V2GCertificate"
#: What a portal may trigger, and the certificate that is then asked for.
TRIGGERS = {
    "SignChargePointCertificate": STATION,
    "SignChargingStationCertificate": STATION,
    "SignV2GCertificate": V2G,
}
MAX_ROOTS = 10


@dataclass
class Keyring:
    """By use: the keys that wait for a certificate, and the chains in use. By kind: the roots."""

    waiting: dict[str, ec.EllipticCurvePrivateKey] = field(default_factory=dict)
    chains: dict[str, list[x509.Certificate]] = field(default_factory=dict)
    roots: list[tuple[str, x509.Certificate]] = field(default_factory=list)

    def request(self, use: str, name: str, organisation: str) -> str:
        """A new key, and the request to certify it."""
        key = self.waiting[use] = ec.generate_private_key(ec.SECP256R1())
        names = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        if organisation:
            names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    def take(self, use: str, pem: str) -> str:
        """Use a signed certificate from now on; returns why not, if so."""
        try:
            chain = x509.load_pem_x509_certificates(pem.encode())
        except ValueError:
            return "The chain can't be read."
        key = self.waiting.get(use)
        if key is None or chain[0].public_key() != key.public_key():
            return "The certificate is for another key."
        if not all(was_issued_by(below, above) for below, above in zip(chain, chain[1:], strict=False)):
            return "The chain does not hold."
        self.chains[use] = chain
        del self.waiting[use]
        return ""

    def install(self, kind: str, pem: str) -> str:
        """The status of InstallCertificate."""
        try:
            root = x509.load_pem_x509_certificate(pem.encode())
        except ValueError:
            return "Rejected"
        if not is_authority(root) or len(self.roots) >= MAX_ROOTS:
            return "Rejected"
        if (kind, root) not in self.roots:
            self.roots.append((kind, root))
        return "Accepted"

    def named(self, kinds: list[str] | None = None) -> list[tuple[str, HashData]]:
        """The roots of these kinds, or all."""
        return [(kind, hash_data(root, root)) for kind, root in self.roots if not kinds or kind in kinds]

    def delete(self, wire: dict) -> str:
        """The status of DeleteCertificate."""
        wanted = HashData.read(wire)
        kept = [
            (kind, root)
            for kind, root in self.roots
            if hash_data(root, root, wanted.hash_algorithm) != wanted
        ]
        found = len(kept) < len(self.roots)
        self.roots = kept
        return "Accepted" if found else "NotFound"


async def ask_to_sign(charger: SimulatedCharger, use: str) -> None:
    """Make a key and have the portal certify it, by the serial number as the standard wants it."""
    csr = charger.keyring.request(use, charger.station.serial, charger.settings.organisation)
    await charger.dialect.sign_certificate(csr, use)


def answers(
    charger: SimulatedCharger, *, kinds: dict[str, str], is_16: bool
) -> dict[str, Callable[[dict], Awaitable[dict | Answer]]]:
    """What is answered alike in all versions; `kinds` are the version's words for roots, in 2.x's."""
    ring = charger.keyring

    async def certificate_signed(payload: dict) -> dict | Answer:
        why = ring.take(payload.get("certificateType") or STATION, payload["certificateChain"])
        if not why:
            return {"status": "Accepted"}
        event = "InvalidChargePointCertificate" if is_16 else "InvalidChargingStationCertificate"
        more = {} if is_16 else {"statusInfo": {"reasonCode": "InvalidCertificate", "additionalInfo": why}}
        return Answer(
            {"status": "Rejected"} | more, lambda: charger.spawn(charger.dialect.security_event(event, why))
        )

    async def install_certificate(payload: dict) -> dict:
        kind = kinds.get(payload["certificateType"])
        return {"status": ring.install(kind, payload["certificate"]) if kind else "Rejected"}

    async def get_installed_certificate_ids(payload: dict) -> dict:
        asked = payload.get("certificateType") or []
        asked = [asked] if isinstance(asked, str) else asked
        found = ring.named([kinds.get(word, word) for word in asked])
        if not found:
            return {"status": "NotFound"}
        if is_16:
            return {"status": "Accepted", "certificateHashData": [data.wire() for _kind, data in found]}
        chains = [{"certificateType": kind, "certificateHashData": data.wire()} for kind, data in found]
        return {"status": "Accepted", "certificateHashDataChain": chains}

    async def delete_certificate(payload: dict) -> dict:
        return {"status": ring.delete(payload["certificateHashData"])}

    return {
        "CertificateSigned": certificate_signed,
        "DeleteCertificate": delete_certificate,
        "GetInstalledCertificateIds": get_installed_certificate_ids,
        "InstallCertificate": install_certificate,
    }
