"""The demo's signing chargers at the real door: what they send is verified and billed."""

import pytest

from billing import actions
from stations.models import Batch, Session, SignedCheck
from stations.simulator import Car, Fleet, FleetConfig, StationConfig
from tests import make
from tests.billing import money
from tests.billing.conftest import provider, running_provider  # noqa: F401

PASSWORD = "charger-password-1"


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_simulated_charge_verifies(door, database, provider, version):  # noqa: F811
    def arrange():
        station = make.station(identity="CP-1", password=PASSWORD)
        evse = make.evse(station=station, max_power_w=22_000)
        money.tariff(evse=evse)
        driver = make.user()
        money.card(driver)
        make.id_token(operator=station.site.operator, token="04A2B3C4", user=driver)

    await database(arrange)
    wire = {"identity": "CP-1", "password": PASSWORD, "version": version, "signs": True}
    config = FleetConfig(stations=(StationConfig.parse(wire),), url=door.url, speed=60, seed=7)
    fleet = Fleet(config)
    await fleet.start()
    try:
        await fleet.ready()
        point = fleet["CP-1"].evse(1)
        point.plug_in(Car())
        await point.swipe("04A2B3C4")
        await _until(database, lambda: Session.objects.filter(stopped_at=None).exists())
        await fleet["CP-1"].clock.sleep(60)
        await point.swipe("04A2B3C4")
        await _until(database, lambda: Session.objects.filter(stopped_at__isnull=False).exists())
    finally:
        await fleet.stop()
    cdr = await database(lambda: actions.bill(session=Session.objects.with_place().get()))
    check = await database(SignedCheck.objects.get)
    session = await database(Session.objects.get)
    if version == "1.6":
        # Its key is in its configuration, which nobody has read here.
        assert (check.verdict, check.reason) == ("unknown_key", "no_key")
    else:
        assert (check.verdict, check.notes, session.review) == ("good", ["learned_key"], "")
        assert session.energy_wh == check.energy_wh > 0
    assert cdr.gross > 0
    assert not await database(Batch.objects.exclude(error="").exists)


async def _until(database, what, seconds=10):
    import asyncio

    for _n in range(seconds * 20):
        if await database(what):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("It did not happen.")
