"""What chargers tell of themselves, and states that stay bad, become alerts: one for each cause."""

from datetime import timedelta
from uuid import uuid4

import pytest

from monitoring import broken, events, watchman
from monitoring.models import Alert, Rule
from stations import events as station_events
from stations import faults
from stations.models import Event, Evse, State, Station
from tests import make

NOON = make.NOON


@pytest.fixture
def station(db):
    return make.station(connection=uuid4(), connected_at=NOON)


def told(station, minutes=0, *, severity=2, cleared=False, **fields):
    at = NOON + timedelta(minutes=minutes)
    words = {
        "component": "ChargingStation",
        "variable": "Temperature",
        "value": "91",
        "kind": "monitor",
    } | fields
    row = Event(
        station=station,
        code=f"{words['component']}.{words['variable']}",
        severity=severity,
        at=at,
        received_at=at,
        is_cleared=cleared,
        **words,
    )
    return station_events.record([row])


def test_a_grave_event_is_one_alert_until_the_charger_says_that_it_is_over(
    station, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        told(station)
        told(station, 1, severity=4)
        told(station, 1, variable="Current", severity=5)
    alert = Alert.objects.get()
    assert (alert.kind, alert.severity, alert.count, alert.station) == ("event", "critical", 2, station)
    assert "Temperature = 91" in alert.title
    with django_capture_on_commit_callbacks(execute=True):
        told(station, 2, severity=7, cleared=True)
    alert.refresh_from_db()
    assert alert.resolved_reason == "The charger says that it is over."


def test_what_was_missed_is_made_good_once_and_what_is_over_stays_over(station):
    told(station)
    told(station, 1, variable="Fuse", severity=4)
    told(station, 2, severity=7, cleared=True)
    for minute in (3, 4):
        events.check(now=NOON + timedelta(minutes=minute))
    assert {(a.severity, a.count, a.resolved_at is None) for a in Alert.objects.all()} == {
        ("critical", 1, False),
        ("warning", 1, True),
    }


def test_an_alert_without_an_end_is_over_when_it_isn_t_seen_again(station):
    told(station)
    events.check(now=NOON)
    events.check(now=NOON + timedelta(hours=23))
    assert Alert.objects.open().count() == 1
    events.check(now=NOON + timedelta(hours=24))
    assert Alert.objects.get().resolved_reason == "It was not reported again."


def test_faults_security_and_a_rule_that_is_off_make_none(station):
    told(station, kind="fault")
    told(station, kind="security")
    told(station, variable="Problem")
    Rule.objects.filter(kind="event").update(is_active=False)
    told(station)
    events.check(now=NOON)
    assert not Alert.objects.exists()


def state(evse, state, minutes, code=""):
    at = NOON + timedelta(minutes=minutes)
    Evse.objects.filter(pk=evse.pk).update(state=state, state_at=at, state_since=at, error_code=code)
    faults.note(Evse.objects.select_related("station__site").filter(pk=evse.pk))


def check(minutes):
    watchman.check(now=NOON + timedelta(minutes=minutes))


def test_a_fault_that_lasts_is_an_alert_and_ends_with_it(station):
    evse = make.evse(station=station)
    state(evse, State.FAULTED, 0, "GroundFailure")
    check(1)
    assert not Alert.objects.exists()
    check(2)
    check(3)
    alert = Alert.objects.get()
    assert (alert.kind, alert.severity, alert.cause) == ("fault", "critical", f"fault:evse:{evse.pk}")
    assert "GroundFailure" in alert.title
    # What a silent charger said last is worth nothing, for better or worse.
    Station.objects.filter(pk=station.pk).update(connection=None, disconnected_at=NOON + timedelta(minutes=3))
    state(evse, State.AVAILABLE, 4)
    check(4)
    assert Alert.objects.open().filter(kind="fault").exists()
    Station.objects.filter(pk=station.pk).update(connection=uuid4(), connected_at=NOON + timedelta(minutes=5))
    check(6)
    alert.refresh_from_db()
    assert alert.resolved_reason == "The charger no longer reports it."
    assert list(Event.objects.order_by("pk").values_list("code", "is_cleared")) == [
        ("GroundFailure", False),
        ("GroundFailure", True),
    ]


def test_an_error_beside_a_working_state_is_a_warning_since_it_came(station):
    evse = make.evse(station=station)
    state(evse, State.AVAILABLE, -600)
    Evse.objects.filter(pk=evse.pk).update(error_code="WeakSignal", state_at=NOON)
    faults.note(Evse.objects.select_related("station__site").filter(pk=evse.pk))
    check(1)
    assert not Alert.objects.exists()
    check(2)
    assert Alert.objects.get().severity == "warning"


def test_the_station_as_a_whole(station):
    Station.objects.filter(pk=station.pk).update(state=State.FAULTED, state_since=NOON, state_at=NOON)
    check(2)
    assert Alert.objects.get().cause == f"fault:station:{station.pk}"
    assert [one.evse_id for one in broken.facts([station.site], NOON)] == [None]
