"""Commands from the charger's page: forms, confirmation, sent once, and what is seen to happen."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import SimpleTestCase
from django.urls import reverse
from django.utils import timezone

from monitoring import call_fields, command_forms, effects
from monitoring.verbs import VERBS
from stations.models import Command, State
from stations.ocpp import schemas
from tests import make


@pytest.fixture
def charger(db):
    """An online 1.6 charger with a running session; what is sent to it stays in its queue."""
    operator = make.operator()
    station = make.station(
        site=make.site(operator=operator), connection=uuid4(), node="specific.x!y", ocpp_version="1.6"
    )
    evse = make.evse(station=station, state=State.CHARGING)
    session = make.session(evse=evse, started_at=timezone.now() - timedelta(minutes=5), energy_wh=2500)
    return station, evse, session


@pytest.fixture
def manager(client, charger):
    person = make.member(operator=charger[0].site.operator)
    client.force_login(person)
    return person


def do(client, station, verb, **data):
    url = reverse("ops:charger_do", args=[station.pk, verb])
    return client.post(url, {"once": str(uuid4()), **data})


def test_each_verb_asks_first(client, charger, manager):
    station, _evse, _session = charger
    for verb in VERBS:
        page = client.get(reverse("ops:charger_do", args=[station.pk, verb]))
        assert page.status_code == 200 and station.name in page.content.decode(), verb
    for verb in ("restart", "hard-restart", "unlock", "close"):
        page = client.get(reverse("ops:charger_do", args=[station.pk, verb])).content.decode()
        assert "1 session will be interrupted: EVSE 1" in page and "2.5 kWh so far" in page, verb
    assert not Command.objects.exists()
    assert client.get(reverse("ops:charger_do", args=[station.pk, "explode"])).status_code == 404


def test_what_each_verb_sends(client, charger, manager):
    station, evse, session = charger
    card = make.id_token(operator=station.site.operator, token="CARD1")
    connector = evse.connectors.get()
    sent = [
        (
            "start",
            {"evse": evse.pk, "token": "card1"},
            "RemoteStartTransaction",
            {"connectorId": 1, "idTag": card.token},
        ),
        (
            "stop",
            {"session": session.pk},
            "RemoteStopTransaction",
            {"transactionId": int(session.transaction_id)},
        ),
        ("restart", {}, "Reset", {"type": "Soft"}),
        ("hard-restart", {}, "Reset", {"type": "Hard"}),
        ("unlock", {"connector": connector.pk}, "UnlockConnector", {"connectorId": 1}),
        (
            "trigger",
            {"message": "MeterValues", "connector": connector.pk},
            "TriggerMessage",
            {"requestedMessage": "MeterValues", "connectorId": 1},
        ),
        (
            "trigger",
            {"message": "SignChargePointCertificate"},
            "ExtendedTriggerMessage",
            {"requestedMessage": "SignChargePointCertificate"},
        ),
        ("close", {"place": ""}, "ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}),
        ("open", {"place": f"evse-{evse.pk}"}, "ChangeAvailability", {"connectorId": 1, "type": "Operative"}),
    ]
    for verb, data, action, payload in sent:
        answer = do(client, station, verb, **data)
        command = Command.objects.first()
        assert answer["Location"] == reverse("ops:command", args=[command.pk]), verb
        assert (command.action, command.payload, command.created_by) == (action, payload, manager)


def test_a_start_without_a_card_is_the_dispatchers_own(client, charger, manager):
    station, evse, _session = charger
    do(client, station, "start", evse=evse.pk, token="")
    assert Command.objects.get().payload["idTag"] == manager.id_tokens.get().token


@pytest.mark.parametrize("token", ["unknown", "BLOCKED1", "x\x00y", "OTHERS1"])
def test_a_card_that_may_not_charge_is_refused(client, charger, manager, token):
    station, evse, _session = charger
    make.id_token(operator=station.site.operator, token="BLOCKED1", status="blocked")
    make.id_token(operator=make.operator(), token="OTHERS1")
    answer = do(client, station, "start", evse=evse.pk, token=token)
    assert answer.status_code == 200 and "There is a problem" in answer.content.decode()
    assert not Command.objects.exists()


def test_another_chargers_session_can_not_be_stopped_here(client, charger, manager):
    station, _evse, _session = charger
    other = make.session()
    assert do(client, station, "stop", session=other.pk).status_code == 200
    assert not Command.objects.exists()


def test_sent_twice_is_sent_once(client, charger, manager):
    station, _evse, _session = charger
    once = str(uuid4())
    first = do(client, station, "restart", once=once)
    second = do(client, station, "restart", once=once)
    assert first["Location"] == second["Location"] and Command.objects.count() == 1


def test_an_offline_charger_gets_nothing(client, charger, manager):
    station, _evse, _session = charger
    once = str(uuid4())
    type(station).objects.update(connection=None)
    for verb in ("restart", "open", "unlock"):
        answer = do(client, station, verb, evse="", once=once)
        assert answer.status_code == 200 and "not connected" in answer.content.decode()
    call = reverse("ops:call", args=[station.pk, "ClearCache"])
    assert client.post(call, {"once": once, "confirmed": "1"}).status_code == 200
    assert not Command.objects.exists()


def test_who_may_send(client, charger):
    station, _evse, _session = charger
    operator = station.site.operator
    for person, status in [
        (make.member(operator=operator, role="accountant"), 403),
        (make.member(operator=make.operator()), 404),
        (make.member(operator=operator, role="technician", sites=[]), 404),
        (make.user(), 403),
    ]:
        client.force_login(person)
        assert do(client, station, "restart").status_code == status
        for name, args in [("call_choose", [station.pk]), ("call", [station.pk, "Reset"])]:
            assert client.get(reverse(f"ops:{name}", args=args)).status_code == status
    assert not Command.objects.exists()


def test_any_call_of_the_protocol(client, charger, manager):
    station, _evse, _session = charger
    page = client.get(reverse("ops:call_choose", args=[station.pk])).content.decode()
    assert "GetDiagnostics" in page and "BootNotification" not in page.split("<main")[1]
    url = reverse("ops:call", args=[station.pk, "TriggerMessage"])
    once = str(uuid4())
    answer = client.post(url, {"once": once, "requestedMessage": "MeterValues", "connectorId": "1"})
    command = Command.objects.get()
    assert answer["Location"] == reverse("ops:command", args=[command.pk])
    assert command.payload == {"requestedMessage": "MeterValues", "connectorId": 1}
    assert client.get(reverse("ops:call", args=[station.pk, "Authorize"])).status_code == 404
    assert client.get(reverse("ops:call", args=[station.pk, "Nonsense"])).status_code == 404


def test_a_risky_call_asks_once_more(client, charger, manager):
    station, _evse, _session = charger
    url = reverse("ops:call", args=[station.pk, "Reset"])
    data = {"once": str(uuid4()), "type": "Hard"}
    asked = client.post(url, data)
    assert asked.status_code == 200 and "1 session will be interrupted" in asked.content.decode()
    assert not Command.objects.exists()
    assert client.post(url, data | {"confirmed": "1"}).status_code == 302
    assert Command.objects.get().payload == {"type": "Hard"}


@pytest.mark.parametrize(
    "given", ["{", "[1]", '{"id": 1}', "[" * 100_000, '[{"limit": "much"}]'], ids=lambda text: text[:12]
)
def test_deep_json_is_checked_by_the_schema(client, charger, manager, given):
    station, _evse, _session = charger
    url = reverse("ops:call", args=[station.pk, "SetChargingProfile"])
    at = "csChargingProfiles"
    data = {
        "once": str(uuid4()),
        "connectorId": 1,
        f"{at}-chargingProfileId": 1,
        f"{at}-stackLevel": 0,
        f"{at}-chargingProfilePurpose": "TxDefaultProfile",
        f"{at}-chargingProfileKind": "Relative",
        f"{at}-chargingSchedule-chargingRateUnit": "A",
        f"{at}-chargingSchedule-chargingSchedulePeriod": given,
    }
    answer = client.post(url, data)
    errors = answer.context["form"].errors
    assert answer.status_code == 200 and f"{at}-chargingSchedule-chargingSchedulePeriod" in errors
    assert not Command.objects.exists()


def command(station, **fields):
    return Command.objects.create(station=station, expires_at=timezone.now(), **fields)


def test_the_command_page_shows_answer_and_effect(client, charger, manager):
    station, _evse, _session = charger
    reset = command(
        station,
        action="Reset",
        payload={"type": "Soft"},
        status="answered",
        response={"status": "Accepted", "statusInfo": {"reasonCode": "Ok<script>"}},
        answered_at=timezone.now(),
        created_by=manager,
    )
    url = reverse("ops:command", args=[reset.pk])
    page = client.get(url).content.decode()
    assert "The charger answered: Accepted" in page and "Waiting for the charger to restart" in page
    assert "Ok&lt;script&gt;" in page and manager.email in page
    type(station).objects.update(booted_at=timezone.now())
    assert "The charger has restarted" in client.get(url).content.decode()


def test_a_refusal_waits_for_nothing(client, charger, manager):
    station, _evse, _session = charger
    refused = command(station, action="Reset", status="answered", response={"status": "Rejected"})
    page = client.get(reverse("ops:command", args=[refused.pk]))
    assert page.context["progress"].is_over and "Rejected" in page.content.decode()


class Forms(SimpleTestCase):
    def test_every_call_of_every_version_has_a_form(self):
        for version in schemas.VERSIONS:
            for action in schemas.actions_to_station(version):
                with self.subTest(version=version, action=action):
                    form = command_forms.form_for(version, action)()
                    assert "once" in form.fields and str(form)

    def test_the_example_fits_the_schema(self):
        for version, action in [
            ("1.6", "SetChargingProfile"),
            ("2.0.1", "SetVariables"),
            ("2.1", "GetReport"),
        ]:
            schema = schemas.request_schema(version, action)
            found = schemas.problem(version, action, call_fields.example(schema, schema))
            assert found is None or "shorter" in found[1] or "length" in found[1], found

    def test_times_carry_their_zone(self):
        form_class = command_forms.form_for("1.6", "UpdateFirmware")
        for text, fits in [("2026-06-15T12:00:00Z", True), ("2026-06-15T12:00:00", False), ("soon", False)]:
            form = form_class({"once": uuid4(), "location": "https://x.example/fw", "retrieveDate": text})
            assert form.is_valid() is fits, text


class Effects(SimpleTestCase):
    def test_what_is_seen(self):
        noon = make.NOON
        table = [
            ("Reset", {}, effects.Facts(), False),
            ("Reset", {}, effects.Facts(booted_at=noon), True),
            ("RemoteStartTransaction", {}, effects.Facts(started_at=noon), True),
            ("RequestStopTransaction", {}, effects.Facts(), False),
            (
                "ChangeAvailability",
                {"type": "Inoperative"},
                effects.Facts(state="available", state_since=noon),
                False,
            ),
            (
                "ChangeAvailability",
                {"type": "Inoperative"},
                effects.Facts(state="unavailable", state_since=noon),
                True,
            ),
            (
                "ChangeAvailability",
                {"operationalStatus": "Operative"},
                effects.Facts(state="available", state_since=noon),
                True,
            ),
        ]
        for action, payload, facts, seen in table:
            with self.subTest(action=action, facts=facts):
                assert (effects.observed(action, payload, facts).at is not None) is seen
        assert effects.observed("GetLocalListVersion", {}, effects.Facts()) is None
