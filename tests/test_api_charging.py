"""Tokens, sessions, readings, reservations, messages, commands and profiles over the API."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from stations.models import ChargingProfile, Command, IdToken, Message, Reading, Reservation
from tests import make
from tests.api import as_person, caller

pytestmark = pytest.mark.django_db
NOON = make.NOON


@pytest.fixture
def operator():
    return make.operator()


@pytest.fixture
def evse(operator):
    return make.evse(station=make.station(site=make.site(operator=operator), identity="CP-1"))


@pytest.fixture
def api(operator):
    return caller(operator=operator)


# Tokens


def test_a_token_is_entered_and_changed(api, operator):
    fields = {
        "token": "04A2B3C4",
        "type": "ISO14443",
        "status": "accepted",
        "expires_at": "2027-01-01T00:00:00Z",
        "group": "FLEET",
    }
    answer = api.post("id-tokens/", fields)
    assert answer.status_code == 201, answer.data
    assert {name: answer.data[name] for name in fields} == fields
    changed = api.patch(f"id-tokens/{answer.data['id']}/", {"status": "blocked", "token": "OTHER"})
    assert changed.status_code == 200
    assert (changed.data["status"], changed.data["token"]) == ("blocked", "04A2B3C4")
    assert IdToken.objects.get().operator == operator
    assert api.get("id-tokens/", {"token": "04a2b3c4"}).data["results"] == [changed.data]


def test_a_known_token_is_a_conflict_whatever_its_letters(api):
    first = api.post("id-tokens/", {"token": "04A2B3C4"})
    answer = api.post("id-tokens/", {"token": "04a2b3c4", "status": "blocked"})
    assert answer.status_code == 409
    assert answer.data["id"] == first.data["id"]
    assert IdToken.objects.get().status == "accepted"


def test_another_operators_token_is_no_conflict(api):
    make.id_token(operator=make.operator(), token="04A2B3C4")
    assert api.post("id-tokens/", {"token": "04A2B3C4"}).status_code == 201


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"token": ""}, "token"),
        ({"token": "x" * 256}, "token"),
        ({"token": "a\x00"}, "token"),
        ({"status": "lost"}, "status"),
        ({"type": "Card"}, "type"),
        ({"expires_at": "tomorrow"}, "expires_at"),
    ],
)
def test_a_token_that_cannot_be(api, fields, at_fault):
    answer = api.post("id-tokens/", {"token": "A"} | fields)
    assert answer.status_code == 400
    assert at_fault in answer.data["errors"]


# Sessions and readings


def test_sessions_are_found_by_charger_token_and_whether_they_run(api, evse, operator):
    token = make.id_token(operator=operator, token="04A2B3C4")
    over = make.session(
        evse=evse, minutes=30, energy_wh=7500, token="04a2b3c4", id_token=token, stop_reason="Local"
    )
    running = make.session(evse=evse, started_at=NOON + timedelta(hours=1), token="OTHER")
    make.session(evse=make.evse(station=make.station(site=evse.station.site, identity="CP-2")))

    rows = api.get("sessions/", {"station": "CP-1"}).data["results"]
    assert [row["id"] for row in rows] == [str(running.pk), str(over.pk)]
    (row,) = api.get("sessions/", {"station": "CP-1", "id_token": "04A2B3C4", "open": "false"}).data[
        "results"
    ]
    assert row["transaction_id"] == over.transaction_id
    assert (row["station"], row["evse"], row["stop_reason"]) == ("CP-1", evse.public_id, "Local")
    assert row["energy_wh"] == 7500 and isinstance(row["energy_wh"], float)
    assert row["started_at"] == "2026-06-15T12:00:00Z"
    assert row["stopped_at"] == "2026-06-15T12:30:00Z"
    (row,) = api.get("sessions/", {"station": "CP-1", "open": "true"}).data["results"]
    assert (row["id"], row["stopped_at"]) == (str(running.pk), None)
    assert api.get(f"sessions/{over.pk}/").data["id"] == str(over.pk)


def reading(evse, session=None, *, at=NOON, measurand="Energy.Active.Import.Register", value=1000):
    return Reading.objects.create(
        evse=evse,
        session=session,
        at=at,
        received_at=at,
        measurand=measurand,
        phase="",
        location="Outlet",
        context="Sample.Periodic",
        value=value,
        unit="Wh",
        flag="",
    )


def test_readings_come_with_their_count(api, evse):
    session = make.session(evse=evse)
    for minute in range(5):
        for measurand in ("Energy.Active.Import.Register", "Power.Active.Import"):
            reading(evse, session, at=NOON + timedelta(minutes=minute), measurand=measurand, value=minute)
    reading(evse, at=NOON - timedelta(hours=1))
    page = api.get("readings/", {"session": str(session.pk), "limit": 3}).data
    assert page["count"] == 10
    seen = list(page["results"])
    while page["next"]:
        page = api.get(page["next"]).data
        seen += page["results"]
    assert len(seen) == 10
    assert len({(row["at"], row["measurand"]) for row in seen}) == 10, "none twice, none lost"
    assert seen[0]["value"] == 4 and isinstance(seen[0]["value"], float)
    assert api.get("readings/", {"station": "CP-1"}).data["count"] == 11
    assert (
        api.get("readings/", {"session": str(session.pk), "measurand": "Power.Active.Import"}).data["count"]
        == 5
    )
    assert api.get("readings/").data["count"] is None


@pytest.mark.parametrize(
    "address",
    [
        "readings/?session=7",
        "sessions/?open=perhaps",
        "sessions/?started_after=noon",
        "messages/?direction=up",
        "commands/?status=lost",
        "stations/?registration=maybe",
        "stations/?site=a%00b",
    ],
)
def test_filters_that_make_no_sense_are_refused(api, address):
    assert api.get(address).status_code == 400


# Reservations


def test_reservations_tell_their_number_and_state(api, evse, operator):
    token = make.id_token(operator=operator, token="04A2B3C4")
    row = Reservation.objects.create(
        evse=evse, id_token=token, starts_at=NOON, ends_at=NOON + timedelta(hours=1), status="told"
    )
    (shown,) = api.get("reservations/", {"station": "CP-1"}).data["results"]
    assert (shown["reservation_id"], shown["status"], shown["id_token"]) == (row.pk, "told", "04A2B3C4")
    assert api.get("reservations/", {"station": "CP-2"}).data["results"] == []
    assert api.get(f"reservations/{row.pk}/").data == shown


# Messages and commands


def message(station, *, action="Heartbeat", from_station=True):
    return Message.objects.create(
        at=timezone.now(),
        id=uuid.uuid4(),
        station=station,
        connection=uuid.uuid4(),
        from_station=from_station,
        kind="call",
        message_id="1",
        action=action,
        version="1.6",
        frame=f'[2,"1","{action}",{{}}]',
    )


def test_messages_are_found_by_charger_action_and_direction(api, evse):
    message(evse.station)
    message(evse.station, action="Reset", from_station=False)
    rows = api.get("messages/", {"station": "CP-1"}).data["results"]
    assert [(row["action"], row["direction"]) for row in rows] == [("Reset", "out"), ("Heartbeat", "in")]
    (row,) = api.get("messages/", {"station": "CP-1", "direction": "in"}).data["results"]
    assert row["frame"] == '[2,"1","Heartbeat",{}]'
    assert len(api.get("messages/", {"action": "Reset"}).data["results"]) == 1


def test_a_command_to_an_offline_charger_is_a_row_and_no_error(api, evse):
    answer = api.post("stations/CP-1/commands/?wait=5", {"action": "Reset", "payload": {"type": "Soft"}})
    assert answer.status_code == 201
    assert (answer.data["status"], answer.data["response"]) == ("offline", None)
    assert api.get(f"commands/{answer.data['id']}/").data["status"] == "offline"
    command = Command.objects.get()
    assert command.api_key is not None and command.created_by is None
    assert [row["id"] for row in api.get("commands/", {"station": "CP-1"}).data["results"]] == [
        str(command.pk)
    ]


@pytest.mark.parametrize(
    ("body", "at_fault", "words"),
    [
        ({"action": "Explode", "payload": {}}, "action", "Explode"),
        ({"action": "Heartbeat", "payload": {}}, "action", "Heartbeat"),
        ({"action": "../../etc/passwd", "payload": {}}, "action", ""),
        ({"payload": {}}, "action", ""),
        ({"action": "Reset", "payload": {"type": "Softly"}}, "payload", "Reset: type"),
        ({"action": "Reset", "payload": {}}, "payload", "type"),
        ({"action": "Reset", "payload": ["Soft"]}, "payload", "object"),
        ({"action": "Reset", "payload": "Soft"}, "payload", "object"),
        ({"action": "DataTransfer", "payload": {"vendorId": "a\x00b"}}, "payload", "NUL"),
    ],
)
def test_a_call_that_is_not_in_the_protocol_is_refused(api, evse, body, at_fault, words):
    answer = api.post("stations/CP-1/commands/", body)
    assert answer.status_code == 400
    assert words in str(answer.data["errors"][at_fault])
    assert not Command.objects.exists()


@pytest.mark.parametrize("wait", ["soon", "-1", "nan"])
def test_a_wait_is_a_number_of_seconds(api, evse, wait):
    answer = api.post(f"stations/CP-1/commands/?wait={wait}", {"action": "ClearCache", "payload": {}})
    assert answer.status_code == 400
    assert not Command.objects.exists()


# Charging profiles

PROFILE_16 = {
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}],
    },
}
PROFILE_2X = PROFILE_16 | {"chargingSchedule": [{"id": 1, **PROFILE_16["chargingSchedule"]}]}


def test_a_profile_gets_its_number_from_us(api):
    answer = api.post(
        "charging-profiles/", {"description": "Night", "profile": PROFILE_16 | {"chargingProfileId": 99}}
    )
    assert answer.status_code == 201, answer.data
    row = ChargingProfile.objects.get()
    assert answer.data["id"] == row.pk
    assert answer.data["profile"] == PROFILE_16 | {"chargingProfileId": row.pk}
    assert answer.data["versions"] == ["1.6"]
    changed = api.patch(f"charging-profiles/{row.pk}/", {"profile": PROFILE_2X})
    assert changed.data["profile"]["id"] == row.pk
    assert changed.data["versions"] == ["2.0.1", "2.1"]
    assert api.delete(f"charging-profiles/{row.pk}/").status_code == 204


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("16 A", "object"),
        ({}, "stackLevel"),
        (PROFILE_16 | {"stackLevel": "low"}, "stackLevel"),
        (PROFILE_2X | {"chargingSchedule": []}, "chargingSchedule"),
    ],
)
def test_a_profile_that_no_charger_would_take_is_refused(api, profile, words):
    answer = api.post("charging-profiles/", {"description": "Night", "profile": profile})
    assert answer.status_code == 400
    assert words in str(answer.data["errors"]["profile"])


# Drivers


def test_a_driver_sees_their_own_and_no_identity(evse, operator):
    driver = make.user()
    mine = make.id_token(operator=operator, token="MINE-1234", user=driver)
    make.id_token(operator=operator, token="THEIRS-99", user=make.user())
    own = make.session(evse=evse, user=driver, token="MINE-1234")
    make.session(evse=evse, user=make.user(), token="THEIRS-99")
    reading(evse, own)
    reading(evse, at=NOON + timedelta(minutes=1))
    me = as_person(driver)
    (row,) = me.get("sessions/").data["results"]
    assert (row["id"], row["station"], row["id_token"]) == (str(own.pk), None, "MINE-1234")
    assert [row["id"] for row in me.get("id-tokens/").data["results"]] == [mine.pk]
    assert len(me.get("readings/").data["results"]) == 1
    assert me.get("stations/").status_code == 403
    assert me.post("id-tokens/", {"token": "NEW"}).status_code == 403


def test_a_technician_sees_only_the_end_of_a_card(evse, operator):
    make.session(evse=evse, token="04A2B3C4")
    (row,) = caller(operator=operator, role="technician").get("sessions/").data["results"]
    assert row["id_token"] == "…B3C4"


# Queries


@pytest.mark.parametrize(
    "address",
    [
        "sites/",
        "stations/",
        "evses/",
        "id-tokens/",
        "sessions/",
        "readings/?station=CP-1",
        "reservations/",
        "messages/",
        "commands/",
        "charging-profiles/",
    ],
)
def test_lists_ask_the_database_as_often_whatever_their_length(
    api, evse, operator, address, django_assert_num_queries
):
    def more():
        another = make.evse(station=make.station(site=make.site(operator=operator)))
        token = make.id_token(operator=operator)
        session = make.session(evse=another, id_token=token)
        message(another.station)
        reading(evse, session, at=NOON + timedelta(seconds=make.number()))
        Reservation.objects.create(
            evse=another, id_token=token, starts_at=NOON, ends_at=NOON + timedelta(hours=1)
        )
        Command.objects.create(station=another.station, action="Reset", expires_at=NOON)
        ChargingProfile.objects.create(operator=operator, description="x", profile=PROFILE_16)

    more()
    api.get(address)  # The first use of a key is written down.
    with CaptureQueriesContext(connection) as one:
        assert len(api.get(address).data["results"]) >= 1
    more()
    more()
    with django_assert_num_queries(len(one)):
        assert len(api.get(address).data["results"]) >= 3
