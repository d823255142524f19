"""Tables by day and month: made ahead, in the way of nothing, dropped when their time is up."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from stations import ingest, partitions
from stations.models import Batch, Reading
from tests import make
from tests.stations.delivery import deliver

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
LONG_AGO = datetime(2023, 5, 20, 12, tzinfo=UTC)


def tables(parent: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid "
            "WHERE inhparent = %s::regclass",
            [parent],
        )
        return {name for (name,) in cursor.fetchall()}


def table_of(reading_at: datetime) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM stations_reading WHERE at = %s", [reading_at])
        return cursor.fetchone()[0]


def reading(at: datetime, evse=None) -> Reading:
    return Reading.objects.create(
        evse=evse or make.evse(), at=at, received_at=NOW, measurand="SoC", phase="", location="EV",
        context="Sample.Periodic", value=50, unit="%",
    )  # fmt: skip


def test_days_and_months_are_made_ahead_and_again_is_harmless():
    for _again in range(2):
        partitions.make_ahead(NOW)
    assert f"stations_message_{NOW + timedelta(days=7):%Y%m%d}" in tables(partitions.MESSAGES)
    assert f"stations_reading_{NOW:%Y%m}01" in tables(partitions.READINGS)


def test_a_reading_of_any_time_has_a_place():
    reading(LONG_AGO)
    assert table_of(LONG_AGO) == partitions.DEFAULT
    today = NOW.replace(microsecond=0)
    reading(today)
    assert table_of(today) == f"stations_reading_{NOW:%Y%m}01"


def test_a_months_table_takes_its_readings_out_of_the_default_one():
    """After a long stop the month was not made ahead, and readings of it have come already."""
    kept = reading(LONG_AGO)
    reading(LONG_AGO + timedelta(days=90), kept.evse)
    partitions.make_ahead(LONG_AGO + timedelta(days=2))
    assert table_of(LONG_AGO) == "stations_reading_20230501"
    assert Reading.objects.filter(at=LONG_AGO).count() == 1
    # Still one row however often it is reported.
    assert deliver_old(kept.evse, LONG_AGO) == 1


def deliver_old(evse, at: datetime) -> int:
    sampled = {"value": "50", "measurand": "SoC", "location": "EV"}
    value = {"timestamp": at.isoformat(), "sampledValue": [sampled]}
    deliver(evse.station, "1.6", "MeterValues", {"connectorId": evse.number, "meterValue": [value]}, NOW)
    return Reading.objects.filter(at=at).count()


def test_what_is_too_old_is_dropped_wherever_it_lies():
    partitions.make_ahead(LONG_AGO)
    evse = make.evse()
    reading(LONG_AGO, evse)
    reading(LONG_AGO - timedelta(days=400), evse)
    today = NOW.replace(microsecond=0)
    reading(today, evse)
    dropped = partitions.drop_old(NOW, keep_days=30, keep_months=12)
    assert {"stations_message_20230520", "stations_reading_20230501"} <= set(dropped)
    assert [row.at for row in Reading.objects.all()] == [today]
    assert partitions.drop_old(NOW, keep_days=30, keep_months=12) == []


def test_a_batch_that_was_left_behind_is_ingested_late():
    evse, then = make.evse(), NOW - timedelta(hours=20)
    value = {"timestamp": then.isoformat(), "sampledValue": [{"value": "1"}]}
    payload = {"connectorId": 1, "meterValue": [value]}
    deliver(evse.station, "1.6", "MeterValues", payload, then, ingested=False)
    Batch.objects.update(received_at=then)
    assert ingest.settle(evse.station, NOW) == 1
    assert Reading.objects.count() == 1


def test_a_batch_whose_frames_were_dropped_is_done():
    batch = Batch.objects.create(id="6f2b9c1e-0000-4000-8000-000000000000", received_at=NOW, messages=3)
    assert ingest.ingest(batch.pk)
    batch.refresh_from_db()
    assert batch.done_at
