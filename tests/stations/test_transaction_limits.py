"""A driver's limit in the answers to a 2.1 station, over the real socket."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.models import ChargeLimit, Start
from stations import transaction_limits
from stations.models import Session
from tests import make
from tests.charger import Charger


@pytest.mark.django_db(transaction=True)
async def test_a_2_1_station_is_told_with_its_answers(door, database, ingest_all):
    def furnish():
        station = make.station(site=make.site(), identity="CP-21", password="charger-password-1")
        evse = make.evse(station=station, max_power_w=22_000)
        token = make.id_token(operator=station.site.operator, token="04A2B3C4", user=make.user())
        start = Start.objects.create(
            user=token.user, evse=evse, state="asked", expires_at=timezone.now() + timedelta(minutes=3)
        )
        ChargeLimit.objects.create(start=start, energy_wh=10_000, money=8)

    def over():
        ChargeLimit.objects.update(session=Session.objects.get())

    def change():
        ChargeLimit.objects.update(energy_wh=12_000, money=None)

    await database(furnish)
    async with Charger(door.url, "CP-21", "charger-password-1", version="2.1") as charger:
        answer = await charger.start("04A2B3C4", meter_wh=1000)
        assert answer["transactionLimit"] == {"maxEnergy": 10_000}
        assert "transactionLimit" not in await charger.meter(1500)
        await database(change)
        assert (await charger.meter(2000))["transactionLimit"] == {"maxEnergy": 12_000}
        assert "transactionLimit" not in await charger.meter(2500)
        assert "transactionLimit" not in await charger.stop(3000)
        await ingest_all()
        assert await database(lambda: Session.objects.get().energy_wh) == 2000
        await database(over)
        # What has no limit needs no look at the database with each report; what is over is forgotten.
        await charger.start("04A2B3C4", meter_wh=3000)
        first = charger.transaction_id
        assert not transaction_limits.may_have_one(first)
        assert (await charger.stop(3000)).get("transactionLimit") is None
