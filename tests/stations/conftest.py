"""A charger's door to knock on: the real ASGI application under a real server, in this process.

And the other way round: a fake portal, with simulated stations switched on for it.
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from stations.models import Batch
from stations.simulator import Fleet, FleetConfig, StationConfig
from stations.tasks import ingest
from tests.stations.csms import FakeCsms
from tests.stations.door import open_door

SPEED = 600


@pytest.fixture
def door(transactional_db):
    with open_door() as opened:
        yield opened
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


@pytest.fixture
async def csms():
    async with FakeCsms() as portal:
        yield portal


@pytest.fixture
async def switch_on(csms):
    """Start one station and wait for its boot; all are stopped after the test."""
    fleets = []

    async def start(version="1.6", *, speed=SPEED, ready=True, **more):
        wire = {"identity": "CP 1", "password": "secret", "version": version, **more}
        config = FleetConfig(
            stations=(StationConfig.parse(wire),),
            url=csms.url,
            speed=speed,
            seed=7,
            first_backoff_s=0.02,
            call_timeout_s=1.0,
        )
        fleets.append(Fleet(config))
        await fleets[-1].start()
        if ready:
            await fleets[-1].ready()
            await csms.wait(lambda: csms.statuses())
        return fleets[-1]["CP 1"]

    yield start
    for fleet in fleets:
        await fleet.stop()


@pytest.fixture
def files():
    """A server that is not the portal's: it has every file but /missing, and takes what is left there."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            found = self.path != "/missing"
            self.send_response(200 if found else 404)
            self.end_headers()
            if found:
                self.wfile.write(b"firmware")

        def do_POST(self):
            server.left.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(201)
            self.end_headers()

        do_PUT = do_POST

        def log_message(self, *_words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.left = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)
