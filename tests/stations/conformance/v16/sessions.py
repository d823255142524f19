"""Charging sessions of 1.6: with a card, by remote start, offline, through a loss of power."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from stations import commands
from stations.models import IdToken, State
from tests import make
from tests.charger import Charger
from tests.stations.conformance.bench import ACCEPTED, REJECTED


async def tc_001(bench):
    charger = await bench.boot(
        chargePointVendor="Acme", chargePointModel="Two", chargePointSerialNumber="S-1", firmwareVersion="1.2"
    )
    beat = await charger.call("Heartbeat", {})
    assert abs(datetime.fromisoformat(beat["currentTime"]) - datetime.now(UTC)) < timedelta(seconds=10)
    station = await bench.row()
    assert (station.vendor, station.model, station.serial_number, station.firmware) == (
        "Acme",
        "Two",
        "S-1",
        "1.2",
    )
    assert station.is_online
    assert station.booted_at is not None
    assert await bench.state() == State.AVAILABLE


async def tc_003(bench):
    charger = await bench.boot()
    await bench.status(charger, "Preparing")
    assert await charger.authorize(bench.token) == "Accepted"
    await begin(bench, charger)
    await charger.meter(1500, power_w=7000)
    session = await bench.session()
    assert (session.energy_wh, session.power_w, session.is_open) == (Decimal(500), Decimal(7000), True)
    assert await charger.authorize(bench.token) == "Accepted"
    await end(bench, charger, 2000)
    await bench.status(charger, "Available")
    await is_ended(bench, "Local", energy_wh=1000)
    assert await bench.state() == State.AVAILABLE


async def tc_004_1(bench):
    charger = await bench.boot()
    assert await charger.authorize(bench.token) == "Accepted"
    await bench.status(charger, "Preparing")
    assert await bench.state() == State.PREPARING
    await begin(bench, charger)
    session = await bench.session()
    assert session.is_open
    assert session.id_token_id == bench.id_token.pk
    assert await bench.state() == State.CHARGING


async def tc_004_2(bench):
    charger = await bench.boot()
    assert await charger.authorize(bench.token) == "Accepted"
    await bench.status(charger, "Preparing")
    assert await bench.state() == State.PREPARING
    # The driver never plugged in: the charger gives up after its ConnectionTimeOut.
    await bench.status(charger, "Available")
    assert await bench.state() == State.AVAILABLE
    assert await bench.sessions() == []


async def tc_005_1(bench):
    charger = await charging(bench)
    await bench.status(charger, "SuspendedEV")
    assert await bench.state() == State.SUSPENDED_EV
    await end(bench, charger, 1800, reason="EVDisconnected")
    await bench.status(charger, "Available")
    await is_ended(bench, "EVDisconnected", energy_wh=800)
    assert await bench.state() == State.AVAILABLE


async def tc_007(bench):
    charger = await bench.boot()
    await bench.status(charger, "Preparing")
    # The charger knows the card from its cache, so it starts without asking.
    await begin(bench, charger)
    session = await bench.session()
    assert session.is_open
    assert session.id_token_id == bench.id_token.pk


async def tc_010(bench):
    charger = await bench.boot()
    await bench.status(charger, "Preparing")
    await remote_start(bench, charger)
    assert await charger.authorize(bench.token) == "Accepted"
    await begin(bench, charger)
    assert (await bench.session()).is_open
    assert await bench.state() == State.CHARGING


async def tc_011_1(bench):
    charger = await bench.boot()
    await remote_start(bench, charger)
    assert await charger.authorize(bench.token) == "Accepted"
    await bench.status(charger, "Preparing")
    await begin(bench, charger)
    assert (await bench.session()).id_token_id == bench.id_token.pk


async def tc_011_2(bench):
    charger = await bench.boot()
    await remote_start(bench, charger)
    assert await charger.authorize(bench.token) == "Accepted"
    await bench.status(charger, "Preparing")
    await bench.status(charger, "Available")
    assert await bench.sessions() == []
    assert await bench.state() == State.AVAILABLE


async def tc_012(bench):
    charger = await charging(bench)
    session = await bench.session()
    payload = await bench.portal(
        charger, "RemoteStopTransaction", ACCEPTED, commands.remote_stop, session=session
    )
    assert payload == {"transactionId": charger.transaction_id}
    await end(bench, charger, 1600, reason="Remote")
    await is_ended(bench, "Remote", energy_wh=600)


async def tc_023_1(bench):
    await is_refused(bench, "NOBODYS-CARD", "Invalid")


async def tc_023_2(bench):
    await bench.database(
        make.id_token,
        operator=bench.operator,
        token=bench.other_token,
        expires_at=datetime.now(UTC) - timedelta(days=1),
    )
    await is_refused(bench, bench.other_token, "Expired")


async def tc_023_3(bench):
    await bench.database(
        make.id_token, operator=bench.operator, token=bench.other_token, status=IdToken.Status.BLOCKED
    )
    await is_refused(bench, bench.other_token, "Blocked")


async def tc_024(bench):
    charger = await bench.boot()
    assert await charger.authorize(bench.token) == "Accepted"
    await bench.status(charger, "Preparing")
    await bench.status(charger, "Faulted", errorCode="ConnectorLockFailure")
    evse = await bench.evse_row()
    assert (evse.state, evse.error_code) == (State.FAULTED, "ConnectorLockFailure")
    assert await bench.sessions() == []


async def tc_026(bench):
    charger = await bench.boot()
    await remote_start(bench, charger, answer=REJECTED)
    assert await bench.sessions() == []


async def tc_028(bench):
    charger = await charging(bench)
    session = await bench.session()
    await bench.portal(charger, "RemoteStopTransaction", REJECTED, commands.remote_stop, session=session)
    assert (await bench.session()).is_open


async def tc_032_1(bench):
    charger = await charging(bench)
    await charger.cut()
    again = await bench.boot()
    again.transaction_id = charger.transaction_id
    await end(bench, again, 1700, reason="PowerLoss")
    await is_ended(bench, "PowerLoss", energy_wh=700)


async def tc_037_1(bench):
    charger = await bench.boot()
    await charger.cut()
    began = moments_ago(20)
    again = await bench.boot()
    answer = await again.start(bench.token, meter_wh=1000, timestamp=began)
    assert answer["idTagInfo"]["status"] == "Accepted"
    session = await bench.session()
    assert session.is_open
    assert session.started_at == datetime.fromisoformat(began)


async def tc_037_3(bench):
    charger = await bench.boot()
    await charger.cut()
    again = await bench.boot()
    answer = await again.start("NOBODYS-CARD", meter_wh=1000, timestamp=moments_ago(20))
    assert answer["idTagInfo"]["status"] == "Invalid"
    assert answer["transactionId"] > 0
    await end(bench, again, 1100, reason="DeAuthorized")
    session = await is_ended(bench, "DeAuthorized", energy_wh=100)
    # Energy was given without a token that may charge: a person decides what becomes of it.
    assert session.review


async def tc_039(bench):
    charger = await bench.boot()
    await charger.cut()
    began, ended = moments_ago(30), moments_ago(10)
    again = await bench.boot()
    answer = await again.start(bench.token, meter_wh=1000, timestamp=began)
    assert answer["idTagInfo"]["status"] == "Accepted"
    assert await again.stop(1900, timestamp=ended) == {}
    session = await is_ended(bench, "Local", energy_wh=900)
    assert session.started_at == datetime.fromisoformat(began)
    assert session.stopped_at == datetime.fromisoformat(ended)


async def tc_059(bench):
    charger = await bench.boot()
    await bench.status(charger, "Preparing")
    profile = {
        "chargingProfileId": 7,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}],
        },
    }
    await bench.send(
        charger,
        "RemoteStartTransaction",
        {"connectorId": 1, "idTag": bench.token, "chargingProfile": profile},
    )
    assert await charger.authorize(bench.token) == "Accepted"
    await begin(bench, charger)
    assert (await bench.session()).is_open


# What several cases go through


async def begin(bench, charger: Charger) -> None:
    """The transaction starts, and energy flows."""
    answer = await charger.start(bench.token, meter_wh=1000)
    assert answer["idTagInfo"]["status"] == "Accepted"
    assert answer["transactionId"] > 0
    await bench.status(charger, "Charging")


async def end(bench, charger: Charger, meter_wh: int, reason: str = "Local") -> None:
    answer = await charger.stop(meter_wh, reason=reason)
    assert answer == {}
    await bench.status(charger, "Finishing")


async def charging(bench) -> Charger:
    """A charger with a car at it that charges by card."""
    charger = await bench.boot()
    assert await charger.authorize(bench.token) == "Accepted"
    await bench.status(charger, "Preparing")
    await begin(bench, charger)
    return charger


async def remote_start(bench, charger: Charger, answer=ACCEPTED) -> None:
    payload = await bench.portal(
        charger,
        "RemoteStartTransaction",
        answer,
        commands.remote_start,
        evse=bench.evse,
        id_token=bench.id_token,
    )
    assert payload == {"connectorId": 1, "idTag": bench.token}


async def is_ended(bench, reason: str, *, energy_wh: int):
    session = await bench.session()
    assert not session.is_open
    assert (session.stop_reason, session.energy_wh) == (reason, Decimal(energy_wh))
    assert not session.is_estimated
    return session


async def is_refused(bench, token: str, verdict: str) -> None:
    """§4.1: the charger asks, is told why not, and doesn't start."""
    charger = await bench.boot()
    await bench.status(charger, "Preparing")
    assert await charger.authorize(token) == verdict
    await bench.status(charger, "Available")
    assert await bench.sessions() == []
    await bench.logged("Authorize")


def moments_ago(seconds: int) -> str:
    at = datetime.now(UTC) - timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
