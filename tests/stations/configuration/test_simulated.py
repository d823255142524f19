"""Simulated stations are set up, given new passwords, and come back with them."""

import pytest

from stations.configuration import passwords, profiles
from stations.models import ConfigurationRun, Provisioning, Setting, Station
from stations.simulator import Fleet, FleetConfig, StationConfig
from tests.stations.configuration.conftest import PASSWORD
from tests.stations.configuration.test_first import configured, has_been_read


@pytest.fixture
async def switch_on(door):
    fleets = []

    async def start(version):
        config = FleetConfig(
            stations=(StationConfig("CP-1", PASSWORD, version),),
            url=door.url,
            speed=60,
            first_backoff_s=0.05,
        )
        fleets.append(fleet := Fleet(config))
        await fleet.start()
        await fleet.ready()
        return fleet["CP-1"]

    yield start
    for fleet in fleets:
        await fleet.stop()


def ended(kind):
    return ConfigurationRun.objects.filter(kind=kind).exclude(status="running").first()


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_set_up_and_given_a_new_password(switch_on, station, database, eventually, settings, version):
    sim = await switch_on(version)
    if version != "1.6":
        await eventually(has_been_read)
    await eventually(configured)
    assert await database(Setting.objects.exclude(read_at=None).count) > 15
    assert sim.settings.sample_interval == settings.OCPP_METER_SECONDS

    await database(lambda: passwords.rotate(station=Station.objects.get()))
    assert (await eventually(ended, "password")).status == "done"
    # It signs in with the new one by itself; from then on the old one is nothing.
    await eventually(
        lambda: (
            Provisioning.objects.filter(next_password_hash="").exists()
            and not Station.objects.get().check_password(PASSWORD)
        )
    )
    assert await database(lambda: Station.objects.get().check_password(sim.settings.password))


async def test_a_profile_that_it_can_t_keep(switch_on, station, database, eventually):
    await switch_on("2.0.1")
    await eventually(has_been_read)
    await eventually(configured)
    await database(lambda: profiles.upgrade(station=Station.objects.get(), profile=2))
    run = await eventually(ended, "profile")
    assert (run.status, run.problem) == ("failed", "SetNetworkProfile: Failed")
    assert await database(lambda: Station.objects.get().security_profile) == 1
