"""One station with an EVSE and a token, as most of these tests want it."""

from dataclasses import dataclass

import pytest

from stations.models import Evse, IdToken, Site, Station
from tests import make

PASSWORD = "charger-password-1"


@dataclass
class Place:
    site: Site
    station: Station
    evse: Evse
    token: IdToken


@pytest.fixture
def place(transactional_db) -> Place:
    site = make.site()
    station = make.station(site=site, identity="CP-1", password=PASSWORD)
    evse = make.evse(station=station, max_power_w=22000)
    token = make.id_token(operator=site.operator, token="04A2B3C4", user=make.user())
    return Place(site, station, evse, token)
