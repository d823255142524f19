"""The ledger of outages: kept as things happen, made anew, explained by people; one number for all."""

import re
import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from evportal.accounts.models import ApiKey
from monitoring.uptime import actions, formulas, ledger, reading
from monitoring.uptime.models import ConditionChange, Outage, OutageChange, Watch
from stations import presence, signals
from stations.models import AvailabilityPlan, Evse, Station
from tests import make

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def now():
    return timezone.now().replace(microsecond=0)


def put(evse, now, *, state=None, online=None):
    """What ingest and the sockets write, without them."""
    if online is not None:
        fields = (
            {"connection": uuid.uuid4(), "connected_at": now}
            if online
            else {"connection": None, "disconnected_at": now}
        )
        Station.objects.filter(pk=evse.station_id).update(**fields)
    if state is not None:
        Evse.objects.filter(pk=evse.pk).update(state=state, state_since=now, state_at=now)
    ledger.follow(now=now, station_ids=[evse.station_id])


@pytest.fixture
def lived(now):
    """An EVSE that was up for forty days but for three stretches in the last month."""
    evse = make.evse(max_power_w=150_000)
    put(evse, now - 40 * DAY, state="available", online=True)
    put(evse, now - 20 * DAY, state="faulted")
    put(evse, now - 19 * DAY, state="available")
    put(evse, now - 10 * DAY, online=False)
    put(evse, now - 10 * DAY + 6 * HOUR, online=True)
    put(evse, now - 2 * HOUR, state="unavailable")
    return evse


def spans(evse):
    return list(evse.outages.order_by("begins_at").values_list("cause", "begins_at", "ends_at"))


def test_outages_are_written_down_as_they_come_and_go(lived, now):
    assert spans(lived) == [
        ("faulted", now - 20 * DAY, now - 19 * DAY),
        ("offline", now - 10 * DAY, now - 10 * DAY + 6 * HOUR),
        ("out_of_service", now - 2 * HOUR, None),
    ]
    assert ledger.follow(now=now) == 0, "a second look finds nothing new"


def test_made_anew_it_is_the_same_and_what_people_said_stays(lived, now):
    before = spans(lived)
    first = lived.outages.get(cause="faulted")
    actions.explain(outage=first, exclusion="vandalism", note="Cable cut", now=now)
    by_hand = actions.report(evse=lived, begins_at=now - 5 * DAY, ends_at=now - 4 * DAY, note="dark", now=now)
    assert ledger.rebuild() == (3, 0)
    # Somebody spoilt it: one is missing, one too long, one was never there.
    lived.outages.filter(cause="offline").delete()
    Outage.objects.filter(pk=first.pk).update(ends_at=now - 15 * DAY)
    Outage.objects.create(evse=lived, begins_at=now - 8 * DAY, ends_at=now - 7 * DAY, cause="offline")
    kept, changed = ledger.rebuild(evse_ids=[lived.pk])
    assert (kept, changed) == (1, 3)
    assert [row for row in spans(lived) if row[0] != "reported"] == before
    first.refresh_from_db()
    assert (first.exclusion, first.note, first.ends_at) == ("vandalism", "Cable cut", now - 19 * DAY)
    assert Outage.objects.filter(pk=by_hand.pk).exists()
    assert ledger.rebuild() == (3, 0)


def test_what_was_said_moves_along_where_the_beginning_moved(lived, now):
    outage = lived.outages.get(cause="faulted")
    actions.explain(outage=outage, exclusion="utility", now=now)
    ConditionChange.objects.filter(evse=lived, condition="faulted").update(at=now - 20 * DAY + HOUR)
    ledger.rebuild()
    outage.refresh_from_db()
    assert (outage.begins_at, outage.exclusion) == (now - 20 * DAY + HOUR, "utility")


def test_the_database_keeps_observed_outages_apart(lived, now):
    with pytest.raises(IntegrityError, match="observed_outages_never_overlap"), transaction.atomic():
        Outage.objects.create(evse=lived, begins_at=now - HOUR, cause="faulted")
    # What a person reports may lie over it: it counts once all the same.
    actions.report(evse=lived, begins_at=now - HOUR, ends_at=None, now=now)


def test_sockets_and_states_reach_the_ledger_by_themselves(
    now, django_capture_on_commit_callbacks, monkeypatch
):
    from monitoring.uptime import tasks

    seen = []
    monkeypatch.setattr(tasks.follow, "delay", seen.append)
    station = make.station()
    evse = make.evse(station=station)
    arrival = presence.Arrival(station.pk, uuid.uuid4(), "1.6")
    with django_capture_on_commit_callbacks(execute=True):
        presence.come(arrivals=[arrival], channel="x", now=now - HOUR)
        signals.after_commit(signals.status_changed, evses=[evse])
    assert seen == [[station.pk], [station.pk]]
    tasks.follow(seen[0])
    assert evse.condition_changes.get().condition == "up"
    with django_capture_on_commit_callbacks(execute=True):
        presence.go(departures=[presence.Departure(station.pk, arrival.connection, now)], now=now)
    tasks.follow(seen[-1])
    assert evse.outages.get().cause == "offline"


def test_a_message_that_was_lost_is_made_up_for_by_the_round(now):
    from monitoring.uptime import tasks

    evse = make.evse()
    Station.objects.filter(pk=evse.station_id).update(connection=uuid.uuid4(), connected_at=now - HOUR)
    Evse.objects.filter(pk=evse.pk).update(state="faulted", state_since=now - MINUTE)
    tasks.look_round()
    assert evse.outages.get().begins_at == now - MINUTE


def test_the_portals_own_absence_is_not_the_chargers(now):
    evse = make.evse()
    put(evse, now - 10 * DAY, state="available", online=True)
    ledger.watch(now=now - 2 * DAY)
    put(evse, now - 2 * DAY, online=False)
    ledger.watch(now=now - DAY)
    put(evse, now - DAY, online=True)
    assert Watch.objects.count() == 2
    found = reading.figures(Evse.objects.filter(pk=evse.pk), now - 10 * DAY, now)[evse.pk]
    assert (found.outage_s, found.unwatched_s, found.percent) == (0, 86_400, 100.0)
    ledger.watch(now=now - DAY + 30 * MINUTE / 30)
    assert Watch.objects.count() == 2, "the next round goes on with the last one"


def test_planned_maintenance_and_closing_hours_are_excluded(lived, now):
    evses = Evse.objects.filter(pk=lived.pk)
    since = now - 30 * DAY
    whole = reading.figures(evses, since, now)[lived.pk]
    assert whole.outage_s == (24 + 6 + 2) * 3600 and whole.excluded_s == 0
    plan = AvailabilityPlan.objects.create(
        station=lived.station, starts_at=now - 20 * DAY, ends_at=now - 20 * DAY + 12 * HOUR, state="over"
    )
    AvailabilityPlan.objects.filter(pk=plan.pk).update(created_at=now - 25 * DAY)
    assert reading.figures(evses, since, now)[lived.pk].excluded_s == 12 * 3600
    # Taken out at once it was a reaction, no schedule.
    AvailabilityPlan.objects.filter(pk=plan.pk).update(created_at=now - 20 * DAY)
    assert reading.figures(evses, since, now)[lived.pk].excluded_s == 0
    lived.station.site.opening_hours = "08:00-20:00"
    lived.station.site.save()
    assert 12 * 3600 <= reading.figures(evses, since, now)[lived.pk].excluded_s < 32 * 3600


# People


def test_who_said_what_is_kept_and_cant_be_changed(lived, now):
    outage, by = lived.outages.get(cause="offline"), make.user()
    actions.explain(outage=outage, exclusion="utility", note="Power cut", by=by, now=now)
    actions.explain(outage=outage, exclusion="utility", note="Power cut", by=by, now=now)
    change = outage.changes.get()
    assert (change.by, change.before["exclusion"], change.after["exclusion"]) == (by, "", "utility")
    with pytest.raises(Exception, match="(?i)cannot update"), transaction.atomic():
        OutageChange.objects.filter(pk=change.pk).update(before={})


@pytest.mark.parametrize(
    "said",
    [
        {"exclusion": "bad luck"},
        {"exclusion": "utility", "excluded_from": 2, "excluded_until": 1},
        {"exclusion": "utility", "excluded_from": 7},
        {"exclusion": "utility", "excluded_until": -1},
    ],
)
def test_what_makes_no_sense_changes_nothing(lived, now, said):
    outage = lived.outages.get(cause="offline")
    said = {k: outage.begins_at + v * HOUR if isinstance(v, int) else v for k, v in said.items()}
    with pytest.raises(actions.OutageRefused):
        actions.explain(outage=outage, now=now, **said)
    outage.refresh_from_db()
    assert outage.exclusion == "" and not outage.changes.exists()


def test_an_outage_by_hand_counts_until_somebody_ends_it(lived, now):
    before = reading.figures(Evse.objects.all(), now - 30 * DAY, now)[lived.pk].outage_s
    outage = actions.report(evse=lived, begins_at=now - 5 * HOUR, ends_at=None, note="Dark display", now=now)
    after = reading.figures(Evse.objects.all(), now - 30 * DAY, now)[lived.pk].outage_s
    assert after - before == 3 * 3600, "two of its five hours were bad already"
    with pytest.raises(actions.OutageRefused):
        actions.report(evse=lived, begins_at=now + HOUR, ends_at=None, now=now)
    assert actions.end(outage=outage, ends_at=now, now=now).ends_at == now
    with pytest.raises(actions.OutageRefused):
        actions.end(outage=outage, ends_at=now, now=now)
    with pytest.raises(actions.OutageRefused):
        actions.end(outage=lived.outages.get(cause="out_of_service"), ends_at=now, now=now)


# One number


def test_charger_page_report_api_and_status_say_the_same_number(lived, now, client):
    site = lived.station.site
    manager = make.member(operator=site.operator)
    client.force_login(manager)
    actions.explain(outage=lived.outages.get(cause="offline"), exclusion="utility", now=now)
    expected = 100 - (24 + 2) / 7.2  # 26 of 720 hours
    number = f"{int(expected * 100) / 100:.2f} %"

    charger = client.get(f"/ops/chargers/{lived.station_id}/").content.decode()
    assert number in charger
    report = client.get(f"/ops/uptime/?site={site.pk}").content.decode()
    assert report.count(number) >= 1
    api = client.get("/api/v1/uptime/").json()
    assert api["total"]["uptime_percent"] == pytest.approx(expected, abs=0.01)
    assert api["evses"][0]["uptime_percent"] == api["total"]["uptime_percent"]
    status = client.get(f"/status/{site.operator.slug}/").content.decode()
    assert len(re.findall(re.escape(number), status)) == 2, "of the operator, and of its only site"
    lines = client.get("/ops/uptime.csv").content.decode()
    assert f",{number.removesuffix(' %')}," in lines


def test_pages_of_outages(lived, now, client):
    outage = lived.outages.get(cause="faulted")
    technician = make.member(operator=lived.station.site.operator, role="technician")
    client.force_login(technician)
    listed = client.get("/ops/outages/?cause=faulted").content.decode()
    assert f"/ops/outages/{outage.pk}/" in listed and "1 outage" in listed
    assert client.get("/ops/outages/?cause=nonsense&site=99999999999999999999&evse=x").status_code == 200
    page = client.post(f"/ops/outages/{outage.pk}/", {"exclusion": "vandalism", "note": "Cut cable"})
    assert page.status_code == 302
    outage.refresh_from_db()
    assert (outage.exclusion, outage.changes.get().by) == ("vandalism", technician)
    wrong = client.post(
        f"/ops/outages/{outage.pk}/",
        {"exclusion": "utility", "excluded_from": "2026-06-02T10:00", "excluded_until": "2026-06-01T10:00"},
    )
    assert wrong.status_code == 422 and "after the beginning" in wrong.content.decode()
    begins = timezone.localtime(now - HOUR, lived.station.site.zone)
    made = client.post(
        "/ops/outages/new/",
        {"evse": lived.pk, "begins_at": begins.strftime("%Y-%m-%dT%H:%M"), "note": "Dark"},
    )
    row = lived.outages.get(cause="reported")
    assert made["Location"] == f"/ops/outages/{row.pk}/"
    client.post(f"/ops/outages/{row.pk}/", {"end": "1"})
    row.refresh_from_db()
    assert row.ends_at is not None
    support = make.member(operator=lived.station.site.operator, role="support")
    client.force_login(support)
    assert client.post(f"/ops/outages/{outage.pk}/", {"exclusion": ""}).status_code == 403


def test_the_api_of_outages(lived, now, client):
    key, row = ApiKey.issue(operator=lived.station.site.operator, role="manager", name="CMMS")
    headers = {"authorization": f"Bearer {key}"}
    outage = lived.outages.get(cause="faulted")
    url = f"/api/v1/outages/{outage.pk}/"
    said = client.patch(url, {"exclusion": "utility", "note": "cut"}, "application/json", headers=headers)
    assert said.status_code == 200 and said.json()["exclusion"] == "utility"
    assert outage.changes.get().api_key == row
    wrong = client.patch(url, {"exclusion": "weather"}, "application/json", headers=headers)
    assert wrong.status_code == 400
    late = {"ends_at": now.isoformat()}
    assert client.patch(url, late, "application/json", headers=headers).status_code in (400, 409)
    new = {"evse": lived.public_id, "begins_at": (now - HOUR).isoformat(), "note": "dark"}
    assert client.post("/api/v1/outages/", new, "application/json", headers=headers).status_code == 201
    found = client.get("/api/v1/outages/?open=true", headers=headers).json()["results"]
    assert {each["cause"] for each in found} == {"out_of_service", "reported"}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("from=2026-06-02&until=2026-06-01", "before"),
        ("from=2001-01-01", "three years"),
        ("time_zone=Mars/Olympus", "IANA"),
        ("time_zone=../../etc/passwd", "IANA"),
        ("from=yesterday", "moment"),
        ("evse=nothing", ""),
        ("site=%00", ""),
    ],
)
def test_bad_questions_to_the_api(lived, client, query, words):
    client.force_login(make.member(operator=lived.station.site.operator))
    response = client.get(f"/api/v1/uptime/?{query}")
    assert response.status_code in (400, 404)
    assert words in response.content.decode()


def test_days_in_a_zone(lived, now, client):
    client.force_login(make.member(operator=lived.station.site.operator))
    day = (now - 5 * DAY).date()
    found = client.get(f"/api/v1/uptime/?from={day}&until={day + DAY}&time_zone=Asia/Kathmandu").json()
    assert found["since"].endswith("18:15:00Z")
    assert found["total"]["uptime_percent"] == 100.0


def test_the_command_says_what_it_did(lived, capsys):
    from django.core.management import CommandError, call_command

    lived.outages.filter(cause="offline").delete()
    call_command("rebuild_uptime", evse=[lived.public_id])
    assert "2 outages were right, 1 were put right." in capsys.readouterr().out
    with pytest.raises(CommandError):
        call_command("rebuild_uptime", evse=["DE*NO*NE"])


def test_nevi_is_read_over_the_year(lived, now):
    record = reading.records(Evse.objects.filter(pk=lived.pk), now - formulas.NEVI_YEAR, now)[lived.pk]
    assert formulas.nevi(record, now) == pytest.approx((40 * 24 - 32) / (40 * 24) * 100)
