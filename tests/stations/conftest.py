"""A fake portal, and simulated stations switched on for it."""

import pytest

from stations.simulator import Fleet, FleetConfig, StationConfig
from tests.stations.csms import FakeCsms

SPEED = 600


@pytest.fixture
async def csms():
    async with FakeCsms() as portal:
        yield portal


@pytest.fixture
async def switch_on(csms):
    """Start one station and wait for its boot; all are stopped after the test."""
    fleets = []

    async def start(version="1.6", *, speed=SPEED, ready=True, **more):
        wire = {"identity": "CP 1", "password": "secret", "version": version, **more}
        config = FleetConfig(
            stations=(StationConfig.parse(wire),),
            url=csms.url,
            speed=speed,
            seed=7,
            first_backoff_s=0.02,
            call_timeout_s=1.0,
        )
        fleets.append(Fleet(config))
        await fleets[-1].start()
        if ready:
            await fleets[-1].ready()
            await csms.wait(lambda: csms.statuses())
        return fleets[-1]["CP 1"]

    yield start
    for fleet in fleets:
        await fleet.stop()
