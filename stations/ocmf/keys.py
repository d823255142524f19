"""Public keys of meters, however they are written: DER, PEM or a point; in hex, Base64 or OCA's way. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class Curve:
    """`oid`: DER of its object identifier; `octets`: length of one coordinate; `known`: the library's own."""

    name: str
    oid: bytes
    octets: int
    known: type[ec.EllipticCurve] | None


#: OCMF's names (table 22), and one more size of each family.
CURVES = {
    curve.name: curve
    for curve in (
        # The library has none of it: such values are kept and shown, and others must check them.
        Curve("secp192k1", bytes.fromhex("06052b8104001f"), 24, None),
        Curve("secp192r1", bytes.fromhex("06082a8648ce3d030101"), 24, ec.SECP192R1),
        Curve("secp256k1", bytes.fromhex("06052b8104000a"), 32, ec.SECP256K1),
        Curve("secp256r1", bytes.fromhex("06082a8648ce3d030107"), 32, ec.SECP256R1),
        Curve("secp384r1", bytes.fromhex("06052b81040022"), 48, ec.SECP384R1),
        Curve("secp521r1", bytes.fromhex("06052b81040023"), 66, ec.SECP521R1),
        Curve("brainpool256r1", bytes.fromhex("06092b2403030208010107"), 32, ec.BrainpoolP256R1),
        Curve("brainpool384r1", bytes.fromhex("06092b240303020801010b"), 48, ec.BrainpoolP384R1),
        Curve("brainpool512r1", bytes.fromhex("06092b240303020801010d"), 64, ec.BrainpoolP512R1),
    )
}
_SYNONYMS = {
    "prime192v1": "secp192r1",
    "prime256v1": "secp256r1",
    "prime384v1": "secp384r1",
    "p-256": "secp256r1",
    "p-384": "secp384r1",
    "p-521": "secp521r1",
}
#: Of a bare point that no curve was named for, by the length of a coordinate.
_USUAL = {24: "secp192r1", 32: "secp256r1", 48: "secp384r1", 66: "secp521r1", 64: "brainpool512r1"}
_EC_PUBLIC_KEY = bytes.fromhex("06072a8648ce3d0201")
#: Longer texts are no keys.
LONGEST = 4000


class Unreadable(ValueError):
    """The text is no public key."""


def curve_name(text: str) -> str:
    """OCMF's name of a curve; other spellings are understood."""
    name = text.strip().lower().replace("brainpoolp", "brainpool")
    return _SYNONYMS.get(name, name)


@dataclass(frozen=True)
class PublicKey:
    """`point` is encoded as in X9.62; `is_named`: the key itself says its curve, nobody guessed it."""

    curve: str
    point: bytes
    is_named: bool = True

    @property
    def der(self) -> bytes:
        """As SubjectPublicKeyInfo, which every tool reads."""
        return spki(CURVES[self.curve], self.point)

    @property
    def fingerprint(self) -> str:
        """The same for every way in which the key is written."""
        octets = CURVES[self.curve].octets
        is_odd = self.point[0] == 3 if self.point[0] in (2, 3) else self.point[-1] & 1
        return hashlib.sha256(self.point[1 : 1 + octets] + bytes([is_odd])).hexdigest()

    def on(self, curve: str) -> PublicKey:
        """The same point on the curve that the signature names, where the key names none."""
        fits = curve in CURVES and CURVES[curve].octets == CURVES[self.curve].octets
        return PublicKey(curve, self.point, False) if not self.is_named and fits else self

    def loaded(self) -> ec.EllipticCurvePublicKey | None:
        """For the library; None where it has no such curve. Raises `Unreadable` for no point of the curve."""
        known = CURVES[self.curve].known
        if known is None:
            return None
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(known(), self.point)
        except UnsupportedAlgorithm:
            return None
        except ValueError as problem:
            raise Unreadable("The public key is no point of its curve.") from problem


def read(text: str, curve: str = "") -> PublicKey:
    """`curve`: of a bare point, where it is known. Raises `Unreadable`, with words for who entered it."""
    text = text.strip()
    if not text or len(text) > LONGEST:
        raise Unreadable("This is no public key.")
    for blob in _blobs(text):
        found = _from_der(blob) or _from_point(blob, curve_name(curve))
        if found is not None:
            if CURVES[found.curve].known is not None and found.is_named:
                found.loaded()
            return found
    raise Unreadable(
        "This is no public key of an elliptic curve: DER or a point is needed, in hex or Base64."
    )


def spki(curve: Curve, point: bytes) -> bytes:
    return _head(curve, len(point)) + point


def _head(curve: Curve, length: int) -> bytes:
    algorithm = _EC_PUBLIC_KEY + curve.oid
    bits = b"\x03" + _length(length + 1) + b"\x00"
    inner = b"\x30" + _length(len(algorithm)) + algorithm + bits
    return b"\x30" + _length(len(inner) + length) + inner


def _length(n: int) -> bytes:
    return bytes([n]) if n < 128 else (bytes([0x81, n]) if n < 256 else bytes([0x82, n >> 8, n & 255]))


def _blobs(text: str):
    """The bytes that a text may stand for, the likeliest first."""
    if "-----BEGIN" in text:
        text = re.sub(r"-----[A-Z ]+-----", "", text)
    bare = "".join(text.split())
    # Open Charge Alliance: oca:base16:asn1:3059…
    parts = bare.split(":")
    if parts[0].lower() == "oca" and len(parts) >= 3:
        bare = parts[-1]
    elif re.fullmatch(r"(?:[0-9A-Fa-f]{2}:)+[0-9A-Fa-f]{2}", bare):
        bare = bare.replace(":", "")
    if bare.lower().startswith("0x"):
        bare = bare[2:]
    try:
        yield bytes.fromhex(bare)
    except ValueError:
        pass
    try:
        blob = base64.b64decode(
            bare.replace("-", "+").replace("_", "/") + "=" * (-len(bare) % 4), validate=True
        )
    except (ValueError, binascii.Error):
        return
    # 2.x encodes in Base64 what is a text already.
    if blob.isascii() and 16 < len(blob) < len(text):
        inner = blob.decode()
        if inner != text:
            yield from _blobs(inner)
    yield blob


def _from_der(blob: bytes) -> PublicKey | None:
    for curve in CURVES.values():
        for length in (1 + 2 * curve.octets, 1 + curve.octets):
            if blob[:-length] == _head(curve, length) and _is_point(blob[-length:], curve.octets):
                return PublicKey(curve.name, blob[-length:])
    try:
        key = serialization.load_der_public_key(blob)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return None
    for curve in CURVES.values():
        if curve.known is not None and isinstance(key.curve, curve.known):
            form = serialization.PublicFormat.UncompressedPoint
            return PublicKey(curve.name, key.public_bytes(serialization.Encoding.X962, form))
    return None


def _from_point(blob: bytes, curve: str) -> PublicKey | None:
    for octets, usual in _USUAL.items():
        named = curve if curve in CURVES and CURVES[curve].octets == octets else usual
        if _is_point(blob, octets):
            return PublicKey(named, blob, False)
        if len(blob) == 2 * octets and blob[:1] != b"\x30":
            return PublicKey(named, b"\x04" + blob, False)
    return None


def _is_point(blob: bytes, octets: int) -> bool:
    if len(blob) == 1 + 2 * octets:
        return blob[0] == 4
    return len(blob) == 1 + octets and blob[0] in (2, 3)
