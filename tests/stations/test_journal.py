"""The journal's writing end: what is acknowledged is on disk, whatever else was in its group."""

import asyncio
import uuid
from datetime import UTC, datetime

import psycopg
import pytest
from asgiref.sync import async_to_sync
from django.db import connection

from stations.journal import Entry, Journal
from stations.journal_lane import CHUNK, Lane
from stations.models import Batch, Message
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)


def entry(station, frame: str = "[2]", **fields) -> Entry:
    values = {
        "at": datetime.now(UTC),
        "station_id": station.pk,
        "connection": str(uuid.uuid4()),
        "from_station": True,
        "kind": "call",
        "message_id": "m1",
        "action": "MeterValues",
        "version": "1.6",
        "frame": frame,
    }
    return Entry(**values | fields)


@pytest.fixture
def station():
    return make.station()


def run(scenario) -> tuple[object, list[uuid.UUID]]:
    """What the scenario returns with a journal of its own, and the batches that workers were nudged about."""
    nudges: list[uuid.UUID] = []

    async def whole():
        journal = Journal(nudges.append)
        try:
            return await scenario(journal)
        finally:
            await journal.close()

    return async_to_sync(whole)(), nudges


def test_what_is_awaited_is_committed(station):
    async def scenario(journal):
        await asyncio.gather(
            journal.write(entry(station, "[2,1]"), ingest=True),
            journal.write(entry(station, "[2,2]"), ingest=True),
        )
        # As another connection sees it, in this very moment.
        return await Message.objects.acount()

    stored, nudges = run(scenario)
    assert stored == 2
    batch = Batch.objects.get()
    assert (nudges, batch.messages) == ([batch.pk], 2)
    assert set(Message.objects.values_list("batch", flat=True)) == {batch.pk}


def test_two_groups_are_under_way_at_once_and_more_wait_together(station):
    async def scenario(journal):
        written = []
        for number in range(60):
            written.append(journal.write(entry(station, f"[2,{number}]"), ingest=True))
            await asyncio.sleep(0)
        await asyncio.gather(*written)

    run(scenario)
    assert Message.objects.count() == 60
    # Far fewer commits than frames, and the first did not wait for the last.
    assert 2 <= Batch.objects.count() < 60
    assert sum(Batch.objects.values_list("messages", flat=True)) == 60


def test_a_frame_that_cannot_be_stored_does_not_take_the_others_with_it(station):
    async def scenario(journal):
        return await asyncio.gather(
            journal.write(entry(station, "[2,1]"), ingest=True),
            journal.write(entry(station, "[2,2]", connection="no uuid"), ingest=True),
            journal.write(entry(station, "[2,3]"), ingest=True),
            return_exceptions=True,
        )

    (first, second, third), nudges = run(scenario)
    assert (first, third) == (None, None)
    assert isinstance(second, psycopg.DataError)
    assert set(Message.objects.values_list("frame", flat=True)) == {"[2,1]", "[2,3]"}
    # No batch without its messages is left.
    assert set(Batch.objects.values_list("pk", flat=True)) == set(nudges)


def test_a_refused_copy_takes_its_batch_with_it_and_leaves_the_lane_usable(station):
    insert = (
        "INSERT INTO stations_batch (id, received_at, messages, error, attempts)"
        " VALUES ('{}', now(), 1, '', 0)"
    )

    async def scenario():
        lane = Lane()
        try:
            with pytest.raises(psycopg.DataError):
                await lane.copy(
                    f"{insert.format(uuid.uuid4())}; COPY stations_batch (id) FROM STDIN", "no uuid\n"
                )
            with pytest.raises(psycopg.errors.UndefinedTable):
                await lane.copy("COPY nothing FROM STDIN", "")
            await lane.copy(f"{insert.format(uuid.uuid4())}; COPY stations_message (id) FROM STDIN", "")
        finally:
            await lane.close()

    async_to_sync(scenario)()
    assert Batch.objects.count() == 1


def test_frames_larger_than_any_buffer_are_stored_whole(station):
    frame = "ä" * (40 * CHUNK)

    async def scenario(journal):
        await asyncio.gather(*(journal.write(entry(station, frame), ingest=False) for _each in range(2)))

    run(scenario)
    assert list(Message.objects.values_list("frame", flat=True)) == [frame, frame]


def test_a_lost_connection_is_made_again_and_nothing_is_doubled(station):
    async def scenario(journal):
        await journal.write(entry(station, "[2,1]"), ingest=True)
        end_all = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
        async with await psycopg.AsyncConnection.connect(**_where(), autocommit=True) as other:
            await other.execute(end_all)
        await journal.write(entry(station, "[2,2]"), ingest=True)

    run(scenario)
    connection.close()
    assert set(Message.objects.values_list("frame", flat=True)) == {"[2,1]", "[2,2]"}
    assert Batch.objects.count() == 2


def test_closing_commits_what_waits(station):
    async def scenario(journal):
        for number in range(5):
            journal.note(entry(station, f"[3,{number}]", from_station=False))

    run(scenario)
    assert Message.objects.count() == 5


def _where() -> dict:
    known = connection.get_connection_params()
    return {name: known[name] for name in ("dbname", "user", "password", "host", "port") if known.get(name)}
