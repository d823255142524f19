"""Block E: where transactions begin and end is the station's setting, and the portal follows each."""

from datetime import UTC, datetime

from stations import commands
from stations.models import State
from tests.stations.conformance.bench import ACCEPTED
from tests.stations.conformance.v201.transaction import Transaction, accepted, charging, plugged


async def authorized(bench):
    """A card was taken and the car is plugged in, but by this station's setting nothing has begun."""
    charger = await bench.boot()
    assert await charger.authorize(bench.token) == "Accepted"
    await bench.status(charger, "Occupied")
    return charger, Transaction(bench, charger)


async def tc_e_01(bench):
    _charger, transaction = await authorized(bench)
    accepted(await transaction.started("ChargingStateChanged", "SuspendedEVSE", token=bench.token))
    session = await transaction.is_open("SuspendedEVSE")
    assert session.id_token_id == bench.id_token.pk


async def tc_e_02(bench):
    _charger, transaction = await authorized(bench)
    accepted(await transaction.started("ChargingStateChanged", "Charging", token=bench.token, meter_wh=1000))
    await transaction.is_open("Charging")
    assert await bench.state() == State.CHARGING


async def tc_e_03(bench):
    charger, transaction = await plugged(bench)
    session = await transaction.is_open("EVConnected")
    assert session.id_token_id is None
    assert await charger.authorize(bench.token) == "Accepted"
    accepted(await transaction.updated("Authorized", "EVConnected", token=bench.token))
    await transaction.updated("ChargingStateChanged", "Charging")
    session = await transaction.is_open("Charging")
    assert session.id_token_id == bench.id_token.pk


async def tc_e_04(bench):
    charger = await bench.boot()
    assert await charger.authorize(bench.token) == "Accepted"
    transaction = Transaction(bench, charger)
    accepted(await transaction.started("Authorized", "Idle", token=bench.token))
    await bench.status(charger, "Occupied")
    await transaction.updated("CablePluggedIn", "EVConnected")
    await transaction.updated("ChargingStateChanged", "Charging", meter_wh=1000)
    await transaction.is_open("Charging")


async def tc_e_07(bench):
    _charger, transaction = await charging(bench)
    accepted(
        await transaction.ended("StopAuthorized", "Local", "EVConnected", token=bench.token, meter_wh=1500)
    )
    await transaction.is_over("Local", energy_wh=500)


async def tc_e_08(bench):
    charger, transaction = await charging(bench)
    assert await charger.authorize(bench.token) == "Accepted"
    accepted(await transaction.ended("StopAuthorized", "Local", token=bench.token, meter_wh=1200))
    await transaction.is_over("Local", energy_wh=200)


async def tc_e_09(bench):
    _charger, transaction = await plugged(bench)
    session = await transaction.is_open("EVConnected")
    assert (session.id_token_id, session.review) == (None, "")


async def tc_e_10(bench):
    charger = await bench.boot()
    assert await charger.authorize(bench.token) == "Accepted"
    transaction = Transaction(bench, charger)
    accepted(await transaction.started("Authorized", token=bench.token))
    session = await transaction.is_open()
    assert session.id_token_id == bench.id_token.pk


async def tc_e_11(bench):
    _charger, transaction = await authorized(bench)
    accepted(await transaction.started("SignedDataReceived", "EVConnected", token=bench.token, meter_wh=1000))
    await transaction.updated("ChargingStateChanged", "Charging")
    await transaction.is_open("Charging")


async def tc_e_12(bench):
    charger = await bench.boot()
    transaction = Transaction(bench, charger)
    await transaction.started("EVDetected", "Idle")
    session = await transaction.is_open()
    assert session.id_token_id is None


async def tc_e_14(bench):
    charger, transaction = await charging(bench)
    accepted(await transaction.updated("StopAuthorized", "EVConnected", token=bench.token))
    await transaction.ended("EVCommunicationLost", "Local", "Idle", meter_wh=1900)
    await bench.status(charger, "Available")
    await transaction.is_over("Local", energy_wh=900)
    assert await bench.state() == State.AVAILABLE


async def tc_e_15(bench):
    _charger, transaction = await charging(bench)
    await transaction.updated("ChargingStateChanged", "SuspendedEVSE")
    accepted(await transaction.ended("StopAuthorized", "Local", token=bench.token, meter_wh=1100))
    await transaction.is_over("Local", energy_wh=100)


async def tc_e_16(bench):
    _charger, transaction = await plugged(bench)
    answer = await transaction.updated("Authorized", "EVConnected", token="NOBODYS-CARD")
    assert answer["idTokenInfo"]["status"] in ("Invalid", "Unknown")
    await transaction.ended("Deauthorized", "DeAuthorized", "EVConnected", meter_wh=1000)
    session = await transaction.is_over("DeAuthorized", energy_wh=0)
    assert session.id_token_id is None
    assert session.review


async def tc_e_17(bench):
    charger, transaction = await charging(bench)
    await transaction.ended("EVCommunicationLost", "EVDisconnected", "Idle", meter_wh=1300)
    await bench.status(charger, "Available")
    await transaction.is_over("EVDisconnected", energy_wh=300)


async def tc_e_19(bench):
    charger = await bench.boot()
    transaction = Transaction(bench, charger)
    await transaction.started("EVDetected", "Idle")
    accepted(await transaction.updated("Authorized", "EVConnected", token=bench.token, meter_wh=1000))
    await transaction.updated("ChargingStateChanged", "Charging")
    accepted(await transaction.updated("StopAuthorized", "EVConnected", token=bench.token))
    await transaction.updated("EVCommunicationLost", "Idle")
    await transaction.ended("EVDeparted", "Local", "Idle", meter_wh=1400)
    await transaction.is_over("Local", energy_wh=400)


async def tc_e_20(bench):
    charger, transaction = await charging(bench)
    await transaction.updated("EVCommunicationLost", "SuspendedEV")
    await transaction.ended("EVCommunicationLost", "EVDisconnected", "Idle", meter_wh=1250)
    await bench.status(charger, "Available")
    await transaction.is_over("EVDisconnected", energy_wh=250)
    assert await bench.state() == State.AVAILABLE


async def tc_e_21(bench):
    charger, transaction = await charging(bench)
    session = await transaction.is_open()
    payload = await bench.portal(
        charger, "RequestStopTransaction", ACCEPTED, commands.remote_stop, session=session
    )
    assert payload == {"transactionId": transaction.id}
    await transaction.updated("RemoteStop", "EVConnected")
    await transaction.ended("RemoteStop", "Remote", "EVConnected", meter_wh=1600)
    await transaction.is_over("Remote", energy_wh=600)


async def tc_e_22(bench):
    _charger, transaction = await charging(bench)
    await transaction.ended("ChargingStateChanged", "StoppedByEV", "SuspendedEV", meter_wh=1700)
    await transaction.is_over("StoppedByEV", energy_wh=700)


async def tc_e_26(bench):
    _charger, transaction = await charging(bench)
    await transaction.updated("EVCommunicationLost", "Idle")
    await transaction.is_open("Idle")
    await transaction.updated("CablePluggedIn", "EVConnected")
    await transaction.updated("ChargingStateChanged", "Charging", meter_wh=1100)
    session = await transaction.is_open("Charging")
    assert session.energy_wh == 100


async def tc_e_29(bench):
    await asks_status(bench, ongoing=True, queue=True)


async def tc_e_30(bench):
    await asks_status(bench, ongoing=True, queue=False)


async def tc_e_31(bench):
    await asks_status(bench, ongoing=False, queue=True)


async def asks_status(bench, *, ongoing: bool, queue: bool) -> None:
    """E14: whether it goes on, and whether the station still has messages about it to send."""
    charger, transaction = await charging(bench)
    if not ongoing:
        await transaction.ended("StopAuthorized", "Local", meter_wh=1500)
    answer = {"ongoingIndicator": ongoing, "messagesInQueue": queue}
    command = await bench.send(charger, "GetTransactionStatus", {"transactionId": transaction.id}, answer)
    assert command.response == answer
    assert (await bench.session()).is_open == ongoing


async def tc_e_33(bench):
    charger = await bench.boot()
    command = await bench.send(charger, "GetTransactionStatus", {}, {"messagesInQueue": True})
    assert command.response["messagesInQueue"] is True
    # What was queued comes now, with the times at which it happened.
    transaction = Transaction(bench, charger)
    began = "2026-06-15T12:00:00Z"
    accepted(
        await transaction.started(
            "Authorized", "EVConnected", token=bench.token, meter_wh=1000, offline=True, timestamp=began
        )
    )
    session = await transaction.is_open()
    assert session.started_at == datetime(2026, 6, 15, 12, tzinfo=UTC)


async def tc_e_34(bench):
    charger = await bench.boot()
    command = await bench.send(charger, "GetTransactionStatus", {}, {"messagesInQueue": False})
    assert command.response["messagesInQueue"] is False
    assert await bench.sessions() == []


async def tc_e_38(bench):
    _charger, transaction = await charging(bench)
    await transaction.updated("ChargingStateChanged", "SuspendedEV")
    await transaction.is_open("SuspendedEV")
    assert await bench.state() == State.SUSPENDED_EV
    await transaction.updated("ChargingStateChanged", "Charging")
    await transaction.is_open("Charging")


async def tc_e_39(bench):
    charger = await bench.boot()
    assert await charger.authorize(bench.token) == "Accepted"
    transaction = Transaction(bench, charger)
    accepted(await transaction.started("Authorized", "Idle", token=bench.token))
    # No cable comes within EVConnectionTimeOut.
    await transaction.ended("EVConnectTimeout", "Timeout", "Idle")
    await transaction.is_over("Timeout", energy_wh=0)


async def tc_e_53(bench):
    """E01: a station may count from 0 in each transaction, so numbers repeat without being repeats."""
    charger, first = await charging(bench)
    await first.ended("StopAuthorized", "Local", meter_wh=1500)
    second = Transaction(bench, charger)
    accepted(await second.started("Authorized", "EVConnected", token=bench.token, meter_wh=1500))
    await second.ended("StopAuthorized", "Local", meter_wh=1700)
    assert (first.sequence, second.sequence) == (4, 2)
    found = await bench.sessions()
    assert [(session.transaction_id, session.energy_wh) for session in found] == [
        (first.id, 500),
        (second.id, 200),
    ]
