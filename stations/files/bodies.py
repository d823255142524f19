"""How much of a request's body is let in, before Django writes it to disk: it knows no limit of its own.

Large bodies are for those who have business with them: a charger with a good token, somebody signed in, a
key. What they may do with it, the views decide.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from importlib import import_module

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import close_old_connections

from evportal.accounts.models import ApiKey
from stations.files import tickets

MB = 1024 * 1024
UPLOAD = re.compile(r"^/files/upload/([^/]+)")
#: Where operators' people and machines bring firmware.
FIRMWARE = ("/ops/firmware/images/", "/api/v1/firmware-images/")


class Bounded:
    """ASGI: answers 413 as soon as a body is too large; for an address that nobody was given, at once."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        headers = dict(scope["headers"])
        most = await _most(scope["path"], headers)
        declared = headers.get(b"content-length", b"")
        if declared and (not declared.isdigit() or int(declared) > most):
            await _refuse(send)
            return
        seen, refused = 0, False

        async def bounded_receive():
            nonlocal seen, refused
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > most:
                    refused = True
                    await _refuse(send)
                    return {"type": "http.disconnect"}
            return message

        async def own_send(message):
            if not refused:
                await send(message)

        await self.app(scope, bounded_receive, own_send)


async def _most(path: str, headers: dict[bytes, bytes]) -> int:
    upload = UPLOAD.match(path)
    if upload:
        is_good = await _asked(lambda: tickets.find(upload[1]) is not None)
        return settings.LOG_MAX_MB * MB + MB if is_good else MB
    if path.startswith(FIRMWARE):
        is_good = await _asked(lambda: _is_somebody(headers))
        return settings.FIRMWARE_MAX_MB * MB + MB if is_good else MB
    # What is between this and the API's own limit gets the API's own answer.
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE * 4


async def _asked(question: Callable[[], bool]) -> bool:
    """In a thread of its own, whose database connection nobody else would close."""

    def ask() -> bool:
        try:
            return question()
        finally:
            close_old_connections()

    return await sync_to_async(ask, thread_sensitive=False)()


def _is_somebody(headers: dict[bytes, bytes]) -> bool:
    scheme, _space, key = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() == "bearer":
        return ApiKey.objects.filter(key_hash=ApiKey.hash(key.strip()), revoked_at=None).exists()
    try:
        cookies = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        return False
    session = cookies.get(settings.SESSION_COOKIE_NAME)
    if session is None:
        return False
    store = import_module(settings.SESSION_ENGINE).SessionStore(session.value)
    return SESSION_KEY in store


async def _refuse(send) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": b"That is too large.\n"})
