"""One connection over which the journal commits: a group in one round trip more than its data need."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

import psycopg
from django.db import connection
from psycopg import generators
from psycopg.pq import ExecStatus

#: More at once than the socket's buffers take would have to be tried again and again.
CHUNK = 128 * 1024


class Lane:
    """Connected when it is first used. One `copy` at a time."""

    def __init__(self):
        self._database: psycopg.AsyncConnection | None = None

    async def copy(self, statement: str, rows: str) -> None:
        """Run statements of which the last one is a COPY FROM STDIN, and commit: all of it or nothing.

        Sent as one query, so PostgreSQL takes them for one transaction and commits at its end (“Multiple
        Statements in a Simple Query” of its protocol); BEGIN, COPY and COMMIT would be three waits more, and
        more than twice the time of this process. `rows` is in COPY's text format. Raises `psycopg.Error`.
        """
        database = await self._connected()
        async with database.lock:
            await database.wait(_copying(database, statement.encode(), rows.encode()))

    async def _connected(self) -> psycopg.AsyncConnection:
        if self._database is None or self._database.closed:
            # The same database, test databases included, that Django's own connections use.
            options = {
                name: value
                for name, value in connection.get_connection_params().items()
                if name in ("dbname", "user", "password", "host", "port", "sslmode")
            }
            self._database = await psycopg.AsyncConnection.connect(**options, autocommit=True)
        return self._database

    async def close(self) -> None:
        if self._database is not None:
            with contextlib.suppress(Exception):
                await self._database.close()
            self._database = None


def _copying(database: psycopg.AsyncConnection, statement: bytes, rows: bytes) -> Generator:
    """The exchange, as `AsyncConnection.wait` drives it; it reads to the end whatever happened on the way."""
    wire = database.pgconn
    problem = None
    wire.send_query(statement)
    yield from generators.send(wire)
    while (result := (yield from generators.fetch(wire))) is not None:
        if result.status == ExecStatus.COPY_IN:
            for start in range(0, len(rows), CHUNK):
                yield from generators.copy_to(wire, rows[start : start + CHUNK], flush=len(rows) > CHUNK)
            yield from generators.copy_end(wire, None)
        elif result.status == ExecStatus.FATAL_ERROR:
            problem = problem or psycopg.errors.error_from_result(result, encoding="utf-8")
    if problem is not None:
        raise problem
