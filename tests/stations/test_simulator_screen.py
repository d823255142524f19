"""The simulated station's screen: costs, messages and tariffs, in each version's words."""

import json

import pytest

MESSAGE = {"id": 7, "priority": "NormalCycle", "message": {"format": "UTF8", "content": "Hello"}}
TARIFF = {"tariffId": "3-1", "currency": "EUR", "energy": {"prices": [{"priceKwh": 0.5}]}}


async def test_costs_in_1_6(csms, switch_on):
    charger = await switch_on("1.6")
    data = {"transactionId": 5, "cost": 4.9, "priceText": "4.90"}
    call = {"vendorId": "org.openchargealliance.costmsg", "messageId": "FinalCost"}
    assert await csms.ask("DataTransfer", call | {"data": json.dumps(data)}) == {"status": "Accepted"}
    assert charger.screen.costs == {"5": 4.9}
    assert await csms.ask("DataTransfer", call | {"data": "nonsense"}) == {"status": "Rejected"}
    other = await csms.ask("DataTransfer", call | {"messageId": "Tip", "data": "{}"})
    assert other == {"status": "UnknownMessageId"}


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_messages_and_costs(csms, switch_on, version):
    charger = await switch_on(version)
    assert await csms.ask("CostUpdated", {"totalCost": 1.5, "transactionId": "t"}) == {}
    assert charger.screen.costs == {"t": 1.5}
    assert (await csms.ask("SetDisplayMessage", {"message": MESSAGE}))["status"] == "Accepted"
    unknown = MESSAGE | {"transactionId": "nothing"}
    assert (await csms.ask("SetDisplayMessage", {"message": unknown}))["status"] == "UnknownTransaction"
    assert (await csms.ask("GetDisplayMessages", {"requestId": 1, "state": "Idle"}))["status"] == "Unknown"
    assert (await csms.ask("GetDisplayMessages", {"requestId": 2}))["status"] == "Accepted"
    report = await csms.until("NotifyDisplayMessages")
    assert report == {"requestId": 2, "messageInfo": [MESSAGE]}
    assert (await csms.ask("ClearDisplayMessage", {"id": 7}))["status"] == "Accepted"
    assert (await csms.ask("ClearDisplayMessage", {"id": 7}))["status"] == "Unknown"


async def test_tariffs_in_2_1(csms, switch_on):
    charger = await switch_on("2.1")
    assert (await csms.ask("SetDefaultTariff", {"evseId": 1, "tariff": TARIFF}))["status"] == "Accepted"
    assert charger.screen.tariffs == {1: TARIFF}
    found = (await csms.ask("GetTariffs", {"evseId": 0}))["tariffAssignments"]
    assert [row["tariffId"] for row in found] == ["3-1"]
    cleared = await csms.ask("ClearTariffs", {"tariffIds": ["3-1", "4-1"]})
    assert cleared["clearTariffsResult"] == [
        {"tariffId": "3-1", "status": "Accepted"},
        {"tariffId": "4-1", "status": "NoTariff"},
    ]
    assert (await csms.ask("GetTariffs", {"evseId": 0}))["status"] == "NoTariff"
