"""Blocks F and G: remote control, triggered messages, availability."""

import json

from stations import commands
from stations.models import Command, State
from tests.charger import now
from tests.stations.conformance.bench import ACCEPTED
from tests.stations.conformance.v201.transaction import Transaction, accepted, charging, metered

SCHEDULED = {"status": "Scheduled"}


async def remote_start(bench, charger) -> int:
    """The portal starts a charge; the number by which the station will name this request."""
    asked = await bench.portal(
        charger,
        "RequestStartTransaction",
        ACCEPTED,
        commands.remote_start,
        evse=bench.evse,
        id_token=bench.id_token,
    )
    number = asked["remoteStartId"]
    assert asked == {
        "evseId": 1,
        "remoteStartId": number,
        "idToken": {"idToken": bench.token, "type": "ISO14443"},
    }
    assert number > 0
    return number


async def tc_f_01(bench):
    charger = await bench.boot()
    await bench.status(charger, "Occupied")
    transaction = Transaction(bench, charger)
    await transaction.started("CablePluggedIn", "EVConnected", meter_wh=1000)
    number = await remote_start(bench, charger)
    accepted(
        await transaction.updated("RemoteStart", "EVConnected", token=bench.token, remote_start_id=number)
    )
    await transaction.updated("ChargingStateChanged", "Charging")
    session = await transaction.is_open("Charging")
    assert session.id_token_id == bench.id_token.pk


async def tc_f_02(bench):
    charger = await bench.boot()
    number = await remote_start(bench, charger)
    # AuthorizeRemoteStart: the station asks for itself all the same.
    assert await charger.authorize(bench.token) == "Accepted"
    await starts_remotely(bench, charger, number)


async def tc_f_03(bench):
    charger = await bench.boot()
    await starts_remotely(bench, charger, await remote_start(bench, charger))


async def starts_remotely(bench, charger, number: int) -> None:
    transaction = Transaction(bench, charger)
    accepted(await transaction.started("RemoteStart", "Idle", token=bench.token, remote_start_id=number))
    await bench.status(charger, "Occupied")
    await transaction.updated("CablePluggedIn", "EVConnected")
    await transaction.updated("ChargingStateChanged", "Charging")
    session = await transaction.is_open("Charging")
    assert session.remote_start_id == number


async def tc_f_04(bench):
    charger = await bench.boot()
    number = await remote_start(bench, charger)
    transaction = Transaction(bench, charger)
    accepted(await transaction.started("RemoteStart", "Idle", token=bench.token, remote_start_id=number))
    await transaction.ended("EVConnectTimeout", "Timeout", "Idle")
    await transaction.is_over("Timeout", energy_wh=0)


async def tc_f_06(bench):
    charger = await bench.boot()
    asked = await bench.portal(
        charger, "UnlockConnector", {"status": "Unlocked"}, commands.unlock, evse=bench.evse
    )
    assert asked == {"evseId": 1, "connectorId": 1}


async def trigger(bench, charger, message: str, *, connector: int = 0, evse: int | None = 1, answer=ACCEPTED):
    asked: dict = {"requestedMessage": message}
    if evse is not None:
        asked["evse"] = {"id": evse} | ({"connectorId": connector} if connector else {})
    return await bench.send(charger, "TriggerMessage", asked, answer)


async def tc_f_11(bench):
    charger = await bench.boot()
    await trigger(bench, charger, "MeterValues")
    await triggered_values(bench, charger, 1)


async def tc_f_12(bench):
    charger = await bench.boot()
    await trigger(bench, charger, "MeterValues", evse=None)
    await triggered_values(bench, charger, 1, 2)


async def triggered_values(bench, charger, *evses: int) -> None:
    for evse in evses:
        values = {"evseId": evse, "meterValue": [metered(3000 + evse, "Trigger")]}
        assert await charger.call("MeterValues", values) == {}
    readings = await bench.readings(context="Trigger")
    assert sorted(reading.value for reading in readings) == [3000 + evse for evse in evses]


async def tc_f_13(bench):
    charger, transaction = await charging(bench)
    await trigger(bench, charger, "TransactionEvent")
    await triggered_event(transaction)


async def tc_f_14(bench):
    charger, transaction = await charging(bench)
    await trigger(bench, charger, "TransactionEvent", evse=None)
    await triggered_event(transaction)


async def triggered_event(transaction: Transaction) -> None:
    await transaction.updated("Trigger", "Charging", meter_wh=1250, context="Trigger")
    session = await transaction.is_open("Charging")
    assert session.energy_wh == 250


async def tc_f_15(bench):
    charger = await bench.boot()
    await trigger(bench, charger, "LogStatusNotification", evse=None)
    assert await charger.call("LogStatusNotification", {"status": "Idle"}) == {}
    (frame,) = await bench.logged("LogStatusNotification")
    assert json.loads(frame)[3] == {"status": "Idle"}


async def tc_f_18(bench):
    charger = await bench.boot()
    await trigger(bench, charger, "FirmwareStatusNotification", evse=None)
    assert await charger.call("FirmwareStatusNotification", {"status": "Idle"}) == {}
    (frame,) = await bench.logged("FirmwareStatusNotification")
    assert json.loads(frame)[3] == {"status": "Idle"}


async def tc_f_20(bench):
    charger = await bench.boot()
    await trigger(bench, charger, "Heartbeat", evse=None)
    assert set(await charger.call("Heartbeat", {})) == {"currentTime"}


async def tc_f_23(bench):
    await triggers_status(bench, "Available", State.AVAILABLE)


async def tc_f_24(bench):
    await triggers_status(bench, "Occupied", State.OCCUPIED)


async def triggers_status(bench, status: str, state: str) -> None:
    charger = await bench.boot()
    await trigger(bench, charger, "StatusNotification", connector=1)
    await bench.status(charger, status)
    assert await bench.state() == state


async def tc_f_27(bench):
    charger = await bench.boot()
    command = await trigger(bench, charger, "PublishFirmwareStatusNotification", evse=None, answer=NOT_HERE)
    assert not command.accepted


NOT_HERE = {"status": "NotImplemented"}


# G: availability. The portal asks for the whole station or an EVSE by itself, for a connector by the API.


async def change(bench, charger, what: str, status: str, answer=ACCEPTED) -> None:
    operative = status == "Operative"
    if what == "connector":
        asked = {"operationalStatus": status, "evse": {"id": 1, "connectorId": 1}}
        command = await bench.send(charger, "ChangeAvailability", asked, answer)
        assert command.status == Command.Status.ANSWERED
        return
    asked = await bench.portal(
        charger,
        "ChangeAvailability",
        answer,
        commands.change_availability,
        station=bench.station,
        evse=bench.evse if what == "evse" else None,
        operative=operative,
    )
    assert asked == {"operationalStatus": status} | ({"evse": {"id": 1}} if what == "evse" else {})


async def out_and_in(bench, what: str, *, back: bool) -> None:
    charger = await bench.boot()
    await change(bench, charger, what, "Inoperative")
    await bench.status(charger, "Unavailable")
    assert await bench.state() == State.UNAVAILABLE
    if back:
        await change(bench, charger, what, "Operative")
        await bench.status(charger, "Available")
        assert await bench.state() == State.AVAILABLE


async def tc_g_03(bench):
    await out_and_in(bench, "evse", back=False)


async def tc_g_04(bench):
    await out_and_in(bench, "evse", back=True)


async def tc_g_05(bench):
    await out_and_in(bench, "station", back=False)


async def tc_g_06(bench):
    await out_and_in(bench, "station", back=True)


async def tc_g_07(bench):
    await out_and_in(bench, "connector", back=False)


async def tc_g_08(bench):
    await out_and_in(bench, "connector", back=True)


async def later(bench, what: str) -> None:
    """G03: what charges goes on charging; out of service it goes once the car is away."""
    charger, transaction = await charging(bench)
    await change(bench, charger, what, "Inoperative", SCHEDULED)
    await transaction.is_open("Charging")
    assert await bench.state() == State.CHARGING
    await transaction.ended("EVCommunicationLost", "EVDisconnected", "Idle", meter_wh=1500)
    await bench.status(charger, "Unavailable")
    await transaction.is_over("EVDisconnected", energy_wh=500)
    assert await bench.state() == State.UNAVAILABLE


async def tc_g_11(bench):
    await later(bench, "evse")


async def tc_g_14(bench):
    await later(bench, "station")


async def tc_g_17(bench):
    await later(bench, "connector")


async def tc_g_20(bench):
    charger = await bench.boot()
    assert await charger.authorize(bench.token) == "Accepted"
    event = {
        "eventId": 1,
        "timestamp": now(),
        "trigger": "Alerting",
        "actualValue": "true",
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": "ConnectorPlugRetentionLock", "evse": {"id": 1, "connectorId": 1}},
        "variable": {"name": "Problem"},
    }
    answer = await charger.call("NotifyEvent", {"generatedAt": now(), "seqNo": 0, "eventData": [event]})
    assert answer == {}
    assert await bench.state() == State.FAULTED
    assert await bench.sessions() == []
