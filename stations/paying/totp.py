"""The one-time password in a code on a display: OCPP 2.1's algorithm “v1” over RFC 6238's counter; pure.

HMAC-SHA256 of the interval's number; its bytes, from an offset that the last one names, become letters.
"""

from __future__ import annotations

import hashlib
import hmac
import string
from datetime import datetime

VERSION = "v1"
LETTERS = string.digits + string.ascii_lowercase + string.ascii_uppercase


def password(secret: str, interval: int, length: int) -> str:
    digest = hmac.digest(secret.encode(), interval.to_bytes(8, "big"), hashlib.sha256)
    offset = digest[-1] & 0x0F
    return "".join(LETTERS[digest[(offset + i) % len(digest)] % len(LETTERS)] for i in range(length))


def at(secret: str, moment: datetime, *, validity_s: int, length: int) -> str:
    return password(secret, int(moment.timestamp()) // validity_s, length)


def is_valid(said: str, secret: str, moment: datetime, *, validity_s: int, length: int) -> bool:
    """The password of this interval, or of its neighbours: clocks differ, and people need a moment."""
    now = int(moment.timestamp()) // validity_s
    good = [
        hmac.compare_digest(password(secret, now + step, length).encode(), said.encode())
        for step in (-1, 0, 1)
    ]
    return any(good)
