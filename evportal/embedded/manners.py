"""A process that runs nicely has its database work as nicely, where the database is our own.

`nice` reaches a worker, but not the PostgreSQL process that serves it, and that one would compete with the
one which commits what chargers report. On a machine for all, answering a charger comes first.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any


def follow(connection: Any, **_signal: Any) -> None:
    """A receiver of Django's `connection_created`: lower the backend's priority to this process's own."""
    host = connection.settings_dict.get("HOST") or ""
    nice = os.nice(0)
    # Only a database behind a Unix socket is on this machine, and only there is its pid one of ours.
    if nice <= 0 or not host.startswith("/"):
        return
    pid = connection.connection.info.backend_pid
    with contextlib.suppress(OSError):
        if os.getpriority(os.PRIO_PROCESS, pid) < nice:
            os.setpriority(os.PRIO_PROCESS, pid, nice)
