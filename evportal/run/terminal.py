"""What `make run` writes to the terminal: steps with their times, and the children's lines."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from typing import TextIO

PREFIX_COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)
RED, DIM, BOLD = 31, 2, 1


class Terminal:
    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.is_tty = self.stream.isatty() and os.environ.get("TERM") != "dumb"
        self.colours = self.is_tty and not os.environ.get("NO_COLOR")
        unicode = "utf" in (getattr(self.stream, "encoding", None) or "").lower()
        self.ok, self.bad, self.busy, self.bar = "✓✗…│" if unicode else ("ok", "failed", "...", "|")
        self._prefixes: dict[str, str] = {}
        self._pending = ""

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One line per step, with its time; on a terminal the title is there while the step lasts."""
        began = time.monotonic()
        if self.is_tty:
            self._pending = f"  {self.busy} {title}"
            self._write(self._pending)
        try:
            yield
        except BaseException:
            self._finish(self.paint(self.bad, RED), title, began)
            raise
        self._finish(self.paint(self.ok, 32), title, began)

    def line(self, text: str = "") -> None:
        clear = "\r\033[K" if self._pending else ""
        self._write(f"{clear}{text}\n{self._pending}")

    def warn(self, text: str) -> None:
        self.line(self.paint(text, RED))

    def child(self, name: str, text: str) -> None:
        """A line of a child's log, behind its name."""
        if name not in self._prefixes:
            colour = PREFIX_COLOURS[len(self._prefixes) % len(PREFIX_COLOURS)]
            self._prefixes[name] = self.paint(f"{name:<10} {self.bar}", colour)
        self.line(f"{self._prefixes[name]} {text}")

    def table(self, title: str, rows: list[list[str]]) -> None:
        self.line(self.paint(title, BOLD))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            self.line(
                "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
            )
        self.line()

    def paint(self, text: str, code: int) -> str:
        return f"\033[{code}m{text}\033[0m" if self.colours else text

    def _finish(self, mark: str, title: str, began: float) -> None:
        self._pending, clear = "", "\r\033[K" if self._pending else ""
        took = self.paint(f"{time.monotonic() - began:.1f} s", DIM)
        self._write(f"{clear}  {mark} {title} {took}\n")

    def _write(self, text: str) -> None:
        # A terminal that was closed, or can't show a character, is no reason to leave the children alone.
        with contextlib.suppress(OSError, ValueError):
            encoding = getattr(self.stream, "encoding", None) or "utf-8"
            self.stream.write(text.encode(encoding, "replace").decode(encoding))
            self.stream.flush()
