"""The ASGI application behind `/ocpp/<identity>`: authenticate, accept, and hand the socket to the hub."""

from __future__ import annotations

import asyncio
import logging

from evportal.sockets import EXTENSION
from stations.ocpp import door, versions
from stations.ocpp.connection import Connection
from stations.ocpp.hub import Hub
from stations.ocpp.limits import Limits
from stations.ocpp.threads import in_thread

log = logging.getLogger(__name__)


class ChargerSockets:
    """One per process. Wrong or unknown credentials get 401 before the upgrade, whichever it was."""

    def __init__(self):
        self.hub = Hub()
        self.limits = Limits()

    async def __call__(self, scope, receive, send) -> None:
        event = await receive()
        if event["type"] != "websocket.connect":
            return
        await self.hub.start()
        if self.hub.closing:
            await _refuse(scope, send, 503, "This server is being restarted. Try again.")
            return
        knock = door.read(scope)
        if knock is None:
            await _refuse(scope, send, 401, "Unauthorized")
            return
        async with self.limits.lane(knock):
            station = await self.hub.crowds.ask(door.admit, knock)
        if station is None:
            await self.limits.wrong(knock)
            await _refuse(scope, send, 401, "Unauthorized")
            return
        self.limits.right(knock)
        subprotocol = knock.subprotocol(station)
        if subprotocol is None:
            log.warning("Station %s offers no version that we speak: %s", station.pk, knock.subprotocols)
            await in_thread(door.tell_no_version, station, knock)
            offered = ", ".join(versions.SUBPROTOCOLS)
            await _refuse(scope, send, 400, f"Offer one of these WebSocket subprotocols: {offered}")
            return
        # A client must not be told a subprotocol that it did not offer.
        chosen = subprotocol if subprotocol in knock.subprotocols else None
        version = versions.SUBPROTOCOLS[subprotocol]
        connection = Connection(station, version, send, self.hub.journal, self.hub.crowds, knock.address)
        await self._serve(connection, chosen, scope, receive, send)

    async def _serve(self, connection: Connection, subprotocol: str | None, scope, receive, send) -> None:
        await self.hub.join(connection)
        try:
            await send({"type": "websocket.accept", "subprotocol": subprotocol})
            if texts := scope.get("extensions", {}).get(EXTENSION):
                connection.take_through(texts)
            await connection.run(receive)
        finally:
            # A cancelled task must still write that the station is gone.
            await asyncio.shield(self.hub.leave(connection))


async def _refuse(scope, send, status: int, text: str) -> None:
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="OCPP"'))
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": text.encode() + b"\n"})
