"""Makers' own messages, settlements, VAT numbers, codes on the display and tariffs, over the real socket."""

import asyncio
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from billing import at_charger, tasks
from billing.models import Invoice
from stations import data_transfer, paying
from stations.models import (
    Abilities,
    Command,
    Event,
    Session,
    Settlement,
    Station,
    StationTariff,
    WebPayments,
)
from stations.paying import totp
from tests import make, pdf
from tests.billing import money
from tests.charger import Charger, now
from tests.stations.authorisation.conftest import PASSWORD


async def until(database, true, seconds=5.0):
    for _i in range(int(seconds / 0.05)):
        if await database(true):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come about")


# DataTransfer


@pytest.fixture
def maker():
    heard = []
    data_transfer.register(
        "org.maker", "Hello", data_transfer.Handler(lambda data: ("Accepted", {"echo": data}), heard.append)
    )
    yield heard
    data_transfer._handlers.pop(("org.maker", "hello"))


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_a_makers_message_finds_its_handler(door, place, maker, database, ingest_all, version):
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
        answer = await charger.call(
            "DataTransfer", {"vendorId": "Org.Maker", "messageId": "hello", "data": "x"}
        )
        assert answer["status"] == "Accepted"
        assert answer["data"] == ('{"echo": "x"}' if version == "1.6" else {"echo": "x"})
        other = await charger.call("DataTransfer", {"vendorId": "org.maker", "messageId": "Other"})
        assert other == {"status": "UnknownMessageId"}
        stranger = await charger.call("DataTransfer", {"vendorId": "org.stranger", "data": "y\x00z"})
        assert stranger == {"status": "UnknownVendorId"}
        await ingest_all()
    assert [each.payload["data"] for each in maker] == ["x"]
    kept = await database(lambda: set(Event.objects.values_list("code", "value")))
    assert kept == {("org.maker Other", ""), ("org.stranger", "yz")}


# Settlements


async def test_a_settlement_is_kept_once_and_belongs_to_its_session(door, place, database):
    await database(type(place.site).objects.update, takes_payment=True)
    said = {"pspRef": "psp-1", "status": "Settled", "settlementAmount": 4.9, "settlementTime": now()}
    async with Charger(door.url, "CP-1", PASSWORD, version="2.1") as charger:
        await charger.start("", idToken={"idToken": "psp-1", "type": "DirectPayment"}, meter_wh=1000)
        await charger.stop(11_000)
        said |= {"transactionId": charger.transaction_id}
        first = await charger.call("NotifySettlement", said)
        again = await charger.call("NotifySettlement", said)
    row = await database(Settlement.objects.select_related("session").get)
    assert row.amount == Decimal("4.9")
    assert row.session.transaction_id == charger.transaction_id
    assert first == again
    assert first["receiptUrl"].endswith(f"/r/{row.session.link}/")


async def test_a_settlement_of_another_stations_session_is_not_linked(door, place, database):
    def elsewhere():
        station = make.station(identity="CP-2")
        return make.session(evse=make.evse(station=station), transaction_id="theirs")

    await database(elsewhere)
    said = {
        "pspRef": "psp-1",
        "status": "Failed",
        "settlementAmount": 4.9,
        "settlementTime": now(),
        "transactionId": "theirs",
    }
    async with Charger(door.url, "CP-1", PASSWORD, version="2.1") as charger:
        assert await charger.call("NotifySettlement", said) == {}
    assert (await database(Settlement.objects.get)).session_id is None


async def test_from_the_card_at_the_terminal_to_the_document(door, place, database, ingest_all):
    def furnish():
        type(place.site).objects.update(takes_payment=True)
        money.tariff(evse=place.evse)

    await database(furnish)
    async with Charger(door.url, "CP-1", PASSWORD, version="2.1") as charger:
        await charger.boot()
        begun = (timezone.now() - timezone.timedelta(minutes=30)).isoformat()
        card = {"idToken": "psp-1", "type": "DirectPayment"}
        await charger.start("", idToken=card, meter_wh=1000, timestamp=begun)
        await charger.stop(11_000)
        await ingest_all()
        session = await database(Session.objects.get)
        await database(tasks.bill_session, str(session.pk))
        said = {"pspRef": "psp-1", "transactionId": charger.transaction_id, "status": "Settled"}
        said |= {"settlementAmount": 4.9, "settlementTime": now()}
        answers = [await charger.call("NotifySettlement", said) for _twice in range(2)]
    for _twice in range(2):
        await database(tasks.pay_at_terminal, str(session.pk))
    address = f"/r/{session.link}/"
    assert answers == [{"receiptUrl": f"http://testserver{address}"}] * 2

    def look():
        shown = Client().get(address).content.decode()
        document = pdf.text(Client().get(f"{address}invoice.pdf").getvalue())
        return shown, document, Invoice.objects.get()

    shown, document, invoice = await database(look)
    assert invoice.gross == Decimal("4.9") and invoice.number in shown
    assert "€4.90 paid by card at the charger's terminal." in document


async def test_vat_numbers_and_batteries(door, place, database, ingest_all, settings):
    battery = {"evseId": 3, "serialNumber": "B-1", "soC": 20, "soH": 90}
    swap = {"eventType": "BatteryIn", "requestId": 5, "idToken": {"idToken": "04A2B3C4", "type": "ISO14443"}}
    async with Charger(door.url, "CP-1", PASSWORD, version="2.1") as charger:
        good = await charger.call("VatNumberValidation", {"vatNumber": "DE136695976", "evseId": 1})
        assert good == {"vatNumber": "DE136695976", "evseId": 1, "status": "Accepted"}
        bad = await charger.call("VatNumberValidation", {"vatNumber": "DE0"})
        assert bad["status"] == "Rejected"
        await charger.call("BatterySwap", swap | {"batteryData": [battery]})
        out = battery | {"serialNumber": "B-2", "soC": 95}
        await charger.call("BatterySwap", swap | {"eventType": "BatteryOut", "batteryData": [out]})
        await ingest_all()
    kept = await database(lambda: list(Event.objects.order_by("pk").values_list("code", "variable", "value")))
    assert kept == [("BatteryIn", "5", "B-1"), ("BatteryOut", "5", "B-2")]


# Codes on the display


def set_variables(status="Accepted"):
    return lambda asked: {
        "setVariableResult": [
            {"attributeStatus": status, "component": row["component"], "variable": row["variable"]}
            for row in asked["setVariableData"]
        ]
    }


async def test_a_code_from_the_display_leads_to_the_charger_for_a_minute(door, place, database):
    await database(Station.objects.update, ocpp_version="2.1")
    await database(place.station.refresh_from_db)
    async with Charger(door.url, "CP-1", PASSWORD, version="2.1") as charger:
        charger.on("SetVariables", set_variables())
        await database(paying.switch_on, station=place.station)
        data = (await charger.expect("SetVariables"))["setVariableData"]
        await until(database, lambda: WebPayments.objects.filter(status="on").exists())
    told = {row["variable"]["name"]: row["attributeValue"] for row in data}
    assert {row["component"]["name"] for row in data} == {"WebPaymentsCtrlr"}
    assert place.station.identity not in told["URLTemplate"]
    kept = await database(Command.objects.get)
    assert told["SharedSecret"] not in str(kept.payload)

    def scan(moment, evse=1):
        password = totp.at(told["SharedSecret"], moment, validity_s=60, length=int(told["Length"]))
        url = told["URLTemplate"].replace("{evse}", str(evse)).replace("{totp}", password)
        return Client().get("/" + url.replace("{version}", "v1").split("/", 3)[3])

    def look():
        moment = timezone.now()
        fresh, old = scan(moment), scan(moment - timezone.timedelta(minutes=5))
        assert (fresh.status_code, fresh.url) == (302, f"/c/{place.evse.public_id}/")
        assert old.status_code == 410
        assert scan(moment, evse=9).status_code == 410
        assert Client().get(f"/q/{'x' * 12}/1/{'y' * 8}/").status_code == 410

    await database(look)


def test_printed_codes_can_be_put_out_of_use(place):
    money.tariff(evse=place.evse)
    money.online(place.evse)
    type(place.evse).objects.update(state="available")
    row = WebPayments.objects.create(station=place.station, status="on")
    page = f"/c/{place.evse.public_id}/"
    client = Client()
    needs_scan = "Scan the code on the charger"
    assert needs_scan not in client.get(page).content.decode()
    type(place.site).objects.update(static_codes=False)
    assert needs_scan in client.get(page).content.decode()
    client.force_login(make.user(), "django.contrib.auth.backends.ModelBackend")
    assert needs_scan in client.post(f"{page}start/", follow=True).content.decode()
    assert not Command.objects.exists()

    password = totp.at(row.secret, timezone.now(), validity_s=60, length=8)
    followed = client.get(f"/q/{row.code}/1/{password}/?v=v1", follow=True)
    assert needs_scan not in followed.content.decode()


async def test_a_station_that_can_not_says_so(door, place, database):
    await database(Station.objects.update, ocpp_version="2.1")
    await database(place.station.refresh_from_db)
    async with Charger(door.url, "CP-1", PASSWORD, version="2.1") as charger:
        charger.on("SetVariables", set_variables("UnknownComponent"))
        await database(paying.switch_on, station=place.station)
        await until(database, lambda: WebPayments.objects.filter(status="refused").exists())
    assert "URLTemplate: UnknownComponent" in (await database(WebPayments.objects.get)).error


async def test_the_charger_hears_that_somebody_is_paying(door, place, database):
    await database(WebPayments.objects.create, station=place.station, status="on")
    async with Charger(door.url, "CP-1", PASSWORD, version="2.1") as charger:
        await charger.boot()
        evse = await database(type(place.evse).objects.with_station().get)
        await database(paying.payment_started, evse=evse)
        assert await charger.expect("NotifyWebPaymentStarted") == {"evseId": 1, "timeout": 300}


# Tariffs


async def test_a_station_that_reckons_gets_its_tariff_once(door, place, database):
    def prepare():
        moment = timezone.now()
        Abilities.objects.create(
            station=place.station, told={"TariffCostCtrlr.Enabled[Tariff]": "true"}, known_at=moment
        )
        money.tariff(evse=place.evse)

    await database(prepare)
    async with Charger(door.url, "CP-1", PASSWORD, version="2.1") as charger:
        await charger.boot()
        assert await database(at_charger.tell_tariffs, timezone.now()) == 1
        said = await charger.expect("SetDefaultTariff")
        assert said["evseId"] == 1
        assert said["tariff"]["energy"] == {
            "prices": [{"priceKwh": 0.411765}],
            "taxRates": [{"type": "VAT", "tax": 19.0}],
        }
        await until(database, lambda: StationTariff.objects.filter(status="set").exists())
        assert await database(at_charger.tell_tariffs, timezone.now()) == 0
    assert await database(Session.objects.count) == 0
