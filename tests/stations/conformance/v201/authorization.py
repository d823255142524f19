"""Block C: who may charge."""

from datetime import UTC, datetime, timedelta

from stations.models import IdToken
from tests import make
from tests.stations.conformance.bench import REJECTED
from tests.stations.conformance.v201.transaction import Transaction, accepted, charging


async def is_refused(bench, token: str, verdict: str) -> None:
    """C01: the station asks, is told why not, and starts nothing."""
    charger = await bench.boot()
    await bench.status(charger, "Occupied")
    answer = await charger.call("Authorize", {"idToken": {"idToken": token, "type": "ISO14443"}})
    assert answer["idTokenInfo"]["status"] == verdict
    assert await bench.sessions() == []
    await bench.logged("Authorize")


async def tc_c_02(bench):
    await is_refused(bench, "NOBODYS-CARD".ljust(255 if bench.is_21 else 36, "D"), "Invalid")


async def tc_c_06(bench):
    await bench.database(
        make.id_token, operator=bench.operator, token=bench.other_token, status=IdToken.Status.BLOCKED
    )
    await is_refused(bench, bench.other_token, "Blocked")


async def tc_c_07(bench):
    await bench.database(
        make.id_token,
        operator=bench.operator,
        token=bench.other_token,
        expires_at=datetime.now(UTC) - timedelta(days=1),
    )
    await is_refused(bench, bench.other_token, "Expired")


async def tc_c_08(bench):
    charger = await bench.boot()
    await bench.status(charger, "Occupied")
    # The card is in the station's cache, so it starts without asking.
    transaction = Transaction(bench, charger)
    accepted(await transaction.started("Authorized", "Charging", token=bench.token, meter_wh=1000))
    session = await transaction.is_open("Charging")
    assert session.id_token_id == bench.id_token.pk


async def tc_c_20(bench):
    charger = await bench.boot()
    await bench.status(charger, "Occupied")
    await bench.database(IdToken.objects.filter(pk=bench.id_token.pk).update, status=IdToken.Status.BLOCKED)
    transaction = Transaction(bench, charger)
    answer = await transaction.started("Authorized", "Charging", token=bench.token, meter_wh=1000)
    assert answer["idTokenInfo"]["status"] == "Blocked"
    await transaction.ended("Deauthorized", "DeAuthorized", "EVConnected", meter_wh=1010)
    session = await transaction.is_over("DeAuthorized", energy_wh=10)
    assert session.review


async def tc_c_37(bench):
    charger = await bench.boot()
    await bench.send(charger, "ClearCache", {})
    assert await charger.authorize(bench.token) == "Accepted"


async def tc_c_38(bench):
    charger = await bench.boot()
    command = await bench.send(charger, "ClearCache", {}, REJECTED)
    assert not command.accepted


async def grouped(bench) -> str:
    """Both of the bench's cards are of one group now; its name."""
    group = f"G{bench.token}"
    await bench.database(IdToken.objects.filter(pk=bench.id_token.pk).update, group=group)
    await bench.database(make.id_token, operator=bench.operator, token=bench.other_token, group=group)
    return group


async def tc_c_39(bench):
    group = await grouped(bench)
    charger, transaction = await charging(bench)
    asked = {"idToken": {"idToken": bench.other_token, "type": "ISO14443"}}
    info = (await charger.call("Authorize", asked))["idTokenInfo"]
    assert (info["status"], info["groupIdToken"]["idToken"]) == ("Accepted", group)
    answer = await transaction.ended(
        "StopAuthorized", "Local", "EVConnected", token=bench.other_token, meter_wh=1500
    )
    assert answer["idTokenInfo"]["groupIdToken"]["idToken"] == group
    session = await transaction.is_over("Local", energy_wh=500)
    # Who began it pays for it.
    assert session.id_token_id == bench.id_token.pk


async def master_pass(bench, charger) -> None:
    """C16: the station knows its master passes by their group, which the portal tells it."""
    await bench.database(make.id_token, operator=bench.operator, token=bench.other_token, group="MASTERPASS")
    asked = {"idToken": {"idToken": bench.other_token, "type": "ISO14443"}}
    info = (await charger.call("Authorize", asked))["idTokenInfo"]
    assert info["status"] == "Accepted"
    assert info["groupIdToken"]["idToken"] == "MASTERPASS"


async def two_charging(bench):
    charger, first = await charging(bench)
    await bench.database(make.evse, station=bench.station, number=2)
    stranger = await bench.database(
        make.id_token, operator=bench.operator, token=f"STRANGER-{bench.identity}"
    )
    second = Transaction(bench, charger, evse=2)
    accepted(await second.started("Authorized", "Charging", token=stranger.token, meter_wh=5000))
    return charger, first, second


async def ends_by_master_pass(transaction: Transaction, token: str, meter_wh: int) -> None:
    accepted(
        await transaction.ended("StopAuthorized", "MasterPass", "EVConnected", token=token, meter_wh=meter_wh)
    )


async def tc_c_47(bench):
    charger, first, second = await two_charging(bench)
    await master_pass(bench, charger)
    await ends_by_master_pass(first, bench.other_token, 1100)
    await ends_by_master_pass(second, bench.other_token, 5200)
    found = await bench.sessions()
    assert [(session.stop_reason, session.energy_wh) for session in found] == [
        ("MasterPass", 100),
        ("MasterPass", 200),
    ]


async def tc_c_48(bench):
    charger, first, second = await two_charging(bench)
    await master_pass(bench, charger)
    await ends_by_master_pass(first, bench.other_token, 1100)
    found = {session.transaction_id: session.is_open for session in await bench.sessions()}
    assert found == {first.id: False, second.id: True}


async def tc_c_49(bench):
    charger, transaction = await charging(bench)
    await master_pass(bench, charger)
    await ends_by_master_pass(transaction, bench.other_token, 1100)
    await transaction.is_over("MasterPass", energy_wh=100)
