"""Blocks C, E and I of 2.1: paying at the station, limits told to it, and the tariff that it reckons with."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from billing import at_charger
from billing.models import ChargeLimit, Start
from stations import paying
from stations.models import Abilities, Settlement, StationTariff, WebPayments
from stations.paying import totp
from tests import make
from tests.billing import money
from tests.charger import CallError, now
from tests.stations.conformance.bench import ACCEPTED
from tests.stations.conformance.v201.transaction import Transaction, accepted, charging

TARIFF = {"tariffId": "T-1", "currency": "EUR", "energy": {"prices": [{"priceKwh": 0.5}]}}


def terminal_token(bench) -> dict:
    return {"idToken": f"psp-{bench.token}", "type": "DirectPayment"}


async def paid_at_the_terminal(bench):
    """A charge that a card at the station's own terminal began."""
    await bench.database(
        type(bench.station.site).objects.filter(pk=bench.station.site_id).update, takes_payment=True
    )
    charger = await bench.boot()
    token = terminal_token(bench)
    assert (await charger.call("Authorize", {"idToken": token}))["idTokenInfo"]["status"] == "Accepted"
    transaction = Transaction(bench, charger)
    accepted(
        await charger.call(
            "TransactionEvent",
            {
                "eventType": "Started",
                "timestamp": now(),
                "triggerReason": "Authorized",
                "seqNo": 0,
                "transactionInfo": {"transactionId": transaction.id, "chargingState": "Charging"},
                "evse": {"id": 1, "connectorId": 1},
                "idToken": token,
            },
        )
    )
    transaction.sequence = 1
    await transaction.updated("MeterValuePeriodic", "Charging", meter_wh=1000, context="Transaction.Begin")
    return charger, transaction


def settlement(bench, status: str, amount: float, **more) -> dict:
    said = {"pspRef": terminal_token(bench)["idToken"], "status": status}
    return said | {"settlementAmount": amount, "settlementTime": now()} | more


async def settlements(bench) -> list[Settlement]:
    return await bench.database(
        lambda: list(Settlement.objects.filter(station=bench.station).select_related("session"))
    )


async def own_c_01(bench):
    _charger, transaction = await paid_at_the_terminal(bench)
    session = await transaction.is_open("Charging")
    assert (session.token, session.id_token_id) == (terminal_token(bench)["idToken"], None)


async def own_c_02(bench):
    charger, transaction = await paid_at_the_terminal(bench)
    await transaction.ended("StopAuthorized", "Local", "EVConnected", meter_wh=11_000)
    said = settlement(bench, "Settled", 4.9, transactionId=transaction.id)
    first = await charger.call("NotifySettlement", said)
    # A station repeats what it got no answer to.
    assert await charger.call("NotifySettlement", said) == first
    (row,) = await settlements(bench)
    session = await bench.session()
    assert (row.status, row.amount, row.session) == ("Settled", Decimal("4.9"), session)
    assert first == {"receiptUrl": f"http://testserver/r/{session.link}/"}


async def own_c_03(bench):
    charger, transaction = await paid_at_the_terminal(bench)
    await transaction.ended("StopAuthorized", "Local", "EVConnected", meter_wh=11_000)
    said = settlement(bench, "Rejected", 4.9, transactionId=transaction.id, statusInfo="no such payment")
    await charger.call("NotifySettlement", said)
    (row,) = await settlements(bench)
    assert (row.status, row.info, row.session) == ("Rejected", "no such payment", await bench.session())
    assert await bench.events("other") == ["NotifySettlement"]


async def own_c_04(bench):
    charger = await bench.boot()
    assert await charger.call("NotifySettlement", settlement(bench, "Canceled", 0)) == {}
    (row,) = await settlements(bench)
    assert (row.status, row.amount, row.session) == ("Canceled", Decimal(0), None)
    assert await bench.sessions() == []


async def own_c_05(bench):
    charger = await bench.boot()
    for number, status in (("DE136695976", "Accepted"), ("DE136695977", "Rejected")):
        answer = await charger.call("VatNumberValidation", {"vatNumber": number, "evseId": 1})
        assert answer == {"vatNumber": number, "evseId": 1, "status": status}
    await bench.logged("VatNumberValidation", times=2)


async def shows_codes(bench) -> tuple:
    """The station was given what it makes its codes of."""
    charger = await bench.boot()
    charger.on(
        "SetVariables",
        lambda asked: {
            "setVariableResult": [
                {"attributeStatus": "Accepted", "component": each["component"], "variable": each["variable"]}
                for each in asked["setVariableData"]
            ]
        },
    )
    await bench.database(paying.switch_on, station=await bench.row())
    asked = (await charger.expect("SetVariables", bench.patience))["setVariableData"]
    await bench.until(lambda: WebPayments.objects.filter(station=bench.station, status="on").exists())
    assert {each["component"]["name"] for each in asked} == {"WebPaymentsCtrlr"}
    return charger, {each["variable"]["name"]: each["attributeValue"] for each in asked}


async def own_c_06(bench):
    _charger, told = await shows_codes(bench)

    def scan(moment) -> tuple:
        password = totp.at(
            told["SharedSecret"],
            moment,
            validity_s=int(told["ValidityTime"]),
            length=int(told["Length"]),
        )
        address = told["URLTemplate"].format(evse=1, totp=password, version=told["TOTPVersion"])
        answer = Client().get(address.removeprefix("http://testserver"))
        return answer.status_code, answer.headers.get("Location")

    moment = timezone.now()
    assert await bench.database(scan, moment) == (302, f"/c/{bench.evse.public_id}/")
    assert (await bench.database(scan, moment - timedelta(minutes=5)))[0] == 410


async def own_c_07(bench):
    charger, _told = await shows_codes(bench)
    evse = await bench.database(type(bench.evse).objects.with_station().get, pk=bench.evse.pk)
    asked = await bench.portal(
        charger, "NotifyWebPaymentStarted", {}, paying.payment_started, evse=evse, timeout_s=120
    )
    assert asked == {"evseId": 1, "timeout": 120}


async def own_e_01(bench):
    def furnish():
        driver = make.user()
        token = make.id_token(operator=bench.operator, token=bench.other_token, user=driver)
        soon = timezone.now() + timedelta(minutes=3)
        start = Start.objects.create(user=driver, evse=bench.evse, state="asked", expires_at=soon)
        ChargeLimit.objects.create(start=start, energy_wh=10_000)
        return token

    charger = await bench.boot()
    await bench.database(furnish)
    transaction = Transaction(bench, charger)
    answer = await transaction.started("Authorized", "Charging", token=bench.other_token, meter_wh=1000)
    assert answer["transactionLimit"] == {"maxEnergy": 10_000}
    # It is told once.
    assert await transaction.updated("MeterValuePeriodic", "Charging", meter_wh=1500) == {}
    await transaction.is_open("Charging")


async def own_i_01(bench):
    def furnish():
        told = {"TariffCostCtrlr.Enabled[Tariff]": "true"}
        Abilities.objects.update_or_create(
            station=bench.station, defaults={"told": told, "known_at": timezone.now()}
        )
        money.tariff(evse=bench.evse)

    charger = await bench.boot()
    await bench.database(furnish)
    said = await bench.portal(
        charger, "SetDefaultTariff", ACCEPTED, at_charger.tell_tariffs, now=timezone.now()
    )
    assert said["evseId"] == 1
    assert said["tariff"]["energy"]["prices"] == [{"priceKwh": 0.411765}]
    known = StationTariff.objects.filter(evse=bench.evse, status="set")
    await bench.until(lambda: known.filter(tariff_id=said["tariff"]["tariffId"]).exists())
    assert await bench.database(at_charger.tell_tariffs, timezone.now()) == 0


async def own_i_02(bench):
    charger = await bench.boot()
    held = {"tariffId": "T-1", "tariffKind": "DefaultTariff", "evseIds": [1]}
    answer = {"status": "Accepted", "tariffAssignments": [held]}
    await bench.send(charger, "GetTariffs", {"evseId": 0}, answer)


async def own_i_03(bench):
    charger = await bench.boot()
    answer = {"clearTariffsResult": [{"tariffId": "T-1", "status": "Accepted"}]}
    await bench.send(charger, "ClearTariffs", {"tariffIds": ["T-1"], "evseId": 1}, answer)


async def own_i_04(bench):
    charger, transaction = await charging(bench)
    asked = {"tariff": TARIFF, "transactionId": transaction.id}
    await bench.send(charger, "ChangeTransactionTariff", asked)
    refused = {"status": "TooManyElements"}
    command = await bench.send(charger, "ChangeTransactionTariff", asked, refused)
    assert not command.accepted


async def own_i_05(bench):
    """The station's own reckoning is taken and kept; the bill is the portal's."""
    _charger, transaction = await charging(bench)
    total = {"currency": "EUR", "typeOfCost": "NormalCost", "total": {"exclTax": 4.12, "inclTax": 4.9}}
    usage = {"energy": 10.0, "chargingTime": 1200, "idleTime": 0}
    costs = {"totalCost": total, "totalUsage": usage}
    await transaction.ended("StopAuthorized", "Local", "EVConnected", meter_wh=11_000, costDetails=costs)
    await transaction.is_over("Local", energy_wh=10_000)
    frames = await bench.logged("TransactionEvent", times=transaction.sequence)
    assert '"costDetails"' in frames[-1]
    # A reckoning without a sum is none.
    broken = {"totalUsage": usage, "totalCost": {"currency": "EUR", "typeOfCost": "NormalCost"}}
    with pytest.raises(CallError, match="OccurrenceConstraintViolation"):
        await transaction.ended("StopAuthorized", "Local", costDetails=broken)
