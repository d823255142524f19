"""A form sent twice (a double click, a reload) makes one command."""

from __future__ import annotations

from collections.abc import Callable

from django.core.cache import cache

from stations.models import Command

REMEMBERED_SECONDS = 3600


def only_once(*, user_id: int, token, send: Callable[[], Command]) -> str | None:
    """The id of the command that this form made, now or before; None while the first is still at it."""
    key = f"ops:once:{user_id}:{token}"
    if not cache.add(key, "", REMEMBERED_SECONDS):
        return cache.get(key) or None
    try:
        command = send()
    except Exception:
        cache.delete(key)
        raise
    cache.set(key, str(command.pk), REMEMBERED_SECONDS)
    return str(command.pk)
