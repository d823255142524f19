"""A charger with a running session, for all that concerns its energy."""

import pytest

from stations.models import Session
from tests import make
from tests.charger import Charger

PASSWORD = "charger-password-1"


@pytest.fixture
def place(transactional_db):
    site = make.site()
    station = make.station(site=site, identity="CP-1", password=PASSWORD)
    evse = make.evse(station=station, max_power_w=22000)
    token = make.id_token(operator=site.operator, token="CARD", user=make.user())
    return type("Place", (), {"site": site, "station": station, "evse": evse, "token": token})


@pytest.fixture
def online(door, place, database):
    """A charger that is connected and has a session, and the row of it."""

    class Online:
        def __init__(self, version):
            self.charger = Charger(door.url, "CP-1", PASSWORD, version=version)

        async def __aenter__(self):
            await self.charger.__aenter__()
            await self.charger.boot()
            await self.charger.start("CARD", meter_wh=0)
            await database(place.station.refresh_from_db)
            session = await database(lambda: Session.objects.select_related("evse__station", "station").get())
            return self.charger, session

        async def __aexit__(self, *error):
            await self.charger.__aexit__(*error)

    return Online
