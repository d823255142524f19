"""A station that lets go of a reservation by itself: the portal keeps the place alone (2.x H04)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from stations.models import Event, Reservation
from tests import make
from tests.charger import Charger

PASSWORD = "charger-password-1"
NOTE = "ReservationStatusUpdate"


@pytest.fixture
def kept(transactional_db):
    site = make.site()
    station = make.station(site=site, identity="CP-1", password=PASSWORD)
    make.station(site=site, identity="CP-2", password=PASSWORD)
    now = timezone.now()
    return Reservation.objects.create(
        evse=make.evse(station=station),
        id_token=make.id_token(operator=site.operator, token="CARD"),
        starts_at=now - timedelta(minutes=5),
        ends_at=now + timedelta(hours=1),
        status=Reservation.Status.TOLD,
    )


async def say(door, identity, version, number, status):
    async with Charger(door.url, identity, PASSWORD, version=version) as charger:
        await charger.boot()
        assert await charger.call(NOTE, {"reservationId": number, "reservationUpdateStatus": status}) == {}


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_what_the_charger_drops_the_portal_keeps(door, kept, database, ingest_all, version):
    await say(door, "CP-1", version, kept.pk, "Removed")
    await ingest_all()
    await database(kept.refresh_from_db)
    assert kept.status == Reservation.Status.PORTAL_ONLY
    event = await database(Event.objects.get, code="Reservation.Removed")
    assert event.evse_id == kept.evse_id


async def test_another_chargers_word_counts_for_nothing(door, kept, database, ingest_all):
    await say(door, "CP-2", "2.0.1", kept.pk, "Expired")
    await ingest_all()
    await database(kept.refresh_from_db)
    assert kept.status == Reservation.Status.TOLD
