"""Which processes make up the portal, and in which order they start."""

import http.client
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from .child import Process

MANAGE = [sys.executable, "manage.py"]
# As root, Celery would fill half a screen with advice against it, for each worker.
QUIET = ["-W", "ignore:You're running the worker with superuser privileges"]
CELERY = [sys.executable, *QUIET, "-m", "celery", "--quiet", "--app", "evportal"]
WORKER = ["--loglevel", "INFO", "--without-mingle", "--without-gossip"]
#: Two months and a day: in so much of a past the demo's books are kept (evportal/demo/books.py).
BEHIND_DAYS = 63
# The sweeps run every few seconds; their coming and going would hide everything else.
ROUTINE = ("INFO    celery.app.trace", "INFO    celery.worker.strategy", "INFO    celery.beat")


def prepare(env: dict[str, str], *, demo: bool) -> Process:
    return Process(
        "prepare", [sys.executable, "-m", "evportal.run.prepare", *(["--demo"] if demo else [])], env
    )


def payments(env: dict[str, str], *, behind: int = 0) -> Process:
    """`behind`: so many days ago a new account begins; the demo's seed brings it to today."""
    port = int(env["PAYMENT_SIMULATOR_PORT"])
    argv = [sys.executable, "-m", "billing.simulator", "--port", str(port), "--data", env["DATA"]]
    argv += ["--webhook-url", f"{env['PUBLIC_URL']}/billing/stripe/webhook/", "--behind", str(behind)]
    return Process("payments", argv, env, ready=listens(port))


def groups(env: dict[str, str]) -> list[list[Process]]:
    """The portal itself. Later groups stop first: nothing new comes in while the workers finish."""
    return [
        [beat(env)],
        [
            # Readings have a worker of their own, so that no long task ever delays them.
            worker("telemetry", "telemetry", 1, env),
            worker("worker", "default,billing", 2, env),
        ],
        [web(env)],
    ]


def chargers(env: dict[str, str]) -> Process:
    return Process("chargers", [*MANAGE, "simulate", "--demo"], env)


def beat(env: dict[str, str]) -> Process:
    argv = ["beat", "--schedule", f"{env['DATA']}/beat-schedule", "--pidfile=", "--loglevel", "INFO"]
    return Process("beat", [*CELERY, *argv], env, hush=ROUTINE)


def worker(name: str, queues: str, processes: int, env: dict[str, str]) -> Process:
    argv = ["worker", "--queues", queues, "--concurrency", str(processes), "--hostname", f"{name}@%h"]
    log = Path(env["DATA"], "logs", f"{name}.log")

    def ready() -> bool:
        return f"{name}@" in log.read_text(errors="replace")  # "name@host ready."

    # Celery would run Django's checks, URLs and all, in every worker; the tests and `make lint` have.
    env = env | {"CELERY_SKIP_CHECKS": "1"}
    # On a machine for all, answering a charger comes before working out what it said.
    return Process(name, ["nice", "-n", "10", *CELERY, *argv, *WORKER], env, ready=ready, hush=ROUTINE)


def web(env: dict[str, str]) -> Process:
    argv = [sys.executable, "-m", "evportal.serve", "--port", env["PORT"]]
    return Process("web", argv, env, ready=answers(int(env["PORT"])))


def listens(port: int) -> Callable[[], bool]:
    def ready() -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return ready


def answers(port: int) -> Callable[[], bool]:
    return lambda: get(port, "/healthz")[0] == 200


def not_ready(port: int) -> str | None:
    """What the portal says is missing, or None when every part is up (or it can't tell)."""
    status, body = get(port, "/readyz")
    return None if status in {200, 404} else body or "no answer"


def get(port: int, path: str) -> tuple[int | None, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read(2000).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return None, ""
    finally:
        connection.close()
