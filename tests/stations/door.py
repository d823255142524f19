"""The real ASGI application for chargers under a real server, in a thread of this process."""

import asyncio
import contextlib
import socket
import threading
from pathlib import Path

import uvicorn
from channels.layers import channel_layers
from django.core.asgi import get_asgi_application

from evportal.serve import SOCKETS


class Door:
    """Where chargers knock: `url`, `http` for files, and `tls_url` if it was opened with a certificate."""

    def __init__(self, port: int, tls_port: int | None = None):
        self.url = f"ws://127.0.0.1:{port}/ocpp"
        self.http = f"http://127.0.0.1:{port}"
        self.tls_url = f"wss://127.0.0.1:{tls_port}/ocpp" if tls_port else None


@contextlib.contextmanager
def open_door(tls: tuple[Path, Path] | None = None, **more):
    """A door to knock on while the block runs; with `tls`, a certificate and its key, also one behind TLS.

    `more` replaces the server's own `SOCKETS` options.
    """
    from stations.files.bodies import Bounded
    from stations.ocpp.app import ChargerSockets

    # A layer's locks belong to one event loop, and a door before this one may not have let go of them yet.
    channel_layers.backends.clear()
    sockets, pages = ChargerSockets(), Bounded(get_asgi_application())

    async def application(scope, receive, send):
        if scope["type"] == "websocket":
            await sockets(scope, receive, send)
        elif scope["type"] == "http":
            await pages(scope, receive, send)
        elif scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await sockets.hub.close()
            await send({"type": "lifespan.shutdown.complete"})

    def server(**options) -> uvicorn.Server:
        config = uvicorn.Config(
            application,
            log_level="warning",
            timeout_graceful_shutdown=1,
            **SOCKETS | more,
            **options,
        )
        return uvicorn.Server(config)

    servers = [server()]
    if tls:
        servers.append(server(ssl_certfile=tls[0], ssl_keyfile=tls[1], lifespan="off"))
    listeners = [socket.create_server(("127.0.0.1", 0)) for _server in servers]

    async def serve():
        # In one event loop: they share the hub, which belongs to one.
        pairs = zip(servers, listeners, strict=True)
        await asyncio.gather(*(each.serve(sockets=[listener]) for each, listener in pairs))

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="door", daemon=True)
    thread.start()
    while not all(each.started for each in servers):
        assert thread.is_alive(), "the server did not start"
        threading.Event().wait(0.01)
    yield Door(*(listener.getsockname()[1] for listener in listeners))
    for each in servers:
        each.should_exit = True
    thread.join(10)
