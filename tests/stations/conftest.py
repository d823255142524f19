"""A charger's door to knock on: the real ASGI application under a real server, in this process."""

import asyncio
import socket
import threading

import pytest
import uvicorn
from asgiref.sync import sync_to_async
from django.db import connection

from stations.models import Batch
from stations.tasks import ingest


class Door:
    def __init__(self, port: int):
        self.url = f"ws://127.0.0.1:{port}/ocpp"


@pytest.fixture
def door(transactional_db):
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
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listener])), name="door", daemon=True
    )
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        threading.Event().wait(0.01)
    yield Door(listener.getsockname()[1])
    server.should_exit = True
    thread.join(10)
    with connection.cursor() as cursor:
        # Django empties only the tables that it made itself.
        cursor.execute("TRUNCATE stations_message, stations_reading")


@pytest.fixture
def database():
    """`await database(function)`: the ORM from an async test."""

    def run(function, *args, **kwargs):
        return sync_to_async(_then_disconnect)(function, *args, **kwargs)

    return run


def _then_disconnect(function, *args, **kwargs):
    """The thread that does it lives on, and a connection left open there would keep the database in use."""
    try:
        return function(*args, **kwargs)
    finally:
        connection.close()


@pytest.fixture
def ingest_all():
    """What a worker would do with everything that waits."""

    def run():
        for batch in Batch.objects.filter(done_at=None):
            ingest(str(batch.pk))
        assert not Batch.objects.filter(done_at=None).exists(), Batch.objects.exclude(error="").first()

    return lambda: sync_to_async(_then_disconnect)(run)
