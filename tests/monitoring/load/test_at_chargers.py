"""Simulated chargers on a small connection, over real sockets: they share it, and give it back."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from monitoring.load import planning
from monitoring.load.actions import GroupWish, MemberWish, Settings, configure
from monitoring.load.models import LoadMember
from stations.models import Command, Evse, Session
from stations.simulator import Fleet, FleetConfig, StationConfig
from stations.simulator.car import Car
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "charger-password-1"
AMPS = Decimal(32), Decimal(32), Decimal(32)


@pytest.fixture
def site():
    site = make.site()
    for number in (1, 2):
        station = make.station(site=site, identity=f"CP-{number}", password=PASSWORD)
        make.evse(station=station, max_power_w=22_000)
        make.id_token(operator=site.operator, token=f"CARD{number}", user=make.user())
    return site


@pytest.fixture
async def fleet(door, site):
    stations = tuple(
        StationConfig.parse(
            {
                "identity": f"CP-{n}",
                "password": PASSWORD,
                "version": version,
                "settings": {"sample_interval": 1},
            }
        )
        for n, version in ((1, "1.6"), (2, "2.0.1"))
    )
    fleet = Fleet(FleetConfig(stations=stations, url=door.url, speed=1, first_backoff_s=0.05))
    await fleet.start()
    await fleet.ready()
    yield fleet
    await fleet.stop()


def members():
    return {
        member.evse.station.identity: member
        for member in LoadMember.objects.select_related("evse__station", "session")
    }


def plan(site):
    planning.plan(site_id=site.pk, now=timezone.now())
    return members()


async def until(database, site, test, what):
    """Plan again and again, as workers do on each answer, until it is so."""
    for _n in range(100):
        found = await database(plan, site)
        if test(found):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(
        f"{what}: " + "; ".join(f"{k} {m.given_a} {m.told_a} {m.why} {m.flag}" for k, m in found.items())
    )


async def test_two_cars_share_and_the_one_that_stays_is_raised(fleet, site, database, monkeypatch):
    monkeypatch.setattr(planning, "SPACED", timedelta(0))
    evses = await database(lambda: list(Evse.objects.select_related("station__site")))
    settings = Settings(
        groups=[GroupWish("Site", AMPS)],
        members=[MemberWish(evse, "Site") for evse in evses],
        margin_percent=Decimal(0),
    )
    await database(configure, site=site, settings=settings)
    # Their safe default is there before anybody charges.
    await until(database, site, lambda all: {m.default_a for m in all.values()} == {6}, "safe defaults")
    one, two = fleet["CP-1"].points[0], fleet["CP-2"].points[0]
    one.plug_in(Car(max_ac_w=22_000))
    assert await one.swipe("CARD1") == "started"
    await until(database, site, lambda all: all["CP-1"].told_a == 32, "alone it has all")
    assert round(one.evse.power_w) == 22_000
    two.plug_in(Car(max_ac_w=22_000))
    assert await two.swipe("CARD2") == "started"
    shared = await until(database, site, lambda all: {m.told_a for m in all.values()} == {16}, "they share")
    assert {member.why for member in shared.values()} == {"shared"}
    assert round(one.evse.power_w) == round(two.evse.power_w) == 16 * 690
    await database(check_order, 32)
    one.unplug()
    left = await until(database, site, lambda all: all["CP-2"].told_a == 32, "the other is raised")
    assert left["CP-1"].session is None and left["CP-1"].given_a == 0 and left["CP-2"].why == "all"
    assert round(two.evse.power_w) == 22_000


def check_order(limit):
    """What each charger was told for a session, in the order of its answers: never more than the limit."""
    assert Session.objects.open().count() == 2
    held: dict = {}
    sent = Command.objects.filter(action="SetChargingProfile", payload__icontains='"TxProfile"')
    for command in sent.order_by("answered_at").select_related("station"):
        profile = command.payload.get("csChargingProfiles") or command.payload["chargingProfile"]
        schedule = profile["chargingSchedule"]
        [schedule] = schedule if isinstance(schedule, list) else [schedule]
        held[command.station.identity] = schedule["chargingSchedulePeriod"][0]["limit"]
        assert sum(held.values()) <= limit
    assert len(held) == 2


async def test_a_2_x_charger_that_says_that_it_can_t_is_never_told(fleet, site, database):
    fleet["CP-2"].settings.smart_charging = False
    evses = await database(lambda: list(Evse.objects.select_related("station__site")))
    settings = Settings(
        # Room for it at its full rating, and for the other's safe default.
        groups=[GroupWish("Site", (Decimal(48),) * 3)],
        members=[MemberWish(evse, "Site") for evse in evses],
        margin_percent=Decimal(0),
    )
    await database(configure, site=site, settings=settings)
    one, two = fleet["CP-1"].points[0], fleet["CP-2"].points[0]
    one.plug_in(Car(max_ac_w=22_000))
    assert await one.swipe("CARD1") == "started"
    found = await until(database, site, lambda all: all["CP-2"].flag == "unable", "it says no")
    assert (found["CP-2"].why, found["CP-2"].given_a) == ("unmanaged", 32)
    await until(database, site, lambda all: all["CP-1"].told_a == 16, "the other has the rest")
    two.plug_in(Car(max_ac_w=11_000))
    assert await two.swipe("CARD2") == "started"
    await until(database, site, lambda all: all["CP-2"].session is not None, "a car charges there")
    asked = Command.objects.filter(station__identity="CP-2")
    told = await database(lambda: list(asked.values_list("action", flat=True)))
    assert "GetVariables" in told and "SetChargingProfile" not in told


async def test_without_contact_a_charger_falls_back_by_itself(fleet, site, database, monkeypatch):
    monkeypatch.setattr(planning, "LAPSE", timedelta(seconds=3))
    evses = await database(lambda: list(Evse.objects.select_related("station__site")))
    settings = Settings(
        groups=[GroupWish("Site", AMPS)],
        members=[MemberWish(evse, "Site", Decimal(8)) for evse in evses],
        margin_percent=Decimal(0),
    )
    await database(configure, site=site, settings=settings)
    await until(database, site, lambda all: {m.default_a for m in all.values()} == {8}, "safe defaults")
    points = [fleet[f"CP-{number}"].points[0] for number in (1, 2)]
    for number, point in enumerate(points, start=1):
        point.plug_in(Car(max_ac_w=22_000))
        assert await point.swipe(f"CARD{number}") == "started"
    await until(database, site, lambda all: {m.told_a for m in all.values()} == {16}, "they share")
    # Nobody plans any more, as when the portal is gone: within the profiles' time they are at their default.
    for _n in range(60):
        if {round(point.evse.power_w) for point in points} == {8 * 690}:
            break
        await asyncio.sleep(0.1)
    assert {round(point.evse.power_w) for point in points} == {8 * 690}
