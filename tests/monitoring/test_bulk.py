"""Orders to many chargers: chosen in the list, looked at before they are sent, watched after."""

from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from monitoring import watching
from stations import tasks
from stations.models import BulkCommand, Command
from tests import make


@pytest.fixture
def operator(db, monkeypatch):
    monkeypatch.setattr(tasks.tell_bulk, "delay", lambda pk: tasks.tell_bulk(pk))
    return make.operator()


@pytest.fixture
def manager(client, operator):
    person = make.member(operator=operator)
    client.force_login(person)
    return person


@pytest.fixture
def fleet(operator):
    site = make.site(operator=operator, name="Depot")
    there = {"connection": uuid4(), "node": "specific.x!y"}
    return {
        "old": make.station(site=site, name="Old", ocpp_version="1.6", **there),
        "new": make.station(site=site, name="New", ocpp_version="2.1", **there),
        "away": make.station(site=site, name="Away", ocpp_version="1.6"),
    }


def address(kind="reset", *stations, **query):
    ticked = "&".join(f"station={station.pk}" for station in stations)
    more = "&".join(f"{name}={value}" for name, value in query.items())
    return f"{reverse('ops:bulk_new', args=[kind])}?{ticked}&{more}"


def test_the_list_leads_there(client, manager, fleet):
    page = client.get(reverse("ops:chargers")).content.decode()
    assert reverse("ops:bulk_choose") in page and f'value="{fleet["old"].pk}" form="bulk"' in page
    chosen = client.get(reverse("ops:bulk_choose"), {"scope": "all", "version": "2.1"}).content.decode()
    assert "1 charger is chosen" in chosen and "SetDERControl" in chosen
    nobody = client.get(reverse("ops:bulk_choose"), {"scope": "ticked"}).content.decode()
    assert "No charger is chosen" in nobody


def test_it_shows_what_would_happen_before_it_happens(
    client, manager, fleet, django_capture_on_commit_callbacks
):
    evse = make.evse(station=fleet["old"])
    make.session(evse=evse, started_at=timezone.now())
    url = address("reset", *fleet.values())
    data = {"once": str(uuid4()), "hard": "1", "if_offline": ""}
    asked = client.post(url, data).content.decode()
    for words in (
        "Send this to 2 chargers?",
        "OCPP 1.6: 1 charger",
        "OCPP 2.1: 1 charger",
        "1 session may be interrupted:",
        "Old, EVSE 1",
        "Left out: 1 (Offline): Away",
    ):
        assert words in asked, words
    assert not BulkCommand.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        done = client.post(url, data | {"confirmed": "1"})
        again = client.post(url, data | {"confirmed": "1"})
    made = BulkCommand.objects.get()
    assert done["Location"] == again["Location"] == reverse("ops:bulk", args=[made.pk])
    assert (made.created_by, made.what) == (manager, "Restart")
    assert sorted(made.commands.values_list("payload__type", flat=True)) == ["Hard", "Immediate"]


def test_every_usual_order_can_be_looked_at(client, manager, fleet):
    for kind, data in [
        ("reset", {}),
        ("trigger", {"message": "StatusNotification"}),
        ("availability", {"operative": "0"}),
        ("unlock", {"evse": "1", "connector": "1"}),
        ("clear-cache", {}),
        ("local-list-version", {}),
    ]:
        url = address(kind, fleet["old"], fleet["new"])
        assert client.get(url).status_code == 200, kind
        asked = client.post(url, {"once": str(uuid4()), "if_offline": "24", **data})
        assert "Send this to 2 chargers?" in asked.content.decode(), kind
    assert client.get(address("explode", fleet["old"])).status_code == 404


def test_any_call_of_one_version(client, manager, fleet, django_capture_on_commit_callbacks):
    url = reverse("ops:bulk_call", args=["1.6", "ChangeConfiguration"])
    query = "?" + "&".join(f"station={station.pk}" for station in fleet.values())
    data = {
        "once": str(uuid4()),
        "key": "HeartbeatInterval",
        "value": "600",
        "if_offline": "24",
        "confirmed": "1",
    }
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(url + query, data).status_code == 302
    found = Command.objects.select_related("station").order_by("station__name")
    assert [(each.station.name, each.status, each.waits) for each in found] == [
        ("Away", "queued", True),
        ("Old", "queued", True),
    ]
    assert client.get(reverse("ops:bulk_call", args=["1.6", "SetVariables"]) + query).status_code == 404
    assert client.get(reverse("ops:bulk_call", args=["9", "Reset"]) + query).status_code == 404


@pytest.fixture
def made(operator, fleet):
    found = BulkCommand.objects.create(
        operator=operator,
        what="Restart",
        calls={"1.6": {"action": "Reset", "payload": {"type": "Soft"}}},
        stations=[fleet["old"].pk, fleet["away"].pk],
        skipped=[{"station": fleet["new"].pk, "why": "OCPP 2.1 has no such call"}],
        told=2,
        told_at=timezone.now(),
    )
    more = {"action": "Reset", "payload": {"type": "Soft"}, "expires_at": timezone.now(), "bulk": found}
    Command.objects.create(station=fleet["old"], status="answered", response={"status": "Rejected"}, **more)
    Command.objects.create(station=fleet["away"], status="queued", waits=True, **more)
    return found


def test_the_table_says_who_did_it(client, manager, made):
    url = reverse("ops:bulk", args=[made.pk])
    page = client.get(url).content.decode()
    for words in (
        "Refused",
        "The charger will not restart now.",
        "Waiting",
        "Left out",
        "Try the failed one",
    ):
        assert words in page, words
    left_out = client.get(url, {"status": "skipped"}).content.decode()
    assert "OCPP 2.1 has no such call" in left_out and "The charger will not" not in left_out
    assert "Old" not in client.get(url, {"status": "queued"}).content.decode().split("<tbody")[1]
    assert "Restart" in client.get(reverse("ops:bulks")).content.decode()


def test_again_for_the_failed_and_no_more_for_the_waiting(
    client, manager, made, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("ops:bulk_retry", args=[made.pk]), {"if_offline": ""})
    again = BulkCommand.objects.exclude(pk=made.pk).get()
    assert [each.station.name for each in again.commands.select_related("station")] == ["Old"]
    client.post(reverse("ops:bulk_cancel", args=[made.pk]))
    assert made.commands.get(station__name="Away").status == "cancelled"


def test_who_is_limited_to_some_sites_tells_only_their_chargers(client, operator, fleet):
    here = make.site(operator=operator)
    own = make.station(site=here, ocpp_version="1.6", connection=uuid4(), node="specific.x!y")
    client.force_login(make.member(operator=operator, role="technician", sites=[here]))
    page = client.get(reverse("ops:bulk_choose"), {"scope": "all"}).content.decode()
    assert "1 charger is chosen" in page
    asked = client.post(address("reset", own, *fleet.values()), {"once": str(uuid4())}).content.decode()
    assert "Send this to 1 charger?" in asked


def test_chargers_of_two_operators_are_not_told_together(client, manager, fleet):
    other = make.operator()
    theirs = make.station(site=make.site(operator=other), ocpp_version="1.6")
    from evportal.accounts.models import Membership

    Membership.objects.create(user=manager, operator=other, role="manager")
    page = client.post(address("reset", fleet["old"], theirs), {"once": str(uuid4()), "confirmed": "1"})
    assert "several operators" in page.content.decode() and not BulkCommand.objects.exists()


def test_who_may_watch_it_live(operator, made):
    from evportal.accounts.access import Access

    watch = f"bulk:{made.pk}"
    watching.check(watch)
    mine, stranger = make.member(operator=operator), make.member(operator=make.operator())
    assert watching.groups_for(Access.of(mine), watch)
    assert watching.groups_for(Access.of(stranger), watch) is None
