"""One door and one database for all cases: each has a station of its own, so they don't meet."""

import functools
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import override_settings

from tests import flush, make
from tests.api import caller
from tests.stations.conformance import keys
from tests.stations.conformance.bench import Bench
from tests.stations.conformance.nullserver import POLITE, NullServer
from tests.stations.door import open_door


@pytest.fixture(scope="package")
def threads(django_db_setup, django_db_blocker):
    """The thread that asks the database, on one connection; what the cases committed goes with it."""
    with django_db_blocker.unblock(), ThreadPoolExecutor(1, "conformance") as executor:
        yield executor
        executor.submit(_empty).result()


def _empty():
    flush.empty("default")
    connection.close()


@pytest.fixture(scope="package")
def portal_for_all(threads, tmp_path_factory):
    """What a bench needs of the portal: its chargers' door, an operator, and a key for the API."""

    def enter():
        operator = make.operator()
        return {"operator": operator, "api": caller(operator=operator)}

    # A case is about the calls that it asks for itself.
    calm = override_settings(OCPP_CONFIGURE_ON_BOOT=False)
    with calm, open_door(tls=keys.server_files(tmp_path_factory.mktemp("tls"))) as door:
        entered = threads.submit(enter).result()
        yield {"url": door.url, "tls_url": door.tls_url, "threads": threads, **entered}


@pytest.fixture
def bench_of(portal_for_all):
    """`async with bench_of(version="1.6") as bench`, before the portal."""
    return functools.partial(Bench, **portal_for_all)


@pytest.fixture(params=[{}, POLITE], ids=["empty", "polite"])
def null_bench_of(request, portal_for_all):
    """The same before a server that keeps nothing; it is quick, so nothing is waited for."""
    with NullServer(request.param) as server:
        addresses = {"url": server.url, "tls_url": server.url}
        yield functools.partial(Bench, **(portal_for_all | addresses), patience=0.1)
