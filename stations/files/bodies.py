"""How much of a request's body is let in, before Django writes it to disk: it knows no limit of its own."""

from __future__ import annotations

import re

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections

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
        most = await self._most(scope)
        declared = dict(scope["headers"]).get(b"content-length", b"")
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

    async def _most(self, scope) -> int:
        path = scope["path"]
        upload = UPLOAD.match(path)
        if upload:
            is_good = await sync_to_async(_is_good, thread_sensitive=False)(upload[1])
            return settings.LOG_MAX_MB * MB + MB if is_good else MB
        if path.startswith(FIRMWARE):
            return settings.FIRMWARE_MAX_MB * MB + MB
        # What is between this and the API's own limit gets the API's own answer.
        return settings.DATA_UPLOAD_MAX_MEMORY_SIZE * 4


def _is_good(token: str) -> bool:
    try:
        return tickets.find(token) is not None
    finally:
        close_old_connections()


async def _refuse(send) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": b"That is too large.\n"})
