"""One order to many chargers."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from stations import bulk, commands, tasks
from stations.exceptions import Refused
from stations.models import BulkCommand, Command, Station
from tests import make
from tests.api import caller
from tests.charger import Charger

PASSWORD = "charger-password-1"


@pytest.fixture
def fleet(site):
    """Of each version one that is there, one 1.6 that is away, one that never connected."""
    there = {
        version: make.station(
            site=site, ocpp_version=version, connection=uuid4(), node="specific.x!y", identity=f"CP-{version}"
        )
        for version in ("1.6", "2.0.1", "2.1")
    }
    away = make.station(site=site, ocpp_version="1.6", identity="AWAY")
    never = make.station(site=site, identity="NEVER")
    return {**there, "away": away, "never": never}


@pytest.fixture
def at_once(monkeypatch):
    """The task runs where it is sent from; the broker has no worker here."""
    monkeypatch.setattr(tasks.tell_bulk, "delay", lambda pk: tasks.tell_bulk(pk))


def everything():
    return Station.objects.select_related("site").order_by("pk")


def test_each_version_hears_it_in_its_own_words(fleet, site, at_once):
    made = bulk.order(
        operator=site.operator,
        stations=everything(),
        what="reset",
        calls=bulk.calls_for("reset", hard=False),
    )
    sent = {each.station.identity: each.payload for each in Command.objects.select_related("station")}
    assert sent == {"CP-1.6": {"type": "Soft"}, "CP-2.0.1": {"type": "OnIdle"}, "CP-2.1": {"type": "OnIdle"}}
    why = {each["station"]: each["why"] for each in made.skipped}
    assert why[fleet["away"].pk] == "Offline" and "never connected" in why[fleet["never"].pk]
    made.refresh_from_db()
    assert made.told == 3 and made.told_at


def test_those_that_are_away_may_be_waited_for(fleet, site, at_once):
    made = bulk.order(
        operator=site.operator,
        stations=everything(),
        what="reset",
        calls=bulk.calls_for("reset"),
        keep_for=timedelta(hours=2),
    )
    waiting = made.commands.get(station=fleet["away"])
    assert (waiting.status, waiting.waits) == ("queued", True)
    assert waiting.expires_at <= made.created_at + timedelta(hours=2, seconds=1)


def test_a_call_that_a_version_lacks_is_skipped_with_the_reason(fleet, site, at_once):
    calls = {"2.0.1": {"action": "GetBaseReport", "payload": {"requestId": 1, "reportBase": "FullInventory"}}}
    made = bulk.order(operator=site.operator, stations=everything(), what="report", calls=calls)
    assert [each.station.identity for each in made.commands.select_related("station")] == ["CP-2.0.1"]
    why = {each["station"]: each["why"] for each in made.skipped}
    assert "1.6 has no such call" in why[fleet["1.6"].pk]


def test_nobody_to_tell_is_refused(fleet, site):
    with pytest.raises(Refused):
        bulk.order(
            operator=site.operator,
            stations=everything().filter(connection=None),
            what="reset",
            calls=bulk.calls_for("reset"),
        )
    assert not BulkCommand.objects.exists()


def test_piece_by_piece_and_none_twice(site, monkeypatch, at_once):
    monkeypatch.setattr(bulk, "PIECE", 3)
    for _i in range(8):
        make.station(site=site, ocpp_version="1.6", connection=uuid4(), node="specific.x!y")
    pieces, tell = [], bulk._tell
    monkeypatch.setattr(bulk, "_tell", lambda made, found: (pieces.append(len(found)), tell(made, found)))
    made = bulk.order(
        operator=site.operator, stations=everything(), what="reset", calls=bulk.calls_for("reset")
    )
    assert pieces == [3, 3, 2]
    assert made.commands.count() == 8
    assert bulk.tell_some(made.pk) is False and made.commands.count() == 8


def test_a_lost_task_is_taken_up_by_the_sweep(fleet, site, monkeypatch):
    monkeypatch.setattr(tasks.tell_bulk, "delay", lambda pk: None)
    made = bulk.order(
        operator=site.operator, stations=everything(), what="reset", calls=bulk.calls_for("reset")
    )
    tasks.sweep_bulk()
    assert not made.commands.exists(), "it is too early for the sweep"
    BulkCommand.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    tasks.sweep_bulk()
    assert made.commands.count() == 3


def test_ten_thousand_are_ordered_with_few_queries(site, monkeypatch):
    """The request stores who is told; the commands are the workers' business."""
    monkeypatch.setattr(tasks.tell_bulk, "delay", lambda pk: None)
    Station.objects.bulk_create(
        Station(
            site=site,
            name=str(n),
            identity=f"MANY-{n}",
            ocpp_version="1.6",
            connection=uuid4(),
            node="specific.x!y",
        )
        for n in range(10_000)
    )
    with CaptureQueriesContext(connection) as asked:
        made = bulk.order(
            operator=site.operator, stations=everything(), what="reset", calls=bulk.calls_for("reset")
        )
    assert len(asked) < 20
    assert len(made.stations) == 10_000
    monkeypatch.setattr(commands, "hand_over", lambda calls: None)
    assert bulk.tell_some(made.pk) is True
    assert made.commands.count() == bulk.PIECE


def test_what_became_of_it_and_again_for_those_that_failed(fleet, site, at_once):
    made = bulk.order(
        operator=site.operator, stations=everything(), what="reset", calls=bulk.calls_for("reset")
    )
    for identity, status, response in [
        ("CP-1.6", "answered", {"status": "Accepted"}),
        ("CP-2.0.1", "answered", {"status": "Rejected"}),
        ("CP-2.1", "timed_out", None),
    ]:
        made.commands.filter(station__identity=identity).update(status=status, response=response)
    made.refresh_from_db()
    found = bulk.counts(made)
    assert (found["accepted"], found["refused"], found["timed_out"], found["to_tell"]) == (1, 1, 1, 0)
    again = bulk.retry(bulk=made, stations=bulk.failed_stations(made))
    assert again.retry_of == made
    assert sorted(each.station.identity for each in again.commands.select_related("station")) == [
        "CP-2.0.1",
        "CP-2.1",
    ]


async def test_over_the_api_and_the_wire(door, api, station, database):
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.boot()
        answer = await api("post", "bulk-commands/", {"sites": [station.site.slug], "command": "clear-cache"})
        assert answer.status_code == 201, answer.data
        assert (answer.data["stations"], answer.data["counts"]["to_tell"]) == (1, 1)
        await database(tasks.tell_bulk, answer.data["id"])
        assert await charger.expect("ClearCache") == {}
        for _i in range(100):
            found = (await api("get", f"bulk-commands/{answer.data['id']}/")).data
            if found["counts"]["accepted"] == 1:
                break
            await asyncio.sleep(0.05)
        assert found["counts"]["accepted"] == 1
    listed = await api("get", f"commands/?bulk={answer.data['id']}")
    assert [(each["station"], each["status"]) for each in listed.data["results"]] == [("CP-1", "answered")]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"command": "reset"}, "stations"),
        ({"stations": ["CP-1"]}, "command"),
        ({"stations": ["CP-1"], "command": "explode"}, "command"),
        ({"stations": ["NOPE"], "command": "reset"}, "stations"),
        ({"sites": ["nope"], "command": "reset"}, "sites"),
        ({"stations": ["CP-1"], "command": "trigger"}, "arguments"),
        ({"stations": ["CP-1"], "command": "clear-cache", "arguments": {"hard": True}}, "arguments"),
        (
            {"stations": ["CP-1"], "calls": [{"ocpp_version": "1.6", "action": "Reset", "payload": {}}]},
            "calls",
        ),
        (
            {"stations": ["CP-1"], "calls": [{"ocpp_version": "1.7", "action": "Reset", "payload": {}}]},
            "calls",
        ),
    ],
)
def test_nonsense_is_refused_and_nothing_made(station, body, field):
    answer = caller(operator=station.site.operator).post("bulk-commands/", body)
    assert answer.status_code == 400 and field in answer.data["errors"], answer.data
    assert not BulkCommand.objects.exists()


def test_another_operators_chargers_are_not_there(station):
    answer = caller(operator=make.operator()).post(
        "bulk-commands/", {"stations": ["CP-1"], "command": "reset"}
    )
    assert answer.status_code == 400 and not BulkCommand.objects.exists()


def test_what_waits_can_be_taken_back(fleet, site, at_once):
    api = caller(operator=site.operator)
    made = api.post("bulk-commands/", {"stations": ["AWAY"], "command": "reset", "if_offline": "wait"}).data
    assert made["counts"]["queued"] == 1
    cancelled = api.post(f"bulk-commands/{made['id']}/cancel/").data
    assert (cancelled["counts"]["cancelled"], cancelled["counts"]["queued"]) == (1, 0)
