"""Campaigns: in waves, only where nothing charges, stopped by failures; all of it by rows and a clock."""

from datetime import timedelta
from threading import Thread
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from stations.exceptions import Refused
from stations.firmware import campaigns, updates
from stations.models import Campaign, CampaignStation, Command, FirmwareUpdate, Station
from stations.tasks import drive_firmware
from tests import make

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def operator():
    return make.operator()


@pytest.fixture
def image(operator):
    return make.firmware_image(operator=operator, model_pattern="AC*")


def chargers(operator, count, *, online=True, **fields):
    site = fields.pop("site", None) or make.site(operator=operator)
    defaults = {"vendor": "Vendor", "model": "AC-22", "firmware": "1.0.0", "ocpp_version": "2.0.1"}
    there = {"connection": uuid4(), "node": "x!y"} if online else {}
    return [make.station(site=site, **(defaults | there | fields)) for _number in range(count)]


def campaign(image, stations, **fields):
    return campaigns.create(image=image, stations=stations, name="To 2.0.0", **fields)


def drive(now=None):
    return campaigns.drive(now or timezone.now())


def states(one):
    return list(one.rows.values_list("state", flat=True))


def end(one, state, *, most=None):
    """What the stations of the wave that runs would say."""
    rows = one.rows.filter(state="running")
    for row in rows[:most]:
        FirmwareUpdate.objects.filter(pk=row.update_id).update(state=state, problem="no good")
        if state == "done":
            Station.objects.filter(pk=row.station_id).update(firmware="2.0.0")


def test_whom_it_reaches(operator, image):
    here, there = make.site(operator=operator), make.site(operator=operator)
    old, older = chargers(operator, 1, site=here)[0], chargers(operator, 1, site=here, firmware="0.9")[0]
    away = chargers(operator, 1, site=there)[0]
    chargers(operator, 1, site=here, firmware="2.0.0")  # has it
    chargers(operator, 1, site=here, model="DC-150")  # is another
    chargers(operator, 1, site=here, vendor="Other")
    chargers(make.operator(), 1)  # is somebody else's

    def found(**group):
        return {station.pk for station in campaigns.stations_for(image=image, **group)}

    assert found() == {old.pk, older.pk, away.pk}
    assert found(sites=[here]) == {old.pk, older.pk}
    assert found(version="0.9") == {older.pk}
    assert found(model="ac-22") == {old.pk, older.pk, away.pk}
    assert found(model="AC-11") == set()


def test_it_goes_in_waves_with_a_pause_between(operator, image):
    one = campaign(image, chargers(operator, 5), wave_size=2, pause_minutes=15)
    assert drive() == 2
    assert states(one) == ["running", "running", "pending", "pending", "pending"]
    assert drive() == 0, "the wave is under way"
    end(one, "done")
    now = timezone.now()
    assert drive(now) == 0, "the pause"
    one.refresh_from_db()
    assert (one.wave, one.next_wave_at) == (1, now + timedelta(minutes=15))
    assert drive(now + timedelta(minutes=14)) == 0
    assert drive(now + timedelta(minutes=15)) == 2
    end(one, "done")
    drive(now + timedelta(minutes=16))
    assert drive(now + timedelta(minutes=31)) == 1
    end(one, "done")
    drive(now + timedelta(minutes=32))
    one.refresh_from_db()
    assert (one.state, one.wave) == ("finished", 3)
    assert states(one) == ["done"] * 5
    assert list(one.rows.values_list("wave", flat=True)) == [1, 1, 2, 2, 3]
    assert Command.objects.filter(action="UpdateFirmware").count() == 5


def test_a_share_at_a_time(operator, image):
    one = campaign(image, chargers(operator, 5), wave_percent=50)
    assert drive() == 3
    assert states(one).count("running") == 3


def test_it_starts_when_it_is_told_to(operator, image):
    later = timezone.now() + timedelta(hours=3)
    one = campaign(image, chargers(operator, 1), starts_at=later)
    assert drive() == 0
    assert drive(later) == 1
    one.refresh_from_db()
    assert one.state == "running"


def test_too_many_failures_stop_it(operator, image):
    one = campaign(image, chargers(operator, 20), wave_size=4, stop_percent=10)
    drive()
    end(one, "failed", most=2)
    drive()
    one.refresh_from_db()
    assert one.state == "running", "2 of 20 are not more than 10 %, and the wave still runs"
    end(one, "done")
    drive()
    one.refresh_from_db()
    assert one.state == "stopped" and one.ended_at, "of the first wave half has failed"
    assert states(one).count("pending") == 16
    assert drive() == 0
    # Somebody has looked, and lets it go on.
    campaigns.resume(campaign=one)
    assert drive() == 4
    end(one, "done")
    drive()
    one.refresh_from_db()
    assert one.state == "running"


def test_it_stops_in_the_middle_of_a_wave_too(operator, image):
    one = campaign(image, chargers(operator, 10), wave_size=10, stop_percent=20)
    drive()
    end(one, "failed", most=3)
    drive()
    one.refresh_from_db()
    assert one.state == "stopped"
    # What was under way goes on, and its end is still written down.
    end(one, "done")
    drive()
    assert sorted(states(one)) == ["done"] * 7 + ["failed"] * 3


@pytest.mark.parametrize(
    ("busy", "first", "state"),
    [("wait", 1, "pending"), ("skip", 1, "skipped"), ("anyway", 2, "running")],
)
def test_where_somebody_charges(operator, image, busy, first, state):
    idle, charging = chargers(operator, 2)
    session = make.session(evse=make.evse(station=charging), started_at=timezone.now())
    one = campaign(image, [charging, idle], busy=busy)
    assert drive() == first
    assert one.rows.get(station=charging).state == state
    if busy == "wait":
        session.delete()
        end(one, "done")
        assert drive() == 1
        assert one.rows.get(station=charging).state == "running"


def test_who_is_off_or_at_another_update_holds_nobody_up(operator, image):
    off = chargers(operator, 1, online=False)[0]
    other, free = chargers(operator, 2)
    running = updates.start(station=other, image=make.firmware_image(operator=operator, version="1.5"))
    one = campaign(image, [off, other, free], wave_size=2)
    assert drive() == 1
    assert one.rows.get(station=free).state == "running"
    end(one, "done")
    drive()
    one.refresh_from_db()
    assert one.state == "running" and states(one).count("pending") == 2
    FirmwareUpdate.objects.filter(pk=running.pk).update(state="done")
    Station.objects.filter(pk=off.pk).update(connection=uuid4(), node="x!y")
    assert drive() == 2


def test_pause_resume_and_cancel(operator, image):
    one = campaign(image, chargers(operator, 4), wave_size=1)
    drive()
    campaigns.pause(campaign=one)
    end(one, "done")
    assert drive() == 0
    assert states(one) == ["done", "pending", "pending", "pending"]
    with pytest.raises(Refused):
        campaigns.pause(campaign=one)
    campaigns.resume(campaign=one)
    assert drive() == 1
    with pytest.raises(Refused):
        campaigns.resume(campaign=one)
    campaigns.cancel(campaign=one)
    assert states(one) == ["done", "running", "cancelled", "cancelled"]
    end(one, "done")
    drive()
    assert states(one) == ["done", "done", "cancelled", "cancelled"]
    with pytest.raises(Refused):
        campaigns.cancel(campaign=one)


def test_what_failed_is_tried_again(operator, image):
    one = campaign(image, chargers(operator, 2), stop_percent=100)
    drive()
    end(one, "failed", most=1)
    drive()
    end(one, "done")
    drive()
    one.refresh_from_db()
    assert one.state == "finished" and sorted(states(one)) == ["done", "failed"]
    assert one.rows.get(state="failed").note == "no good"
    assert campaigns.retry_failed(campaign=one) == 1
    assert drive() == 1
    end(one, "done")
    drive()
    one.refresh_from_db()
    assert one.state == "finished" and states(one) == ["done", "done"]
    with pytest.raises(Refused, match="Nothing"):
        campaigns.retry_failed(campaign=one)


def test_a_failure_that_comes_alive_is_counted_so(operator, image):
    one = campaign(image, chargers(operator, 1), stop_percent=100)
    drive()
    end(one, "failed")
    drive()
    assert states(one) == ["failed"]
    FirmwareUpdate.objects.update(state="downloading")
    campaigns.drive_one(one.pk, timezone.now())
    assert states(one) == ["running"]


def test_a_station_that_can_not_be_told_fails_alone(operator, image):
    good, bad = chargers(operator, 2)
    one = campaign(image, [bad, good], stop_percent=100)
    Station.objects.filter(pk=bad.pk).update(model="DC-150")
    drive()
    assert one.rows.get(station=bad).state == "failed"
    assert "not for this charger" in one.rows.get(station=bad).note
    assert one.rows.get(station=good).state == "running"


def test_nobody_and_strangers_are_refused(operator, image):
    with pytest.raises(Refused, match="nothing to update"):
        campaign(image, [])
    with pytest.raises(Refused, match="not offered"):
        campaign(image, chargers(make.operator(), 1))
    assert not Campaign.objects.exists()


def test_the_clocks_task_does_it(operator, image):
    one = campaign(image, chargers(operator, 1))
    drive_firmware()
    assert states(one) == ["running"]


@pytest.mark.django_db(transaction=True)
def test_many_workers_begin_each_station_once(operator, image):
    one = campaign(image, chargers(operator, 12), wave_size=4)

    def work():
        try:
            for _round in range(3):
                drive()
        finally:
            connection.close()

    workers = [Thread(target=work) for _number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert CampaignStation.objects.filter(campaign=one, state="running").count() == 4
    assert FirmwareUpdate.objects.count() == Command.objects.count() == 4
