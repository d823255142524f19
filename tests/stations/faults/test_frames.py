"""RELIABILITY §3, rows 23–34, 38–40 and 44–46: frames and sockets that break the rules."""

import asyncio
import json
from decimal import Decimal

import pytest
from django.utils import timezone

from stations import commands
from stations.models import Command, Evse, Message, Quirk, Station
from stations.ocpp.connection import MAX_RATE
from tests import make
from tests.charger import CallError, Charger, Refused
from tests.stations.faults.conftest import PASSWORD, TAG, ago, event, raw, start, stop, values

BOTH = pytest.mark.parametrize("version", ["1.6", "2.0.1"])


@pytest.mark.parametrize(
    ("version", "action", "payload", "code"),
    [
        ("1.6", "StartTransaction", start(), "OccurenceConstraintViolation"),
        ("2.0.1", "TransactionEvent", event("Started"), "OccurrenceConstraintViolation"),
    ],
)  # fmt: skip
async def test_23_start_without_its_time(charger, ask, version, action, payload, code):
    timeless = {name: value for name, value in payload.items() if name != "timestamp"}
    async with charger(version) as one:
        with pytest.raises(CallError) as error:
            await one.call(action, timeless)
        assert error.value.code == code
    assert await ask.sessions() == []


async def test_24_an_object_where_a_list_belongs(charger, ask, ingest_all):
    lone = {"timestamp": ago(minutes=3), "sampledValue": {"value": "5"}}
    async with charger() as one:
        assert await one.call("MeterValues", {"connectorId": 1, "meterValue": lone}) == {}
        await ingest_all()
    assert [reading.value for reading in await ask.readings()] == [5]


@BOTH
async def test_25_numbers_as_texts_and_back(charger, ask, version):
    async with charger(version) as one:
        if version == "1.6":
            payload = start() | {"connectorId": "1", "meterStart": "1000", "idTag": 4711}
            assert "transactionId" in await one.call("StartTransaction", payload)
        else:
            payload = event("Started", 0, "1000") | {"seqNo": "0"}
            assert await one.call("TransactionEvent", payload) == {}
    assert (await ask.session()).meter_start_wh == 1000


async def test_25_what_would_lose_something_is_refused(charger):
    async with charger() as one:
        with pytest.raises(CallError) as error:
            await one.call("StartTransaction", start() | {"meterStart": "10.5"})
    assert error.value.code == "TypeConstraintViolation"


async def test_26_words_that_are_not_in_the_list(charger, ask, database, place, ingest_all):
    async with charger() as one:
        await one.status("faulted", errorCode="Error")
        hertz = {"value": "50", "measurand": "Frequency", "unit": "Hertz"}
        await one.call(
            "MeterValues", values(hertz, {"value": "20", "unit": "Celcius", "measurand": "Temperature"})
        )
        await ingest_all()
    await database(place.evse.refresh_from_db)
    assert (place.evse.state, place.evse.error_code) == ("faulted", "OtherError")
    kept = await database(Message.objects.filter(action="StatusNotification", from_station=True).get)
    assert '"Error"' in kept.frame


async def test_27_a_text_that_is_too_long_is_cut(charger, database, place, ingest_all):
    async with charger() as one:
        await one.status("Faulted", errorCode="OtherError", info="x" * 500)
        await ingest_all()
    await database(place.evse.refresh_from_db)
    assert place.evse.error_info == "x" * 50
    kept = await database(Message.objects.filter(action="StatusNotification", from_station=True).get)
    assert "x" * 500 in kept.frame


TAGS = ["ÄÖÜ", "' OR 1=1 --", "<b>x</b>", "A\u0000B", "\ud800", ""]


@pytest.mark.parametrize("tag", [*TAGS, "x" * 21])
async def test_28_strange_tags_authorize_nobody(charger, tag):
    async with charger() as one:
        answer = await raw(one, "Authorize", json.dumps({"idTag": tag}))
        if answer[0] == 3:
            assert answer[2]["idTagInfo"]["status"] == "Invalid"
        else:
            assert answer[2] in ("PropertyConstraintViolation", "FormationViolation")
        assert (await one.boot())["status"] == "Accepted"


@pytest.mark.parametrize("tag", TAGS)
async def test_28_a_stop_by_a_strange_tag_is_recorded(charger, ask, tag):
    async with charger() as one:
        number = (await one.call("StartTransaction", start()))["transactionId"]
        answer = await raw(one, "StopTransaction", json.dumps(stop(number, idTag=tag)))
        assert answer[0] == 3
    assert not (await ask.session()).is_open


async def test_28_case_does_not_count(charger):
    async with charger() as one:
        assert await one.authorize(TAG.lower()) == "Accepted"


@BOTH
async def test_29_nulls_and_extras(charger, ask, version):
    async with charger(version) as one:
        if version == "1.6":
            payload = start() | {"reservationId": None, "vendorThing": {"a": [1]}}
            assert (await one.call("StartTransaction", payload))["idTagInfo"]["status"] == "Accepted"
        else:
            payload = event("Started", 0, 1000, tag=TAG) | {"reservationId": None, "vendorThing": 1}
            assert (await one.call("TransactionEvent", payload))["idTokenInfo"]["status"] == "Accepted"
    assert (await ask.session()).token == TAG


NO_MESSAGE = [
    "nonsense",
    "[]",
    "{}",
    "null",
    "[2]",
    "[" * 10_000,
    '{"a":' * 5000,
    '[2,"",{}]',
    "\u0000",
    b"\x00\xff",
]


@BOTH
@pytest.mark.parametrize("frame", NO_MESSAGE, ids=lambda frame: repr(frame[:12]))
async def test_30_what_is_no_message_is_kept_and_harms_nobody(charger, ask, version, frame):
    async with charger(version) as one, charger(version, identity="CP-2") as other:
        await one.send_raw(frame)
        assert (await other.boot())["status"] == "Accepted"
        assert (await one.boot())["status"] == "Accepted"
        await asyncio.sleep(0.05)
    [kept] = await ask.bad_frames()
    assert kept == (frame[:2000].replace("\0", "") if isinstance(frame, str) else "(2 bytes, binary)")


@pytest.mark.parametrize(
    ("version", "frame", "code"),
    [
        ("1.6", '[2,"a","StatusNotification"]', "FormationViolation"),
        ("1.6", '[2,"a","StatusNotification",{},{}]', "FormationViolation"),
        ("1.6", '[2,"a","StatusNotification",{"connectorId":1', "FormationViolation"),
        ("2.0.1", '[2,"a","StatusNotification",{"evseId":NaN}]', "FormatViolation"),
        ("1.6", '[2,"a","Teleport",{}]', "NotImplemented"),
        ("1.6", '[2,"a","Reset",{"type":"Hard"}]', "NotSupported"),
        ("2.0.1", '[2,"a","StatusNotification"]', "FormatViolation"),
        ("2.0.1", '[2,"a","Teleport",{}]', "NotImplemented"),
        ("2.0.1", '[7,"a","Teleport",{}]', "MessageTypeNotSupported"),
        ("2.0.1", '[2,"a","Heartbeat",{"customData":7}]', "TypeConstraintViolation"),
    ],
)
async def test_30_what_can_be_answered_is(charger, version, frame, code):
    async with charger(version) as one:
        await one.send_raw(frame)
        answer = await one.next_frame()
    assert answer[:3] == [4, "a", code]


async def test_30_who_sends_nothing_else_is_cut_off(charger):
    async with charger() as one, charger(identity="CP-2") as other:
        for _i in range(25):
            await one.send_raw("nonsense")
        assert await one.closed() == 1008
        assert (await other.boot())["status"] == "Accepted"


async def test_31_an_oversized_frame_closes_its_own_socket(charger):
    async with charger() as one, charger(identity="CP-2") as other:
        await one.send_raw('[2,"a","DataTransfer",{"vendorId":"' + "x" * 300_000 + '"}]')
        assert await one.closed() == 1009
        assert (await other.boot())["status"] == "Accepted"


@pytest.mark.parametrize("offered", [[], ["ocpp1.5"], ["mqtt", "ocpp2.0"]])
async def test_32_no_version_in_common_is_refused_and_told(door, place, ask, offered):
    for _again in range(2):
        with pytest.raises(Refused) as refused:
            async with Charger(door.url, "CP-1", PASSWORD, subprotocols=offered):
                pass
        assert refused.value.status == 400
    assert await ask.events() == ["NoCommonVersion"]


async def test_32_one_that_offers_none_is_taken_as_its_quirk_says(door, place, database, ask):
    await database(
        Quirk.objects.create, operator=place.site.operator, station=place.station, fallback="ocpp1.6"
    )
    async with Charger(door.url, "CP-1", PASSWORD, subprotocols=[]) as one:
        assert one.subprotocol is None
        assert (await one.boot())["status"] == "Accepted"
    # Its neighbour is not.
    with pytest.raises(Refused):
        async with Charger(door.url, "CP-2", PASSWORD, subprotocols=[]):
            pass


async def test_33_any_origin(door, place):
    headers = {"Origin": "https://github.com/somebody/something"}
    async with Charger(door.url, "CP-1", PASSWORD, headers=headers) as one:
        assert (await one.boot())["status"] == "Accepted"


@pytest.mark.parametrize("path", ["CP%201%2F%C3%A4", "CP%201%2F%C3%A4/", "/CP%201%2F%C3%A4"])
async def test_34_an_identity_is_decoded_once(door, place, database, path):
    await database(make.station, site=place.site, identity="CP 1/ä", password=PASSWORD)
    async with Charger(door.url, "CP 1/ä", PASSWORD, path=path) as one:
        assert (await one.boot())["status"] == "Accepted"


async def test_36_a_flapping_station_is_told_nothing_in_between(charger, database, place):
    from datetime import timedelta

    waiting = await database(
        commands.send, station=place.station, action="Reset", payload={"type": "Soft"},
        keep_for=timedelta(minutes=5),
    )  # fmt: skip
    for _i in range(5):
        async with charger() as one:
            await one.boot()
            with pytest.raises(TimeoutError):
                await one.expect("Reset", timeout=0.1)
    async with charger() as one:
        assert await one.expect("Reset") == {"type": "Soft"}
    await database(waiting.refresh_from_db)
    assert waiting.sent_at


async def test_37_many_first_states_at_once_do_not_deadlock(door, place, database, ingest_all):
    def more():
        rows = [make.station(site=place.site, identity=f"S-{n}", password=PASSWORD) for n in range(20)]
        for row in rows:
            make.evse(station=row)

    await database(more)

    async def arrive(n):
        async with Charger(door.url, f"S-{n}", PASSWORD, timeout=20) as one:
            await one.boot()
            await asyncio.gather(*(one.status("Available") for _i in range(3)))

    await asyncio.gather(*(arrive(n) for n in range(20)))
    await ingest_all()
    states = Evse.objects.filter(station__identity__startswith="S-", state="available")
    assert await database(states.count) == 20


async def test_38_a_flood_slows_only_itself_and_loses_nothing(charger, ask):
    async with charger() as one, charger(identity="CP-2") as other:
        number = (await one.call("StartTransaction", start()))["transactionId"]
        flood = [asyncio.create_task(one.call("Heartbeat", {}, timeout=20)) for _i in range(MAX_RATE * 2)]
        last = asyncio.create_task(one.call("StopTransaction", stop(number), timeout=20))
        began = timezone.now()
        assert (await other.boot())["status"] == "Accepted"
        assert (timezone.now() - began).total_seconds() < 2
        await asyncio.gather(*flood)
        assert await last == {}
        assert (timezone.now() - began).total_seconds() > 1
    assert not (await ask.session()).is_open


async def test_39_calls_to_one_charger_wait_for_each_other(charger, database, place):
    running = most = 0

    async def slowly(_payload):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.1)
        running -= 1
        return {"status": "Accepted"}

    async with charger() as one:
        one.on("ClearCache", slowly)
        await one.boot()
        for _i in range(4):
            await database(commands.send, station=place.station, action="ClearCache", payload={})
        # A call of its own in the middle of ours is answered.
        assert await one.authorize(TAG) == "Accepted"
        for _i in range(100):
            if await database(Command.objects.filter(status="answered").count) == 4:
                break
            await asyncio.sleep(0.05)
    assert most == 1
    assert await database(Command.objects.filter(status="answered").count) == 4


@pytest.mark.parametrize(
    "frame",
    ['[3,"nobody-asked",{}]', '[3,"x",{"status":"Accepted"}]', '[4,"x","InternalError","",{}]', '[4,"x",1]'],
)
async def test_40_answers_that_nobody_asked_for(charger, frame):
    async with charger() as one:
        await one.send_raw(frame)
        await one.send_raw(frame)
        assert (await one.boot())["status"] == "Accepted"


async def test_44_times_without_fractions_for_those_that_cannot_read_them(charger, place, database):
    await database(Quirk.objects.create, operator=place.site.operator, vendor="VENDOR", whole_seconds=True)
    async with charger() as one:
        assert "." not in (await one.boot())["currentTime"]
        assert "." not in (await one.call("Heartbeat", {}))["currentTime"]
    async with charger("2.0.1") as one:
        assert "." not in (await one.boot())["currentTime"]
    await database(Quirk.objects.all().delete)
    async with charger() as one:
        assert "." in (await one.boot())["currentTime"]


@BOTH
@pytest.mark.parametrize("registration", ["Pending", "Rejected"])
async def test_45_before_it_is_accepted_only_a_boot_passes(charger, ask, database, version, registration):
    await database(Station.objects.filter(identity="CP-1").update, registration=registration)
    async with charger(version) as one:
        assert (await one.boot())["status"] == registration
        action, payload = (
            ("StartTransaction", start())
            if version == "1.6"
            else ("TransactionEvent", event("Started", tag=TAG))
        )
        with pytest.raises(CallError) as error:
            await one.call(action, payload)
        assert error.value.code == "SecurityError"
    assert await ask.sessions() == []


@BOTH
async def test_45_what_it_queued_counts_without_a_boot(charger, ask, version):
    """A station that only lost its line comes back and goes on; it need not boot again."""
    async with charger(version) as one:
        await one.boot()
        if version == "1.6":
            number = (await one.call("StartTransaction", start()))["transactionId"]
        else:
            await one.call("TransactionEvent", event("Started", 0, 1000, tag=TAG))
    async with charger(version) as one:
        if version == "1.6":
            await one.call("StopTransaction", stop(number))
        else:
            await one.call("TransactionEvent", event("Ended", 1, 6000))
    session = await ask.session()
    assert (session.is_open, session.energy_wh) == (False, Decimal(5000))


@BOTH
async def test_46_error_details_are_an_object_without_our_insides(charger, version):
    async with charger(version) as one:
        for payload in ("{}", '{"idTag":{}}', '{"idToken":7}', '{"idTag":["' + "x" * 300 + '"]}'):
            answer = await raw(one, "Authorize", payload)
            assert (answer[0], answer[4]) == (4, {})
            assert len(answer[3]) <= 255
            for word in ("SELECT", "psycopg", "Traceback", "/work"):
                assert word not in answer[3]
