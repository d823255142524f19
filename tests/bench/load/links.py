"""Transports: `open_…(url, headers, subprotocol, on_text, on_close)` gives a link to send to and close."""

from __future__ import annotations

import asyncio
import contextlib

try:
    import picows
except ImportError:
    picows = None
try:
    import websockets
    from websockets.asyncio.client import connect as websockets_connect
except ImportError:
    websockets = None


if picows is not None:

    class PicowsLink(picows.WSListener):
        def __init__(self, on_text, on_close) -> None:
            self.on_text, self.on_close = on_text, on_close
            self.transport = None
            self.parts: list[bytes] = []

        def on_ws_connected(self, transport) -> None:
            self.transport = transport

        def on_ws_frame(self, transport, frame) -> None:
            kind = frame.msg_type
            if kind == picows.WSMsgType.TEXT or kind == picows.WSMsgType.CONTINUATION:
                if frame.fin and not self.parts:
                    self.on_text(frame.get_payload_as_bytes())
                    return
                self.parts.append(frame.get_payload_as_bytes())
                if frame.fin:
                    whole = b"".join(self.parts)
                    self.parts.clear()
                    self.on_text(whole)
            elif kind == picows.WSMsgType.CLOSE:
                transport.send_close(frame.get_close_code())
                transport.disconnect()

        def on_ws_disconnected(self, transport) -> None:
            self.on_close()

        def send(self, data: bytes) -> None:
            self.transport.send(picows.WSMsgType.TEXT, data)

        async def close(self) -> None:
            self.transport.send_close(picows.WSCloseCode.OK)
            self.transport.disconnect()

    async def open_picows(url, headers, subprotocol, on_text, on_close, timeout):
        _, link = await picows.ws_connect(
            lambda: PicowsLink(on_text, on_close),
            url,
            websocket_handshake_timeout=timeout,
            extra_headers=[*headers, ("Sec-WebSocket-Protocol", subprotocol)],
        )
        return link


class WebsocketsLink:
    def __init__(self, connection, on_text, on_close) -> None:
        self.connection = connection
        self.outbox: asyncio.Queue = asyncio.Queue()
        self.tasks = [
            asyncio.create_task(self.receive(on_text, on_close)),
            asyncio.create_task(self.drain()),
        ]

    async def receive(self, on_text, on_close) -> None:
        try:
            async for text in self.connection:
                on_text(text)
        except Exception:
            pass
        on_close()

    async def drain(self) -> None:
        with contextlib.suppress(Exception):
            while True:
                data = await self.outbox.get()
                await self.connection.send(data.decode())

    def send(self, data: bytes) -> None:
        self.outbox.put_nowait(data)

    async def close(self) -> None:
        self.tasks[1].cancel()
        await self.connection.close()


async def open_websockets(url, headers, subprotocol, on_text, on_close, timeout):
    connection = await websockets_connect(
        url,
        subprotocols=[subprotocol],
        additional_headers=headers,
        open_timeout=timeout,
        compression=None,
        ping_interval=None,
        proxy=None,
    )
    return WebsocketsLink(connection, on_text, on_close)
