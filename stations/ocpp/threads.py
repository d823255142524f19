"""Decisions use Django's ORM, which blocks: they run in a few threads of the process's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from django.db import close_old_connections, transaction

from stations import signals, speaking

T = TypeVar("T")

#: As many as may hold a database connection at once; more would only queue there.
THREADS = 8

#: One thread, so that the news of a session arrive in their order.
news = ThreadPoolExecutor(1, thread_name_prefix="news")
_executor = ThreadPoolExecutor(
    THREADS, thread_name_prefix="ocpp", initializer=signals.deliver_in, initargs=(news,)
)


def _run(station: str, function: Callable[..., T], args: tuple, kwargs: dict) -> T:
    speaking.station.set(station)
    close_old_connections()
    try:
        # Committed when this returns, so the answer after it tells of nothing that could still be lost.
        with transaction.atomic():
            return function(*args, **kwargs)
    finally:
        close_old_connections()


async def in_thread(function: Callable[..., T], *args, **kwargs) -> T:
    """Run a blocking function in one transaction, in a thread."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(
        _executor, partial(_run, speaking.station.get(), function, args, kwargs)
    )
