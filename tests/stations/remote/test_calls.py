"""How calls go over the wire, and what becomes of those whose charger is away."""

import asyncio
import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import SimpleTestCase
from django.utils import timezone

from stations import commands
from stations.exceptions import AlreadySent
from stations.models import Command, Message, Station
from stations.ocpp import hub, schemas
from stations.tasks import expire_commands
from tests import make
from tests.charger import Charger

PASSWORD = "charger-password-1"
PROFILE = {
    "chargingSchedule": {
        "chargingSchedulePeriod": [{"limit": 16, "startPeriod": 0}],
        "chargingRateUnit": "A",
    },
    "chargingProfileKind": "Relative",
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileId": 7,
}


async def test_a_call_is_compact_and_ordered_as_in_the_schema(door, api, database):
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.boot()
        body = {
            "action": "SetChargingProfile",
            "payload": {"csChargingProfiles": PROFILE, "connectorId": 1},
        }
        answer = await api("post", "stations/CP-1/commands/?wait=10", body)
        assert answer.data["status"] == "answered"
        sent = await charger.expect("SetChargingProfile")
    assert list(sent) == ["connectorId", "csChargingProfiles"]
    assert list(sent["csChargingProfiles"]) == [
        "chargingProfileId",
        "stackLevel",
        "chargingProfilePurpose",
        "chargingProfileKind",
        "chargingSchedule",
    ]
    assert list(sent["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]) == [
        "startPeriod",
        "limit",
    ]
    calls = Message.objects.filter(from_station=False, action="SetChargingProfile", kind="call")
    while not (frame := await database(calls.values_list("frame", flat=True).first)):
        await asyncio.sleep(0.05)
    assert frame == json.dumps(json.loads(frame), separators=(",", ":"), ensure_ascii=False)


class Order(SimpleTestCase):
    def test_every_calls_members_come_as_the_schema_lists_them(self):
        for version in schemas.VERSIONS:
            for action in schemas.actions_to_station(version):
                with self.subTest(version=version, action=action):
                    known = list(schemas.request_schema(version, action).get("properties", {}))
                    backwards = dict.fromkeys(reversed(known), 1)
                    assert list(schemas.in_order(version, action, backwards)) == known

    def test_what_the_schema_does_not_know_comes_last(self):
        found = schemas.in_order("1.6", "Reset", {"other": {"b": 1, "a": 2}, "type": "Soft"})
        assert list(found) == ["type", "other"] and list(found["other"]) == ["b", "a"]


async def test_a_charger_that_is_away_fails_the_call_at_once_or_gets_it_later(
    door, api, database, monkeypatch
):
    monkeypatch.setattr(hub, "SETTLE_SECONDS", 0.05)
    reset = {"action": "Reset", "payload": {"type": "Soft"}}
    failed = await api("post", "stations/CP-1/commands/", reset)
    assert (failed.status_code, failed.data["status"]) == (201, "offline")
    kept = await api("post", "stations/CP-1/commands/", reset | {"if_offline": "wait", "expires_in": 3600})
    assert (kept.data["status"], kept.data["waits"]) == ("queued", True)
    command = await database(Command.objects.get, pk=kept.data["id"])
    left = command.expires_at - timezone.now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.boot()
        assert await charger.expect("Reset") == {"type": "Soft"}
    assert await ended(database, command) == "answered"


async def ended(database, command, seconds: float = 5) -> str:
    for _i in range(int(seconds / 0.05)):
        await database(command.refresh_from_db)
        if command.is_final:
            break
        await asyncio.sleep(0.05)
    return command.status


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"if_offline": "maybe"}, "if_offline"),
        ({"expires_in": 60}, "expires_in"),
        ({"if_offline": "wait", "expires_in": 0}, "expires_in"),
        ({"if_offline": "wait", "expires_in": 10**9}, "expires_in"),
    ],
)
async def test_nonsense_about_waiting_is_refused(api, database, more, field):
    answer = await api(
        "post", "stations/CP-1/commands/", {"action": "Reset", "payload": {"type": "Soft"}} | more
    )
    assert answer.status_code == 400 and field in answer.data["errors"]
    assert not await database(Command.objects.exists)


async def test_a_cancelled_call_is_never_sent(door, api, database, monkeypatch):
    monkeypatch.setattr(hub, "SETTLE_SECONDS", 0.05)
    body = {"action": "Reset", "payload": {"type": "Hard"}, "if_offline": "wait"}
    kept = (await api("post", "stations/CP-1/commands/", body)).data
    wanted = (await api("post", "stations/CP-1/commands/", body | {"payload": {"type": "Soft"}})).data
    cancelled = await api("post", f"commands/{kept['id']}/cancel/")
    assert (cancelled.status_code, cancelled.data["status"]) == (200, "cancelled")
    assert (await api("post", f"commands/{kept['id']}/cancel/")).status_code == 409
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.boot()
        assert await charger.expect("Reset") == {"type": "Soft"}
        assert await ended(database, await database(Command.objects.get, pk=wanted["id"])) == "answered"
        assert len([frame for frame in charger.received if frame[0] == 2]) == 1


def test_a_call_that_was_sent_can_not_be_taken_back(station):
    command = Command.objects.create(
        station=station, action="Reset", payload={}, status="sent", expires_at=timezone.now()
    )
    with pytest.raises(AlreadySent):
        commands.cancel(command=command)
    command.refresh_from_db()
    assert command.status == "sent"


def test_a_call_that_waited_in_vain_says_so(station):
    command = commands.send(
        station=station, action="ClearCache", payload={}, keep_for=timedelta(milliseconds=1)
    )
    Command.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    expire_commands()
    command.refresh_from_db()
    assert (command.status, command.error_description) == ("timed_out", "It could not be sent in time.")


@pytest.mark.parametrize(
    ("waits", "node", "status"),
    [(False, "", "offline"), (True, "", "queued"), (False, "specific.other!x", "queued")],
)
def test_a_process_without_the_socket_passes_the_call_on(station, monkeypatch, waits, node, status):
    """The station moved between the look at its row and the message to its process."""
    told = []
    monkeypatch.setattr(commands, "hand_over", lambda calls: told.extend(calls))
    connection = uuid4() if node else None
    Station.objects.filter(pk=station.pk).update(node=node, connection=connection)
    command = Command.objects.create(
        station=station,
        action="ClearCache",
        waits=waits,
        expires_at=timezone.now() + timedelta(minutes=1),
    )
    commands.not_here(command.pk, "specific.here!x")
    command.refresh_from_db()
    assert command.status == status
    assert [(where, each.pk) for where, each in told] == ([(node, command.pk)] if node else [])


def test_a_process_that_ought_to_have_the_socket_gives_up(station):
    Station.objects.filter(pk=station.pk).update(node="specific.here!x", connection=uuid4())
    command = Command.objects.create(
        station=station, action="ClearCache", expires_at=timezone.now() + timedelta(minutes=1)
    )
    commands.not_here(command.pk, "specific.here!x")
    command.refresh_from_db()
    assert command.status == "offline"


def test_a_stranger_cancels_nothing(station):
    from tests.api import caller

    command = commands.send(station=station, action="ClearCache", payload={}, keep_for=timedelta(hours=1))
    other = caller(operator=make.operator())
    assert other.post(f"commands/{command.pk}/cancel/").status_code == 404
    command.refresh_from_db()
    assert command.status == "queued"
