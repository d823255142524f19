"""Who starts and who stops the embedded servers when several processes share them."""

import contextlib
import fcntl
import os
import pwd
import signal
import threading
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import IO

from .addresses import database_url, redis_url, runtime_dir
from .postgres import Postgres
from .server import EmbeddedError, Server
from .valkey import Valkey

WANTS = {"DATABASE_URL": "postgres", "REDIS_URL": "valkey"}


class Embedded:
    """The servers of one data folder, shared by all processes that use it; the last one out stops them.

    `tied` servers end with us instead, even when we are killed: the supervisor's and the tests' are.
    """

    def __init__(
        self,
        data_dir: Path | str,
        *,
        for_tests: bool = False,
        tied: bool | None = None,
        postgres: bool = True,
        valkey: bool = True,
    ) -> None:
        self.data = Path(data_dir).resolve()
        self.runtime = runtime_dir(self.data)
        self.tied = for_tests if tied is None else tied
        self.for_tests = for_tests
        self.wanted = [kind for kind, wish in ((Postgres, postgres), (Valkey, valkey)) if wish]
        self.servers: list[Server] = []
        self.started: set[str] = set()
        self._users: IO[str] | None = None

    def start(self) -> "Embedded":
        for kind in self.wanted:
            self.start_one(kind)
        return self

    def start_one(self, kind: type[Server]) -> Server:
        """Start or find one of them; `started` tells afterwards which it was."""
        self._open()
        uid, gid = _service_user(self.data)
        server = kind(self.data, self.runtime, uid, gid, for_tests=self.for_tests)
        with self._alone():
            self._join()
            if not server.answers():
                self._make_runtime(uid, gid)
            if server.start(die_with_us=self.tied):
                self.started.add(server.name)
        self.servers.append(server)
        return server

    def revive(self) -> list[str]:
        """Start again what has died since; returns the names."""
        died = [server for server in self.servers if server.pid() is None]
        if died:
            with self._alone():
                for server in died:
                    if server.start(die_with_us=self.tied):
                        self.started.add(server.name)
        return [server.name for server in died]

    def stop(self) -> list[str]:
        """Stop what nobody else uses; returns the names of the servers that go on."""
        if self._users is None:
            return []
        left = []
        with self._alone():
            last = self._is_last()
            for server in reversed(self.servers):
                if last or (self.tied and server.name in self.started):
                    server.stop()
                else:
                    left.append(server.name)
            self._users.close()
            self._users = None
            if last and not left:
                with contextlib.suppress(OSError):
                    self.runtime.rmdir()
        self.servers.clear()
        self.started.clear()
        return left

    def __enter__(self) -> "Embedded":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _open(self) -> None:
        for folder in (self.data, self.data / "logs", self.data / "locks"):
            if not folder.exists():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time starts or stops; a lock of the kernel's, so a crash releases it."""
        with _open_lock(self.data / "locks" / "change") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _join(self) -> None:
        if self._users is None:
            self._users = _open_lock(self.data / "locks" / "users")
            fcntl.flock(self._users, fcntl.LOCK_SH)

    def _is_last(self) -> bool:
        assert self._users is not None
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _make_runtime(self, uid: int, gid: int) -> None:
        with contextlib.suppress(FileExistsError):
            self.runtime.mkdir(mode=0o700)
            if os.getuid() == 0:
                os.chown(self.runtime, uid, gid)
        # Anybody may create names in /tmp: a folder that isn't ours could lend its owner our database.
        found = self.runtime.lstat()
        if (
            self.runtime.is_symlink()
            or not self.runtime.is_dir()
            or found.st_uid != uid
            or found.st_mode & 0o077
        ):
            raise EmbeddedError(
                f"{self.runtime} should be a private folder of user {_user_name(uid)} and isn't: remove it."
            )


def _open_lock(path: Path) -> IO[str]:
    return path.open("a")


def _service_user(data: Path) -> tuple[int, int]:
    """Who runs the servers: ourselves, or an unprivileged user when we are root, which PostgreSQL refuses."""
    me, cluster = os.getuid(), data / "postgres"
    owner = (cluster if cluster.exists() else data).stat()
    if me:
        if owner.st_uid != me:
            raise EmbeddedError(
                f"{data} belongs to user {_user_name(owner.st_uid)}: run as that user, or choose another "
                "data folder with DATA=."
            )
        return me, os.getgid()
    if owner.st_uid:
        return owner.st_uid, owner.st_gid
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def environment(data_dir: Path | str) -> dict[str, str]:
    """The variables that lead a process to the servers of this data folder."""
    return {"DATABASE_URL": database_url(data_dir), "REDIS_URL": redis_url(data_dir)}


@contextlib.contextmanager
def running(data_dir: Path | str, environ: MutableMapping[str, str] = os.environ) -> Iterator[Embedded]:
    """For the time of the block, start the servers that the environment doesn't name, and name them in it."""
    missing = {name: value for name, value in environment(data_dir).items() if not environ.get(name)}
    services = Embedded(data_dir, **{part: name in missing for name, part in WANTS.items()})
    with contextlib.ExitStack() as stack:
        if missing:
            # Entered first: a SIGTERM that arrives while they start must also stop them.
            stack.enter_context(_exit_on_sigterm())
            stack.callback(services.stop)
            services.start()
            environ.update(missing)
            stack.callback(lambda: [environ.pop(name, None) for name in missing])
        yield services


@contextlib.contextmanager
def _exit_on_sigterm() -> Iterator[None]:
    """Turn SIGTERM into an ordinary exit, so that blocks are left in order."""
    default = threading.current_thread() is threading.main_thread() and (
        signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    )
    if not default:
        yield
        return

    def leave(signum: int, _frame: object) -> None:
        raise SystemExit(128 + signum)

    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
