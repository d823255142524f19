"""Customer information for machines: asked over the API, told by a charger in parts, read once."""

import asyncio

import pytest
from django.core.cache import cache
from django.utils import timezone

from stations.models import Command, CustomerInformationPart, CustomerInquiry
from tests import make
from tests.api import caller
from tests.charger import Charger

pytestmark = pytest.mark.django_db
PATH = "customer-inquiries/"
HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "a1", "issuerKeyHash": "b2", "serialNumber": "c3"}


@pytest.fixture(autouse=True)
def forget():
    cache.clear()


@pytest.fixture
def operator():
    return make.operator()


@pytest.fixture
def api(operator):
    return caller(operator=operator)


@pytest.fixture
def station(operator):
    return make.station(site=make.site(operator=operator), identity="CP/1", ocpp_version="2.0.1")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_asked_told_in_parts_and_read_once(door, database, ingest_all, version):
    operator = await database(make.operator)
    station = await database(lambda: make.station(site=make.site(operator=operator), identity="CP-1"))
    api = await database(lambda: caller(operator=operator))
    async with Charger(door.url, "CP-1", "charger-password-1", version=version) as charger:
        await charger.boot()
        asked = {"station": station.identity, "token": "04SECRET", "report": True, "clear": True}
        made = await database(api.post, PATH, asked)
        assert made.status_code == 201, made.data
        number = made.data["id"]
        assert await charger.expect("CustomerInformation") == {
            "requestId": number,
            "report": True,
            "clear": True,
            "idToken": {"idToken": "04SECRET", "type": "ISO14443"},
        }
        accepted = CustomerInquiry.objects.filter(state="accepted")
        for _try in range(100):
            if await database(accepted.exists):
                break
            await asyncio.sleep(0.02)
        for seq_no, data, more in ((1, "und Ladungen", False), (0, "Karte ", True)):
            part = {"requestId": number, "seqNo": seq_no, "data": data, "tbc": more}
            await charger.call("NotifyCustomerInformation", part | {"generatedAt": "2026-06-15T12:00:00Z"})
            await ingest_all()
            row = (await database(api.get, f"{PATH}{number}/")).data
            if more is False:
                assert (row["state"], row["parts"]) == ("accepted", 1)
                early = await database(api.post, f"{PATH}{number}/show/")
                assert early.status_code == 409
    assert (row["state"], row["parts"]) == ("answered", 2)
    shown = await database(lambda: api.post(f"{PATH}{number}/show/", HTTP_IDEMPOTENCY_KEY="k"))
    assert (shown.status_code, shown.data) == (200, {"text": "Karte und Ladungen"})
    assert shown["Cache-Control"] == "no-store"
    again = await database(lambda: api.post(f"{PATH}{number}/show/", HTTP_IDEMPOTENCY_KEY="k"))
    assert again.status_code == 409
    assert (await database(api.get, f"{PATH}{number}/")).data["state"] == "shown"
    assert not await database(CustomerInformationPart.objects.exists)


def test_by_number_and_by_certificate_and_for_one_that_is_away(api, station):
    by_number = api.post(
        PATH, {"station": "CP/1", "identifier": "customer 7", "report": True, "keep_for": 3600}
    )
    assert by_number.status_code == 201, by_number.data
    assert (by_number.data["about"], by_number.data["hint"]) == ("identifier", "…r 7")
    command = Command.objects.get(pk=by_number.data["command"])
    assert command.waits and command.payload["customerIdentifier"] == "customer 7"
    by_hashes = api.post(PATH, {"station": "CP/1", "certificate": HASHES, "clear": True, "keep_for": 60})
    assert by_hashes.status_code == 201, by_hashes.data
    command = Command.objects.get(pk=by_hashes.data["command"])
    assert command.payload["customerCertificate"] == HASHES
    found = api.get(f"{PATH}?station=CP/1&clear=true").data["results"]
    assert [row["id"] for row in found] == [by_hashes.data["id"]]


@pytest.mark.parametrize(
    ("wrong", "status", "words"),
    [
        ({"token": "A"}, 400, "Say report, clear, or both"),
        ({"report": True}, 400, "Give one of token"),
        ({"report": True, "token": "A", "identifier": "B"}, 400, "Give one of token"),
        ({"report": True, "token": "A", "token_type": "Paper"}, 400, "token_type"),
        ({"report": True, "token": "A" * 37}, 400, "idToken"),
        ({"report": True, "certificate": HASHES | {"serialNumber": "no number"}}, 400, "serialNumber"),
        ({"report": True, "token": "A", "keep_for": 15 * 24 * 3600}, 400, "keep_for"),
        ({"report": True, "token": "A", "station": "CP/2"}, 400, "There is no"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_asked(api, station, wrong, status, words):
    answer = api.post(PATH, {"station": "CP/1"} | wrong)
    assert answer.status_code == status and words in str(answer.data)
    assert not CustomerInquiry.objects.exists() and not Command.objects.exists()


def test_1_6_knows_none(api, operator):
    make.station(site=make.site(operator=operator), identity="OLD", ocpp_version="1.6")
    answer = api.post(PATH, {"station": "OLD", "token": "A", "report": True})
    assert answer.status_code == 409 and "1.6 know no" in answer.data["detail"]
    assert not CustomerInquiry.objects.exists()


def test_one_that_is_away_and_may_not_wait_fails_at_once(api, station):
    made = api.post(PATH, {"station": "CP/1", "token": "A1234", "report": True})
    assert made.status_code == 201
    assert Command.objects.get(pk=made.data["command"]).status == "offline"


def test_every_charger_where_a_driver_charged(api, operator, station):
    driver = make.user(email="driver@example.com")
    card = make.id_token(operator=operator, user=driver)
    elsewhere = make.station(identity="THEIRS", ocpp_version="2.1")
    for each in (station, elsewhere):
        evse = make.evse(station=each)
        make.session(evse=evse, user=driver, id_token=card, token=card.token, minutes=5)
    made = api.post(f"{PATH}of-driver/", {"email": "Driver@Example.com", "report": True, "clear": True})
    assert made.status_code == 201, made.data
    assert [(row["station"], row["report"], row["clear"]) for row in made.data] == [("CP/1", True, True)]
    assert Command.objects.get().expires_at > timezone.now() + timezone.timedelta(days=13)
    # Whether there is such a driver is not told.
    for email in ("nobody@example.com", make.user().email):
        answer = api.post(f"{PATH}of-driver/", {"email": email, "clear": True})
        assert answer.status_code == 409 and "charged at no charger" in answer.data["detail"]


def test_another_operators_key_finds_nothing(api, station):
    number = api.post(PATH, {"station": "CP/1", "token": "A1234", "clear": True}).data["id"]
    stranger = caller(operator=make.operator())
    assert stranger.get(f"{PATH}{number}/").status_code == 404
    assert stranger.post(f"{PATH}{number}/show/").status_code == 404
    assert stranger.post(PATH, {"station": "CP/1", "token": "A", "clear": True}).status_code == 400
    technician = caller(operator=station.site.operator, role="technician")
    assert technician.get(PATH).status_code == 403
