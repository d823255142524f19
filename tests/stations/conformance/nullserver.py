"""Servers that only look like a portal: what the suite must tell from one.

`{}` is a valid answer to most of the protocol's messages. With `POLITE`, the others get valid answers, too:
everything is accepted, nothing is kept.
"""

from __future__ import annotations

import asyncio
import json
import threading

from websockets.asyncio.server import ServerConnection, serve

SUBPROTOCOLS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]


NOON = "2026-06-15T12:00:00Z"
GOOD = {"status": "Accepted"}
POLITE = {
    "Authorize": {"idTagInfo": GOOD, "idTokenInfo": GOOD},
    "BootNotification": {"currentTime": NOON, "interval": 300, "status": "Accepted"},
    "DataTransfer": {"status": "UnknownVendorId"},
    "Heartbeat": {"currentTime": NOON},
    "SignCertificate": GOOD,
    "StartTransaction": {"idTagInfo": GOOD, "transactionId": 1},
    "TransactionEvent": {"idTokenInfo": GOOD},
}


class NullServer:
    """In a thread of its own, so that it outlives the tests' event loops."""

    def __init__(self, answers: dict[str, dict] | None = None):
        self._answers = answers or {}

    def __enter__(self) -> NullServer:
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), name="null server", daemon=True)
        self._thread.start()
        assert started.wait(5), "the null server did not start"
        return self

    def __exit__(self, *_exc) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(started))

    async def _serve(self, started: threading.Event) -> None:
        self._stop = asyncio.Event()
        async with serve(self._talk, "127.0.0.1", 0, subprotocols=SUBPROTOCOLS, compression=None) as server:
            self.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp"
            started.set()
            await self._stop.wait()

    async def _talk(self, socket: ServerConnection) -> None:
        async for text in socket:
            frame = json.loads(text)
            if isinstance(frame, list) and len(frame) == 4 and frame[0] == 2:
                answer = self._answers.get(frame[2], {})
                await socket.send(json.dumps([3, frame[1], answer], separators=(",", ":")))
