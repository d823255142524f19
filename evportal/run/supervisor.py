"""Starts groups of processes, restarts who dies, and stops them in the opposite order."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .child import Child, Process
from .leftovers import Leftovers
from .terminal import Terminal

TICK = 0.1
ONE_WISH = 0.5
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopAsked(Exception):
    """Somebody pressed Ctrl-C or sent SIGTERM while a step was under way."""


class ChildFailed(Exception):
    """A child ended, or stayed silent, where it was needed; the message ends with its last words."""

    def __init__(self, child: Child, what: str) -> None:
        super().__init__(f"{child.name} {what}. The end of {child.log}:\n{child.last_words()}")


class Supervisor:
    def __init__(self, terminal: Terminal, *, data: Path, cwd: Path) -> None:
        self.terminal, self.data, self.cwd = terminal, data, cwd
        self.logs = data / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.leftovers = Leftovers(data / "children.json")
        self.groups: list[list[Child]] = []
        self.asked = 0
        self._stopping = False
        self._asked_at = -ONE_WISH
        self.every_second: Callable[[], None] = lambda: None
        self._next_second = 0.0

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take Ctrl-C and SIGTERM as the request to stop in order; the second one kills."""
        before = {number: signal.signal(number, self._on_signal) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def run_to_end(self, process: Process) -> None:
        """A step that must succeed before the next; its output goes to its log only."""
        child = Child(process, logs=self.logs, cwd=self.cwd)
        child.start()
        try:
            while (code := child.ended()) is None:
                self.check()
                self._tick()
        finally:
            child.kill()
            child.close()
        if code:
            raise ChildFailed(child, f"failed with exit code {code}")

    def start(self, group: list[Process]) -> None:
        """Start these together; they will also stop together, before the groups that started earlier."""
        children = [Child(process, logs=self.logs, cwd=self.cwd) for process in group]
        self.groups.append(children)
        for child in children:
            self._spawn(child)

    def wait_ready(self) -> None:
        """Return when all that can tell say that they are ready."""
        for child in self._children():
            self._wait_ready(child)

    def wait(self, condition: Callable[[], bool], *, within: float) -> bool:
        """Let everything run until this holds; False when it does not in time."""
        deadline = time.monotonic() + within
        while not condition():
            if time.monotonic() > deadline:
                return False
            self.check()
            self._tick(1)
        return True

    def watch(self) -> None:
        """Keep everything running until asked to stop."""
        while not self.asked:
            self._tick()
            for child in self._children():
                if child.start_at is not None:
                    if time.monotonic() >= child.start_at:
                        self._spawn(child)
                elif (code := child.ended()) is not None:
                    pause = child.plan_restart()
                    self.terminal.warn(f"{child.name} {ending(code)}; it starts again in {pause:.0f} s")

    def stop(self) -> None:
        """Last started, first stopped; each gets its grace, then no more."""
        self._stopping = True
        while self.groups:
            group = self.groups[-1]
            for child in group:
                child.ask_to_stop()
            while any(child.popen and child.ended() is None for child in group):
                for child in group:
                    if self.asked > 1 or time.monotonic() > child.kill_at:
                        child.kill()
                self._tick(TICK / 2)
            self._show()
            self.groups.pop()
            for child in group:
                child.close()
        self.leftovers.forget()
        self._stopping = False

    def check(self) -> None:
        if self.asked:
            raise StopAsked

    def _spawn(self, child: Child) -> None:
        child.start()
        self.leftovers.note(one.popen.pid for one in self._children() if one.popen)

    def _wait_ready(self, child: Child) -> None:
        deadline = child.started_at + child.process.ready_within
        while child.process.ready and not child.process.ready():
            self.check()
            self._tick()
            if (code := child.ended()) is not None:
                raise ChildFailed(child, f"{ending(code)} before it was ready")
            if time.monotonic() > deadline:
                raise ChildFailed(child, f"was not ready within {child.process.ready_within:.0f} s")

    def _children(self) -> list[Child]:
        return [child for group in self.groups for child in group]

    def _tick(self, seconds: float = TICK) -> None:
        time.sleep(seconds)
        self._show()
        if not self.asked and time.monotonic() >= self._next_second:
            self._next_second = time.monotonic() + 1
            self.every_second()

    def _show(self) -> None:
        for child in self._children():
            for line in child.new_lines():
                self._say(child, line)

    def _say(self, child: Child, line: str) -> None:
        # While stopping, lines go to the logs alone: complaints about the others' leaving are no news.
        if not self._stopping and not any(word in line for word in child.process.hush):
            self.terminal.child(child.name, line)

    def _on_signal(self, _number: int, _frame: object) -> None:
        # One Ctrl-C may arrive twice, from the terminal and passed on by make.
        if time.monotonic() - self._asked_at < ONE_WISH:
            return
        self._asked_at = time.monotonic()
        self.asked += 1
        if self.asked > 2:
            # Three times is an order: the kernel takes the children along (dies_with_parent).
            for child in self._children():
                child.kill()
            os._exit(130)


def ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
