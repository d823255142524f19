"""The page of a charger's display and cards: what it shows, what its buttons do, and who may press them."""

from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from stations.models import Abilities, Command, DisplayMessage, LocalList, StationTariff, WebPayments
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def station():
    row = make.station(ocpp_version="2.1", connection=uuid4(), node="node-1")
    make.evse(station=row)
    Abilities.objects.create(
        station=row,
        told={
            "DisplayMessageCtrlr.Available": "true",
            "AuthCacheCtrlr.Enabled": "true",
            "LocalAuthListCtrlr.Enabled": "true",
        },
        known_at=timezone.now(),
        asked_at=timezone.now(),
    )
    return row


@pytest.fixture
def page(station):
    return reverse("ops:charger_display", args=[station.pk])


@pytest.fixture
def manager(client, station):
    client.force_login(make.member(operator=station.site.operator))
    return client


FORM = {"do": "show", "text": "Maintenance on Tuesday", "format": "UTF8", "priority": "NormalCycle"}


def form(**more) -> dict:
    return FORM | {"once": str(uuid4())} | more


def test_it_shows_what_is_known(manager, station, page):
    DisplayMessage.objects.create(
        station=station, number=1, status="shown", texts=[{"content": "Hello <b>", "format": "UTF8"}]
    )
    LocalList.objects.create(
        station=station, state="failed", error="flash is full", version=7, reported_version=9
    )
    StationTariff.objects.create(
        evse=station.evses.get(), tariff_id="3-1", left_out=["blocks of 5 kWh"], sent_at=timezone.now()
    )
    WebPayments.objects.create(station=station, status="on", validity_s=45)
    text = manager.get(page).content.decode()
    for words in (
        "Hello &lt;b&gt;",
        "flash is full",
        "the charger says 9",
        "blocks of 5 kWh",
        "a new one every 45 seconds",
    ):
        assert words in text


@pytest.mark.parametrize("version", ["", "1.6", "2.0.1", "2.1"])
def test_every_version_has_the_page(manager, station, page, version):
    type(station).objects.update(ocpp_version=version)
    assert manager.get(page).status_code == 200


def test_a_message_sent_twice_goes_out_once(manager, station, page):
    sent = form(starts_at="2026-06-16T08:00", ends_at="2026-06-16T18:00", language="en")
    for _time in range(2):
        assert manager.post(page, sent).status_code == 302
    row = DisplayMessage.objects.get()
    assert Command.objects.get().payload["message"]["startDateTime"] == "2026-06-16T06:00:00.000Z"
    assert row.created_by is not None
    assert row.texts[0]["language"] == "en"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"text": ""}, "This field is required"),
        ({"starts_at": "2026-06-16T08:00", "ends_at": "2026-06-16T07:00"}, "The end must be after"),
        ({"other_text": "Wartung"}, "say in which language"),
        ({"text": "x" * 1025}, "at most 1024"),
        ({"format": "MORSE"}, "valid choice"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_sent(manager, page, wrong, words):
    answer = manager.post(page, form(**wrong))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Command.objects.exists()


def test_a_charger_that_can_not_is_said_in_the_form(manager, station, page):
    type(station).objects.update(ocpp_version="1.6")
    answer = manager.post(page, form())
    assert answer.status_code == 422
    assert "OCPP 1.6" in answer.content.decode()


def test_a_whole_site(manager, station, page):
    other = make.station(site=station.site, ocpp_version="2.0.1")
    Abilities.objects.create(
        station=other, told={"DisplayMessageCtrlr.Available": "true"}, known_at=timezone.now()
    )
    manager.post(page, form(whole_site="on"))
    assert set(DisplayMessage.objects.values_list("station", flat=True)) == {station.pk, other.pk}


@pytest.mark.parametrize(
    ("do", "action"),
    [
        ("ask-messages", "GetDisplayMessages"),
        ("send-list", "SendLocalList"),
        ("ask-list", "GetLocalListVersion"),
        ("ask-abilities", "GetVariables"),
        ("clear-cache", "ClearCache"),
        ("codes-on", "SetVariables"),
    ],
)
def test_each_button_sends_its_call(manager, page, do, action):
    assert manager.post(page, {"do": do}).status_code == 302
    assert set(Command.objects.values_list("action", flat=True)) == {action}


def test_a_message_is_taken_down_and_not_anothers(manager, station, page):
    mine = DisplayMessage.objects.create(station=station, number=1, status="shown")
    elsewhere = DisplayMessage.objects.create(station=make.station(), number=1, status="shown")
    assert manager.post(page, {"do": "clear", "message": elsewhere.pk}).status_code == 404
    assert manager.post(page, {"do": "clear", "message": "x"}).status_code == 404
    assert not Command.objects.exists()
    manager.post(page, {"do": "clear", "message": mine.pk})
    assert Command.objects.get().payload == {"id": 1}


def test_an_offline_charger_is_not_asked(manager, station, page):
    type(station).objects.update(connection=None)
    answer = manager.post(page, {"do": "ask-list"}, follow=True)
    assert "not connected" in answer.content.decode()
    assert not Command.objects.exists()


def test_who_only_looks_presses_nothing(client, station, page):
    client.force_login(make.member(operator=station.site.operator, role="accountant"))
    text = client.get(page).content.decode()
    assert "Send the whole list" not in text
    assert client.post(page, {"do": "send-list"}).status_code == 403
    assert client.post(page, form()).status_code == 403
    assert not Command.objects.exists()


def test_there_are_no_other_buttons(manager, page):
    assert manager.post(page, {"do": "explode"}).status_code == 400
