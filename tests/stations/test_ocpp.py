"""A charge over the real socket, in each version, and what the database then says."""

import asyncio
from decimal import Decimal

import pytest

from stations import commands
from stations.models import Command, Message, PendingStation, Reading, Session, State
from tests import make
from tests.charger import CallError, Charger, Refused

VERSIONS = ["1.6", "2.0.1", "2.1"]
PASSWORD = "charger-password-1"


@pytest.fixture
def place(transactional_db):
    site = make.site()
    station = make.station(site=site, identity="CP-1", password=PASSWORD)
    evse = make.evse(station=station, max_power_w=22000)
    token = make.id_token(operator=site.operator, token="04A2B3C4", user=make.user())
    return type("Place", (), {"site": site, "station": station, "evse": evse, "token": token})


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_whole_charge(door, place, database, ingest_all, version):
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
        boot = await charger.boot()
        assert boot["status"] == "Accepted"
        assert boot["interval"] > 0
        await charger.status("Available")
        assert await charger.authorize("04a2b3c4") == "Accepted"
        await charger.status("Preparing" if version == "1.6" else "Occupied")
        await charger.start("04A2B3C4", meter_wh=1000)
        await charger.meter(1500, power_w=11000)
        await charger.meter(2000, power_w=11000)
        await ingest_all()

        session = await database(Session.objects.get)
        assert (session.user_id, session.evse_id, session.is_open) == (
            place.token.user_id,
            place.evse.pk,
            True,
        )
        assert (session.energy_wh, session.power_w) == (Decimal(1000), Decimal(11000))

        await charger.stop(2500)
        await ingest_all()
    session = await database(Session.objects.get)
    assert session.energy_wh == Decimal(1500)
    assert session.stop_reason == "Local"
    assert not session.review
    registers = Reading.objects.filter(session=session, measurand="Energy.Active.Import.Register")
    assert await database(registers.filter(value__in=[1500, 2000]).count) == 2
    await database(place.station.refresh_from_db)
    assert place.station.ocpp_version == version


async def test_the_state_is_what_the_charger_said_last(door, place, database, ingest_all):
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.status("Available")
        await charger.status("Faulted", errorCode="GroundFailure", vendorErrorCode="E17", info="x" * 80)
        await ingest_all()
    await database(place.evse.refresh_from_db)
    assert place.evse.state == State.FAULTED
    assert (place.evse.error_code, place.evse.vendor_error, len(place.evse.error_info)) == (
        "GroundFailure",
        "E17",
        50,
    )


@pytest.mark.parametrize(
    ("identity", "user", "password"),
    [("CP-1", None, None), ("CP-1", None, "wrong"), ("CP-404", None, PASSWORD), ("CP-1", "CP-2", PASSWORD)],
)
async def test_who_is_not_let_in(door, place, database, identity, user, password):
    import base64

    headers = {}
    if user:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        password = None
    with pytest.raises(Refused) as refused:
        async with Charger(door.url, identity, password, headers=headers):
            pass
    assert refused.value.status == 401
    assert await database(Message.objects.count) == 0
    assert await database(PendingStation.objects.filter(identity="CP-404").count) == (identity == "CP-404")


async def test_no_version_in_common(door, place):
    with pytest.raises(Refused) as refused:
        async with Charger(door.url, "CP-1", PASSWORD, subprotocols=["ocpp1.2"]):
            pass
    assert refused.value.status == 400


async def test_an_unusual_address_is_understood(door, transactional_db):
    make_station = make.station
    from asgiref.sync import sync_to_async

    await sync_to_async(make_station)(identity="CP 7/ä", password=PASSWORD)
    async with Charger(door.url, "CP 7/ä", PASSWORD, path="CP%207%2F%C3%A4/") as charger:
        assert (await charger.boot())["status"] == "Accepted"


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_repeated_start_is_the_same_session(door, place, database, version):
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
        at = "2026-06-15T12:00:00Z"
        if version == "1.6":
            start = {"connectorId": 1, "idTag": "04A2B3C4", "meterStart": 10, "timestamp": at}
            first = await charger.call("StartTransaction", start)
            second = await charger.call("StartTransaction", start)
            assert first["transactionId"] == second["transactionId"]
        else:
            event = {
                "eventType": "Started",
                "timestamp": at,
                "triggerReason": "Authorized",
                "seqNo": 0,
                "transactionInfo": {"transactionId": "T-1"},
                "evse": {"id": 1, "connectorId": 1},
                "idToken": {"idToken": "04A2B3C4", "type": "ISO14443"},
            }
            await charger.call("TransactionEvent", event)
            await charger.call("TransactionEvent", event)
    assert await database(Session.objects.count) == 1


async def test_readings_repeated_count_once(door, place, database, ingest_all):
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.start("04A2B3C4")
        meter = {
            "connectorId": 1,
            "transactionId": charger.transaction_id,
            "meterValue": [
                {"timestamp": "2026-06-15T12:00:00Z", "sampledValue": [{"value": "0.5", "unit": "kWh"}]}
            ],
        }
        await charger.call("MeterValues", meter)
        await charger.call("MeterValues", meter)
        await ingest_all()
    reading = await database(Reading.objects.get)
    assert (reading.value, reading.unit) == (Decimal(500), "Wh")


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_foreign_stop_touches_nothing(door, place, database, version):
    other = await database(make.station, site=place.site, identity="CP-2", password=PASSWORD)
    await database(make.evse, station=other)
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as mine:
        await mine.start("04A2B3C4")
        async with Charger(door.url, "CP-2", PASSWORD, version=version) as foreign:
            foreign.transaction_id = mine.transaction_id
            await foreign.stop(99999)
    session = await database(Session.objects.get, station=place.station)
    assert session.is_open


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_remote_start_is_sent_and_its_answer_kept(door, place, database, version):
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
        await charger.boot()
        await database(place.evse.station.refresh_from_db)
        command = await database(commands.remote_start, evse=place.evse, id_token=place.token)
        action = "RemoteStartTransaction" if version == "1.6" else "RequestStartTransaction"
        payload = await charger.expect(action)
        assert "04A2B3C4" in str(payload)
        command = await finished(command, database)
    assert (command.status, command.response["status"]) == (Command.Status.ANSWERED, "Accepted")


async def test_a_command_that_is_refused_or_not_answered_says_so(door, place, database):
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        charger.on("Reset", None)
        await database(place.station.refresh_from_db)
        command = await database(
            commands.send, station=place.station, action="Reset", payload={"type": "Soft"}, timeout=1
        )
        command = await finished(command, database)
    assert command.status == Command.Status.TIMED_OUT


async def test_a_command_to_an_offline_charger_fails_at_once(place, database):
    command = await database(commands.send, station=place.station, action="Reset", payload={"type": "Soft"})
    assert command.status == Command.Status.OFFLINE


async def test_a_newer_socket_takes_over(door, place, database):
    async with Charger(door.url, "CP-1", PASSWORD) as old:
        await old.boot()
        async with Charger(door.url, "CP-1", PASSWORD) as new:
            await new.boot()
            assert await old.closed(5) is not None
            await asyncio.sleep(0.2)
            await database(place.station.refresh_from_db)
            assert place.station.is_online
    await asyncio.sleep(0.3)
    await database(place.station.refresh_from_db)
    assert not place.station.is_online


async def test_a_booked_place_is_kept_for_its_driver(door, place, database):
    from datetime import timedelta

    from django.utils import timezone

    from stations import reservations

    stranger = await database(make.id_token, operator=place.site.operator, token="STRANGER")
    now = timezone.now()
    await database(
        reservations.reserve,
        evse=place.evse,
        id_token=place.token,
        user=place.token.user,
        starts_at=now - timedelta(minutes=5),
        ends_at=now + timedelta(hours=1),
    )
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        assert await charger.authorize(stranger.token) == "Blocked"
        assert await charger.authorize("04A2B3C4") == "Accepted"


@pytest.mark.parametrize(
    ("version", "frame", "code"),
    [
        ("1.6", '[2,"a","Nonsense",{}]', "NotImplemented"),
        ("1.6", '[2,"a","Authorize",{}]', "OccurenceConstraintViolation"),
        ("1.6", '[2,"a","Authorize",[]]', "FormationViolation"),
        ("1.6", '[2,"a","Authorize",{"idTag":{}}]', "TypeConstraintViolation"),
        ("1.6", '[2,"a","RemoteStartTransaction",{"idTag":"x"}]', "NotSupported"),
        ("2.0.1", '[2,"a","Authorize",{}]', "OccurrenceConstraintViolation"),
        ("2.0.1", '[2,"a","Authorize"]', "FormatViolation"),
        ("2.0.1", '[9,"a","Authorize",{}]', "MessageTypeNotSupported"),
    ],
)
async def test_a_bad_message_gets_the_code_of_its_standard(door, place, version, frame, code):
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
        await charger.send_raw(frame)
        answer = await charger.next_frame(2)
        assert answer[:3] == [4, "a", code]
        assert isinstance(answer[4], dict)


@pytest.mark.parametrize("frame", ["", "nonsense", "[]", "{}", "[" * 5000, '[2,"",{}]', b"\x00\x01"])
async def test_what_is_no_message_harms_nobody(door, place, database, frame):
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.send_raw(frame)
        assert (await charger.boot())["status"] == "Accepted"


async def test_a_huge_frame_closes_only_its_own_socket(door, place):
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.send_raw("x" * 300_000)
        assert await charger.closed(5) == 1009


async def test_a_pending_station_may_only_boot(door, place, database):
    await database(type(place.station).objects.update, registration="Pending")
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        assert (await charger.boot())["status"] == "Pending"
        with pytest.raises(CallError) as error:
            await charger.status("Available")
        assert error.value.code == "SecurityError"


async def test_every_frame_is_in_the_message_log(door, place, database):
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.boot()
        await charger.authorize("04A2B3C4")
        await asyncio.sleep(0.1)
    log = await database(
        lambda: list(Message.objects.order_by("at").values_list("from_station", "kind", "action"))
    )
    assert log == [
        (True, "call", "BootNotification"),
        (False, "result", "BootNotification"),
        (True, "call", "Authorize"),
        (False, "result", "Authorize"),
    ]


async def finished(command, database, seconds=5):
    for _i in range(int(seconds / 0.05)):
        await database(command.refresh_from_db)
        if command.is_final:
            return command
        await asyncio.sleep(0.05)
    raise AssertionError(f"still {command.status} after {seconds} s")
