"""pytest plugin: real PostgreSQL and Valkey for the tests, started once and gone with the run.

Loaded with `-p tests.services` (pyproject.toml), because Django's settings read the addresses before
any conftest.py is imported. DATABASE_URL and REDIS_URL set by hand are respected.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from evportal.embedded import Embedded, environment, runtime_dir
from tests import schema

PREFIX = "evportal-tests-"
REDIS_DATABASES = 16  # what a Redis has unless told otherwise

#: What the settings would refuse to start without; nothing a test relies on.
SETTINGS = {
    "SECRET_KEY": "for tests only, and long enough to be taken for a real one",
    "STRIPE_WEBHOOK_SECRET": "whsec_tests",
    # A thread that keeps its connection would keep the test database from being dropped.
    "CONN_MAX_AGE": "0",
    # Chargers that boot in tests are asked nothing of themselves, unless it is what the test is about.
    "OCPP_CONFIGURE_ON_BOOT": "0",
    "PUBLIC_URL": "http://testserver",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
}

_services: Embedded | None = None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    # A wrapper runs before pytest-django's own implementation, which loads the settings.
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        _start()
    else:
        # Workers inherit the servers of the run. pytest-django gives each a database of its own in
        # PostgreSQL; in Redis a number does it. 0 stays with the run without workers.
        number = 1 + int(worker.removeprefix("gw")) % (REDIS_DATABASES - 1)
        os.environ["REDIS_URL"] = with_redis_db(os.environ["REDIS_URL"], number)
    return (yield)


def pytest_unconfigure() -> None:
    global _services
    if _services:
        _services.stop()
        _remove(_services.data)
        _services = None


def with_redis_db(url: str, number: int) -> str:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        # urlunsplit would leave out the empty host's two slashes, without which it is no URL to redis-py.
        return f"unix://{parts.path}?db={number}"
    return urlunsplit(parts._replace(path=f"/{number}"))


def _start() -> None:
    global _services
    _remove_leftovers()
    data = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    wanted = {"postgres": not os.environ.get("DATABASE_URL"), "valkey": not os.environ.get("REDIS_URL")}
    _services = Embedded(data, for_tests=True, **wanted).start()
    # Also files that a test uploads or writes stay out of the demo's folder.
    os.environ["DATA"] = str(data)
    for name, value in {**environment(data), "SECRET_KEY": "only-for-tests-" * 4}.items():
        os.environ[name] = os.environ.get(name) or value
    if wanted["postgres"]:
        schema.prepare(os.environ["DATABASE_URL"])


def _remove_leftovers() -> None:
    """Folders of runs that were killed; their servers went with them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        number = re.match(r"\d+", folder.name.removeprefix(PREFIX))
        if number and folder.stat().st_uid == os.getuid() and not _lives(int(number[0])):
            _remove(folder)


def _remove(data: Path) -> None:
    shutil.rmtree(data, ignore_errors=True)
    shutil.rmtree(runtime_dir(data), ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
