"""Pure: which bytes of a file an HTTP `Range` asks for (RFC 9110 §14)."""

from __future__ import annotations

import re

ONE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII | re.IGNORECASE)


class NotSatisfiable(Exception):
    """No byte of the file is in the range."""


def wanted(header: str, size: int) -> tuple[int, int] | None:
    """(first, behind the last) of the bytes asked for; None for the whole file.

    What is no single range of bytes is answered with the whole, as the standard allows.
    """
    match = ONE.fullmatch(header.replace(" ", ""))
    if match is None or match[0].endswith("=-"):
        return None
    first, last = match[1], match[2]
    if not first:
        length = min(int(last), size)
        if length == 0:
            raise NotSatisfiable
        return size - length, size
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise NotSatisfiable
    return start, min(int(last) + 1, size) if last else size
