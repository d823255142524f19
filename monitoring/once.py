"""A form sent twice (a double click, a reload) does its work once."""

from __future__ import annotations

from collections.abc import Callable

from django.core.cache import cache

REMEMBERED_SECONDS = 3600


def only_once(*, user_id: int, token, do: Callable[[], str]) -> str | None:
    """The address that this form led to, now or before; None while the first is still at it."""
    key = f"ops:once:{user_id}:{token}"
    if not cache.add(key, "", REMEMBERED_SECONDS):
        return cache.get(key) or None
    try:
        address = do()
    except Exception:
        cache.delete(key)
        raise
    cache.set(key, address, REMEMBERED_SECONDS)
    return address
