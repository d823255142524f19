"""The file that the S.A.F.E. Transparenzsoftware opens: <values> with each text and its key. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from stations.ocmf import keys, record

#: XML carries none of these, or changes them on the way.
_UNFIT = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(values: Iterable[tuple[str, str]], key_text: str, *, number: int = 1) -> bytes:
    """`values`: (text, OCPP's context); `number` joins the begin and the end of one charge in its list.

    The texts are written as they were signed, character by character; one that XML could change goes in
    Base64.
    """
    root = Element("values")
    for text, context in dict.fromkeys(values):
        value = SubElement(root, "value", transactionId=str(number), context=context)
        value.append(_signed(text))
        if key_text:
            value.append(_key(key_text, text))
    indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="utf-8") + b"\n"


def _signed(text: str) -> Element:
    attributes = {}
    try:
        text = record.parse(text).text
        attributes["format"] = "OCMF"
    except record.NotOcmf:
        pass
    is_fit = not _UNFIT.search(text)
    found = Element("signedData", attributes | {"encoding": "plain" if is_fit else "base64"})
    found.text = text if is_fit else base64.b64encode(text.encode()).decode()
    return found


def _key(key_text: str, text: str) -> Element:
    """As DER in hex, which every version of the software reads; one that we can't read, as it came."""
    found = Element("publicKey", encoding="hex")
    try:
        found.text = keys.read(key_text, _curve(text)).der.hex()
    except keys.Unreadable:
        found.attrib["encoding"] = "plain"
        found.text = _UNFIT.sub("", key_text)
    return found


def _curve(text: str) -> str:
    try:
        named = record.parse(text).signature.algorithm.split("-")
    except record.NotOcmf:
        return ""
    return named[1] if len(named) == 3 else ""
