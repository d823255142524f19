"""The whole portal as `make run` starts it, for tests that are about real processes.

One system per test run: tests that use it lie in tests/journeys, which one worker gets whole (conftest.py).
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psycopg
import pytest

from evportal.embedded import environment
from evportal.embedded.addresses import CHECKOUT

PASSWORD = "charge-it-now"


class Running:
    """A started portal: its addresses, its database, its processes."""

    def __init__(self, data: Path, port: int):
        self.data, self.port = data, port
        self.url = f"http://127.0.0.1:{port}"
        self.ocpp = f"ws://127.0.0.1:{port}/ocpp"
        self.control = f"http://127.0.0.1:{port + 20}"
        self._output = (data / "output.log").open("wb")
        env = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PUBLIC_URL", "ALLOWED_HOSTS")
            and not name.startswith(("STRIPE_", "DJANGO_", "PYTEST_"))
        }
        self.env = env | {"DATA": str(data), "PORT": str(port), "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "evportal.run"],
            cwd=CHECKOUT,
            env=self.env,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait(self, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None or "The portal is up" in self.output():
                break
            time.sleep(0.2)
        assert "The portal is up" in self.output(), f"the portal did not start:\n{self.output()[-4000:]}"

    def output(self) -> str:
        return (self.data / "output.log").read_text(errors="replace")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)
        self._output.close()

    def manage(self, *arguments: str) -> str:
        """A management command in this portal's surroundings; returns what it prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=CHECKOUT,
            env=self.env | {"DEMO": "1"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def api(self, role: str = "manager", operator: str = "nordlicht") -> httpx.Client:
        key = self.manage("create_api_key", "--operator", operator, "--role", role).strip()
        return httpx.Client(
            base_url=f"{self.url}/api/v1/", headers={"Authorization": f"Bearer {key}"}, timeout=60
        )

    def query(self, sql: str, *parameters) -> list[tuple]:
        with psycopg.connect(environment(self.data)["DATABASE_URL"]) as database:
            return database.execute(sql, parameters).fetchall()

    def until(self, sql: str, *parameters, expected, seconds: float = 30):
        """Ask again until the first column of the first row is what is expected."""
        end = time.monotonic() + seconds
        while True:
            rows = self.query(sql, *parameters)
            found = rows[0][0] if rows else None
            if found == expected:
                return found
            assert time.monotonic() < end, f"still {found!r}, not {expected!r}: {sql}"
            time.sleep(0.1)

    def pids(self, pattern: str) -> list[int]:
        """Processes of this portal whose command line matches."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                surroundings = (folder / "environ").read_bytes()
            except OSError:
                continue
            if f"DATA={self.data}".encode() in surroundings.split(b"\0") and re.search(pattern, command):
                found.append(int(folder.name))
        return found

    def chargers(self) -> dict[str, dict]:
        stations = json.loads((self.data / "chargers.json").read_text())["stations"]
        return {station["identity"]: station for station in stations}


def free_port() -> int:
    """A port whose neighbours for the simulators are free as well."""
    for port in range(18200, 19900, 37):
        try:
            for each in (port, port + 10, port + 20):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", each))
        except OSError:
            continue
        return port
    raise RuntimeError("no free ports")


@pytest.fixture(scope="session")
def portal(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("portal"), free_port())
    try:
        running.wait()
        yield running
    finally:
        running.stop()
