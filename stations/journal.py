"""The journal's writing end: everything that arrives within a few milliseconds is committed together.

One writer per web process, on a connection of its own. `write` returns when the frame is on disk, so an
answer after it is a promise kept; `note` only logs. Redis carries nothing but the nudge to the workers:
a lost one is made good by `stations.tasks.sweep_journal`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import secrets
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import psycopg
from django.db import connection

log = logging.getLogger(__name__)

COLUMNS = (
    "at, id, station_id, connection, from_station, kind, message_id, action, version, frame, answer, "
    "batch, command"
)
COPY = f"COPY stations_message ({COLUMNS}) FROM STDIN"
NULL = "\\N"
#: COPY's text format: what would end a value or a row is written as an escape.
ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\x00": None})


def escaped(text: str) -> str:
    # Most texts have nothing to escape, and finding that out is cheaper than translating.
    if "\\" in text or not text.isprintable():
        return text.translate(ESCAPES)
    return text


class Entry(NamedTuple):
    """One frame of the message log; a report's row carries the answer that its commit makes true."""

    at: datetime
    station_id: int
    connection: str
    from_station: bool
    kind: str
    message_id: str
    action: str
    version: str
    frame: str
    answer: str | None = None
    command: uuid.UUID | None = None

    def row(self, number: str, batch: str | None) -> str:
        """Its line of the COPY; PostgreSQL's text holds no NUL, JSON may carry one only as an escape."""
        return (
            f"{self.at.isoformat()}\t{number}\t{self.station_id}\t{self.connection}\t"
            f"{'t' if self.from_station else 'f'}\t{self.kind}\t{escaped(self.message_id[:64])}\t"
            f"{escaped(self.action[:50])}\t{self.version}\t{escaped(self.frame)}\t"
            f"{NULL if self.answer is None else escaped(self.answer)}\t{batch or NULL}\t"
            f"{self.command or NULL}\n"
        )


class Journal:
    """Group commit. Not thread-safe: it belongs to one event loop.

    While one group is being committed the next one gathers, so groups are as large as the disk is slow and
    a lone frame waits for nobody.
    """

    def __init__(self, nudge: Callable[[uuid.UUID], None]):
        self._nudge = nudge
        self._waiting: list[tuple[Entry, bool, asyncio.Future | None]] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task | None = None
        self._database: psycopg.AsyncConnection | None = None
        # Row ids need only be unique: a random half of the process's own, and a counter.
        self._half = secrets.token_hex(8)
        self._counter = itertools.count(1)
        self._closing = False

    def write(self, entry: Entry, *, ingest: bool) -> asyncio.Future:
        """Await it: done once the entry is committed; raises `psycopg.Error` when it could not be."""
        done = asyncio.get_running_loop().create_future()
        self._add(entry, ingest, done)
        return done

    def note(self, entry: Entry) -> None:
        """Log the entry with the next commit; nobody waits for it."""
        self._add(entry, False, None)

    def _add(self, entry: Entry, ingest: bool, done: asyncio.Future | None) -> None:
        self._waiting.append((entry, ingest, done))
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="journal")

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            await self._wake.wait()
            # Everything that the loop has read by now comes along.
            await asyncio.sleep(0)
            self._wake.clear()
            group, self._waiting = self._waiting, []
            if group:
                await self._commit(group)

    async def _commit(self, group: list[tuple[Entry, bool, asyncio.Future | None]]) -> None:
        batch = uuid.uuid4() if any(ingest for _entry, ingest, _done in group) else None
        try:
            await self._store(group, batch)
        except Exception as error:
            if isinstance(error, psycopg.DataError) and len(group) > 1:
                # One frame that the database can't hold must not take the others with it.
                for each in group:
                    await self._commit([each])
                return
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
        half, counter, mark = self._half, self._counter, batch.hex if batch else None
        rows = "".join(
            entry.row(f"{half}{next(counter):016x}", mark if ingest else None)
            for entry, ingest, _done in group
        )
        begin = "BEGIN"
        if batch is not None:
            # One round trip: a statement without parameters may be several. The uuid is our own.
            to_ingest = sum(ingest for _entry, ingest, _done in group)
            values = f"VALUES ('{batch}', now(), {to_ingest}, '', 0)"
            begin += f"; INSERT INTO stations_batch (id, received_at, messages, error, attempts) {values}"
        try:
            await self._copy(begin, rows)
        except psycopg.OperationalError:
            # The connection was idle over a restart of the database, perhaps: once more, on a new one.
            await self._disconnect()
            # Where the lost connection had committed after all, the ids are there already.
            with contextlib.suppress(psycopg.errors.UniqueViolation):
                await self._copy(begin, rows)

    async def _copy(self, begin: str, rows: str) -> None:
        database = await self._connect()
        async with database.cursor() as cursor:
            try:
                await cursor.execute(begin)
                async with cursor.copy(COPY) as copy:
                    await copy.write(rows)
                await cursor.execute("COMMIT")
            except psycopg.OperationalError:
                raise
            except psycopg.Error:
                await cursor.execute("ROLLBACK")
                raise

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
        self._closing = True
        self._wake.set()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._disconnect()
