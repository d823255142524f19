"""Limits, monitors and events: their pages, forms, CSV and API."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from stations.models import ChargingNeeds, ChargingProfile, Command, Event, InstalledProfile, Monitor
from tests import make
from tests.api import caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    operator = make.operator()
    site = make.site(operator=operator)
    station = make.station(site=site, connection=uuid4(), node="", ocpp_version="2.1")
    evse = make.evse(station=station)
    return type("Place", (), {"operator": operator, "site": site, "station": station, "evse": evse})


@pytest.fixture
def manager(client, place):
    client.force_login(make.member(operator=place.operator))
    return client


def page(client, name, place, **query):
    answer = client.get(reverse(f"ops:{name}", args=[place.station.pk]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def do(client, place, verb, **data):
    url = reverse("ops:charger_do", args=[place.station.pk, verb])
    answer = client.post(url, {"once": uuid4(), **data})
    form = answer.context["form"] if answer.context and "form" in answer.context else None
    return answer, form


def test_the_page_of_limits_shows_what_holds_and_what_is_not_applied(manager, place):
    now = timezone.now()
    common = {"station": place.station, "kind": "Absolute"}
    wire = {
        "chargingSchedule": [
            {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 7000}]}
        ]
    }
    InstalledProfile.objects.create(
        **common,
        evse=place.evse,
        profile_id=1,
        purpose="TxDefaultProfile",
        profile=wire,
        limit_w=7000,
        state="accepted",
        installed_at=now,
    )
    InstalledProfile.objects.create(
        **common,
        profile_id=2,
        purpose="ChargingStationMaxProfile",
        state="rejected",
        reason="Rejected · NoSupport",
        retry_at=now + timedelta(minutes=2),
    )
    InstalledProfile.objects.create(
        **common, profile_id=-1, purpose="ChargingStationExternalConstraints", state="accepted", source="EMS"
    )
    session = make.session(evse=place.evse)
    ChargingNeeds.objects.create(session=session, energy_transfer="DC_BPT", energy_wh=31000, needs={"a": 1})
    Command.objects.create(
        station=place.station,
        action="GetCompositeSchedule",
        payload={"evseId": 1, "duration": 7200},
        status="answered",
        expires_at=now,
        answered_at=now,
        response={
            "status": "Accepted",
            "schedule": {
                "evseId": 1,
                "duration": 7200,
                "scheduleStart": now.isoformat(),
                "chargingRateUnit": "W",
                "chargingSchedulePeriod": [
                    {"startPeriod": 0, "limit": 7000},
                    {"startPeriod": 3600, "limit": 22000},
                ],
            },
        },
    )
    text = page(manager, "charger_profiles", place)
    for words in (
        "of 22 kW",
        "7 kW",
        "22 kW",
        "Not applied",
        "NoSupport",
        "tried again at",
        "EMS",
        "DC_BPT",
        "31000",
    ):
        assert words in text, words
    row = InstalledProfile.objects.get(profile_id=-1)
    assert f"?profile={row.pk}" not in text
    data = json.loads(text.split('type="application/json">')[1].split("</script>")[0])
    assert data["series"][0]["values"] == [7, 7, 22, 22] and data["x"] == sorted(data["x"])


def test_a_limit_is_set_by_the_form_once(manager, place):
    answer, _form = do(manager, place, "limit", evse=place.evse.pk, limit="11", unit="kW")
    assert answer.status_code == 302
    row = InstalledProfile.objects.get()
    assert (row.limit_w, row.evse, row.purpose) == (11000, place.evse, "TxDefaultProfile")
    assert answer.url == reverse("ops:command", args=[row.command_id])
    answer, form = do(manager, place, "limit", limit="-1", unit="kW", until="2020-01-01T00:00")
    assert set(form.errors) == {"limit", "until"}
    assert InstalledProfile.objects.count() == 1


def test_a_session_of_another_evse_is_refused(manager, place):
    other = make.session(evse=make.evse(station=place.station, number=2))
    _answer, form = do(
        manager, place, "limit", evse=place.evse.pk, limit="5", unit="A", session=str(other.pk)
    )
    assert "session" in form.errors and not InstalledProfile.objects.exists()


def test_profiles_of_the_station_s_version_can_be_sent_and_cleared(manager, place):
    period = {"startPeriod": 0, "limit": 6}
    v16 = {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
    common = {
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
    }
    ChargingProfile.objects.create(
        operator=place.operator, description="Old", profile=common | {"chargingSchedule": v16}
    )
    new = ChargingProfile.objects.create(
        operator=place.operator, description="New", profile=common | {"chargingSchedule": [{"id": 1, **v16}]}
    )
    url = reverse("ops:charger_do", args=[place.station.pk, "profile"])
    shown = manager.get(url).content.decode()
    assert "New" in shown and "Old (" not in shown
    answer, _form = do(manager, place, "profile", profile=new.pk)
    row = InstalledProfile.objects.get()
    assert answer.status_code == 302 and row.named == new and row.profile["id"] == new.pk
    answer, _form = do(manager, place, "clear-profile", profile=row.pk)
    assert Command.objects.get(action="ClearChargingProfile").payload == {"chargingProfileId": new.pk}
    do(manager, place, "clear-profile")
    assert Command.objects.filter(action="ClearChargingProfile", payload={}).exists()


@pytest.mark.parametrize(
    ("verb", "data", "action"),
    [
        ("read-profiles", {}, "GetChargingProfiles"),
        ("schedule", {"hours": 24}, "GetCompositeSchedule"),
        ("read-monitors", {}, "GetMonitoringReport"),
        ("monitoring-level", {"severity": 4}, "SetMonitoringLevel"),
        ("monitoring-base", {"base": "All"}, "SetMonitoringBase"),
        (
            "monitor",
            {"component": "C", "variable": "V", "type": "Delta", "value": 1, "severity": 3},
            "SetVariableMonitoring",
        ),
    ],
)
def test_each_form_sends_its_call(manager, place, verb, data, action):
    assert manager.get(reverse("ops:charger_do", args=[place.station.pk, verb])).status_code == 200
    answer, _form = do(manager, place, verb, **data)
    assert answer.status_code == 302
    assert Command.objects.get().action == action


def test_priority_is_for_a_running_session(manager, place):
    session = make.session(evse=place.evse)
    do(manager, place, "priority", session=str(session.pk), activate="1")
    assert Command.objects.get().payload == {"transactionId": session.transaction_id, "activate": True}
    do(manager, place, "transfer", session=str(session.pk), allowed=["DC", "DC_BPT"])
    allowed = {"transactionId": session.transaction_id, "allowedEnergyTransfer": ["DC", "DC_BPT"]}
    assert Command.objects.get(action="NotifyAllowedEnergyTransfer").payload == allowed


def test_what_1_6_can_not_do_is_said_in_the_form(manager, place):
    type(place.station).objects.update(ocpp_version="1.6")
    for verb in ("read-profiles", "read-monitors"):
        _answer, form = do(manager, place, verb)
        assert "1.6" in str(form.non_field_errors())
    assert not Command.objects.exists()
    assert "OCPP 1.6" in page(manager, "charger_monitors", place)


def test_the_page_of_monitors(manager, place):
    monitor = Monitor.objects.create(
        station=place.station,
        evse=place.evse,
        component="EVSE",
        variable="Temperature",
        value=80,
        type="UpperThreshold",
        severity=4,
        monitor_id=9,
        state="set",
        stream_id=3,
        stream_interval_s=5,
        last_value="42.5",
        last_value_at=timezone.now(),
    )
    text = page(manager, "charger_monitors", place)
    assert "EVSE.Temperature" in text and "42.5" in text and "every 5 s" in text
    do(manager, place, "stream", monitor=monitor.pk, interval_s=60)
    do(manager, place, "clear-monitor", monitor=monitor.pk)
    assert {c.action: c.payload for c in Command.objects.all()} == {
        "AdjustPeriodicEventStream": {"id": 3, "params": {"interval": 60}},
        "ClearVariableMonitoring": {"id": [9]},
    }


@pytest.fixture
def told(place):
    now = timezone.now()
    other = make.station(site=make.site(operator=place.operator))
    rows = [
        Event(station=place.station, evse=place.evse, kind="fault", code="GroundFailure", severity=1),
        Event(station=place.station, kind="monitor", code="X.Y", severity=8, text="=1+1", is_cleared=True),
        Event(station=other, kind="fault", code="WeakSignal", severity=4),
        Event(station=make.station(), kind="fault", code="Stranger", severity=0),
    ]
    for n, row in enumerate(rows):
        row.at = row.received_at = now - timedelta(hours=n)
    return Event.objects.bulk_create(rows)


def codes(client, name="events", **query):
    answer = client.get(reverse(f"ops:{name}"), query)
    return [event.code for event in answer.context["page"]]


def test_the_log_of_events_is_filtered_and_ends_at_the_own_house(manager, place, told):
    assert codes(manager) == ["GroundFailure", "X.Y", "WeakSignal"]
    assert codes(manager, severity=4) == ["GroundFailure", "WeakSignal"]
    assert codes(manager, kind="monitor") == ["X.Y"]
    assert codes(manager, station=place.station.pk) == ["GroundFailure", "X.Y"]
    assert codes(manager, site=place.site.pk, severity=2) == ["GroundFailure"]
    since = (timezone.now() - timedelta(minutes=90)).astimezone(place.site.zone)
    assert codes(manager, since=f"{since:%Y-%m-%dT%H:%M}") == ["GroundFailure", "X.Y"]
    assert len(codes(manager, severity="nonsense")) == 3


def test_the_csv_has_the_same_rows_and_no_formulas(manager, told):
    answer = manager.get(reverse("ops:events_csv"), {"kind": "monitor"})
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert text.count("\r\n") == 2 and "'=1+1" in text and "GroundFailure" not in text
    assert "events-kind.csv" in answer["Content-Disposition"]


def test_the_history_tab_has_the_newest_events(manager, place, told):
    text = page(manager, "charger_history", place)
    assert "GroundFailure" in text and "WeakSignal" not in text
    assert f"?station={place.station.pk}" in text


def test_the_charger_itself_is_shown_when_something_is_wrong_with_it(manager, place):
    type(place.station).objects.update(state="faulted", error_code="ReaderFailure")
    assert "Faulted · ReaderFailure" in page(manager, "charger", place)
    type(place.station).objects.update(state="available", error_code="")
    assert "The charger itself" not in page(manager, "charger", place)


# The API


def test_machines_set_and_clear_limits(place, told):
    api = caller(operator=place.operator)
    identity = place.station.identity
    made = api.post("installed-profiles/", {"station": identity, "evse": 1, "limit_a": "16.0"})
    assert made.status_code == 201, made.data
    assert (made.data["limit_w"], made.data["purpose"], made.data["evse"]) == (11040, "TxDefaultProfile", 1)
    listed = api.get("installed-profiles/", {"station": identity, "state": made.data["state"]})
    assert [row["id"] for row in listed.data["results"]] == [made.data["id"]]
    gone = api.delete(f"installed-profiles/{made.data['id']}/")
    assert gone.status_code == 202 and gone.data["action"] == "ClearChargingProfile"
    for wrong in (
        {"station": identity},
        {"station": identity, "limit_w": 1, "limit_a": 1},
        {"station": identity, "evse": 9, "limit_w": 1},
        {"station": identity, "profile": 12345},
        {"station": identity, "session": str(uuid4()), "limit_w": 1},
        {"station": told[3].station.identity, "limit_w": 1},
    ):
        assert api.post("installed-profiles/", wrong).status_code == 400
    ended = make.session(evse=place.evse, minutes=1)
    refused = api.post("installed-profiles/", {"station": identity, "session": str(ended.pk), "limit_w": 1})
    assert refused.status_code == 409 and "ended" in refused.data["detail"]


def test_machines_set_and_clear_monitors(place):
    api = caller(operator=place.operator)
    wish = {"station": place.station.identity, "evse": 1, "component": "EVSE", "variable": "Temperature"}
    made = api.post("monitors/", wish | {"type": "UpperThreshold", "value": 80, "severity": 4})
    assert made.status_code == 201, made.data
    assert made.data["evse"] == 1
    assert api.delete(f"monitors/{made.data['id']}/").status_code == 409
    Monitor.objects.update(state="set", monitor_id=5)
    assert api.delete(f"monitors/{made.data['id']}/").status_code == 202
    assert api.post("monitors/", wish | {"type": "Never", "value": 80}).status_code == 400


def test_machines_read_events(place, told):
    api = caller(operator=place.operator)
    found = api.get("events/", {"severity": 4, "station": place.station.identity}).data["results"]
    assert [row["code"] for row in found] == ["GroundFailure"]
    assert [row["code"] for row in api.get("events/", {"cleared": "true"}).data["results"]] == ["X.Y"]
