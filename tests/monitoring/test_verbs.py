"""What the charger's page offers for each version: restart, trigger, ask, plans, calls that wait."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import SimpleTestCase
from django.urls import reverse
from django.utils import timezone

from monitoring import answers, effects
from monitoring.verbs import VERBS
from monitoring.verbs.station import MESSAGES, messages_of
from stations.models import AvailabilityPlan, ChargingProfile, Command, Station
from stations.ocpp import schemas
from tests import make


@pytest.fixture
def charger(client, db):
    """An online 2.1 charger; what is sent to it stays in its queue."""
    operator = make.operator()
    station = make.station(
        site=make.site(operator=operator), connection=uuid4(), node="specific.x!y", ocpp_version="2.1"
    )
    make.evse(station=station)
    client.force_login(make.member(operator=operator))
    return station


def do(client, station, verb, **data):
    return client.post(reverse("ops:charger_do", args=[station.pk, verb]), {"once": str(uuid4()), **data})


def as_version(station, version):
    Station.objects.filter(pk=station.pk).update(ocpp_version=version)
    return station


def as_offline(station):
    Station.objects.filter(pk=station.pk).update(connection=None, node="")
    return station


def test_restarts_of_each_version(client, charger):
    evse = charger.evses.get()
    for version, verb, data, payload in [
        ("1.6", "restart", {}, {"type": "Soft"}),
        ("1.6", "hard-restart", {"resume": "on"}, {"type": "Hard"}),
        ("2.0.1", "restart", {}, {"type": "OnIdle"}),
        ("2.0.1", "hard-restart", {"evse": evse.pk}, {"type": "Immediate", "evseId": 1}),
        ("2.1", "hard-restart", {"resume": "on"}, {"type": "ImmediateAndResume"}),
        ("2.1", "restart", {"evse": evse.pk}, {"type": "OnIdle", "evseId": 1}),
    ]:
        assert do(client, as_version(charger, version), verb, **data).status_code == 302
        assert Command.objects.first().payload == payload, (version, verb)


def test_a_restart_when_idle_interrupts_nothing(client, charger):
    make.session(evse=charger.evses.get(), started_at=timezone.now())
    page = client.get(reverse("ops:charger_do", args=[charger.pk, "restart"])).content.decode()
    assert "as soon as nothing charges" in page and "interrupted" not in page
    page = client.get(reverse("ops:charger_do", args=[charger.pk, "hard-restart"])).content.decode()
    assert "1 session will be interrupted" in page


def test_the_makers_own_trigger(client, charger):
    asked = do(client, charger, "trigger", message="CustomTrigger", custom="")
    assert asked.status_code == 200 and "custom" in asked.context["form"].errors
    do(client, charger, "trigger", message="CustomTrigger", custom="Blink")
    assert Command.objects.get().payload == {"requestedMessage": "CustomTrigger", "customTrigger": "Blink"}
    assert "CustomTrigger" not in messages_of("2.0.1")


def test_a_start_with_a_profile_and_the_cards_group(client, charger):
    operator = charger.site.operator
    make.id_token(operator=operator, token="CARD1", group="FLEET")
    limit = {
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": [
            {
                "id": 1,
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0}],
            }
        ],
    }
    profile = ChargingProfile.objects.create(operator=operator, description="Slow", profile=limit)
    do(client, charger, "start", evse=charger.evses.get().pk, token="CARD1", profile=profile.pk)
    payload = Command.objects.get().payload
    assert payload["groupIdToken"]["idToken"] == "FLEET"
    assert payload["chargingProfile"]["id"] == profile.pk
    page = client.get(reverse("ops:charger_do", args=[as_version(charger, "1.6").pk, "start"]))
    assert "profile" not in page.context["form"].fields


def test_the_charger_is_asked_about_a_session_and_the_session_shows_it(client, charger):
    session = make.session(evse=charger.evses.get(), started_at=timezone.now())
    url = reverse("ops:session", args=[session.pk])
    ask = f"{reverse('ops:charger_do', args=[charger.pk, 'ask'])}?session={session.pk}"
    assert ask in client.get(url).content.decode()
    do(client, charger, "ask", session=session.pk)
    command = Command.objects.get()
    assert (command.action, command.payload) == (
        "GetTransactionStatus",
        {"transactionId": session.transaction_id},
    )
    Command.objects.update(
        status="answered",
        response={"ongoingIndicator": False, "messagesInQueue": True},
        answered_at=timezone.now(),
    )
    page = client.get(url).content.decode()
    assert "It has ended at the charger." in page and "that it has not sent yet" in page
    as_version(charger, "1.6")
    assert ask not in client.get(url).content.decode()
    refused = do(client, charger, "ask", session=session.pk)
    assert refused.status_code == 200 and "no action" in refused.content.decode()


def test_a_plan_for_later_is_shown_and_can_be_cancelled(client, charger):
    later = timezone.localtime(timezone.now() + timedelta(days=1), charger.site.zone)
    answer = do(
        client,
        charger,
        "close",
        place=f"evse-{charger.evses.get().pk}",
        starts_at=f"{later:%Y-%m-%dT%H:%M}",
        reason="New cables",
    )
    assert answer["Location"] == reverse("ops:charger", args=[charger.pk]) + "#plans"
    plan = AvailabilityPlan.objects.get()
    assert plan.state == "planned" and not Command.objects.exists()
    assert abs(plan.starts_at - later) < timedelta(minutes=1)
    page = client.get(reverse("ops:charger", args=[charger.pk])).content.decode()
    assert "New cables" in page and reverse("ops:plan_end", args=[plan.pk]) in page
    client.post(reverse("ops:plan_end", args=[plan.pk]))
    plan.refresh_from_db()
    assert plan.state == "cancelled"


@pytest.mark.parametrize(
    ("starts", "ends", "field"), [(-60, None, "starts_at"), (60, 30, "ends_at"), (None, -5, "ends_at")]
)
def test_times_that_make_no_sense(client, charger, starts, ends, field):
    def text(minutes):
        at = timezone.localtime(timezone.now() + timedelta(minutes=minutes), charger.site.zone)
        return f"{at:%Y-%m-%dT%H:%M}"

    data = {
        name: text(minutes)
        for name, minutes in (("starts_at", starts), ("ends_at", ends))
        if minutes is not None
    }
    answer = do(client, charger, "close", **data)
    assert answer.status_code == 200 and field in answer.context["form"].errors
    assert not AvailabilityPlan.objects.exists()


def test_bookings_in_the_way_are_named_before(client, charger):
    now = timezone.now()
    booking = make.booking(evse=charger.evses.get(), starts_at=now + timedelta(hours=2), now=now)
    page = client.get(reverse("ops:charger_do", args=[charger.pk, "close"])).content.decode()
    assert "No equivalent charger is free" in page
    # Left alone unless somebody chooses otherwise, as here: the plan closes around it.
    do(client, charger, "close")
    booking.refresh_from_db()
    assert booking.status == "RESERVED"


def test_bookings_in_the_way_are_moved_by_choice(client, charger):
    now = timezone.now()
    evse = charger.evses.get()
    other = make.evse(station=make.station(site=charger.site, connection=uuid4()), state="available")
    evse.max_power_w = other.max_power_w
    evse.save()
    booking = make.booking(evse=evse, starts_at=now + timedelta(hours=2), now=now)
    page = client.get(reverse("ops:charger_do", args=[charger.pk, "close"])).content.decode()
    assert f"It could go to {other.station.name}" in page
    do(client, charger, "close", bookings="move")
    booking.refresh_from_db()
    assert (booking.evse, AvailabilityPlan.objects.count()) == (other, 1)


def test_wish_and_reality_of_an_evse_are_told_apart(client, charger):
    charger.evses.update(wanted_operative=False, state="available")
    url = reverse("ops:charger", args=[charger.pk])
    page = client.get(url).content.decode()
    assert "Out of service by our wish." in page and "reports otherwise" in page
    charger.evses.update(state="unavailable")
    assert "reports otherwise" not in client.get(url).content.decode()


def test_a_restart_may_wait_for_a_charger_that_is_away_and_be_cancelled(client, charger):
    as_offline(charger)
    page = client.get(reverse("ops:charger_do", args=[charger.pk, "restart"])).content.decode()
    assert "Choose below whether this waits" in page
    answer = do(client, charger, "restart", if_offline="24")
    command = Command.objects.get()
    assert answer["Location"] == reverse("ops:command", args=[command.pk])
    page = client.get(answer["Location"]).content.decode()
    assert "Waiting for the charger to connect" in page
    cancel = reverse("ops:command_cancel", args=[command.pk])
    assert cancel in page
    client.post(cancel)
    page = client.get(answer["Location"]).content.decode()
    assert "Cancelled" in page and "Not sent" in page and cancel not in page


def test_any_call_may_wait_too(client, charger):
    as_offline(charger)
    url = reverse("ops:call", args=[charger.pk, "GetLocalListVersion"])
    assert client.post(url, {"once": str(uuid4()), "if_offline": "168"}).status_code == 302
    command = Command.objects.get()
    assert (command.status, command.payload) == ("queued", {})


def test_a_start_that_nobody_follows_is_over(client, charger):
    now = timezone.now()
    command = Command.objects.create(
        station=charger,
        action="RequestStartTransaction",
        payload={"evseId": 1},
        status="answered",
        response={"status": "Accepted"},
        answered_at=now,
        expires_at=now,
    )
    url = reverse("ops:command", args=[command.pk])
    assert "Waiting for the session to start" in client.get(url).content.decode()
    Command.objects.update(
        answered_at=now - effects.START_WITHIN - timedelta(seconds=1), created_at=now - timedelta(hours=1)
    )
    page = client.get(url)
    assert "It did not start" in page.content.decode() and page.context["progress"].is_over


class Words(SimpleTestCase):
    def test_every_message_that_can_be_asked_for_is_explained(self):
        for version in schemas.VERSIONS:
            assert messages_of(version)
            assert not [name for name in messages_of(version) if name not in MESSAGES]

    def test_every_answer_to_unlocking_is_told_in_plain_words(self):
        for version in schemas.VERSIONS:
            schema = schemas.response_schema(version, "UnlockConnector")
            node = schemas.resolve(schema["properties"]["status"], schema)
            for word in node["enum"]:
                assert answers.words("UnlockConnector", {"status": word}), word

    def test_verbs_have_different_words(self):
        assert len({form.title for form in VERBS.values()}) == len(VERBS)
