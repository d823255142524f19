"""Files out in pieces and in with a limit; nothing is ever whole in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from hashlib import md5, sha256
from typing import IO

from asgiref.sync import sync_to_async
from django.core.files import File
from django.db import close_old_connections
from django.http import HttpResponse, StreamingHttpResponse

from stations.exceptions import Refused
from stations.files import ranges

CHUNK = 256 * 1024


class TooLarge(Refused):
    default = "That file is larger than may be stored here."


class Streamed(StreamingHttpResponse):
    """Under ASGI, Django would read a plain iterator to its end before it sends the first byte.

    `done(bytes)` is told in the end how much went out, also when the other side hung up.
    """

    def __init__(self, source: IO, count: int, done: Callable[[int], None] | None, **kwargs):
        super().__init__(_pieces(source, count), **kwargs)
        self._source, self._done, self._sent = source, done, 0
        self._resource_closers.append(source.close)

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self.streaming_content:
                self._sent += len(piece)
                yield piece
        finally:
            self._end()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = iter(self.streaming_content)
        try:
            while piece := await sync_to_async(next, thread_sensitive=False)(pieces, b""):
                self._sent += len(piece)
                yield piece
        finally:
            # Who has its last byte hangs up at once, and Django then cancels this: the count would be lost.
            ending = asyncio.ensure_future(sync_to_async(self._end_elsewhere, thread_sensitive=False)())
            await asyncio.shield(ending)

    def _end(self) -> None:
        self._source.close()
        done, self._done = self._done, None
        if done is not None:
            done(self._sent)

    def _end_elsewhere(self) -> None:
        """In a thread of its own, whose database connection nobody else would close."""
        try:
            self._end()
        finally:
            close_old_connections()


def _pieces(source: IO, count: int) -> Iterator[bytes]:
    left = count
    while left and (piece := source.read(min(CHUNK, left))):
        left -= len(piece)
        yield piece


def send(request, file: File, *, name: str, size: int, etag: str = "", done=None) -> HttpResponse:
    """The file as something to keep, never to look at: whole, or the range that the request asks for."""
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
    }
    if etag:
        headers["ETag"] = f'"{etag}"'
    asked = request.headers.get("Range", "")
    # The rest of another file would be worse than all of this one.
    if request.headers.get("If-Range", headers.get("ETag", "")) != headers.get("ETag", ""):
        asked = ""
    try:
        span = ranges.wanted(asked, size)
    except ranges.NotSatisfiable:
        return HttpResponse(
            status=416, headers=headers | {"Content-Range": f"bytes */{size}"}, content_type="text/plain"
        )
    start, end = span or (0, size)
    headers["Content-Length"] = str(end - start)
    if span:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    kind, status = "application/octet-stream", 206 if span else 200
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers, content_type=kind)
    source = file.storage.open(file.name, "rb")
    source.seek(start)
    return Streamed(source, end - start, done, status=status, headers=headers, content_type=kind)


class Measured:
    """Bytes on their way into the storage: counted, hashed, and refused beyond the limit."""

    def __init__(self, pieces: Iterable[bytes], most: int):
        self._pieces, self._most = pieces, most
        self.size, self._sha256, self._md5 = 0, sha256(), md5(usedforsecurity=False)

    def chunks(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.size += len(piece)
            if self.size > self._most:
                raise TooLarge
            self._sha256.update(piece)
            self._md5.update(piece)
            yield piece

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    @property
    def md5(self) -> str:
        return self._md5.hexdigest()


class Incoming(File):
    """What a storage saves: it asks for nothing but chunks."""

    def __init__(self, measured: Measured):
        super().__init__(None, name="incoming")
        self._measured = measured

    def chunks(self, chunk_size=None):
        return self._measured.chunks()

    def __bool__(self):
        return True
