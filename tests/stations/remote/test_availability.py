"""Out of service by our wish: what is sent, when, and again where a charger forgot."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import SimpleTestCase
from django.utils import timezone

from bookings.models import Closure
from stations import availability
from stations.exceptions import ChargerOffline
from stations.models import AvailabilityPlan, Command, Evse, State, Station
from stations.ocpp import hub
from tests import make
from tests.api import caller
from tests.charger import Charger

PASSWORD = "charger-password-1"
NOW = make.NOON
HOUR = timedelta(hours=1)


@pytest.fixture
def online(station):
    """A 2.0.1 charger that is there; what is sent to it stays in its queue."""
    Station.objects.filter(pk=station.pk).update(
        connection=uuid4(), node="specific.x!y", ocpp_version="2.0.1", connected_at=NOW, booted_at=NOW
    )
    station.refresh_from_db()
    return station


def sent(station) -> list[dict]:
    return [command.payload for command in station.commands.order_by("created_at")]


def test_now_and_back_at_its_end(online):
    evse = online.evses.get(number=1)
    plan = availability.plan(station=online, evse=evse, starts_at=NOW, ends_at=NOW + HOUR, now=NOW)
    assert plan.state == "running"
    evse.refresh_from_db()
    assert evse.wanted_operative is False
    availability.follow(NOW + HOUR / 2)
    assert len(sent(online)) == 1
    availability.follow(NOW + HOUR)
    availability.follow(NOW + HOUR)
    assert sent(online) == [
        {"operationalStatus": "Inoperative", "evse": {"id": 1}},
        {"operationalStatus": "Operative", "evse": {"id": 1}},
    ]
    plan.refresh_from_db()
    evse.refresh_from_db()
    assert (plan.state, evse.wanted_operative) == ("over", True)
    assert plan.closing.payload != plan.opening.payload


def test_a_plan_begins_when_its_time_has_come_and_not_before(online):
    plan = availability.plan(station=online, starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR, now=NOW)
    availability.follow(NOW + HOUR - timedelta(seconds=1))
    assert not sent(online)
    availability.follow(NOW + HOUR)
    assert sent(online) == [{"operationalStatus": "Inoperative"}]
    assert not Evse.objects.filter(station=online, wanted_operative=True).exists()
    availability.cancel(plan=plan, now=NOW + HOUR + timedelta(minutes=1))
    assert sent(online)[-1] == {"operationalStatus": "Operative"}


def test_what_was_cancelled_before_it_began_sends_nothing(online):
    plan = availability.plan(station=online, starts_at=NOW + HOUR, now=NOW)
    availability.cancel(plan=plan, now=NOW)
    availability.follow(NOW + 2 * HOUR)
    assert not sent(online)
    with pytest.raises(availability.NothingToCancel):
        availability.cancel(plan=plan, now=NOW)


def test_another_plan_keeps_its_own_evse_closed(online):
    one = online.evses.get(number=1)
    availability.plan(station=online, evse=one, starts_at=NOW, ends_at=NOW + 3 * HOUR, now=NOW)
    availability.plan(station=online, starts_at=NOW, ends_at=NOW + HOUR, now=NOW)
    availability.follow(NOW + HOUR)
    assert sent(online)[-1] == {"operationalStatus": "Operative", "evse": {"id": 2}}
    one.refresh_from_db()
    assert one.wanted_operative is False


def test_a_single_connector_of_2x(online):
    evse = online.evses.get(number=1)
    connector = evse.connectors.get()
    availability.plan(
        station=online, evse=evse, connector=connector, starts_at=NOW, ends_at=NOW + HOUR, now=NOW
    )
    assert sent(online) == [{"operationalStatus": "Inoperative", "evse": {"id": 1, "connectorId": 1}}]
    connector.refresh_from_db()
    evse.refresh_from_db()
    assert (connector.wanted_operative, evse.wanted_operative) == (False, True)
    availability.follow(NOW + HOUR)
    connector.refresh_from_db()
    assert connector.wanted_operative is True
    Station.objects.filter(pk=online.pk).update(ocpp_version="1.6")
    online.refresh_from_db()
    with pytest.raises(availability.NoSuchPlace):
        availability.plan(station=online, evse=evse, connector=connector, starts_at=NOW, now=NOW)


def test_a_charger_that_is_away_is_told_the_newest_wish_alone(station):
    Station.objects.filter(pk=station.pk).update(ocpp_version="1.6")
    station.refresh_from_db()
    now = timezone.now()
    plan = availability.plan(station=station, starts_at=now, ends_at=now + HOUR, now=now)
    assert plan.closing.waits and plan.closing.status == "queued"
    availability.cancel(plan=plan, now=now + timedelta(minutes=1))
    assert list(Command.objects.filter(status="queued").values_list("payload__type", flat=True)) == [
        "Operative"
    ]
    assert Command.objects.get(pk=plan.closing_id).status == "cancelled"
    with pytest.raises(ChargerOffline):
        availability.open_now(station=station, now=now)


@pytest.mark.parametrize("status", ["Accepted", "Scheduled", "Rejected"])
def test_a_call_by_hand_is_a_wish_too_once_the_charger_said_yes(online, status):
    command = Command.objects.create(
        station=online,
        action="ChangeAvailability",
        payload={"operationalStatus": "Inoperative", "evse": {"id": 2}},
        status="answered",
        response={"status": status},
        expires_at=NOW,
    )
    availability.command_finished(command)
    said_yes = status != "Rejected"
    assert online.evses.get(number=2).wanted_operative is not said_yes
    assert online.evses.get(number=1).wanted_operative is True


def test_an_older_answer_does_not_undo_a_newer_wish(online):
    older = Command.objects.create(
        station=online,
        action="ChangeAvailability",
        payload={"operationalStatus": "Operative"},
        status="answered",
        response={"status": "Accepted"},
        expires_at=NOW,
    )
    later = older.created_at + timedelta(seconds=5)
    availability.plan(station=online, starts_at=later, now=later)
    availability.command_finished(older)
    assert not Evse.objects.filter(station=online, wanted_operative=True).exists()


class Forgot(SimpleTestCase):
    def test_when_a_charger_is_told_again(self):
        minutes = timedelta(minutes=1)
        table = [
            ("available", NOW - minutes, NOW - HOUR, False),
            ("available", NOW - minutes, NOW, True),  # it has restarted since
            ("available", NOW - 11 * minutes, None, True),  # it said yes and does otherwise
            ("available", None, None, True),
            ("charging", NOW - HOUR, NOW, False),  # at the end of the charge it will
            ("unavailable", NOW - HOUR, NOW, False),
            ("faulted", NOW - HOUR, NOW, False),
        ]
        for state, told_at, booted_at, again in table:
            with self.subTest(state=state, told_at=told_at):
                found = availability.forgot(state=state, told_at=told_at, booted_at=booted_at, now=NOW)
                assert found is again


def test_a_charger_that_forgot_is_told_once_more(online):
    now = timezone.now()
    evse = online.evses.get(number=1)
    availability.plan(station=online, evse=evse, starts_at=now, now=now)
    Evse.objects.update(state=State.AVAILABLE, state_at=now + timedelta(seconds=30))
    Station.objects.update(booted_at=now + timedelta(seconds=20), connected_at=now + timedelta(seconds=19))
    later = now + timedelta(seconds=40)
    availability.remind(later)
    availability.remind(later)
    assert sent(online) == [{"operationalStatus": "Inoperative", "evse": {"id": 1}}] * 2
    assert "forgot" in online.commands.order_by("created_at").last().reason


def test_nobody_is_told_anything_about_evses_in_service(online):
    Evse.objects.update(state=State.AVAILABLE, state_at=timezone.now())
    availability.remind(timezone.now())
    assert not sent(online)


def test_what_will_be_closed_can_not_be_booked(online):
    now = timezone.now()
    evse = online.evses.get(number=1)
    booked = make.booking(evse=evse, starts_at=now + 3 * HOUR, minutes=60, now=now)
    plan = availability.plan(
        station=online, starts_at=now + HOUR, ends_at=now + 6 * HOUR, reason="new cables", now=now
    )
    closed = list(
        Closure.objects.filter(evse=evse, plan=plan).order_by("starts_at").values_list("starts_at", "ends_at")
    )
    assert closed == [(now + HOUR, booked.starts_at), (booked.ends_at, now + 6 * HOUR)]
    assert Closure.objects.filter(plan=plan, evse__number=2).get().reason == "new cables"
    availability.cancel(plan=plan, now=now)
    assert not Closure.objects.exists()


def test_what_is_opened_early_can_be_booked_again(online):
    now = timezone.now()
    evse = online.evses.get(number=1)
    plan = availability.plan(station=online, evse=evse, starts_at=now, ends_at=now + 6 * HOUR, now=now)
    availability.open_now(station=online, evse=evse, now=now + HOUR)
    plan.refresh_from_db()
    assert plan.state == "over"
    assert Closure.objects.get(plan=plan).ends_at == now + HOUR
    make.booking(evse=evse, starts_at=now + 2 * HOUR, now=now)


def test_over_the_api(station):
    Station.objects.filter(pk=station.pk).update(ocpp_version="1.6")
    api = caller(operator=station.site.operator)
    made = api.post("availability-plans/", {"station": "CP-1", "evse": 2, "reason": "broken glass"})
    assert (made.status_code, made.data["state"], made.data["evse"]) == (201, "running", 2), made.data
    assert api.post(f"availability-plans/{made.data['id']}/cancel/").data["state"] == "over"
    assert api.post(f"availability-plans/{made.data['id']}/cancel/").status_code == 409
    for body, field in [
        ({"station": "CP-1", "evse": 9}, "evse"),
        ({"station": "CP-1", "evse": 1, "connector": 9}, "connector"),
        ({"station": "CP-1", "ends_at": "2020-01-01T00:00:00Z"}, "detail"),
        ({"station": "NOPE"}, "station"),
    ]:
        refused = api.post("availability-plans/", body)
        assert refused.status_code == 400 and field in refused.data["errors"], body
    assert AvailabilityPlan.objects.count() == 1


async def test_a_charger_hears_of_it_when_it_comes_back_and_its_answer_is_kept(
    door, station, database, monkeypatch
):
    monkeypatch.setattr(hub, "SETTLE_SECONDS", 0.05)
    await database(Station.objects.filter(pk=station.pk).update, ocpp_version="1.6")
    await database(station.refresh_from_db)
    now = timezone.now()
    plan = await database(availability.plan, station=station, starts_at=now, ends_at=now + HOUR, now=now)
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        charger.on("ChangeAvailability", {"status": "Scheduled"})
        await charger.boot()
        assert await charger.expect("ChangeAvailability") == {"connectorId": 0, "type": "Inoperative"}
        for _i in range(100):
            command = await database(Command.objects.get, pk=plan.closing_id)
            if command.is_final:
                break
            await asyncio.sleep(0.05)
    assert command.response == {"status": "Scheduled"} and command.accepted
