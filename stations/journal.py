"""The journal's writing end: everything that arrives within a few milliseconds is committed together.

One writer per web process, on a connection of its own. `write` returns when the frame is on disk, so an
answer after it is a promise kept; `note` only logs. Redis carries nothing but the nudge to the workers:
a lost one is made good by `stations.tasks.sweep_journal`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import psycopg
from django.db import connection

log = logging.getLogger(__name__)

#: Seconds to wait for company before a commit; a charger never notices, a disk does.
GATHER = 0.003
COLUMNS = (
    "at, id, station_id, connection, from_station, kind, message_id, action, version, frame, batch, command"
)
COPY = f"COPY stations_message ({COLUMNS}) FROM STDIN"


@dataclass(frozen=True, slots=True)
class Entry:
    """One frame of the message log."""

    at: datetime
    station_id: int
    connection: uuid.UUID
    from_station: bool
    kind: str
    message_id: str
    action: str
    version: str
    frame: str
    command: uuid.UUID | None = None


class Journal:
    """Group commit. Not thread-safe: it belongs to one event loop."""

    def __init__(self, nudge: Callable[[uuid.UUID], None]):
        self._nudge = nudge
        self._waiting: list[tuple[Entry, bool, asyncio.Future | None]] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task | None = None
        self._database: psycopg.AsyncConnection | None = None

    async def write(self, entry: Entry, *, ingest: bool) -> None:
        """Return once the entry is committed; raises `psycopg.Error` when it could not be."""
        done = asyncio.get_running_loop().create_future()
        self._add(entry, ingest, done)
        await done

    def note(self, entry: Entry) -> None:
        """Log the entry with the next commit; nobody waits for it."""
        self._add(entry, False, None)

    def _add(self, entry: Entry, ingest: bool, done: asyncio.Future | None) -> None:
        self._waiting.append((entry, ingest, done))
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="journal")

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER)
            self._wake.clear()
            group, self._waiting = self._waiting, []
            if group:
                await self._commit(group)

    async def _commit(self, group: list[tuple[Entry, bool, asyncio.Future | None]]) -> None:
        batch = uuid.uuid4() if any(ingest for _entry, ingest, _done in group) else None
        try:
            try:
                await self._store(group, batch)
            except psycopg.OperationalError:
                # The connection was idle over a restart of the database, perhaps: once more, on a new one.
                await self._disconnect()
                await self._store(group, batch)
        except Exception as error:
            log.error("The journal could not be written: %s", error)
            await self._disconnect()
            for _entry, _ingest, done in group:
                if done is not None and not done.done():
                    done.set_exception(error)
            return
        for _entry, _ingest, done in group:
            if done is not None and not done.done():
                done.set_result(None)
        if batch is not None:
            self._nudge(batch)

    async def _store(self, group, batch: uuid.UUID | None) -> None:
        database = await self._connect()
        async with database.transaction(), database.cursor() as cursor:
            if batch is not None:
                to_ingest = sum(ingest for _entry, ingest, _done in group)
                await cursor.execute(
                    "INSERT INTO stations_batch (id, received_at, messages, error, attempts) "
                    "VALUES (%s, now(), %s, '', 0)",
                    [batch, to_ingest],
                )
            async with cursor.copy(COPY) as copy:
                for entry, ingest, _done in group:
                    await copy.write_row(
                        (
                            entry.at,
                            uuid.uuid4(),
                            entry.station_id,
                            entry.connection,
                            entry.from_station,
                            entry.kind,
                            entry.message_id[:64],
                            entry.action[:50],
                            entry.version,
                            entry.frame,
                            batch if ingest else None,
                            entry.command,
                        )
                    )

    async def _connect(self) -> psycopg.AsyncConnection:
        if self._database is None or self._database.closed:
            # The same database, test databases included, that Django's own connections use.
            options = {
                name: value
                for name, value in connection.get_connection_params().items()
                if name in ("dbname", "user", "password", "host", "port", "sslmode")
            }
            self._database = await psycopg.AsyncConnection.connect(**options, autocommit=True)
        return self._database

    async def _disconnect(self) -> None:
        if self._database is not None:
            with contextlib.suppress(Exception):
                await self._database.close()
            self._database = None

    async def close(self) -> None:
        """Commit what waits, then let go of the database."""
        while self._waiting:
            await asyncio.sleep(GATHER)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._disconnect()
