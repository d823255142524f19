"""One process that the supervisor runs: what to start, its log, and its end."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from evportal.embedded.server import dies_with_parent, rotate

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
STEADY = 30.0  # who ran this long has earned a fresh count of restarts


@dataclass(frozen=True)
class Process:
    name: str
    argv: list[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    ready_within: float = 60.0
    hush: tuple[str, ...] = ()  # lines with one of these stay in the log and off the terminal
    grace: float = 5.0  # from the request to stop until it is killed


class Child:
    """A Process while it runs, and between two runs."""

    def __init__(self, process: Process, *, logs: Path, cwd: Path) -> None:
        self.process, self.cwd = process, cwd
        self.log = logs / f"{process.name}.log"
        self.popen: subprocess.Popen[bytes] | None = None
        self.pause = FIRST_PAUSE
        self.start_at: float | None = None  # when to start again, while it is down
        self._swept = True  # nothing of it is left
        self._reader: BinaryIO | None = None
        self._unfinished = b""
        rotate(self.log)

    @property
    def name(self) -> str:
        return self.process.name

    def start(self) -> None:
        # The child writes straight to its file, so its last words are there even when the
        # supervisor dies with it, and a stopped terminal never stops the portal.
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                self.process.argv,
                cwd=self.cwd,
                env={**os.environ, **self.process.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the supervisor alone
                preexec_fn=dies_with_parent(signal.SIGKILL),
            )
        self.started_at = time.monotonic()
        self.start_at = None
        self._swept = False
        self._reader = self._reader or self.log.open("rb")

    def ended(self) -> int | None:
        """Its exit code once it is gone, with everything it left in its process group."""
        if self.popen is None:
            return None
        code = self.popen.poll()
        if code is not None and not self._swept:
            self._kill_group()
            self._swept = True  # later the number may be somebody else's
        return code

    def plan_restart(self) -> float:
        """Note when to start again; returns the pause until then."""
        if time.monotonic() - self.started_at > STEADY:
            self.pause = FIRST_PAUSE
        pause, self.pause = self.pause, min(self.pause * 2, LONGEST_PAUSE)
        self.popen = None
        self.start_at = time.monotonic() + pause
        return pause

    def ask_to_stop(self) -> None:
        self.start_at = None
        if self.popen and self.popen.poll() is None:
            # Only the process itself: it knows in which order to end its own children.
            self.popen.terminate()
        self.kill_at = time.monotonic() + self.process.grace

    def kill(self) -> None:
        if self.popen and not self._swept:
            self._kill_group()

    def new_lines(self) -> list[str]:
        if self._reader is None:
            return []
        *lines, self._unfinished = (self._unfinished + self._reader.read()).split(b"\n")
        return [line.decode(errors="replace").rstrip() for line in lines]

    def close(self) -> None:
        if self._reader:
            self._reader.close()
            self._reader = None

    def last_words(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _kill_group(self) -> None:
        assert self.popen is not None
        with contextlib.suppress(OSError):
            os.killpg(self.popen.pid, signal.SIGKILL)
