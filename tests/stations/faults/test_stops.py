"""RELIABILITY §3, rows 1–11 and 47: starts and stops that are lost, repeated, foreign or out of order."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from stations import closing, tasks
from stations.models import Command, Evse, Session, Station
from tests import make
from tests.stations.faults.conftest import TAG, ago, event, start, stop, values


@pytest.mark.parametrize("number", [-1, 0])
async def test_01_stop_with_no_number_is_that_of_the_one_session_it_can_mean(charger, ask, number):
    async with charger() as one:
        await one.call("StartTransaction", start())
        assert await one.call("StopTransaction", stop(number, idTag=TAG)) == {
            "idTagInfo": {"status": "Accepted"}
        }
        # The same again is the same, and makes no orphan.
        await one.call("StopTransaction", stop(number, idTag=TAG))
    session = await ask.session()
    assert (session.is_open, session.energy_wh) == (False, Decimal(5000))
    assert session.review == "Its stop came under an unknown transaction id."
    assert await ask.orphans() == []
    assert "GuessedStop" in await ask.events()


@pytest.mark.parametrize(
    "other",
    [
        {"meterStop": 900},  # below what the meter stood at
        {"meterStop": 900_000},  # more than can have been charged
        {"idTag": "SOMEBODY"},  # another card
        {"timestamp": ago(hours=3)},  # before it began
    ],
)
async def test_01_stop_with_no_number_that_fits_nothing_is_an_orphan(charger, ask, other):
    async with charger() as one:
        await one.call("StartTransaction", start())
        await one.call("StopTransaction", stop(-1) | other)
    assert (await ask.session()).is_open
    [orphan] = await ask.orphans()
    assert (orphan.kind, orphan.transaction_id) == ("stop", "-1")


async def test_01_stop_with_no_number_is_not_guessed_among_two(charger, ask):
    async with charger() as one:
        await one.call("StartTransaction", start())
        await one.call("StartTransaction", start(connector=2))
        await one.call("StopTransaction", stop(0))
    assert [session.is_open for session in await ask.sessions()] == [True, True]
    assert len(await ask.orphans()) == 1


async def test_02_stop_of_what_never_started(charger, ask):
    async with charger() as one:
        assert await one.call("StopTransaction", stop(777)) == {}
        assert await one.call("StopTransaction", stop(777)) == {}
    assert await ask.sessions() == []


async def test_02_stop_of_what_never_started_is_kept_once(charger, ask):
    frozen = stop(777, at=ago(minutes=3))
    async with charger() as one:
        await one.call("StopTransaction", frozen)
        await one.call("StopTransaction", frozen)
    [orphan] = await ask.orphans()
    assert (orphan.count, orphan.problem) == (2, "No transaction of this charger has this number.")
    assert orphan.payload["meterStop"] == 6000


async def test_02_ended_of_what_never_started_is_held(charger, ask, ingest_all):
    async with charger("2.0.1") as one:
        assert await one.call("TransactionEvent", event("Ended", 3, meter=6000)) == {}
        await ingest_all()
    session = await ask.session()
    assert (session.is_open, session.review) == (False, "Its start was never reported.")


async def test_03_second_stop_with_another_meter_value(charger, ask):
    async with charger() as one:
        number = (await one.call("StartTransaction", start()))["transactionId"]
        assert await one.call("StopTransaction", stop(number, 6000)) == {}
        assert await one.call("StopTransaction", stop(number, 6500)) == {}
    session = await ask.session()
    assert (session.meter_stop_wh, session.energy_wh) == (Decimal(6000), Decimal(5000))
    assert "Two stops" in session.review
    assert (await ask.events()).count("ConflictingStop") == 1


async def test_03_second_ended_with_another_meter_value(charger, ask, ingest_all):
    async with charger("2.0.1") as one:
        await one.call("TransactionEvent", event("Started", 0, 1000, tag=TAG))
        await one.call("TransactionEvent", event("Ended", 1, 6000))
        await one.call("TransactionEvent", event("Ended", 2, 6500))
        await ingest_all()
    session = await ask.session()
    assert session.meter_stop_wh == Decimal(6000)
    assert "Two stops" in session.review


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_04_repeated_stop_counts_once(charger, ask, ingest_all, version):
    async with charger(version) as one:
        if version == "1.6":
            number = (await one.call("StartTransaction", start()))["transactionId"]
            data = values({"value": "3000"})["meterValue"]
            action, payload = "StopTransaction", stop(number, transactionData=data)
        else:
            await one.call("TransactionEvent", event("Started", 0, 1000, tag=TAG))
            action, payload = "TransactionEvent", event("Ended", 1, 6000)
        answers = [await one.call(action, payload) for _i in range(3)]
        await ingest_all()
    assert answers[0] == answers[1] == answers[2]
    session = await ask.session()
    assert (session.energy_wh, session.review) == (Decimal(5000), "")
    assert len(await ask.readings()) == (1 if version == "1.6" else 2)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_05_same_start_new_message_id(charger, ask, version):
    async with charger(version) as one:
        if version == "1.6":
            payload = start(at=ago(minutes=5))
            answers = [await one.call("StartTransaction", payload) for _i in range(3)]
        else:
            payload = event("Started", 0, 1000, tag=TAG)
            answers = [await one.call("TransactionEvent", payload) for _i in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert len(await ask.sessions()) == 1


async def test_05_same_start_without_a_clock(charger, ask):
    """Its time can't be believed, and still tells one start from another."""
    payload = start(at="1970-01-01T00:00:07Z")
    async with charger() as one:
        first = await one.call("StartTransaction", payload)
        assert await one.call("StartTransaction", payload) == first
        await one.call("StopTransaction", stop(first["transactionId"], 1000, at="1970-01-01T00:00:50Z"))
        # Switched off and on: the same seconds again, but not the same car.
        again = await one.call("StartTransaction", payload)
        assert again["transactionId"] != first["transactionId"]
    assert len(await ask.sessions()) == 2


async def test_06_same_message_id(charger, ask):
    """A repeat gets the same answer; the same id with another payload is another message, reboot or not."""
    payload = start(at=ago(minutes=5))
    async with charger() as one:
        first = await one.call("StartTransaction", payload, message_id="1")
        assert await one.call("StartTransaction", payload, message_id="1") == first
    async with charger() as one:
        await one.boot()
        assert await one.call("StartTransaction", payload, message_id="1") == first
        other = await one.call(
            "StartTransaction", start(6000, at=ago(minutes=2), connector=2), message_id="1"
        )
        assert other["transactionId"] != first["transactionId"]
    assert len(await ask.sessions()) == 2


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_07_parallel_starts_on_one_connector(charger, ask, ingest_all, version):
    async with charger(version) as one:
        if version == "1.6":
            first = (await one.call("StartTransaction", start()))["transactionId"]
            meter = values({"value": "3000"}, at=ago(minutes=40), transactionId=first)
            await one.call("MeterValues", meter)
            await ingest_all()
            answer = await one.call("StartTransaction", start(4000, at=ago(minutes=30)))
            assert answer["transactionId"] != first
        else:
            await one.call("TransactionEvent", event("Started", 0, 1000, tag=TAG))
            await one.call("TransactionEvent", event("Updated", 20, 3000))
            await ingest_all()
            await one.call("TransactionEvent", event("Started", 30, 4000, tx="T-2", tag=TAG))
    old, new = await ask.sessions()
    assert (old.is_open, old.is_estimated, old.energy_wh) == (False, True, Decimal(2000))
    assert old.stopped_at <= new.started_at
    assert new.is_open


async def test_07_the_late_stop_of_the_older_one_corrects_it(charger, ask):
    async with charger() as one:
        first = (await one.call("StartTransaction", start()))["transactionId"]
        await one.call("StartTransaction", start(4000, at=ago(minutes=30)))
        await one.call("StopTransaction", stop(first, 3900, at=ago(minutes=31)))
    old, new = await ask.sessions()
    assert (old.is_estimated, old.energy_wh, old.review) == (False, Decimal(2900), "")
    assert new.is_open


async def test_08_numbers_never_collide(charger, ask):
    async with charger() as one, charger(identity="CP-2") as two:
        answers = await asyncio.gather(
            *(
                each.call("StartTransaction", start(connector=connector, at=ago(seconds=10)))
                for each in (one, two)
                for connector in (1, 2)
            )
        )
    assert len({answer["transactionId"] for answer in answers}) == 4
    assert len({session.transaction_id for session in await ask.sessions()}) == 4


async def test_09_no_stop_and_free_again_is_closed_as_estimated(charger, ask, database, ingest_all):
    async with charger() as one:
        number = (await one.call("StartTransaction", start()))["transactionId"]
        await one.call("MeterValues", values({"value": "3000"}, transactionId=number))
        await one.status("Available")
        await ingest_all()
        await database(Evse.objects.update, state_since=timezone.now() - timedelta(minutes=30))
        await database(Session.objects.update, start_received_at=timezone.now() - timedelta(hours=1))
        await database(tasks.close_lost_sessions)
        session = await ask.session()
        assert (session.is_estimated, session.energy_wh, session.review) == (True, Decimal(2000), "")
        assert session.stopped_at == session.last_reading_at

        await one.call("StopTransaction", stop(number, 6000))
    session = await ask.session()
    assert (session.is_estimated, session.energy_wh) == (False, Decimal(5000))


async def test_09_no_stop_and_restarted_is_closed_as_estimated(charger, ask, database, ingest_all):
    async with charger() as one:
        number = (await one.call("StartTransaction", start()))["transactionId"]
        await one.call("MeterValues", values({"value": "3000"}, transactionId=number))
        await ingest_all()
    async with charger() as one:
        await one.boot()
        await one.status("Preparing")
        await ingest_all()
        await database(tasks.close_lost_sessions)
        assert (await ask.session()).is_open, "it may still go on"
        past = timezone.now() - timedelta(minutes=20)
        await database(Session.objects.update, start_received_at=past - timedelta(minutes=20))
        await database(Station.objects.update, booted_at=past)
        await database(tasks.close_lost_sessions)
    session = await ask.session()
    assert (session.is_estimated, session.stop_reason, session.energy_wh) == (
        True,
        "PowerLoss",
        Decimal(2000),
    )


async def test_09_restarted_and_charging_on_is_left_alone(charger, ask, database, ingest_all):
    async with charger() as one:
        await one.call("StartTransaction", start())
        await one.boot()
        await one.status("Charging")
        await ingest_all()
        past = timezone.now() - timedelta(minutes=20)
        await database(Session.objects.update, start_received_at=past - timedelta(minutes=20))
        await database(Station.objects.update, booted_at=past)
        await database(tasks.close_lost_sessions)
    assert (await ask.session()).is_open


async def test_09_a_day_of_silence(charger, ask, database):
    async with charger() as one:
        await one.call("StartTransaction", start())
    await asyncio.sleep(0.3)
    await database(Station.objects.update, disconnected_at=timezone.now() - timedelta(hours=25))
    await database(tasks.close_lost_sessions)
    assert (await ask.session()).is_estimated


@pytest.mark.parametrize("goes_on", [True, False])
async def test_09_a_2x_station_is_asked_first(charger, ask, database, ingest_all, goes_on):
    async with charger("2.0.1") as one:
        one.on("GetTransactionStatus", {"ongoingIndicator": goes_on, "messagesInQueue": False})
        await one.call("TransactionEvent", event("Started", 0, 1000, tag=TAG))
        await one.status("Available")
        await ingest_all()
        await database(Evse.objects.update, state_since=timezone.now() - timedelta(minutes=30))
        await database(Session.objects.update, start_received_at=timezone.now() - timedelta(hours=1))
        await database(tasks.close_lost_sessions)
        assert await one.expect("GetTransactionStatus") == {"transactionId": "T-1"}
        for _i in range(100):
            if await database(Command.objects.filter(status="answered").exists):
                break
            await asyncio.sleep(0.05)
        await database(tasks.close_lost_sessions)
    assert (await ask.session()).is_open == goes_on


@pytest.mark.parametrize("number", [9223372036854775807, 2**31, 10**30])
async def test_10_numbers_beyond_all_columns(charger, ask, ingest_all, number):
    async with charger() as one:
        assert await one.call("StopTransaction", stop(number)) == {}
        assert await one.call("MeterValues", values({"value": "1"}, transactionId=number)) == {}
        await ingest_all()
    assert await ask.sessions() == []
    assert {orphan.kind for orphan in await ask.orphans()} == {"stop", "meter"}


@pytest.mark.parametrize("field", ["meterStart", "connectorId"])
@pytest.mark.parametrize("value", [-5, 99_999, 9223372036854775807])
async def test_10_impossible_numbers_of_a_start(charger, ask, field, value):
    async with charger() as one:
        answer = await one.call("StartTransaction", start() | {field: value})
        assert answer["idTagInfo"]["status"] == "Accepted"
        assert await one.call("StopTransaction", stop(answer["transactionId"])) == {}
    session = await ask.session()
    if (field, value) == ("meterStart", 99_999):
        assert session.energy_wh == 6000, "a reset, by the look of it"
    assert session.review


async def test_10_connector_0_is_the_one_that_is_plugged_in(charger, ask, ingest_all):
    async with charger() as one:
        await one.status("Preparing", evse=2)
        await ingest_all()
        await one.call("StartTransaction", start(connector=0))
    session = await ask.session()
    assert (session.evse.number, session.flags) == (2, ["no_connector"])


async def test_11_meter_values_of_an_unknown_transaction(charger, ask, ingest_all):
    async with charger() as one:
        for wh in (1, 2, 3):
            payload = values({"value": str(wh)}, at=ago(minutes=wh), transactionId=4242)
            assert await one.call("MeterValues", payload) == {}
        await ingest_all()
    readings = await ask.readings()
    assert [(reading.session_id, reading.evse_id) for reading in readings].count(
        (None, readings[0].evse_id)
    ) == 3
    [orphan] = await ask.orphans()
    assert (orphan.kind, orphan.count) == ("meter", 3)


async def test_11_meter_values_after_the_stop(charger, ask, ingest_all):
    async with charger() as one:
        number = (await one.call("StartTransaction", start()))["transactionId"]
        await one.call("StopTransaction", stop(number, 6000, at=ago(minutes=20)))
        await one.call("MeterValues", values({"value": "3000"}, at=ago(minutes=40), transactionId=number))
        await one.call("MeterValues", values({"value": "9000"}, at=ago(minutes=5), transactionId=number))
        await ingest_all()
    session = await ask.session()
    assert (session.energy_wh, session.review) == (Decimal(5000), "")


async def test_11_meter_values_without_a_number_belong_to_what_runs_there(charger, ask, ingest_all):
    async with charger() as one:
        await one.call("StartTransaction", start())
        await one.call("MeterValues", values({"value": "2500"}))
        await one.call("MeterValues", values({"value": "2600"}, at=ago(minutes=20), transactionId=-1))
        await ingest_all()
    assert (await ask.session()).energy_wh == Decimal(1600)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_one_station_never_touches_another_ones_session(charger, ask, ingest_all, version):
    async with charger(version) as one, charger(version, identity="CP-2") as other:
        if version == "1.6":
            number = (await one.call("StartTransaction", start()))["transactionId"]
            await other.call("MeterValues", values({"value": "5000"}, transactionId=number))
            assert await other.call("StopTransaction", stop(number)) == {}
        else:
            await one.call("TransactionEvent", event("Started", 0, 1000, tag=TAG))
            await other.call("TransactionEvent", event("Updated", 1, 5000))
            await other.call("TransactionEvent", event("Ended", 2, 6000))
        await ingest_all()
    session = await ask.session(station__identity="CP-1")
    assert (session.is_open, session.energy_wh, session.last_reading_at is None) == (
        True,
        Decimal(0),
        version == "1.6",
    )
    if version == "1.6":
        kinds = {(orphan.kind, orphan.problem) for orphan in await ask.orphans()}
        assert kinds == {(kind, "The transaction belongs to another charger.") for kind in ("stop", "meter")}
        assert {reading.session_id for reading in await ask.readings()} == {None}
    else:
        theirs = await ask.session(station__identity="CP-2")
        assert theirs.review == "Its start was never reported."


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_stop_with_a_foreign_tag_is_kept_and_told(charger, ask, database, place, version):
    await database(make.id_token, operator=place.site.operator, token="OTHER", user=None)
    async with charger(version) as one:
        if version == "1.6":
            number = (await one.call("StartTransaction", start()))["transactionId"]
            await one.call("StopTransaction", stop(number, idTag="OTHER"))
        else:
            await one.call("TransactionEvent", event("Started", 0, 1000, tag=TAG))
            await one.call("TransactionEvent", event("Ended", 1, 6000, tag="OTHER"))
    session = await ask.session()
    assert (session.is_open, session.review, session.flags) == (False, "", ["other_token"])
    assert "StoppedByStranger" in await ask.events()


# 47: TransactionEvents of 2.x in any order


async def test_47_ended_before_started_merges(charger, ask, ingest_all, place):
    async with charger("2.0.1") as one:
        await one.call("TransactionEvent", event("Ended", 2, 6000))
        await one.call("TransactionEvent", event("Updated", 1, 3000))
        await ingest_all()
        assert (await ask.session()).review
        answer = await one.call("TransactionEvent", event("Started", 0, 1000, tag=TAG))
        assert answer["idTokenInfo"]["status"] == "Accepted"
        await ingest_all()
    session = await ask.session()
    assert (session.is_open, session.energy_wh, session.review) == (False, Decimal(5000), "")
    assert (session.user_id, session.meter_start_wh) == (place.token.user_id, Decimal(1000))
    assert session.seq_nos == [[0, 2]]


async def test_47_updated_before_started_creates(charger, ask, ingest_all):
    async with charger("2.0.1") as one:
        await one.call("TransactionEvent", event("Updated", 1, 3000))
        await ingest_all()
        session = await ask.session()
        assert (session.is_open, session.start_is_missing) == (True, True)
        await one.call("TransactionEvent", event("Started", 0, 1000, tag=TAG))
        await ingest_all()
    session = await ask.session()
    assert (session.start_is_missing, session.energy_wh, session.token) == (False, Decimal(2000), TAG)


async def test_47_a_gap_is_seen_and_asked_about_once(charger, ask, ingest_all):
    async with charger("2.0.1") as one:
        one.on("GetTransactionStatus", {"messagesInQueue": True})
        await one.call("TransactionEvent", event("Started", 0, 1000, tag=TAG))
        await one.call("TransactionEvent", event("Updated", 3, 3000))
        await one.call("TransactionEvent", event("Ended", 5, 6000))
        await ingest_all()
        assert await one.expect("GetTransactionStatus") == {"transactionId": "T-1"}
        session = await ask.session()
        assert session.seq_nos == [[0, 0], [3, 3], [5, 5]]
        assert (session.energy_wh, session.review) == (Decimal(5000), "")
        for number in (4, 1, 2, 2):
            await one.call("TransactionEvent", event("Updated", number, 1000 + 100 * number))
        await ingest_all()
        with pytest.raises(TimeoutError):
            await one.expect("GetTransactionStatus", timeout=0.3)
    assert (await ask.session()).seq_nos == [[0, 5]]


async def test_47_a_reused_transaction_id_is_a_new_session(charger, ask, ingest_all):
    """After a factory reset the station counts from the beginning again."""
    async with charger("2.0.1") as one:
        await one.call("TransactionEvent", event("Started", 0, 1000, tag=TAG, at=ago(minutes=60)))
        await one.call("TransactionEvent", event("Ended", 1, 3000, at=ago(minutes=40)))
        await one.call("TransactionEvent", event("Started", 0, 3000, tag=TAG, at=ago(minutes=30)))
        await one.call("TransactionEvent", event("Ended", 1, 7000, at=ago(minutes=10)))
        await ingest_all()
    old, new = await ask.sessions()
    assert [(each.energy_wh, each.review) for each in (old, new)] == [(2000, ""), (4000, "")]
    assert (old.is_superseded, new.is_superseded) == (True, False)


async def test_47_what_came_late_corrects_an_estimate_once(charger, ask, database, ingest_all):
    from stations import signals

    corrected = []

    def keep(sender, session, previous_energy_wh, previous_stopped_at, **_more):
        corrected.append((session.energy_wh, previous_energy_wh))

    signals.session_corrected.connect(keep)
    try:
        async with charger("2.0.1") as one:
            await one.call("TransactionEvent", event("Started", 0, 1000, tag=TAG))
            await one.call("TransactionEvent", event("Updated", 10, 3000))
            await ingest_all()
            session = await ask.session()
            await database(closing.close_estimated, session=session, now=timezone.now(), reason="Other")
            for _i in range(2):
                await one.call("TransactionEvent", event("Ended", 30, 6000))
            await ingest_all()
            await asyncio.sleep(0.2)
    finally:
        signals.session_corrected.disconnect(keep)
    assert corrected == [(Decimal(5000), Decimal(2000))]
