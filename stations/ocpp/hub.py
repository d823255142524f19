"""The chargers of one web process: who is connected here, and commands for them from anywhere.

One channel a process: every other process reaches a station by sending to the channel on its row.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from datetime import UTC, datetime

from channels.layers import get_channel_layer

from stations import commands, presence
from stations.journal import Journal
from stations.models import Command, Station
from stations.ocpp.connection import RESTART, CallRefused, Connection
from stations.ocpp.limits import Comings
from stations.ocpp.threads import in_thread, news
from stations.ocpp.together import Crowds
from stations.tasks import ingest

log = logging.getLogger(__name__)

BEAT_SECONDS = 5
NUDGE_SECONDS = 0.1
CLOSING_SECONDS = 2
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
        self._loops: list[asyncio.Task] = []
        self._settling: dict[int, asyncio.TimerHandle] = {}
        self._comings = Comings()
        self._tasks: set[asyncio.Task] = set()
        self._nudged = asyncio.Event()
        self._waiting_batch: uuid.UUID | None = None
        self._starting = asyncio.Lock()
        self.crowds = Crowds()
        self.closing = False

    async def start(self) -> None:
        async with self._starting:
            if self.channel:
                return
            # The default prefix, which browsers' consumers have too: channels-redis reads all channels of a
            # process under one lock, and a second prefix would be read only while nobody reads the first.
            channel = await get_channel_layer().new_channel()
            await in_thread(presence.beat, channel=channel, seen={}, now=datetime.now(UTC))
            self.channel = channel
            loops = (self._receive(), self._beats(), self._send_nudges())
            self._loops = [asyncio.get_running_loop().create_task(loop) for loop in loops]

    def spawn(self, coroutine) -> None:
        """A task that somebody holds a reference to, as asyncio wants it."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Connections

    async def join(self, connection: Connection) -> None:
        """This socket speaks for the station from now on; an older one, here or elsewhere, is closed."""
        station_id = connection.station.pk
        older = self.connections.get(station_id)
        self.connections[station_id] = connection
        arrival = presence.Arrival(
            station_id,
            connection.id,
            connection.version,
            connection.address,
            often=self._comings.is_flapping(station_id),
        )
        before = await self.crowds.ask(self._arrived, arrival)
        if older is not None:
            self.spawn(older.close(TAKEOVER_CLOSE))
        elif before.node and before.node != self.channel:
            message = {"type": "ocpp.superseded", "station": station_id, "by": str(connection.id)}
            with contextlib.suppress(Exception):
                await get_channel_layer().send(before.node, message)
        # It may have changed since the door looked at it.
        connection.registered = before.registration == Station.Registration.ACCEPTED
        connection.on_accepted = lambda: self._when_settled(connection)
        if connection.registered:
            connection.on_accepted()

    def _when_settled(self, connection: Connection) -> None:
        """It is told what waits for it once it has been here, and quiet, for a moment."""
        loop, station_id = asyncio.get_running_loop(), connection.station.pk
        if (earlier := self._settling.pop(station_id, None)) is not None:
            earlier.cancel()
        self._settling[station_id] = loop.call_later(
            SETTLE_SECONDS, lambda: self.spawn(self.send_waiting(connection))
        )

    async def leave(self, connection: Connection) -> None:
        """Only a socket's own close may mark its station offline."""
        station_id = connection.station.pk
        if self.connections.get(station_id) is connection and station_id in self._settling:
            self._settling.pop(station_id).cancel()
        if self.connections.get(station_id) is connection:
            del self.connections[station_id]
        departure = presence.Departure(station_id, connection.id, connection.last_seen)
        await self.crowds.ask(self._departed, departure)

    def _arrived(self, arrivals: list[presence.Arrival]) -> list[presence.Before]:
        return presence.come(arrivals=arrivals, channel=self.channel, now=datetime.now(UTC))

    def _departed(self, departures: list[presence.Departure]) -> list[bool]:
        offline = presence.go(departures=departures, now=datetime.now(UTC))
        return [one.station_id in offline for one in departures]

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
            elif message["type"] == "ocpp.registration":
                here = self.connections.get(message["station"])
                if here is not None:
                    here.follow(message["registration"])
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
                command.action,
                commands.real_payload(command),
                timeout=command.timeout_s,
                command=command.pk,
                shown=command.payload if command.secrets else None,
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
        """Calls that were kept for this station, one after another, now that it has settled."""
        station_id = connection.station.pk
        self._settling.pop(station_id, None)
        if self.connections.get(station_id) is connection and connection.registered:
            for command_id in await self.crowds.ask(commands.waiting, station_id):
                await self.run_command(station_id, command_id)

    # Housekeeping

    async def _beats(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                await self._beat()
                await self._follow_registrations()
            except Exception:
                log.exception("This process could not say that it lives; trying again")

    async def _beat(self) -> None:
        seen = {pk: (each.id, each.last_seen) for pk, each in self.connections.items()}
        now = datetime.now(UTC)
        for pk in await in_thread(presence.beat, channel=self.channel, seen=seen, now=now):
            # It may have closed while we wrote that it is here.
            if (current := self.connections.get(pk)) is None or current.id != seen[pk][0]:
                await self.crowds.ask(self._departed, presence.Departure(pk, *seen[pk]))

    async def _follow_registrations(self) -> None:
        """The row decides, also where the message that it changed got lost."""
        refused = await in_thread(presence.not_accepted, self.channel)
        for pk, connection in list(self.connections.items()):
            if connection.registered == (pk in refused):
                connection.follow(refused.get(pk, Station.Registration.ACCEPTED))

    def _nudge(self, batch: uuid.UUID) -> None:
        self._waiting_batch = batch
        self._nudged.set()

    async def _send_nudges(self) -> None:
        """At once, then at most ten times a second: a worker that is told takes all that waits.

        Publishing a task blocks, so a thread does it; a lost nudge is made good by the sweep.
        """
        while True:
            await self._nudged.wait()
            self._nudged.clear()
            try:
                await asyncio.to_thread(ingest.delay, str(self._waiting_batch))
            except Exception as error:
                log.warning("The workers could not be told of a batch (%s); the sweep will find it", error)
            await asyncio.sleep(NUDGE_SECONDS)

    async def drain(self) -> None:
        """Take no new frames, answer what was read, and tell every charger to come back."""
        self.closing = True
        connections = list(self.connections.values())
        await asyncio.gather(*(each.drain() for each in connections))
        await asyncio.gather(*(each.close(RESTART) for each in connections))

    async def close(self) -> None:
        """The process ends."""
        await self.drain()
        for loop in self._loops:
            loop.cancel()
        # Commands under way end as soon as their sockets are closed.
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSING_SECONDS)
        await self.journal.close()
        if self.channel:
            with contextlib.suppress(Exception):
                await in_thread(presence.end, channel=self.channel, now=datetime.now(UTC))
        # The last news are on their way in a thread of their own.
        await asyncio.get_running_loop().run_in_executor(news, lambda: None)
