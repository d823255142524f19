"""Operators' pages: who may open them, what they show, and at what cost."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from monitoring.models import Alert
from stations.models import Command, PendingStation, Reading, State
from tests import make

pytestmark = pytest.mark.django_db


def network(operator, *, sites=1, chargers=3, online=True):
    """Chargers with one EVSE each, every third of them charging."""
    made = []
    for _site in range(sites):
        site = make.site(operator=operator)
        for number in range(chargers):
            station = make.station(
                site=site,
                connection=uuid4() if online else None,
                node="node-1" if online else "",
                connected_at=timezone.now() - timedelta(hours=1),
                ocpp_version="1.6" if number % 2 else "2.0.1",
            )
            charging = number % 3 == 0
            evse = make.evse(station=station, state=State.CHARGING if charging else State.AVAILABLE)
            if charging:
                make.session(evse=evse, started_at=timezone.now() - timedelta(minutes=20), power_w=7000)
            made.append(station)
    return made


def pages(station):
    session = station.sessions.first() or make.session(evse=station.evses.first())
    command = Command.objects.create(station=station, action="Reset", expires_at=timezone.now())
    one = [station.pk]
    return [
        reverse("ops:wallboard"),
        reverse("ops:wallboard") + "?kiosk=1",
        reverse("ops:chargers"),
        reverse("ops:charger", args=one),
        reverse("ops:charger_sessions", args=one),
        reverse("ops:charger_history", args=one),
        reverse("ops:sessions"),
        reverse("ops:session", args=[session.pk]),
        reverse("ops:command", args=[command.pk]),
    ]


ROWS = ("ops:charger", "ops:charger_sessions", "ops:charger_history")


@pytest.mark.parametrize("role", ["manager", "technician", "accountant", "support"])
def test_every_role_sees_its_operators_pages(client, role):
    operator = make.operator()
    [station, *_others] = network(operator)
    client.force_login(make.member(operator=operator, role=role))
    for url in pages(station):
        # What went over the wire is not an accountant's.
        hidden = role == "accountant" and url.startswith("/ops/commands/")
        assert client.get(url).status_code == (403 if hidden else 200), url


def test_anonymous_is_asked_to_sign_in(client):
    [station] = network(make.operator(), chargers=1)
    for url in pages(station):
        answer = client.get(url)
        assert answer.status_code == 302 and answer["Location"].startswith("/accounts/login/"), url


def test_a_driver_is_refused(client):
    [station] = network(make.operator(), chargers=1)
    client.force_login(make.user())
    for url in pages(station):
        assert client.get(url).status_code == 403, url


def test_another_operators_rows_are_not_there(client):
    [station] = network(make.operator(), chargers=1)
    client.force_login(make.member(operator=make.operator()))
    urls = pages(station)
    for url in urls:
        wanted = 404 if any(str(pk) in url for pk in _keys(url, station)) else 200
        answer = client.get(url)
        assert answer.status_code == wanted, url
        assert station.name not in answer.content.decode()


def _keys(url, station):
    return [part for part in url.split("/") if part.isdigit() or len(part) == 36]


def test_a_member_of_one_site_sees_only_that(client):
    operator = make.operator()
    mine, other = network(operator, sites=2, chargers=1)
    client.force_login(make.member(operator=operator, role="technician", sites=[mine.site]))
    listed = client.get(reverse("ops:chargers")).content.decode()
    assert mine.identity in listed and other.identity not in listed
    assert client.get(reverse("ops:charger", args=[other.pk])).status_code == 404
    board = client.get(reverse("ops:wallboard")).content.decode()
    assert mine.site.name in board and other.site.name not in board


def test_an_accountant_gives_no_commands_and_reads_no_messages(client):
    operator = make.operator()
    [station] = network(operator, chargers=1)
    client.force_login(make.member(operator=operator, role="accountant"))
    assert "ops:charger_do" not in client.get(reverse("ops:charger", args=[station.pk])).content.decode()
    for name, args in [
        ("charger_messages", [station.pk]),
        ("charger_messages_csv", [station.pk]),
        ("charger_do", [station.pk, "restart"]),
        ("call_choose", [station.pk]),
        ("call", [station.pk, "Reset"]),
        ("alerts", []),
        ("pending", []),
    ]:
        assert client.get(reverse(f"ops:{name}", args=args)).status_code == 403, name


@pytest.mark.parametrize("name", ["wallboard", "chargers", "sessions", "alerts", "pending"])
def test_queries_do_not_grow_with_the_network(client, name):
    operator = make.operator()
    client.force_login(make.member(operator=operator))
    counts = []
    for more in (5, 45):
        for station in network(operator, sites=more // 5, chargers=5):
            now = timezone.now()
            Alert.objects.create(
                site=station.site,
                station=station,
                kind="offline",
                cause=f"offline:station:{station.pk}",
                severity="critical",
                title="x",
                opened_at=now,
                last_seen_at=now,
            )
            PendingStation.objects.create(identity=f"P{station.pk}", first_seen_at=now, last_seen_at=now)
        url = reverse(f"ops:{name}")
        client.get(url)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(url).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_filters(client):
    operator = make.operator()
    online = network(operator, chargers=3)
    offline = network(operator, chargers=1, online=False)
    client.force_login(make.member(operator=operator))

    def listed(query):
        return {row.station.pk for row in client.get(reverse("ops:chargers") + query).context["rows"]}

    assert listed("?state=charging") == {online[0].pk}
    assert listed("?state=offline") == {offline[0].pk}
    assert listed(f"?q={online[1].identity}") == {online[1].pk}
    assert listed(f"?site={offline[0].site_id}") == {offline[0].pk}
    assert listed("?version=2.0.1") == {online[0].pk, online[2].pk, offline[0].pk}
    assert len(listed("?state=nonsense")) == 4
    assert len(listed("?site=999999999999999999999")) == 4


def test_kpis_count_what_there_is(client):
    operator = make.operator()
    network(operator, chargers=3)
    network(operator, chargers=2, online=False)
    client.force_login(make.member(operator=operator))
    values = {kpi["label"]: kpi["value"] for kpi in client.get(reverse("ops:wallboard")).context["kpis"]}
    assert (values["Available"], values["Charging"], values["Offline"]) == (2, 1, 2)
    # Both networks have one EVSE that charges; the second's charger fell silent, its session did not end.
    assert values["Power now"] == "14.0"


def test_the_charger_page_explains_a_fault(client):
    operator = make.operator()
    [station] = network(operator, chargers=1)
    station.evses.update(state=State.FAULTED, error_code="GroundFailure", vendor_error="E-42")
    client.force_login(make.member(operator=operator))
    page = client.get(reverse("ops:charger", args=[station.pk])).content.decode()
    assert "The ground-fault protection has tripped." in page and "E-42" in page


def test_the_charger_page_draws_the_meter(client):
    operator = make.operator()
    [station] = network(operator, chargers=1)
    session = station.sessions.get()
    now = timezone.now()
    for minute in range(3):
        Reading.objects.create(
            evse=session.evse,
            session=session,
            at=now - timedelta(minutes=minute),
            received_at=now,
            measurand="Power.Active.Import",
            phase="",
            location="Outlet",
            context="Sample.Periodic",
            value=7000 + minute,
            unit="W",
        )
    client.force_login(make.member(operator=operator))
    chart = client.get(reverse("ops:charger", args=[station.pk])).context["chart"]
    assert chart["data"]["series"][0]["values"] == [7.002, 7.001, 7.0]
    assert chart["columns"] == ["Time", "Power (kW)"]


def test_offline_chargers_get_only_what_may_wait(client):
    operator = make.operator()
    [station] = network(operator, chargers=1, online=False)
    client.force_login(make.member(operator=operator))
    page = client.get(reverse("ops:charger", args=[station.pk])).content.decode()
    assert "only what may wait for it" in page
    assert "/do/restart/" in page and "/do/unlock/" not in page and "/do/start/" not in page


def test_adopting_shows_the_password_once(client):
    operator = make.operator()
    site = make.site(operator=operator)
    now = timezone.now()
    pending = PendingStation.objects.create(identity="NEW-1", first_seen_at=now, last_seen_at=now)
    client.force_login(make.member(operator=operator))
    url = reverse("ops:adopt", args=[pending.pk])
    assert client.get(url).status_code == 200
    answer = client.post(
        url, {"site": site.pk, "name": "Bay 1", "evses": 2, "standard": "IEC_62196_T2", "power_kw": 22}
    )
    password = answer.context["password"]
    station = site.stations.get()
    assert station.identity == "NEW-1" and station.check_password(password)
    assert station.evses.count() == 2 and not station.evses.filter(public_id__contains="NEW").exists()
    assert password in answer.content.decode() and answer["Cache-Control"] == "no-store"
    assert client.get(url).status_code == 404


def test_adopting_into_anothers_site_is_refused(client):
    now = timezone.now()
    pending = PendingStation.objects.create(identity="NEW-2", first_seen_at=now, last_seen_at=now)
    other = make.site()
    client.force_login(make.member(operator=make.operator()))
    answer = client.post(
        reverse("ops:adopt", args=[pending.pk]),
        {"site": other.pk, "name": "Mine now", "evses": 1, "standard": "IEC_62196_T2", "power_kw": 22},
    )
    assert answer.status_code == 200 and "site" in answer.context["form"].errors
    assert not other.stations.exists() and PendingStation.objects.exists()
