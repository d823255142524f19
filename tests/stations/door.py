"""The real ASGI application for chargers under a real server, in a thread of this process."""

import asyncio
import contextlib
import socket
import threading

import uvicorn


class Door:
    def __init__(self, port: int, *, is_tls: bool = False):
        self.url = f"{'wss' if is_tls else 'ws'}://127.0.0.1:{port}/ocpp"


@contextlib.contextmanager
def open_door(**options):
    """A door to knock on while the block runs; `options` are uvicorn's (certificates)."""
    from stations.ocpp.app import ChargerSockets

    sockets = ChargerSockets()

    async def application(scope, receive, send):
        if scope["type"] == "websocket":
            await sockets(scope, receive, send)
        elif scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await sockets.hub.close()
            await send({"type": "lifespan.shutdown.complete"})

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application,
        log_level="warning",
        ws="websockets-sansio",
        ws_max_size=262144,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
        **options,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listener])), name="door", daemon=True
    )
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        threading.Event().wait(0.01)
    yield Door(listener.getsockname()[1], is_tls="ssl_certfile" in options)
    server.should_exit = True
    thread.join(10)
