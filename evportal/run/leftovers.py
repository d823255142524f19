"""Finds the children of a supervisor that was killed where the kernel could not take them along."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path


class Leftovers:
    def __init__(self, file: Path) -> None:
        self.file = file

    def note(self, pids: Iterable[int]) -> None:
        marks = {str(pid): mark for pid in pids if (mark := birth(pid))}
        partial = self.file.with_suffix(".new")
        partial.write_text(json.dumps(marks))
        partial.replace(self.file)

    def forget(self) -> None:
        self.file.unlink(missing_ok=True)

    def end(self) -> int:
        """Kill those that still run; call it only when no other supervisor uses this folder."""
        try:
            marks = json.loads(self.file.read_text())
        except (OSError, ValueError):
            return 0
        ended = 0
        for pid, mark in marks.items():
            # The time of birth tells them from a stranger who got the same number since.
            if birth(int(pid)) == mark:
                with contextlib.suppress(OSError):
                    os.killpg(int(pid), signal.SIGKILL)
                    ended += 1
        self.forget()
        return ended


def birth(pid: int) -> str | None:
    """When a process began, in words of the system's own."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
        except (OSError, IndexError):
            return None
    return (
        subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
        or None
    )
