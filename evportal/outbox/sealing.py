"""Encrypts what must be read again but never be shown: with a key derived from SECRET_KEY.

A changed SECRET_KEY keeps old rows readable as long as the old one is in SECRET_KEY_FALLBACKS.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def sealed(value: Any) -> str:
    """Anything that JSON can say."""
    return _box().encrypt(json.dumps(value).encode()).decode()


def opened(text: str) -> Any:
    """Raises `cryptography.fernet.InvalidToken` where it was sealed with a key that is gone."""
    return json.loads(_box().decrypt(text.encode()))


def _box() -> MultiFernet:
    return MultiFernet([_fernet(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


@cache
def _fernet(key: str) -> Fernet:
    derived = HKDF(SHA256(), 32, None, b"evportal.outbox.secrets").derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
