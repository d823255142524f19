"""What waits for the workers is taken in pieces; an ended session's figures are reckoned at their end."""

import threading
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.utils import timezone

from stations import ingest, metering, signals, tasks
from stations.models import Batch, Session
from tests import make
from tests.stations.delivery import deliver

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_oldest_first_and_a_large_batch_alone():
    sizes = [3, 3, 9, 1]
    at = timezone.now()
    for number, size in enumerate(sizes):
        Batch.objects.create(id=uuid.uuid4(), received_at=at + timedelta(seconds=number), messages=size)
    done = []
    while count := ingest.ingest_waiting(most=6):
        done.append(count)
    assert done == [2, 1, 1]
    in_order = Batch.objects.order_by("done_at", "received_at").values_list("messages", flat=True)
    assert list(in_order) == sizes


def test_what_one_worker_has_not_locked_another_takes(monkeypatch):
    monkeypatch.setattr(ingest, "CHUNK", 2)
    at = timezone.now()
    for number in range(6):
        Batch.objects.create(id=uuid.uuid4(), received_at=at + timedelta(seconds=number), messages=3)
    others = []

    def other_worker():
        others.append(ingest.ingest_waiting(most=6))
        connection.close()

    with transaction.atomic():
        waiting = Batch.objects.select_for_update(skip_locked=True).filter(done_at=None)
        mine, more_to_come = ingest._taken(waiting, most=6)
        thread = threading.Thread(target=other_worker)
        thread.start()
        thread.join(10)
    assert (len(mine), more_to_come) == (2, True)
    # Four are locked, of which two are left for later; the other worker has the last two.
    assert others == [2]
    assert ingest.ingest_waiting(most=100) == 4


@pytest.fixture
def corrected():
    """(new, old) energy of every session that was corrected."""
    seen = []

    def keep(sender, session, previous_energy_wh, **_more):
        seen.append((session.energy_wh, previous_energy_wh))

    signals.session_corrected.connect(keep)
    yield seen
    signals.session_corrected.disconnect(keep)


@pytest.fixture
def ended():
    """A session that was closed without its stop, and three readings of it that still wait."""
    began = timezone.now() - timedelta(hours=1)
    session = make.session(
        started_at=began, stopped_at=began + timedelta(minutes=50), meter_start_wh=1000, is_estimated=True
    )
    for minutes, wh in ((10, 3000), (20, 5000), (30, 7000)):
        at = began + timedelta(minutes=minutes)
        value = {"timestamp": at.isoformat(), "sampledValue": [{"value": str(wh)}]}
        payload = {
            "connectorId": session.evse.number,
            "transactionId": int(session.transaction_id),
            "meterValue": [value],
        }
        deliver(session.station, "1.6", "MeterValues", payload, timezone.now(), ingested=False)
    return session


def test_an_ended_session_is_reckoned_once_when_no_more_waits(ended, corrected):
    assert [ingest.ingest_waiting(most=1) for _piece in range(2)] == [1, 1]
    ended.refresh_from_db()
    # So far only a note that there is something to do, in the same commit as the readings.
    assert (ended.is_stale, ended.energy_wh, corrected) == (True, 0, [])
    # The last piece brings it up to date.
    assert ingest.ingest_waiting(most=1) == 1
    ended.refresh_from_db()
    assert (ended.is_stale, ended.energy_wh) == (False, Decimal(6000))
    assert corrected == [(Decimal(6000), Decimal(0))]


def test_what_a_worker_that_died_left_stale_the_sweep_reckons(ended, corrected):
    assert ingest.ingest_waiting(most=1) == 1
    tasks.sweep_journal()
    ended.refresh_from_db()
    assert (ended.is_stale, ended.energy_wh) == (False, Decimal(2000))
    tasks.sweep_journal()
    assert corrected == [(Decimal(2000), Decimal(0))]


def test_one_that_cannot_be_reckoned_keeps_no_other_waiting(ended, corrected, monkeypatch, caplog):
    assert ingest.ingest_waiting(most=1) == 1
    broken = make.session(is_stale=True, stopped_at=timezone.now())
    whole = metering.reckon_anew

    def reckon_anew(session):
        if session.pk == broken.pk:
            raise ZeroDivisionError
        whole(session)

    monkeypatch.setattr(metering, "reckon_anew", reckon_anew)
    tasks.sweep_journal()
    assert corrected == [(Decimal(2000), Decimal(0))]
    assert f"Session {broken.pk} can't be reckoned anew" in caplog.text
    # It is marked still, for when it can.
    assert metering.stale(Session.objects.all()) == [broken.pk]


def test_a_bill_waits_for_no_piece(ended, corrected):
    assert ingest.ingest_waiting(most=1) == 1
    assert ingest.settle(ended.station, timezone.now()) == 2
    assert Session.objects.get().energy_wh == Decimal(6000)
    assert Session.objects.filter(is_stale=True).count() == 0


def test_a_bill_reads_no_stale_figures_where_all_is_ingested(ended):
    for _piece in range(2):
        ingest.ingest_waiting(most=1)
    Batch.objects.filter(done_at=None).delete()
    assert ingest.settle(ended.station, timezone.now()) == 0
    assert Session.objects.get().energy_wh == Decimal(4000)
