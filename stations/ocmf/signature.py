"""Whether an OCMF text is what the meter with this key signed: ECDSA over the payload's bytes. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from enum import StrEnum

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from stations.ocmf import keys
from stations.ocmf.record import Record

#: Where the text names none (OCMF 0.4 and later).
DEFAULT = "ECDSA-secp256r1-SHA256"
_ALGORITHM = re.compile(r"ECDSA-([A-Za-z0-9-]+)-SHA-?(256|384|512)", re.IGNORECASE)
_HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}


class Checked(StrEnum):
    GOOD = "good"
    BAD = "bad"
    #: An algorithm, or a form, that we have no means to check: nothing is said about it.
    UNABLE = "unable"


def algorithm(record: Record) -> tuple[str, str] | None:
    """(curve in OCMF's name, bits of the hash); None for an algorithm that is not OCMF's."""
    found = _ALGORITHM.fullmatch(record.signature.algorithm or DEFAULT)
    if found is None or keys.curve_name(found[1]) not in keys.CURVES:
        return None
    return keys.curve_name(found[1]), found[2]


def check(record: Record, key: keys.PublicKey) -> Checked:
    named = algorithm(record)
    signature = record.signature
    if named is None or signature.encoding not in ("hex", "base64") or "der" not in signature.mime.lower():
        return Checked.UNABLE
    curve, bits = named
    key = key.on(curve)
    if key.curve != curve and record.signature.algorithm:
        return Checked.BAD
    try:
        public = key.loaded()
    except keys.Unreadable:
        return Checked.BAD
    if public is None:
        return Checked.UNABLE
    der = _der(signature.data, signature.encoding, keys.CURVES[key.curve].octets)
    if der is None:
        return Checked.BAD
    try:
        public.verify(der, record.payload, ec.ECDSA(_HASHES[bits]()))
    except UnsupportedAlgorithm:
        return Checked.UNABLE
    except (InvalidSignature, ValueError):
        return Checked.BAD
    return Checked.GOOD


def _der(data: str, encoding: str, octets: int) -> bytes | None:
    """The signature as DER; the bare pair of numbers, which some meters write, is put into it."""
    bare = "".join(data.split())
    try:
        blob = bytes.fromhex(bare) if encoding == "hex" else base64.b64decode(bare, validate=True)
    except (ValueError, binascii.Error):
        return None
    try:
        decode_dss_signature(blob)
    except ValueError:
        if len(blob) != 2 * octets:
            return None
        return encode_dss_signature(int.from_bytes(blob[:octets]), int.from_bytes(blob[octets:]))
    return blob
