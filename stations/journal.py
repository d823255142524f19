"""The journal's writing end: everything that arrives within a few milliseconds is committed together.

One writer per web process, on a connection of its own. `write` returns when the frame is on disk, so an
answer after it is a promise kept; `note` only logs. Redis carries nothing but the nudge to the workers:
a lost one is made good by `stations.tasks.sweep_journal`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import logging
import secrets
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import psycopg

from stations.journal_lane import Lane

log = logging.getLogger(__name__)

COLUMNS = (
    "at, id, station_id, connection, from_station, kind, message_id, action, version, frame, answer, "
    "batch, command"
)
COPY = f"COPY stations_message ({COLUMNS}) FROM STDIN"
#: Groups that are committed at the same time: one waits for the disk while the next one is sent.
LANES = 2
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


#: Called once: with None when the entry is on disk, or with why it could not be stored.
Done = Callable[[Exception | None], None]
#: An entry, whether it is a report for the workers, and who waits for its commit.
Waiting = tuple[Entry, bool, Done | None]


def _tell(group: list[Waiting], error: Exception | None) -> None:
    for _entry, _ingest, done in group:
        if done is None:
            continue
        try:
            done(error)
        except Exception:
            # One charger's answer must not cost the others theirs.
            log.exception("What follows a commit failed")


def _settle(waiting: asyncio.Future, error: Exception | None) -> None:
    # Who waited may have gone meanwhile.
    if waiting.done():
        return
    if error is None:
        waiting.set_result(None)
    else:
        waiting.set_exception(error)


class Journal:
    """Group commit. Not thread-safe: it belongs to one event loop.

    While groups are being committed the next one gathers, so groups are as large as the disk is slow and a
    lone frame waits for nobody. A station waits for each answer before its next call, so which of two groups
    is on disk first doesn't matter to any of them.
    """

    def __init__(self, nudge: Callable[[uuid.UUID], None]):
        self._nudge = nudge
        self._waiting: list[Waiting] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task | None = None
        self._lanes = [Lane() for _ in range(LANES)]
        self._lane_is_free = asyncio.Event()
        self._commits: set[asyncio.Task] = set()
        # Row ids need only be unique: a random half of the process's own, and a counter.
        self._half = secrets.token_hex(8)
        self._counter = itertools.count(1)
        self._closing = False

    def write(self, entry: Entry, *, ingest: bool) -> asyncio.Future:
        """Await it: done once the entry is committed; raises `psycopg.Error` when it could not be."""
        waiting = asyncio.get_running_loop().create_future()
        self.put(entry, ingest, functools.partial(_settle, waiting))
        return waiting

    def note(self, entry: Entry) -> None:
        """Log the entry with the next commit; nobody waits for it."""
        self.put(entry, False, None)

    def put(self, entry: Entry, ingest: bool, done: Done | None) -> None:
        """Store the entry with the next commit and call `done`."""
        self._waiting.append((entry, ingest, done))
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="journal")

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            await self._wake.wait()
            while not self._lanes:
                self._lane_is_free.clear()
                await self._lane_is_free.wait()
            # Everything that the loop has read by now comes along.
            await asyncio.sleep(0)
            self._wake.clear()
            group, self._waiting = self._waiting, []
            if group:
                commit = asyncio.create_task(self._commit_on(self._lanes.pop(), group), name="journal group")
                self._commits.add(commit)
                commit.add_done_callback(self._commits.discard)

    async def _commit_on(self, lane: Lane, group: list[Waiting]) -> None:
        try:
            await self._commit(lane, group)
        finally:
            self._lanes.append(lane)
            self._lane_is_free.set()

    async def _commit(self, lane: Lane, group: list[Waiting]) -> None:
        batch = uuid.uuid4() if any(ingest for _entry, ingest, _done in group) else None
        try:
            await self._store(lane, group, batch)
        except Exception as error:
            if isinstance(error, psycopg.DataError) and len(group) > 1:
                # One frame that the database can't hold must not take the others with it.
                for each in group:
                    await self._commit(lane, [each])
                return
            log.error("The journal could not be written: %s", error)
            await lane.close()
            _tell(group, error)
            return
        _tell(group, None)
        if batch is not None:
            self._nudge(batch)

    async def _store(self, lane: Lane, group: list[Waiting], batch: uuid.UUID | None) -> None:
        half, counter, mark = self._half, self._counter, batch.hex if batch else None
        rows = "".join(
            entry.row(f"{half}{next(counter):016x}", mark if ingest else None)
            for entry, ingest, _done in group
        )
        statement = COPY
        if batch is not None:
            # The uuid is our own, so nothing has to be escaped.
            to_ingest = sum(ingest for _entry, ingest, _done in group)
            values = f"VALUES ('{batch}', now(), {to_ingest}, '', 0)"
            statement = (
                f"INSERT INTO stations_batch (id, received_at, messages, error, attempts) {values}; {COPY}"
            )
        try:
            await lane.copy(statement, rows)
        except psycopg.OperationalError:
            # The connection was idle over a restart of the database, perhaps: once more, on a new one.
            await lane.close()
            # Where the lost connection had committed after all, the ids are there already.
            with contextlib.suppress(psycopg.errors.UniqueViolation):
                await lane.copy(statement, rows)

    async def close(self) -> None:
        """Commit what waits, then let go of the database."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        while self._commits:
            await asyncio.wait(self._commits)
        for lane in self._lanes:
            await lane.close()
