"""Tokens' places and rules, local lists, display messages and settlements over the API."""

from uuid import uuid4

import pytest
from django.utils import timezone

from stations.models import Abilities, Command, DisplayMessage, IdToken, LocalList, Settlement
from tests import make
from tests.api import caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator():
    return make.operator()


@pytest.fixture
def station(operator):
    row = make.station(
        site=make.site(operator=operator),
        identity="CP-1",
        ocpp_version="2.0.1",
        connection=uuid4(),
        node="node-1",
    )
    make.evse(station=row)
    Abilities.objects.create(
        station=row,
        told={"LocalAuthListCtrlr.Enabled": "true", "DisplayMessageCtrlr.Available": "true"},
        known_at=timezone.now(),
    )
    return row


@pytest.fixture
def api(operator):
    return caller(operator=operator)


def test_a_token_says_what_it_may(api, station):
    evse = station.evses.get()
    fields = {
        "concurrent_allowed": True,
        "on_local_list": True,
        "priority": 3,
        "language": "de",
        "message": "Hallo",
        "sites": [station.site.slug],
        "evses": [evse.public_id],
    }
    answer = api.post("id-tokens/", {"token": "VIN0001", "type": "VIN", **fields})
    assert answer.status_code == 201, answer.data
    assert {name: answer.data[name] for name in fields} == fields
    answer = api.patch(f"id-tokens/{answer.data['id']}/", {"sites": [], "priority": 0})
    assert (answer.data["sites"], answer.data["priority"]) == ([], 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [("priority", 10), ("type", "Carrier pigeon"), ("sites", ["nowhere"]), ("language", "x" * 9)],
)
def test_what_no_token_can_have(api, field, value):
    assert api.post("id-tokens/", {"token": "A", field: value}).status_code == 400
    assert not IdToken.objects.exists()


def test_a_token_is_for_the_operators_own_places(api):
    theirs = make.site()
    answer = api.post("id-tokens/", {"token": "A", "sites": [theirs.slug]})
    assert answer.status_code == 400
    assert not IdToken.objects.exists()


def test_a_list_is_sent_by_a_post(api, operator, station):
    make.id_token(operator=operator, token="CARD-1", on_local_list=True)
    answer = api.post("local-lists/", {"station": "CP-1"})
    assert answer.status_code == 201, answer.data
    command = Command.objects.get(action="SendLocalList")
    assert answer.data["command"] == command.pk
    assert command.payload["localAuthorizationList"][0]["idToken"]["idToken"] == "CARD-1"
    assert command.api_key is not None
    assert api.get("local-lists/", {"station": "CP-1"}).data["results"][0]["state"] == "sending"
    assert api.post("local-lists/", {"station": "CP-2"}).status_code == 404
    assert LocalList.objects.count() == 1


def test_a_message_for_a_charger_and_for_a_site(api, station):
    texts = [{"content": "Hello"}]
    answer = api.post("display-messages/", {"station": "CP-1", "texts": texts})
    assert answer.status_code == 201, answer.data
    (shown,) = answer.data
    assert (shown["station"], shown["number"], shown["status"]) == ("CP-1", 1, "sending")
    answer = api.post("display-messages/", {"site": station.site.slug, "texts": texts})
    assert [row["number"] for row in answer.data] == [2]
    DisplayMessage.objects.update(status="shown")
    assert api.delete(f"display-messages/{shown['id']}/").status_code == 204
    assert Command.objects.filter(action="ClearDisplayMessage", payload={"id": 1}).exists()


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({}, 400),
        ({"station": "CP-1", "site": "x"}, 400),
        ({"station": "CP-404"}, 404),
        ({"station": "CP-1", "texts": []}, 400),
        ({"station": "CP-1", "texts": [{"content": "x\x00"}]}, 400),
        ({"station": "CP-1", "texts": [{"content": "x", "format": "QRCODE"}]}, 409),
    ],
)
def test_what_is_wrong_with_a_message_is_said(api, station, wrong, status):
    answer = api.post("display-messages/", {"texts": [{"content": "Hello"}], **wrong})
    assert answer.status_code == status
    assert not DisplayMessage.objects.exists()


def test_settlements_are_listed(api, station):
    now = timezone.now()
    Settlement.objects.create(
        station=station, psp_ref="psp-1", status="Settled", amount="4.90", settled_at=now, received_at=now
    )
    (shown,) = api.get("settlements/", {"station": "CP-1"}).data["results"]
    assert (shown["psp_ref"], shown["amount"]) == ("psp-1", "4.9000")


@pytest.mark.parametrize("address", ["local-lists/", "display-messages/", "settlements/", "id-tokens/"])
def test_lists_cost_as_much_whatever_their_length(
    api, operator, station, address, django_assert_max_num_queries
):
    for number in range(5):
        other = make.station(site=station.site, identity=f"CP-1{number}")
        LocalList.objects.create(station=other)
        DisplayMessage.objects.create(station=other, number=1, texts=[{"content": "x", "format": "UTF8"}])
        now = timezone.now()
        Settlement.objects.create(
            station=other, psp_ref="x", status="Settled", amount=1, settled_at=now, received_at=now
        )
        make.id_token(operator=operator).sites.add(station.site)
    with django_assert_max_num_queries(9):
        assert len(api.get(address).data["results"]) == 5
