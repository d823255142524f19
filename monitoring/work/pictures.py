"""What kind of picture a file is, by its first bytes; whatever else it calls itself. Pure."""

from __future__ import annotations

#: A request's whole body is let in up to 8 MiB (stations/files/bodies.py).
MOST_BYTES = 7 * 1024 * 1024
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1")


def kind_of(head: bytes) -> str | None:
    """The ending that a file with these first bytes deserves; None: no picture of a kind we take."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS:
        return "heic"
    return None
