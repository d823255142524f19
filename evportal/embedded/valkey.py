"""Valkey, the free Redis: broker, channel layer and cache, on a socket in the runtime folder."""

import signal
import socket
from functools import cached_property
from pathlib import Path

from .binaries import valkey_server
from .server import Server


class Valkey(Server):
    name = "Valkey"
    command_name = "valkey-server"
    stop_signal = signal.SIGTERM

    @cached_property
    def home(self) -> Path:  # type: ignore[override]
        return self.data / "valkey"

    @cached_property
    def log(self) -> Path:  # type: ignore[override]
        return self.data / "logs" / "valkey.log"

    @cached_property
    def socket_path(self) -> Path:  # type: ignore[override]
        return self.runtime / "redis.sock"

    def argv(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            # Full memory is an error to see, not a reason to drop queued tasks.
            "maxmemory-policy": "noeviction",
            "databases": "64",
            "pidfile": "valkey.pid",
            "save": "",
            "appendonly": "no" if self.for_tests else "yes",
        }
        return [str(valkey_server(self.uid)), *(part for k, v in settings.items() for part in (f"--{k}", v))]

    def prepare(self) -> None:
        self.own(self.folder(self.home))

    def written_pid(self) -> int | None:
        try:
            return int((self.home / "valkey.pid").read_text())
        except (OSError, ValueError):
            return None

    def forget_pid(self) -> None:
        (self.home / "valkey.pid").unlink(missing_ok=True)

    def greets(self, connection: socket.socket) -> bool:
        connection.sendall(b"PING\r\n")
        return connection.recv(16).startswith(b"+PONG")  # else it still loads its file
