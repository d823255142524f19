"""The chargers of one web process: who is connected here, and commands for them from anywhere.

One channel a process: every other process reaches a station by sending to the channel on its row.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from datetime import UTC, datetime, timedelta

from channels.layers import get_channel_layer

from stations import commands, signals
from stations.journal import Journal
from stations.models import Command, Node, Station
from stations.ocpp.connection import SHUTDOWN, CallRefused, Connection
from stations.ocpp.threads import in_thread
from stations.tasks import ingest

log = logging.getLogger(__name__)

BEAT_SECONDS = 5
#: A station that comes and goes twenty times a minute is not told anything in between.
SETTLE_SECONDS = 2
OFFLINE = {"status": Command.Status.OFFLINE, "error_description": "The charger is not connected."}
TAKEOVER_CLOSE = 4000


class Hub:
    """Belongs to one event loop; made on the first connection, ended with the process."""

    def __init__(self):
        self.connections: dict[int, Connection] = {}
        self.journal = Journal(self._nudge)
        self.channel = ""
        self._tasks: set[asyncio.Task] = set()
        self._nudges: asyncio.Queue[uuid.UUID] = asyncio.Queue()
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        async with self._starting:
            if self.channel:
                return
            # The default prefix, which browsers' consumers have too: channels-redis reads all channels of a
            # process under one lock, and a second prefix would be read only while nobody reads the first.
            channel = await get_channel_layer().new_channel()
            await in_thread(_beat, channel, [], {})
            self.channel = channel
            for loop in (self._receive(), self._beats(), self._send_nudges()):
                self.spawn(loop)

    def spawn(self, coroutine) -> None:
        """A task that somebody holds a reference to, as asyncio wants it."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Connections

    async def join(self, connection: Connection) -> None:
        """This socket speaks for the station from now on; an older one, here or elsewhere, is closed."""
        older = self.connections.get(connection.station.pk)
        self.connections[connection.station.pk] = connection
        previous_node = await in_thread(_take_over, connection, self.channel)
        if older is not None:
            self.spawn(older.close(TAKEOVER_CLOSE))
        elif previous_node and previous_node != self.channel:
            message = {"type": "ocpp.superseded", "station": connection.station.pk, "by": str(connection.id)}
            with contextlib.suppress(Exception):
                await get_channel_layer().send(previous_node, message)
        connection.on_accepted = lambda: self.spawn(self.send_waiting(connection))
        if connection.registered:
            connection.on_accepted()

    async def leave(self, connection: Connection) -> None:
        """Only a socket's own close may mark its station offline."""
        if self.connections.get(connection.station.pk) is connection:
            del self.connections[connection.station.pk]
        await in_thread(_let_go, connection.station.pk, connection.id, connection.last_seen)

    # Commands

    async def _receive(self) -> None:
        layer = get_channel_layer()
        while True:
            try:
                message = await layer.receive(self.channel)
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("Commands can't be received; trying again")
                await asyncio.sleep(1)
                continue
            if message["type"] == "ocpp.command":
                self.spawn(self.run_command(message["station"], uuid.UUID(message["command"])))
            elif message["type"] == "ocpp.superseded":
                old = self.connections.get(message["station"])
                if old is not None and str(old.id) != message["by"]:
                    self.spawn(old.close(TAKEOVER_CLOSE))

    async def run_command(self, station_id: int, command_id: uuid.UUID) -> None:
        """Send one command's call when it is its turn, and write what came of it on its row."""
        connection = self.connections.get(station_id)
        if connection is None:
            await in_thread(commands.not_here, command_id, self.channel)
            return
        async with connection.turn:
            if not connection.is_open:
                await in_thread(commands.not_here, command_id, self.channel)
                return
            command = await in_thread(commands.claim, command_id)
            if command is not None:
                outcome = await self._outcome(connection, command)
                await in_thread(commands.finish, command_id, **outcome)

    async def _outcome(self, connection: Connection, command: Command) -> dict:
        try:
            response = await connection.call(
                command.action, command.payload, timeout=command.timeout_s, command=command.pk
            )
        except CallRefused as error:
            return {
                "status": Command.Status.ERROR,
                "error_code": error.code,
                "error_description": error.description,
            }
        except TimeoutError:
            return {"status": Command.Status.TIMED_OUT, "error_description": "The charger did not answer."}
        except ConnectionError:
            return OFFLINE
        return {"status": Command.Status.ANSWERED, "response": response}

    async def send_waiting(self, connection: Connection) -> None:
        """Calls that were kept for this station, one after another, once it has settled."""
        await asyncio.sleep(SETTLE_SECONDS)
        station_id = connection.station.pk
        if self.connections.get(station_id) is connection and connection.registered:
            for command_id in await in_thread(commands.waiting, station_id):
                await self.run_command(station_id, command_id)

    # Housekeeping

    async def _beats(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            seen = {pk: connection.last_seen for pk, connection in self.connections.items()}
            mine = {pk: connection.id for pk, connection in self.connections.items()}
            try:
                reclaimed = await in_thread(_beat, self.channel, list(seen.items()), mine)
                for pk in reclaimed:
                    # It may have closed while we wrote that it is here.
                    if (now := self.connections.get(pk)) is None or now.id != mine[pk]:
                        await in_thread(_let_go, pk, mine[pk], seen[pk])
            except Exception:
                log.exception("This process could not say that it lives; trying again")

    def _nudge(self, batch: uuid.UUID) -> None:
        self._nudges.put_nowait(batch)

    async def _send_nudges(self) -> None:
        """Publishing a task blocks, so a thread does it; a lost nudge is made good by the sweep."""
        while True:
            batch = await self._nudges.get()
            try:
                await asyncio.to_thread(ingest.delay, str(batch))
            except Exception as error:
                log.warning("The workers could not be told of a batch (%s); the sweep will find it", error)

    async def close(self) -> None:
        """The process ends: say goodbye to every charger, so that it knows to come back."""
        connections = list(self.connections.values())
        await asyncio.gather(*(each.close(SHUTDOWN) for each in connections))
        for connection in connections:
            with contextlib.suppress(Exception):
                await self.leave(connection)
        for task in list(self._tasks):
            task.cancel()
        await self.journal.close()
        if self.channel:
            with contextlib.suppress(Exception):
                await in_thread(Node.objects.filter(channel=self.channel).delete)


def _take_over(connection: Connection, channel: str) -> str:
    """Write this socket on the station's row; returns the node that held the station before."""
    now = datetime.now(UTC)
    station = Station.objects.select_for_update().get(pk=connection.station.pk)
    previous = station.node if station.is_online else ""
    station.connection, station.node, station.ocpp_version = connection.id, channel, connection.version
    station.connected_at = station.last_seen_at = now
    station.save(update_fields=["connection", "node", "ocpp_version", "connected_at", "last_seen_at"])
    signals.after_commit(signals.station_changed, station=station)
    return previous


def _let_go(station_id: int, connection_id: uuid.UUID, last_seen: datetime) -> None:
    mine = Station.objects.filter(pk=station_id, connection=connection_id)
    if mine.update(connection=None, node="", disconnected_at=datetime.now(UTC), last_seen_at=last_seen):
        station = Station.objects.select_related("site").get(pk=station_id)
        signals.after_commit(signals.station_changed, station=station)


def _beat(channel: str, seen: list[tuple[int, datetime]], mine: dict[int, uuid.UUID]) -> list[int]:
    """This process lives, its chargers were last heard then; returns those it had been given up for lost."""
    now = datetime.now(UTC)
    Node.objects.update_or_create(
        channel=channel, defaults={"seen_at": now}, create_defaults={"seen_at": now, "started_at": now}
    )
    recently = now - timedelta(seconds=BEAT_SECONDS * 2)
    stations = [
        Station(pk=pk, last_seen_at=last_seen) for pk, last_seen in sorted(seen) if last_seen > recently
    ]
    Station.objects.bulk_update(stations, ["last_seen_at"], batch_size=500)
    lost = list(Station.objects.filter(connection=None, pk__in=mine)) if mine else []
    for station in lost:
        Station.objects.filter(pk=station.pk, connection=None).update(
            connection=mine[station.pk], node=channel
        )
        signals.after_commit(signals.station_changed, station=station)
    return [station.pk for station in lost]
