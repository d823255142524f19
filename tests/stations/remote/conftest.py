"""One operator's charger CP-1, and its API."""

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from tests import make
from tests.api import caller

PASSWORD = "charger-password-1"


@pytest.fixture
def site(transactional_db):
    return make.site()


@pytest.fixture
def station(site):
    found = make.station(site=site, identity="CP-1", password=PASSWORD)
    make.evse(station=found, number=1)
    make.evse(station=found, number=2)
    return found


@pytest.fixture
def api(station):
    """`await api("post", "stations/CP-1/commands/", {…})` from an async test."""
    client = caller(operator=station.site.operator)

    def ask(method, path, body=None):
        try:
            return getattr(client, method)(path, body)
        finally:
            connection.close()

    return sync_to_async(ask, thread_sensitive=False)
