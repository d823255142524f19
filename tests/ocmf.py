"""A meter that signs, for tests: its key is made here."""

from __future__ import annotations

import base64
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from stations.ocmf.keys import CURVES

SPKI = PublicFormat.SubjectPublicKeyInfo
HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}


class Meter:
    """`curve` in OCMF's spelling."""

    def __init__(self, curve: str = "secp256r1", bits: str = "256", serial: str = "M-1"):
        self.curve, self.bits, self.serial, self.page = curve, bits, serial, 0
        self.private = ec.generate_private_key(CURVES[curve].known())

    @property
    def der(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.DER, SPKI)

    @property
    def key(self) -> str:
        return self.der.hex()

    def sign(self, *readings: dict, encoding: str = "hex", named: bool = True, **fields) -> str:
        """One text with these readings; `fields` replace the payload's."""
        self.page += 1
        said = {"FV": "1.0", "GI": "G", "GS": self.serial, "PG": f"T{self.page}", "MS": self.serial}
        said |= {"IS": True, "IL": "VERIFIED", "IF": [], "IT": "ISO14443", "ID": "04A2B3C4"}
        return self.text(json.dumps(said | fields | {"RD": list(readings)}), encoding=encoding, named=named)

    def text(self, payload: str, *, encoding: str = "hex", named: bool = True) -> str:
        der = self.private.sign(payload.encode(), ec.ECDSA(HASHES[self.bits]()))
        section = {"SD": der.hex() if encoding == "hex" else base64.b64encode(der).decode()}
        if named:
            section |= {"SA": f"ECDSA-{self.curve}-SHA{self.bits}"}
        if encoding != "hex":
            section |= {"SE": encoding}
        return f"OCMF|{payload}|{json.dumps(section)}"


def reading(reason: str, kwh, at: str = "2026-06-15T12:00:00,000+0000", status: str = "S", **more) -> dict:
    said = {"TM": f"{at} {status}", "TX": reason, "RV": kwh, "RI": "1-0:1.8.0", "RU": "kWh", "ST": "G"}
    return said | more
