"""The portal as `make bench` measures it: embedded servers with their usual durability, web on one core,
one ingest worker on the other."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from evportal.embedded import Embedded, environment
from evportal.embedded.addresses import CHECKOUT
from evportal.run import plan

PASSWORD = "a-long-random-key-of-the-bench"
WEB_CORE, WORKER_CORE = 0, max(os.sched_getaffinity(0))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pinned(argv: list[str], core: int, env: dict[str, str], log: Path) -> subprocess.Popen:
    """A child on one core, whose output goes to a file."""
    with log.open("ab") as out:
        return subprocess.Popen(
            argv,
            cwd=CHECKOUT,
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )


def end(process: subprocess.Popen | None, how: int = signal.SIGTERM) -> None:
    if process is None or process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Portal:
    """Web, worker and beat of one portal, each to be killed and started again by itself."""

    def __init__(self, data: Path):
        self.data = data
        self.port = free_port()
        self.embedded = Embedded(data, tied=True)
        self.web: subprocess.Popen | None = None
        self.worker: subprocess.Popen | None = None
        self.beat: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ocpp/{{id}}"

    def __enter__(self) -> Portal:
        self.embedded.start()
        ours = (
            "DATABASE_URL",
            "REDIS_URL",
            "SECRET_KEY",
            "PUBLIC_URL",
            "ALLOWED_HOSTS",
            "DJANGO_",
            "STRIPE_",
        )
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.env |= environment(self.data) | {
            "DATA": str(self.data),
            "PORT": str(self.port),
            "LOG_LEVEL": "WARNING",
            "OCPP_CONFIGURE_ON_BOOT": "0",
            # The bench's dispatcher signs in with a password only.
            "STAFF_MFA_REQUIRED": "0",
            "SECRET_KEY": "for the bench only, and long enough to be one",
        }
        self.manage("migrate", "--verbosity", "0")
        return self

    def __exit__(self, *_exc) -> None:
        for process in (self.web, self.worker, self.beat):
            end(process)
        self.embedded.stop()

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=CHECKOUT,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def enter_stations(self, count: int, prefix: str = "CP") -> None:
        """Stations `CP00001`… with one EVSE each, and a token TAG<n> for each."""
        self.manage("shell", "--no-imports", "-c", SEED.format(count=count, prefix=prefix, password=PASSWORD))

    def start_web(self) -> None:
        child = plan.web(self.env)
        self.web = pinned(child.argv, WEB_CORE, self.env, self.data / "web.log")
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"http://127.0.0.1:{self.port}/healthz").status_code == 200:
                    return
            if self.web.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError((self.data / "web.log").read_text()[-3000:])

    def start_worker(self, queues: str = "telemetry") -> None:
        child = plan.worker("telemetry", queues, 1, self.env)
        log = self.data / "worker.log"
        log.write_bytes(b"")
        self.worker = pinned(child.argv, WORKER_CORE, self.env | {"CELERY_SKIP_CHECKS": "1"}, log)
        until = time.monotonic() + 60
        while "ready" not in log.read_text(errors="replace"):
            if self.worker.poll() is not None or time.monotonic() > until:
                raise RuntimeError(log.read_text()[-3000:])
            time.sleep(0.1)

    def start_beat(self) -> None:
        self.beat = pinned(plan.beat(self.env).argv, WORKER_CORE, self.env, self.data / "beat.log")


SEED = """
from evportal.accounts.models import Operator
from stations.models import Connector, Evse, IdToken, Site, Station
operator, _new = Operator.objects.get_or_create(slug="bench", defaults={{"name": "Bench"}})
site, _new = Site.objects.get_or_create(slug="bench", defaults={{
    "operator": operator, "name": "Bench", "latitude": 52, "longitude": 13}})
known = set(Station.objects.values_list("identity", flat=True))
names = ["{prefix}%05d" % n for n in range(1, {count} + 1)]
sample = Station()
sample.set_password("{password}")
Station.objects.bulk_create(
    Station(site=site, name=name, identity=name, password_hash=sample.password_hash, security_profile=1)
    for name in names if name not in known)
stations = Station.objects.filter(identity__in=names, evses=None)
Evse.objects.bulk_create(
    Evse(station=station, number=1, public_id=f"DE*BEN*E{{station.pk}}*1", max_power_w=350000)
    for station in stations)
have = set(IdToken.objects.values_list("token", flat=True))
IdToken.objects.bulk_create(
    IdToken(operator=operator, token="TAG%d" % n) for n in range(1, {count} + 1) if "TAG%d" % n not in have)
"""
