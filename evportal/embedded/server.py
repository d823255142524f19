"""One server process: started as a plain child, found again after a crash, stopped in order."""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
PR_SET_PDEATHSIG = 1
KEPT_LOGS = 5
LOG_BYTES = 2_000_000


class EmbeddedError(Exception):
    """An embedded server can't be used; the message says why and what to do."""


def dies_with_parent(signum: int) -> Callable[[], None] | None:
    """For Popen's preexec_fn: the kernel sends the child this signal when we are gone, however we went.

    Popen calls it after it changed user, which would clear the setting. Linux only.
    """
    if LIBC is None:
        return None
    libc, parent = LIBC, os.getpid()

    def ask_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signum)
        if os.getppid() != parent:  # we died before the kernel was asked
            os._exit(1)

    return ask_kernel


def rotate(log: Path, *, above: int = 0) -> None:
    """name.log → name.1.log → … and the oldest goes, when it holds more bytes than this."""
    if not log.exists() or log.stat().st_size <= above:
        return
    numbered = [log, *(log.with_suffix(f".{n}{log.suffix}") for n in range(1, KEPT_LOGS))]
    for younger, older in zip(numbered[-2::-1], numbered[:0:-1], strict=True):
        if younger.exists():
            younger.replace(older)


class Server:
    """What PostgreSQL and Valkey have in common. `home` is its own folder, and its working directory."""

    name: str
    command_name: str
    stop_signal: signal.Signals
    start_timeout = 60.0

    def __init__(self, data: Path, runtime: Path, uid: int, gid: int, *, for_tests: bool) -> None:
        self.data, self.runtime, self.uid, self.gid, self.for_tests = data, runtime, uid, gid, for_tests
        self.child: subprocess.Popen[bytes] | None = None

    # What each kind knows about itself.
    home: Path
    log: Path
    socket_path: Path

    def argv(self) -> list[str]:
        raise NotImplementedError

    def prepare(self) -> None:
        """Make the home folder ready for a start."""
        raise NotImplementedError

    def written_pid(self) -> int | None:
        raise NotImplementedError

    def forget_pid(self) -> None:
        """Remove the note of a pid that now belongs to something else."""
        raise NotImplementedError

    def greets(self, connection: socket.socket) -> bool:
        """Whether the server at the other end is ready for clients."""
        raise NotImplementedError

    # What is the same for both.

    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            try:
                connection.connect(str(self.socket_path))
                return self.greets(connection)
            except OSError:
                return False

    def pid(self) -> int | None:
        """The running server's process, whoever started it."""
        if self.child and self.child.poll() is None:
            return self.child.pid
        pid = self.written_pid()
        return pid if pid and _runs(pid, self.command_name) else None

    def start(self, *, die_with_us: bool) -> bool:
        """Make it answer. True when we started it, False when it was there already."""
        if self.answers():
            return False
        deadline = time.monotonic() + self.start_timeout
        while self.pid():  # starting up or shutting down at this moment: wait for either to end
            if self.answers():
                return False
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"{self.name} (process {self.pid()}) runs but does not answer. See {self.log}"
                )
            time.sleep(0.05)
        self.prepare()
        rotate(self.log, above=LOG_BYTES)  # not at each start: every command may start us
        while True:
            # A note left by a dead server may name a pid that something else has by now, and the
            # server would then believe itself running already.
            if (pid := self.written_pid()) and _exists(pid):
                self.forget_pid()
            self.child = self._spawn(die_with_us)
            while self.child.poll() is None:
                if self.answers():
                    return True
                if time.monotonic() > deadline:
                    self.child.kill()
                    raise EmbeddedError(
                        f"{self.name} did not answer within {self.start_timeout:.0f} s. {self._tail()}"
                    )
                time.sleep(0.02)
            if time.monotonic() > deadline or not self._may_try_again():
                raise EmbeddedError(f"{self.name} did not start. {self._tail()}")
            time.sleep(0.2)

    def stop(self, timeout: float = 20) -> None:
        pid = self.pid()
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, self.stop_signal)
            deadline = time.monotonic() + timeout
            while self.pid() == pid:
                if time.monotonic() > deadline:
                    os.kill(pid, signal.SIGKILL)  # both recover from their write-ahead logs
                    deadline += timeout
                time.sleep(0.02)
        self.child = None

    def run(self, argv: list[str], *, cwd: Path, text: str = "") -> None:
        """Run a helper program to its end, as the server's user."""
        done = subprocess.run(argv, cwd=cwd, input=text, text=True, capture_output=True, **self._as_user())
        if done.returncode:
            raise EmbeddedError(
                f"{Path(argv[0]).name} failed: {(done.stderr or done.stdout).strip()[-2000:]}"
            )

    def folder(self, path: Path) -> Path:
        """A private folder of the server's user."""
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
        if os.getuid() == 0:
            os.chown(path, self.uid, self.gid)
        return path

    def own(self, path: Path) -> None:
        """Take over files that root copied or restored: the server's user could not read them."""
        if os.getuid() == 0:
            for each in (path, *path.rglob("*")):
                if each.lstat().st_uid != self.uid:
                    os.chown(each, self.uid, self.gid, follow_symlinks=False)

    def _spawn(self, die_with_us: bool) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.argv(),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A session of its own: Ctrl-C in the terminal is for us, we then stop it in order.
                start_new_session=True,
                preexec_fn=dies_with_parent(self.stop_signal) if die_with_us else None,
                **self._as_user(),
            )

    def _as_user(self) -> dict:
        env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        if os.getuid() == 0:
            return {"env": env, "user": self.uid, "group": self.gid, "extra_groups": []}
        return {"env": env}

    def _may_try_again(self) -> bool:
        # Right after a kill -9 the old server's children need a moment to notice and go.
        return "still in use" in self._tail() or "already exists" in self._tail()

    def _tail(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").splitlines()[-12:]
        except OSError:
            lines = []
        return "\n".join([f"The end of {self.log}:", *lines])


def empty_folder(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _runs(pid: int, command: str) -> bool:
    """Whether this process lives and is such a server, rather than a later owner of the same number."""
    status = Path(f"/proc/{pid}/stat")
    if status.exists():
        name, _, rest = status.read_text(errors="replace").partition("(")[2].rpartition(")")
        return name == command and rest.split()[0] not in "ZX"
    if sys.platform == "linux":
        return False
    said = subprocess.run(
        ["ps", "-o", "state=,comm=", "-p", str(pid)], capture_output=True, text=True
    ).stdout.split()
    return len(said) == 2 and Path(said[1]).name == command and not said[0].startswith("Z")
