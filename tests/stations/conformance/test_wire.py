"""The wire itself: spelling, order, compactness and error codes, in each version's own words."""

import json
from datetime import UTC, datetime

import pytest

from stations.models import Message
from stations.ocpp import frames, wire
from tests.charger import now
from tests.stations.conformance import wire as rules
from tests.stations.conformance.bench import ACCEPTED

pytestmark = pytest.mark.django_db

VERSIONS = ["1.6", "2.0.1", "2.1"]
OUR_TIME = datetime(2026, 6, 15, 12, 0, 0, 5_999, tzinfo=UTC)


def test_frames_are_compact_and_keep_their_letters():
    assert frames.encode([3, "1", {"a": "ä", "b": [1, 2.5]}]) == '[3,"1",{"a":"ä","b":[1,2.5]}]'


def test_times_are_utc_with_milliseconds():
    assert wire.time_text(OUR_TIME) == "2026-06-15T12:00:00.005Z"


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_portals_clock_is_told_in_that_form(bench_of, version):
    async with bench_of(version=version) as bench:
        charger = await bench.connect()
        for action in ("BootNotification", "Heartbeat"):
            answer = await charger.boot() if action == "BootNotification" else await charger.call(action, {})
            assert rules.TIME.fullmatch(answer["currentTime"])


#: (versions, frame after the id, code)
REFUSALS = [
    (["1.6"], '"Nonsense",{}', "NotImplemented"),
    (["2.0.1", "2.1"], '"Nonsense",{}', "NotImplemented"),
    (["1.6", "2.0.1", "2.1"], '"Reset",{"type":"Soft"}', "NotSupported"),
    (["1.6"], '"Heartbeat"', "FormationViolation"),
    (["1.6"], '"Heartbeat",[]', "FormationViolation"),
    (["2.0.1", "2.1"], '"Heartbeat"', "FormatViolation"),
    (["2.0.1", "2.1"], '"Heartbeat",[]', "FormatViolation"),
    (["1.6"], '"Authorize",{}', "OccurenceConstraintViolation"),
    (["2.0.1", "2.1"], '"Authorize",{}', "OccurrenceConstraintViolation"),
    (["1.6"], '"Authorize",{"idTag":{}}', "TypeConstraintViolation"),
    (["2.0.1", "2.1"], '"Authorize",{"idToken":7}', "TypeConstraintViolation"),
    (
        ["1.6"],
        '"StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Broken"}',
        "PropertyConstraintViolation",
    ),
    (["2.0.1"], '"Authorize",{"idToken":{"idToken":"A","type":"Paper"}}', "PropertyConstraintViolation"),
]


@pytest.mark.parametrize(
    ("version", "rest", "code"),
    [(version, rest, code) for versions, rest, code in REFUSALS for version in versions],
)
async def test_a_refusal_has_the_code_of_its_standard(bench_of, version, rest, code):
    async with bench_of(version=version) as bench:
        charger = await bench.boot()
        await charger.send_raw(f'[2,"an id of its own",{rest}]')
        frame = await charger.next_frame()
        assert frame[:3] == [4, "an id of its own", code]
        assert frame[3]
        assert frame[4] == {}


@pytest.mark.parametrize(
    "frame", ["nonsense", "[]", '[2,"",{}]', '[2,7,"Heartbeat",{}]', f'[2,"{"x" * 37}","A",{{}}]']
)
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_2x_has_a_word_for_what_it_cannot_read(bench_of, version, frame):
    async with bench_of(version=version) as bench:
        charger = await bench.boot()
        await charger.send_raw(frame)
        assert (await charger.next_frame())[:3] == [4, "-1", "RpcFrameworkError"]


async def test_1_6_has_none_and_goes_on(bench_of):
    async with bench_of(version="1.6") as bench:
        charger = await bench.boot()
        for frame in ("nonsense", "[]", '[2,"",{}]', '[5,"1",{}]'):
            await charger.send_raw(frame)
        before = len(charger.received)
        await charger.call("Heartbeat", {})
        assert len(charger.received) == before + 1


@pytest.mark.parametrize(("version", "kind"), [("2.0.1", 5), ("2.0.1", 6), ("2.1", 7)])
async def test_a_message_type_that_the_version_does_not_have(bench_of, version, kind):
    async with bench_of(version=version) as bench:
        charger = await bench.boot()
        await charger.send_raw(f'[{kind},"1","Heartbeat",{{}}]')
        assert (await charger.next_frame())[:3] == [4, "1", "MessageTypeNotSupported"]


async def test_2_1_refuses_a_bad_answer_in_so_many_words(bench_of):
    async with bench_of(version="2.1") as bench:
        charger = await bench.boot()
        await bench.send(charger, "ClearCache", {}, {"status": "Perhaps"})
        kind, message_id, code, description, details = await charger.next_frame()
        assert (kind, code, details) == (5, "PropertyConstraintViolation", {})
        assert message_id == next(frame[1] for frame in charger.received if frame[2] == "ClearCache")
        assert "Perhaps" in description


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_the_others_have_no_such_words(bench_of, version):
    async with bench_of(version=version) as bench:
        charger = await bench.boot()
        await bench.send(charger, "ClearCache", {}, {"status": "Perhaps"})
        await charger.call("Heartbeat", {})
        assert not [frame for frame in charger.received if frame[0] not in (2, 3)]


async def test_2_1_takes_what_needs_no_answer_and_gives_none(bench_of):
    async with bench_of(version="2.1") as bench:
        charger = await bench.boot()
        stream = {"id": 1, "pending": 0, "basetime": now(), "data": [{"t": 0, "v": "1"}]}
        await charger.send_raw(json.dumps([6, "S-1", "NotifyPeriodicEventStream", stream]))
        await charger.send_raw('[5,"1","FormatViolation","what you answered",{}]')
        before = len(charger.received)
        await charger.call("Heartbeat", {})
        assert len(charger.received) == before + 1
        await bench.logged("NotifyPeriodicEventStream")


@pytest.mark.parametrize("version", VERSIONS)
async def test_calls_have_ids_of_at_most_36_letters_and_none_twice(bench_of, version):
    async with bench_of(version=version) as bench:
        charger = await bench.boot()
        for _round in range(3):
            await bench.send(charger, "ClearCache", {})
        ids = [frame[1] for frame in charger.received if frame[0] == 2]
        assert len(set(ids)) == len(ids) >= 3
        assert all(0 < len(each) <= 36 for each in ids)


async def test_calls_have_their_members_in_the_schemas_order(bench_of):
    """Whoever asks in whatever order, and though the database forgets it."""
    async with bench_of(version="1.6") as bench:
        charger = await bench.boot()
        asked = {"reservationId": 5, "idTag": "A", "expiryDate": now(), "connectorId": 1}
        await bench.send(charger, "ReserveNow", asked)
        text = next(text for text in charger.texts if '"ReserveNow"' in text)
        assert rules.in_order("1.6", "ReserveNow", json.loads(text)[3])


async def test_what_was_sent_is_in_the_log_as_it_was_sent(bench_of):
    async with bench_of(version="2.0.1") as bench:
        charger = await bench.boot()
        command = await bench.send(charger, "ClearCache", {}, ACCEPTED)
        (text,) = [text for text in charger.texts if '"ClearCache"' in text]
        log = Message.objects.filter(station=bench.station, command=command.pk)
        logged = await bench.until(lambda: list(log.values_list("frame", flat=True)))
        assert logged == [text]
