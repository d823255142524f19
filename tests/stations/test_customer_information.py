"""What chargers keep about customers: asked, collected in parts, shown once, forgotten."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from evportal.accounts.access import Access
from stations import customer_information as information
from stations.exceptions import Refused
from stations.models import Command, CustomerInformationPart, CustomerInquiry, Message
from tests import make
from tests.charger import Charger

pytestmark = pytest.mark.django_db


async def part(charger, inquiry, number, data, *, more=False):
    payload = {"requestId": inquiry.pk, "seqNo": number, "data": data, "tbc": more}
    await charger.call("NotifyCustomerInformation", payload | {"generatedAt": "2026-06-15T12:00:00Z"})


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_parts_become_one_answer_that_is_shown_once(door, database, ingest_all, version):
    station = await database(make.station)
    async with Charger(door.url, station.identity, "charger-password-1", version=version) as charger:
        await charger.boot()
        await database(station.refresh_from_db)
        inquiry = await database(information.ask, station=station, token="04SECRET", report=True)
        sent = await charger.expect("CustomerInformation")
        assert sent == {
            "requestId": inquiry.pk,
            "report": True,
            "clear": False,
            "idToken": {"idToken": "04SECRET", "type": "ISO14443"},
        }
        await part(charger, inquiry, 1, "second ", more=True)
        await part(charger, inquiry, 2, "third")
        await ingest_all()
        await database(inquiry.refresh_from_db)
        assert inquiry.state in ("requested", "accepted"), "the first part is missing"
        assert await database(information.show, inquiry=inquiry) is None
        await part(charger, inquiry, 0, "first ", more=True)
        await part(charger, inquiry, 0, "first ", more=True)
        await ingest_all()
        await database(inquiry.refresh_from_db)
        assert inquiry.state == "answered" and "SECRET" not in inquiry.hint
        assert await database(information.show, inquiry=inquiry) == "first second third"
        assert await database(information.show, inquiry=inquiry) is None
        await part(charger, inquiry, 3, "unasked")
        await ingest_all()

    def left():
        frames = list(
            Message.objects.filter(action__in=["NotifyCustomerInformation", "CustomerInformation"])
            .exclude(frame__contains="unasked")
            .values_list("frame", flat=True)
        )
        return frames, Command.objects.get(action="CustomerInformation").payload

    frames, payload = await database(left)
    assert not [frame for frame in frames if "second" in frame or "04SECRET" in frame]
    assert payload == {"requestId": inquiry.pk}
    assert not await database(CustomerInformationPart.objects.exists)


@pytest.mark.parametrize(
    ("answer", "state"), [("Accepted", "accepted"), ("Rejected", "failed"), ("Invalid", "failed")]
)
def test_what_the_charger_answers(answer, state):
    station = make.station(ocpp_version="2.0.1")
    inquiry = information.ask(
        station=station, identifier="customer 7", clear=True, keep_for=timedelta(hours=1)
    )
    command = inquiry.command
    command.status, command.response, command.answered_at = "answered", {"status": answer}, timezone.now()
    information.command_finished(command)
    inquiry.refresh_from_db()
    assert inquiry.state == state and bool(inquiry.problem) == (state == "failed")
    assert command.payload["customerIdentifier"] == "customer 7" and "idToken" not in command.payload


@pytest.mark.parametrize(
    ("version", "who", "words"),
    [
        ("1.6", {"token": "A", "clear": True}, "1.6 know no"),
        ("2.0.1", {"clear": True}, "one of the three"),
        ("2.0.1", {"token": "A", "identifier": "B", "clear": True}, "one of the three"),
        ("2.0.1", {"token": "A"}, "to tell or to forget"),
    ],
)
def test_what_can_not_be_asked(version, who, words):
    with pytest.raises(Refused, match=words):
        information.ask(station=make.station(ocpp_version=version), **who)
    assert not CustomerInquiry.objects.exists()


@pytest.fixture
def driver():
    """Somebody who has charged at two operators' chargers, with two cards at one of them."""
    person = make.user(email="driver@example.com")
    mine, other = make.operator(), make.operator()
    for operator, versions in ((mine, ["2.0.1", "2.1", "1.6"]), (other, ["2.0.1"])):
        cards = [make.id_token(operator=operator, user=person) for _card in range(2)]
        for version in versions:
            evse = make.evse(station=make.station(site=make.site(operator=operator), ocpp_version=version))
            for card in cards:
                make.session(evse=evse, user=person, id_token=card, token=card.token, minutes=5)
                make.session(evse=evse, user=person, id_token=card, token=card.token, minutes=5)
    person.mine = mine
    return person


def test_every_charger_where_a_driver_charged_is_asked_to_forget(driver):
    asked = information.clear(user=driver)
    assert len(asked) == 6, "two cards at three 2.x chargers"
    commands = Command.objects.filter(action="CustomerInformation")
    assert {(c.payload["clear"], c.payload["report"]) for c in commands} == {(True, False)}
    # They are off, and are asked when they come back.
    assert {c.status for c in commands} == {"queued"}
    assert min(c.expires_at for c in commands) > timezone.now() + timedelta(days=13)


def test_an_operators_people_ask_their_own_chargers_only(driver):
    person = make.member(operator=driver.mine, role="support")
    assert len(information.report(user=driver, access=Access.of(person), by=person)) == 4
    assert information.report(user=driver, access=Access.of(make.user())) == []


def test_the_command(driver):
    out = StringIO()
    call_command("customer_information", email="DRIVER@example.com", clear=True, stdout=out)
    assert out.getvalue().startswith("6 asked")
    with pytest.raises(CommandError, match="Nobody"):
        call_command("customer_information", email="x@example.com", clear=True)
    with pytest.raises(CommandError, match="--report or --clear"):
        call_command("customer_information", email="driver@example.com")


def test_what_nobody_came_for_is_deleted(settings):
    station = make.station(ocpp_version="2.0.1")
    inquiry = information.ask(station=station, token="A123", report=True, keep_for=timedelta(days=14))
    CustomerInquiry.objects.update(state="answered")
    CustomerInformationPart.objects.create(inquiry=inquiry, seq_no=0, is_last=True, data="x")
    days = settings.CUSTOMER_INFORMATION_KEEP_DAYS
    assert information.purge(timezone.now() + timedelta(days=days - 1)) == 0
    assert information.purge(timezone.now() + timedelta(days=days, seconds=1)) == 1
    inquiry.refresh_from_db()
    assert inquiry.state == "expired" and not inquiry.parts.exists()
    assert Command.objects.get().payload == {"requestId": inquiry.pk}
