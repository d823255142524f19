"""Costs and messages on the charger's display, over the real socket."""

import asyncio
import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from billing import at_charger
from stations import display
from stations.exceptions import Refused
from stations.models import Abilities, Command, DisplayMessage, Session, ShownCost, Station, TokenRules
from tests.billing import money
from tests.charger import Charger
from tests.stations.authorisation.conftest import PASSWORD

SHOWS = {
    "1.6": {"CustomDisplayCostAndPrice": "true"},
    "2.0.1": {"TariffCostCtrlr.Enabled[Cost]": "true", "DisplayMessageCtrlr.Available": "true"},
    "2.1": {"TariffCostCtrlr.Enabled[Cost]": "true", "DisplayMessageCtrlr.Available": "true"},
}
TEXT = [{"language": "en", "format": "UTF8", "content": "Maintenance on Tuesday"}]
TEXTS = [*TEXT, {"language": "de", "format": "UTF8", "content": "Wartung am Dienstag"}]


@pytest.fixture
def shows(place):
    """The station says what it can do, and charging there costs 0.49 a kWh."""

    def can(version: str) -> None:
        Station.objects.filter(pk=place.station.pk).update(ocpp_version=version)
        place.station.refresh_from_db()
        now = timezone.now()
        Abilities.objects.update_or_create(
            station=place.station, defaults={"told": SHOWS[version], "known_at": now, "asked_at": now}
        )
        money.tariff(evse=place.evse)

    return can


async def until(database, true, seconds=5.0):
    for _i in range(int(seconds / 0.05)):
        if await database(true):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come about")


def tell_running() -> None:
    at_charger.tell_running(Session.objects.values_list("pk", flat=True))


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_the_running_cost_is_shown_and_not_too_often(door, place, shows, database, ingest_all, version):
    await database(shows, version)
    action = "DataTransfer" if version == "1.6" else "CostUpdated"
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
        # Nobody charges ten kilowatt hours in a moment.
        before = (timezone.now() - timedelta(minutes=45)).isoformat()
        await charger.start("04A2B3C4", meter_wh=1000, timestamp=before)
        await charger.meter(11_000)
        await ingest_all()
        await database(tell_running)
        said = await charger.expect(action)
        if version == "1.6":
            assert (said["vendorId"], said["messageId"]) == ("org.openchargealliance.costmsg", "RunningCost")
            data = json.loads(said["data"])
            assert data["transactionId"] == charger.transaction_id
            assert (data["cost"], data["meterValue"], data["state"]) == (4.9, 11000, "Charging")
            assert data["chargingPrice"] == {"kWhPrice": 0.49}
        else:
            assert said == {"totalCost": 4.9, "transactionId": charger.transaction_id}

        await charger.meter(13_000)
        await ingest_all()
        await database(tell_running)
        with pytest.raises(TimeoutError):
            await charger.expect(action, timeout=0.3)

        await database(ShownCost.objects.update, at=timezone.now() - timedelta(minutes=2))
        await database(tell_running)
        await charger.expect(action)
        await database(ShownCost.objects.update, at=timezone.now() - timedelta(minutes=2))
        await database(tell_running)
        with pytest.raises(TimeoutError):
            await charger.expect(action, timeout=0.3)


@pytest.mark.parametrize("why", ["it can't", "the operator won't"])
async def test_no_cost_where_it_is_not_shown(door, place, shows, database, ingest_all, why):
    def prepare():
        shows("2.0.1")
        if why == "it can't":
            Abilities.objects.update(told={"TariffCostCtrlr.Enabled[Cost]": "false"})
        else:
            TokenRules.objects.create(operator=place.site.operator, show_cost=False)

    await database(prepare)
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        await charger.start("04A2B3C4", meter_wh=1000)
        await charger.meter(3_000)
        await ingest_all()
        await database(tell_running)
        ended = await charger.stop(5_000)
    assert "totalCost" not in ended
    assert await database(Command.objects.count) == 0


async def test_the_end_is_answered_with_what_it_costs(door, place, shows, database, ingest_all):
    await database(shows, "2.0.1")
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        await charger.start("04A2B3C4", meter_wh=1000)
        await charger.meter(3_000)
        await ingest_all()
        ended = await charger.stop(5_000)
    assert ended["totalCost"] == 1.96
    shown = await database(ShownCost.objects.get)
    assert (shown.total, shown.is_final) == (Decimal("1.96"), True)


async def test_no_total_while_readings_wait_to_be_read(door, place, shows, database):
    await database(shows, "2.0.1")
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        await charger.start("04A2B3C4", meter_wh=1000)
        await charger.meter(3_000)
        assert "totalCost" not in await charger.stop(5_000)


async def test_a_price_that_fails_loses_no_stop(door, place, shows, database, ingest_all, monkeypatch):
    await database(shows, "2.0.1")
    monkeypatch.setattr("stations.display.cost._pricers", [lambda session: 1 / 0])
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        await charger.start("04A2B3C4", meter_wh=1000)
        await ingest_all()
        assert "totalCost" not in await charger.stop(5_000)
    assert (await database(Session.objects.get)).energy_wh == 4_000


async def test_a_1_6_display_gets_the_price_and_the_final_cost(door, place, shows, database):
    await database(shows, "1.6")
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.start("04A2B3C4", meter_wh=1000)
        session = await database(Session.objects.with_place().get)
        await database(at_charger.tell_price, session)
        said = await charger.expect("DataTransfer")
        assert said["messageId"] == "SetUserPrice"
        data = json.loads(said["data"])
        assert data["idToken"] == "04A2B3C4"
        assert "0.49" in data["priceText"]

        await database(
            display.show_cost,
            session=session,
            total=Decimal("4.90"),
            currency="EUR",
            final=True,
            words="4.90 €",
        )
        said = await charger.expect("DataTransfer")
        assert said["messageId"] == "FinalCost"
        assert json.loads(said["data"]) == {
            "transactionId": charger.transaction_id,
            "cost": 4.9,
            "priceText": "4.90 €",
        }
        await database(display.show_cost, session=session, total=Decimal("4.90"), currency="EUR", final=True)
        with pytest.raises(TimeoutError):
            await charger.expect("DataTransfer", timeout=0.3)


# Messages


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_a_message_goes_up_and_comes_down(door, place, shows, database, version):
    await database(shows, version)
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
        row = await database(
            display.show, station=place.station, texts=TEXTS, priority="InFront", state="Idle"
        )
        said = (await charger.expect("SetDisplayMessage"))["message"]
        assert (said["id"], said["priority"], said["state"]) == (row.number, "InFront", "Idle")
        assert said["message"]["content"] == "Maintenance on Tuesday"
        extra = [text["content"] for text in said.get("messageExtra", [])]
        assert extra == (["Wartung am Dienstag"] if version == "2.1" else [])
        await until(database, lambda: DisplayMessage.objects.filter(status="shown").exists())

        await database(display.clear, message=row)
        assert await charger.expect("ClearDisplayMessage") == {"id": row.number}
        await until(database, lambda: DisplayMessage.objects.filter(status="cleared").exists())


async def test_a_refusal_says_why(door, place, shows, database):
    await database(shows, "2.0.1")
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        charger.on("SetDisplayMessage", {"status": "NotSupportedPriority"})
        await database(display.show, station=place.station, texts=TEXT)
        await until(database, lambda: DisplayMessage.objects.filter(status="refused").exists())
    assert (await database(DisplayMessage.objects.get)).error == "NotSupportedPriority"


@pytest.mark.parametrize(
    ("version", "texts"),
    [
        ("1.6", TEXT),
        ("2.0.1", []),
        ("2.0.1", [TEXT[0] | {"content": "  "}]),
        ("2.0.1", [TEXT[0] | {"content": "x" * 513}]),
        ("2.0.1", [TEXT[0] | {"content": "a\x00b"}]),
        ("2.0.1", [TEXT[0] | {"format": "QRCODE"}]),
    ],
)
def test_what_no_display_takes_is_refused_first(place, shows, version, texts):
    shows(version)
    with pytest.raises(Refused):
        display.show(station=place.station, texts=texts)
    assert not DisplayMessage.objects.exists()
    assert not Command.objects.exists()


async def test_what_the_station_really_shows_is_kept(door, place, shows, database, ingest_all):
    await database(shows, "2.0.1")
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        ours = await database(display.show, station=place.station, texts=TEXT)
        await until(database, lambda: DisplayMessage.objects.filter(status="shown").exists())
        command = await database(display.ask, station=place.station)
        request = (await charger.expect("GetDisplayMessages"))["requestId"]
        assert command.payload["requestId"] == request
        foreign = {
            "id": 77,
            "priority": "AlwaysFront",
            "message": {"format": "UTF8", "content": "Call 112\x00"},
        }
        await charger.call("NotifyDisplayMessages", {"requestId": request, "messageInfo": [foreign]})
        await ingest_all()
    rows = await database(lambda: {row.number: row for row in DisplayMessage.objects.all()})
    assert (rows[77].status, rows[77].is_foreign, rows[77].text) == ("shown", True, "Call 112")
    assert rows[ours.number].status == "gone"


def test_a_whole_site_is_told(place, shows):
    shows("2.0.1")
    from tests import make

    make.evse(station=make.station(site=place.site, ocpp_version="1.6"))
    rows = display.show_at_site(site=place.site, texts=TEXT)
    assert [row.station_id for row in rows] == [place.station.pk]
    Abilities.objects.update(told={})
    with pytest.raises(Refused):
        display.show_at_site(site=place.site, texts=TEXT)
