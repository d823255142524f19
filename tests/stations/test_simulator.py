"""Whole charges through the socket, for each protocol version."""

import asyncio

import pytest

from stations.simulator import Car
from tests.stations.charging import (
    BOTH,
    TOMORROW,
    VERSIONS,
    charging,
    ended,
    reason,
    remote_start,
    remote_stop,
    samples,
    started,
)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_whole_charge_by_card(csms, switch_on, version):
    charger = await switch_on(version)
    point = charger.evse(1)
    point.plug_in(Car(soc=50))
    assert await point.swipe("CARD") == "started"
    await csms.wait(lambda: samples(csms)[2:])
    assert point.evse.power_w == 11_000
    assert await point.swipe("card") == "stopped"
    stop = await csms.wait(lambda: ended(csms))
    await csms.wait(lambda: len(csms.statuses()) == (4 if version == "1.6" else 2))
    point.unplug()
    await csms.wait(lambda: csms.statuses()[-1] == "Available")
    assert reason(stop[0]) == "Local"
    assert csms.credentials == ["CP 1:secret"]
    finer = ["Available", "Preparing", "Charging", "Finishing", "Available"]
    assert csms.statuses() == (finer if version == "1.6" else ["Available", "Occupied", "Available"])
    assert max(samples(csms)) == pytest.approx(point.evse.register_wh, abs=1)
    assert max(samples(csms)) > min(samples(csms))
    assert max(samples(csms, "Power.Active.Import")) == 11_000
    if version != "1.6":
        numbers = [payload["seqNo"] for payload in csms.payloads("TransactionEvent")]
        assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_whole_charge_by_remote_start_and_stop(csms, switch_on, version):
    charger = await switch_on(version)
    charger.evse(1).plug_in(Car())
    assert (await remote_start(csms, version))["status"] == "Accepted"
    [start] = await csms.wait(lambda: started(csms))
    if version != "1.6":
        assert start["transactionInfo"]["remoteStartId"] == 42
        assert start["triggerReason"] == "RemoteStart"
    assert not csms.payloads("Authorize")
    await csms.wait(lambda: samples(csms)[1:])
    assert (await remote_stop(csms, version, charger))["status"] == "Accepted"
    assert reason((await csms.wait(lambda: ended(csms)))[0]) == "Remote"


@pytest.mark.parametrize("version", BOTH)
async def test_a_remote_start_without_a_car_is_given_up(csms, switch_on, version):
    charger = await switch_on(version)
    assert (await remote_start(csms, version))["status"] == "Accepted"
    if version == "1.6":
        await csms.wait(lambda: csms.statuses() == ["Available", "Preparing", "Available"])
        assert not started(csms)
    else:
        [end] = await csms.wait(lambda: ended(csms))
        assert (end["triggerReason"], reason(end)) == ("EVConnectTimeout", "Timeout")
    assert charger.evse(1).status == "Available"


async def test_a_car_comes_by_itself_after_a_remote_start(csms, switch_on):
    await switch_on("2.0.1", tempers=["auto-plug"])
    await remote_start(csms, "2.0.1")
    triggers = lambda: [p["triggerReason"] for p in csms.payloads("TransactionEvent")]  # noqa: E731
    await csms.wait(lambda: triggers()[2:])
    assert triggers()[:3] == ["RemoteStart", "CablePluggedIn", "ChargingStateChanged"]


@pytest.mark.parametrize("version", BOTH)
async def test_a_refused_token_charges_nothing(csms, switch_on, version):
    charger = await switch_on(version)
    charger.evse(1).plug_in(Car())
    assert await charger.evse(1).swipe("BAD") == "refused: Invalid"
    assert charger.evse(1).evse.power_w == 0
    # A remote start is not asked about before, but judged by the answer to the start.
    await remote_start(csms, version, token="BAD")
    assert reason((await csms.wait(lambda: ended(csms)))[0]) == "DeAuthorized"


@pytest.mark.parametrize("version", BOTH)
async def test_unplugging_ends_the_charge(csms, switch_on, version):
    charger = await switch_on(version)
    await charging(csms, charger)
    charger.evse(1).unplug()
    assert reason((await csms.wait(lambda: ended(csms)))[0]) == "EVDisconnected"
    assert await charger.evse(1).swipe("CARD") == "waiting"


@pytest.mark.parametrize("version", BOTH)
async def test_a_full_car_suspends(csms, switch_on, version):
    charger = await switch_on(version, speed=3600)
    await charging(csms, charger, car=Car(battery_wh=10_000, soc=78, target_soc=80))
    if version == "1.6":
        await csms.wait(lambda: csms.statuses()[-1] == "SuspendedEV")
    else:
        suspended = lambda: [  # noqa: E731
            p
            for p in csms.payloads("TransactionEvent")
            if p["transactionInfo"]["chargingState"] == "SuspendedEV"
        ]
        assert (await csms.wait(suspended))[0]["triggerReason"] == "ChargingStateChanged"
    assert charger.evse(1).evse.car.soc == pytest.approx(80)


@pytest.mark.parametrize("version", BOTH)
async def test_what_happens_offline_is_delivered_in_order(csms, switch_on, version):
    charger = await switch_on(version)
    point = charger.evse(1)
    await charging(csms, charger)
    await csms.wait(lambda: samples(csms)[1:])
    charger.go_offline()
    await asyncio.sleep(0.3)
    known = len(csms.calls)
    # The card was accepted online before, so the cache knows it.
    assert await point.swipe("CARD") == "stopped"
    assert await point.swipe("CARD") == "started"
    await asyncio.sleep(0.15)
    await point.swipe("CARD")
    assert len(csms.calls) == known
    charger.come_back()
    await csms.wait(lambda: len(ended(csms)) == 2)
    assert csms.connections == 2
    assert len(csms.payloads("BootNotification")) == 1
    stamps = [
        p.get("timestamp") or p["meterValue"][0]["timestamp"]
        for a, p in csms.calls
        if a in ("StartTransaction", "StopTransaction", "MeterValues", "TransactionEvent")
    ]
    assert stamps == sorted(stamps)
    assert samples(csms)[-1] == pytest.approx(point.evse.register_wh, abs=1)
    if version == "1.6":
        numbers = [p["transactionId"] for p in ended(csms)]
        assert len(set(numbers)) == 2 and -1 not in numbers
    else:
        assert [p["offline"] for p in ended(csms)] == [True, True]


@pytest.mark.parametrize("version", BOTH)
async def test_a_cut_while_the_portal_owes_an_answer_loses_nothing(csms, switch_on, version):
    charger = await switch_on(version)
    action = "StartTransaction" if version == "1.6" else "TransactionEvent"
    csms.answers[action] = lambda _payload: None
    await charging(csms, charger)
    await csms.drop()
    del csms.answers[action]
    await csms.wait(lambda: len(started(csms)) == 2)
    assert started(csms)[0] == started(csms)[1]


async def test_a_failed_transaction_message_is_retried_and_given_up(csms, switch_on):
    csms.answers["StartTransaction"] = lambda _payload: ["InternalError"]
    charger = await switch_on("1.6")
    await charging(csms, charger)
    await csms.wait(lambda: len(started(csms)) == 3)
    charger.evse(1).unplug()
    [end] = await csms.wait(lambda: ended(csms))
    assert end["transactionId"] == -1
    assert len(started(csms)) == 3


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
async def test_it_boots_until_it_is_accepted(csms, switch_on, status):
    csms.answers["BootNotification"] = lambda _payload: {
        "status": status,
        "currentTime": TOMORROW,
        "interval": 60,
    }
    charger = await switch_on("1.6", ready=False)
    await csms.until("BootNotification", times=2)
    charger.evse(1).plug_in(Car())
    assert {action for action, _ in csms.calls} == {"BootNotification"}
    if status == "Pending":
        await csms.ask("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1})
        await csms.until("StatusNotification", status="Preparing")
    del csms.answers["BootNotification"]
    await csms.until("StatusNotification", connectorId=0)


@pytest.mark.parametrize("version", BOTH)
async def test_a_fault_ends_the_charge_and_is_reported(csms, switch_on, version):
    charger = await switch_on(version)
    await charging(csms, charger)
    charger.evse(1).fault("GroundFailure", "E-7")
    await csms.wait(lambda: csms.statuses()[-1] == "Faulted")
    if version == "1.6":
        assert csms.payloads("StatusNotification")[-1]["vendorErrorCode"] == "E-7"
    else:
        assert (await csms.until("NotifyEvent"))["eventData"][0]["techCode"] == "E-7"
    charger.evse(1).clear_fault()
    await csms.wait(lambda: csms.statuses()[-1] != "Faulted")


async def test_power_loss_is_told_afterwards(csms, switch_on):
    charger = await switch_on("1.6")
    await charging(csms, charger)
    await charger.lose_power(30)
    [end] = await csms.wait(lambda: ended(csms))
    assert reason(end) == "PowerLoss"
    actions = [action for action, _ in csms.calls]
    assert actions.index("StopTransaction") > len(actions) - 1 - actions[::-1].index("BootNotification")


async def test_it_answers_while_its_own_call_waits(csms, switch_on):
    charger = await switch_on("1.6")
    csms.answers["Authorize"] = lambda _payload: None
    swipe = asyncio.create_task(charger.evse(1).swipe("CARD"))
    await csms.until("Authorize")
    assert (await csms.ask("ClearCache", {}))["status"] == "Accepted"
    assert not swipe.done()
    assert await swipe == "refused: Invalid"


async def test_a_rejecting_station_rejects_remote_starts(csms, switch_on):
    charger = await switch_on("1.6", tempers=[{"reject_share": 1.0}])
    charger.evse(1).plug_in(Car())
    assert (await remote_start(csms, "1.6"))["status"] == "Rejected"


async def test_a_flaky_station_comes_back_and_a_liar_lies(csms, switch_on):
    charger = await switch_on("1.6", tempers=["flaky", "liar", {"drop_every_s": 60}])
    await csms.wait(lambda: csms.connections >= 2 and csms.payloads("StatusNotification")[1:])
    assert (charger.now() - charger.clock.now()).total_seconds() == pytest.approx(600, abs=1)


async def test_a_faulty_station_breaks_and_recovers(csms, switch_on):
    await switch_on("1.6", tempers=[{"fault_every_s": 120}])
    await csms.wait(lambda: "Faulted" in csms.statuses() and csms.statuses()[-1] == "Available")
    assert csms.payloads("StatusNotification", status="Faulted")[0]["vendorErrorCode"]


async def test_visitors_charge_where_they_are_welcome(csms, switch_on):
    evses = [{"number": 1}, {"number": 2, "visitors": False}]
    visitors = {"tokens": ["A", "B"], "arrivals_per_hour": 60}
    await switch_on("1.6", speed=3600, evses=evses, visitors=visitors)
    await csms.wait(lambda: len(ended(csms)) >= 2, timeout=10)
    assert {payload["connectorId"] for payload in started(csms)} == {1}
    assert {payload["idTag"] for payload in started(csms)} <= {"A", "B"}
