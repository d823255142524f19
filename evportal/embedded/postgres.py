"""PostgreSQL: a cluster in the data folder, on a socket, with the portal's role and database."""

import os
import signal
import socket
import struct
import sys
from functools import cached_property
from pathlib import Path

from .addresses import DATABASE, ROLE
from .binaries import postgres_bin, reachable
from .server import EmbeddedError, Server, empty_folder

# Extensions go into the template, so that the databases that tests create have them as well; the
# portal's role is no superuser, as in production. One statement a line: single-user mode reads so.
FIRST_STATEMENTS = f"""\
CREATE EXTENSION btree_gist;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION citext;
CREATE ROLE {ROLE} LOGIN CREATEDB;
CREATE DATABASE {DATABASE} OWNER {ROLE};
"""

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "jit": "off",
    "log_checkpoints": "off",
    "log_min_duration_statement": "1s",
    "log_line_prefix": "%m [%p] ",
}
# A test's database need not outlive a power cut.
TEST_SETTINGS = {
    "shared_buffers": "128MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "log_min_duration_statement": "-1",
}


class Postgres(Server):
    name = "PostgreSQL"
    command_name = "postgres"
    stop_signal = signal.SIGINT  # "fast": closes the clients' connections instead of waiting for them

    @cached_property
    def home(self) -> Path:  # type: ignore[override]
        return self.data / "postgres"

    @cached_property
    def log(self) -> Path:  # type: ignore[override]
        return self.data / "logs" / "postgresql.log"

    @cached_property
    def socket_path(self) -> Path:  # type: ignore[override]
        return self.runtime / ".s.PGSQL.5432"

    @cached_property
    def bin(self) -> Path:
        return postgres_bin(self.uid)

    def argv(self) -> list[str]:
        settings = SETTINGS | (TEST_SETTINGS if self.for_tests else {})
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [
            str(self.bin / "postgres"),
            "-D",
            self._cluster_path(self.home),
            "-k",
            str(self.runtime),
            *options,
        ]

    def prepare(self) -> None:
        if not (self.home / "PG_VERSION").exists():
            self._create_cluster()
        self.own(self.home)
        found = (self.home / "PG_VERSION").read_text().strip()
        ours = self._version()
        if found != ours:
            raise EmbeddedError(
                f"{self.home} was made by PostgreSQL {found}, and this is PostgreSQL {ours}. "
                f"Export it with the version that made it, or choose another data folder with DATA=."
            )

    def written_pid(self) -> int | None:
        try:
            return int((self.home / "postmaster.pid").read_text().split("\n")[0])
        except (OSError, ValueError):
            return None

    def forget_pid(self) -> None:
        (self.home / "postmaster.pid").unlink(missing_ok=True)
        self.socket_path.with_name(f"{self.socket_path.name}.lock").unlink(missing_ok=True)

    def greets(self, connection: socket.socket) -> bool:
        # The protocol's start-up message; "R" asks us to authenticate, so it takes clients, while
        # a server that starts up or shuts down answers "E".
        wish = f"user\0{ROLE}\0database\0postgres\0\0".encode()
        connection.sendall(struct.pack("!ii", len(wish) + 8, 196608) + wish)
        takes_us = connection.recv(4096).startswith(b"R")
        if takes_us:
            connection.sendall(b"X\0\0\0\4")  # a polite goodbye, or each look would be noted in its log
        return takes_us

    def _create_cluster(self) -> None:
        # Made aside and renamed when whole: an interrupted first start leaves nothing half done.
        fresh = self.home.with_name("postgres.new")
        empty_folder(fresh)
        self.folder(fresh)
        place = self._cluster_path(fresh)
        self.run(
            [str(self.bin / "initdb"), "-D", place, "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
            + ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync"],
            cwd=fresh,
        )
        self.run(
            [str(self.bin / "postgres"), "--single", "-D", place]
            + ["-c", "exit_on_error=on", "-c", "log_checkpoints=off", "template1"],
            cwd=fresh,
            text=FIRST_STATEMENTS,
        )
        if not self.for_tests:
            os.sync()  # instead of initdb's own, which would be done before the statements above
        fresh.rename(self.home)

    def _cluster_path(self, folder: Path) -> str:
        # As root we hand the server its folder as working directory, so it can live below a folder
        # that its user may not enter (a checkout in /root).
        if sys.platform == "linux" and not reachable(folder, self.uid):
            return "/proc/self/cwd"
        return str(folder)

    def _version(self) -> str:
        with (self.bin.parent / "share" / "postgres.bki").open() as catalogue:
            return next(catalogue).split()[-1]  # "# PostgreSQL 18"
