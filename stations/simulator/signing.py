"""A meter that signs what it shows, in OCMF."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from .station import Reading
    from .tokens import Token

METHOD = "ECDSA-secp256r1-SHA256"
#: Below the order of every curve of 256 bits.
_BITS = (1 << 255) - 1


class SigningMeter:
    """The meter of one EVSE. Its key comes from its name: a simulator that starts anew has the same."""

    def __init__(self, identity: str, number: int, model: str) -> None:
        seed = hashlib.sha256(f"{identity}/{number}".encode()).digest()
        self._key = ec.derive_private_key((int.from_bytes(seed) & _BITS) or 1, ec.SECP256R1())
        self.serial = f"SIM{seed.hex()[:10].upper()}"
        self._model = model
        self._page = 0

    @property
    def public_key(self) -> str:
        """DER in hex, as stations write it into their configuration."""
        return (
            self._key.public_key()
            .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
            .hex()
        )

    def sign(self, reading: Reading, moment: datetime, reason: str, token: Token | None) -> str:
        """`reason` is OCMF's TX: B for the begin, E for the end."""
        self._page += 1
        payload = {
            "FV": "1.0",
            "GI": self._model[:40],
            "GS": self.serial,
            "PG": f"T{self._page}",
            "MV": "Evportal",
            "MM": "Simulated meter",
            "MS": self.serial,
            "IS": token is not None,
            "IL": "TRUSTED" if token else "NONE",
            "IF": ["RFID_PLAIN"] if token else [],
            "IT": "ISO14443" if token else "NONE",
            "ID": token.value if token else "",
            "RD": [
                {
                    "TM": moment.strftime("%Y-%m-%dT%H:%M:%S,")
                    + f"{moment.microsecond // 1000:03d}"
                    + moment.strftime("%z")
                    + " S",
                    "TX": reason,
                    "RV": int(reading.energy_wh) / 1000,
                    "RI": "1-0:1.8.0",
                    "RU": "kWh",
                    "EF": "",
                    "ST": "G",
                }
            ],
        }
        body = json.dumps(payload, separators=(",", ":"))
        signature = self._key.sign(body.encode(), ec.ECDSA(hashes.SHA256())).hex()
        return f"OCMF|{body}|" + json.dumps({"SA": METHOD, "SD": signature}, separators=(",", ":"))


def sampled_16(text: str, context: str) -> dict:
    """As one more sampled value of 1.6."""
    return {"value": text, "format": "SignedData", "context": context}


def signed_201(text: str, public_key: str) -> dict:
    """As the `signedMeterValue` of a register in 2.x; its parts are in Base64."""
    return {
        "signedMeterData": base64.b64encode(text.encode()).decode(),
        "signingMethod": METHOD,
        "encodingMethod": "OCMF",
        "publicKey": base64.b64encode(f"oca:base16:asn1:{public_key}".encode()).decode(),
    }
