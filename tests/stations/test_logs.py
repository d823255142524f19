"""Logs of chargers: asked for in each version's words, and what the charger says of them."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from django.utils import timezone

from stations import logs
from stations.exceptions import Refused
from stations.models import Command, Event, LogRequest
from tests import make
from tests.charger import Charger

pytestmark = pytest.mark.django_db
PASSWORD = "charger-password-1"
OLDEST = make.NOON


@pytest.fixture
async def ask(door, database, settings):
    """Ask a scripted charger; returns (charger, request, what was sent)."""
    settings.PUBLIC_URL = door.http
    open_ones = []

    async def asked(version, kind="DiagnosticsLog", answer=None, **more):
        station = await database(make.station)
        charger = Charger(door.url, station.identity, PASSWORD, version=version)
        await charger.__aenter__()
        open_ones.append(charger)
        await charger.boot()
        action = "GetDiagnostics" if version == "1.6" and kind == "DiagnosticsLog" else "GetLog"
        names = {"fileName": "d.zip"} if action == "GetDiagnostics" else {"status": "Accepted"}
        charger.on(action, names if answer is None else answer)
        await database(station.refresh_from_db)
        wanted = await database(logs.request, station=station, kind=kind, **more)
        sent = await charger.expect(action)
        for _attempt in range(100):
            await database(wanted.refresh_from_db)
            if wanted.state != "requested":
                break
            await asyncio.sleep(0.02)
        return charger, wanted, sent

    yield asked
    for charger in open_ones:
        await charger.close()


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("1.6", "DiagnosticsLog"),
        ("1.6", "SecurityLog"),
        ("2.0.1", "DiagnosticsLog"),
        ("2.0.1", "SecurityLog"),
        ("2.1", "DataCollectorLog"),
    ],
)
async def test_what_is_sent(ask, door, version, kind):
    _charger, wanted, sent = await ask(version, kind, oldest=OLDEST, latest=OLDEST + timedelta(hours=1))
    if version == "1.6" and kind == "DiagnosticsLog":
        place = sent["location"]
        assert (sent["startTime"], sent["stopTime"]) == ("2026-06-15T12:00:00Z", "2026-06-15T13:00:00Z")
        assert wanted.name == "d.zip"
    else:
        place = sent["log"]["remoteLocation"]
        assert (sent["logType"], sent["requestId"]) == (kind, wanted.pk)
        assert sent["log"]["oldestTimestamp"] == "2026-06-15T12:00:00Z"
    assert place.startswith(f"{door.http}/files/upload/") and place.endswith("/")
    assert sent["retries"] == 2 and wanted.state == "accepted"


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_it_uploads(ask, database, ingest_all, version):
    charger, wanted, sent = await ask(version)
    action = "DiagnosticsStatusNotification" if version == "1.6" else "LogStatusNotification"
    number = {} if version == "1.6" else {"requestId": wanted.pk}
    place = sent["location"] if version == "1.6" else sent["log"]["remoteLocation"]

    async def say(status):
        await charger.call(action, {"status": status} | number)
        await ingest_all()
        await database(wanted.refresh_from_db)
        return wanted.state

    assert await say("Uploading") == "uploading"
    async with httpx.AsyncClient() as client:
        assert (await client.put(place, content=b"log")).status_code == 201
    assert await say("Uploaded") == "uploaded"
    # Whatever it says afterwards: the file is here.
    assert await say("UploadFailed" if version == "1.6" else "UploadFailure") == "uploaded"
    assert await say("Idle") == "uploaded"
    assert wanted.size == 3 and wanted.problem == ""


async def test_a_charger_that_only_says_so(ask, database, ingest_all):
    charger, wanted, sent = await ask("2.0.1")
    await charger.call("LogStatusNotification", {"status": "Uploaded", "requestId": wanted.pk})
    await ingest_all()
    await database(wanted.refresh_from_db)
    assert (wanted.state, wanted.problem) == ("failed", logs.NOTHING_CAME)
    event = await database(Event.objects.get)
    assert (event.kind, event.severity) == ("diagnostics", 4)
    # The file was slower than the word.
    async with httpx.AsyncClient() as client:
        assert (await client.put(sent["log"]["remoteLocation"], content=b"log")).status_code == 201
    await database(wanted.refresh_from_db)
    assert (wanted.state, wanted.problem) == ("uploaded", "")


@pytest.mark.parametrize(
    ("version", "kind", "answer", "problem"),
    [
        ("1.6", "DiagnosticsLog", {}, "The charger has nothing to send."),
        ("1.6", "SecurityLog", {"status": "Rejected"}, "The charger refused."),
        ("2.0.1", "DiagnosticsLog", {"status": "Rejected"}, "The charger refused."),
    ],
)
async def test_it_does_not_want_to(ask, version, kind, answer, problem):
    _charger, wanted, _sent = await ask(version, kind, answer)
    assert (wanted.state, wanted.problem) == ("failed", problem)


async def test_a_newer_request_cancels_the_older(ask, database):
    charger, first, _sent = await ask("2.0.1")
    charger.on("GetLog", {"status": "AcceptedCanceled"})
    await database(lambda: logs.request(station=first.station))
    for _attempt in range(100):
        await database(first.refresh_from_db)
        if first.state == "cancelled":
            break
        await asyncio.sleep(0.02)
    assert first.problem == "A newer request took its place."


def test_what_can_not_be_asked():
    station = make.station(ocpp_version="2.0.1")
    with pytest.raises(Refused, match="no such log"):
        logs.request(station=station, kind="DataCollectorLog")
    with pytest.raises(Refused, match="before the beginning"):
        logs.request(station=station, oldest=OLDEST, latest=OLDEST)
    assert not LogRequest.objects.exists() and not Command.objects.exists()


def test_silence_and_the_end_of_keeping(settings, django_capture_on_commit_callbacks):
    wanted = logs.request(station=make.station(ocpp_version="2.0.1"), keep_for=timedelta(hours=1))
    assert logs.expire(wanted.expires_at) == 0
    assert logs.expire(wanted.expires_at + timedelta(seconds=1)) == 1
    wanted.refresh_from_db()
    assert (wanted.state, wanted.problem) == ("failed", logs.NO_NEWS)
    ticket = wanted.tickets.get()
    stored = logs.store(request=wanted, ticket=ticket, pieces=[b"late"], name="x.log")
    storage, name = stored.file.storage, stored.file.name
    now = timezone.now()
    assert logs.purge(now + timedelta(days=settings.LOG_KEEP_DAYS - 1)) == 0
    assert storage.exists(name)
    assert logs.purge(now + timedelta(days=settings.LOG_KEEP_DAYS + 1)) == 1
    wanted.refresh_from_db()
    assert not wanted.file and not storage.exists(name) and wanted.name == "x.log"
