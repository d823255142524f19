"""The tests' databases are copies of one that was migrated once; tests/services.py makes it.

Migrating takes longer than most tests together, and each worker would do it again. A dump is kept in the cache
folder for a day (partitions are made for the days ahead), as long as no migration and no package has changed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from evportal.embedded.addresses import CHECKOUT
from evportal.embedded.binaries import postgres_bin

TEMPLATE = "evportal_template"
KEPT = CHECKOUT / ".pytest_cache" / "schema"
#: What workers find it by.
VARIABLE = "EVPORTAL_TEST_TEMPLATE"


def prepare(url: str) -> None:
    """Make the template on the run's own server."""
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {TEMPLATE}")
    here = urlunsplit(urlsplit(url)._replace(path=f"/{TEMPLATE}"))
    dump = KEPT / f"{_digest()}.dump"
    if not (dump.exists() and _tool("pg_restore", "--exit-on-error", f"--dbname={here}", str(dump))):
        _fresh(url)
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=CHECKOUT,
            env=os.environ | {"DATABASE_URL": here},
            check=True,
        )
        _keep(here, dump)
    os.environ[VARIABLE] = TEMPLATE


def _fresh(url: str) -> None:
    """Nothing of a dump that could not be read stays in it."""
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"DROP DATABASE {TEMPLATE}")
        server.execute(f"CREATE DATABASE {TEMPLATE}")


def _keep(url: str, dump: Path) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    for old in KEPT.iterdir():
        old.unlink(missing_ok=True)
    partial = dump.with_suffix(f".{os.getpid()}")
    if _tool("pg_dump", "--format=custom", "--no-owner", f"--file={partial}", url):
        partial.replace(dump)


def _tool(name: str, *arguments: str) -> bool:
    done = subprocess.run([postgres_bin(os.getuid()) / name, *arguments], capture_output=True, check=False)
    return done.returncode == 0


def _digest() -> str:
    """What the schema follows from: the day, our migrations and those of the packages."""
    found = hashlib.sha256(f"{datetime.now(UTC):%Y-%m-%d}".encode())
    for file in (CHECKOUT / "requirements.txt", *sorted(CHECKOUT.glob("**/migrations/0*.py"))):
        if ".venv" not in file.parts:
            found.update(file.read_bytes())
    return found.hexdigest()[:16]


@pytest.fixture(scope="session", autouse=True)
def _from_template() -> Iterator[None]:
    from django.db import connections

    if name := os.environ.get(VARIABLE):
        connections["default"].settings_dict["TEST"]["TEMPLATE"] = name
    yield
