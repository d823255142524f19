"""A booked place at real chargers: what they are told, what they answer, and who may start meanwhile."""

import asyncio
from datetime import timedelta

import pytest
from django.test import SimpleTestCase
from django.utils import timezone

from stations import keeping, reservations
from stations.keeping import Outcome, Trouble
from stations.models import Abilities, Command, Evse, Reservation, State
from tests import make
from tests.charger import CallError, Charger
from tests.make import NOON

PASSWORD = "charger-password-1"
VERSIONS = ["1.6", "2.0.1"]
MINUTE = timedelta(minutes=1)
Status = Reservation.Status


@pytest.fixture
def kept(transactional_db):
    site = make.site()
    station = make.station(site=site, identity="CP-1", password=PASSWORD)
    driver, now = make.user(), timezone.now()
    for token, fields in {
        "STRANGER": {"user": make.user()},
        "OTHERCARD": {"user": driver},
        "COLLEAGUE": {"group": "FLEET"},
    }.items():
        make.id_token(operator=site.operator, token=token, **fields)
    return reservations.reserve(
        evse=make.evse(station=station, state=State.AVAILABLE),
        id_token=make.id_token(operator=site.operator, token="OWNCARD", user=driver),
        starts_at=now - MINUTE,
        ends_at=now + timedelta(hours=1),
        user=driver,
    )


def charger(door, version):
    return Charger(door.url, "CP-1", PASSWORD, version=version)


async def begin(database):
    return await database(reservations.begin_due, timezone.now())


async def becomes(database, kept, *statuses, trouble=None):
    for _try in range(100):
        await database(kept.refresh_from_db)
        if kept.status in statuses and trouble in (None, kept.trouble):
            return
        await asyncio.sleep(0.05)
    raise AssertionError((kept.status, kept.trouble, kept.said))


def group_of(payload):
    group = payload.get("groupIdToken")
    return group["idToken"] if group else payload.get("parentIdTag")


@pytest.mark.parametrize("version", VERSIONS)
async def test_told_used_and_let_go(door, kept, database, version):
    async with charger(door, version) as cp:
        await cp.boot()
        assert await begin(database) == 1
        told = await cp.expect("ReserveNow")
        number = told.get("reservationId", told.get("id"))
        assert (number, group_of(told)) == (kept.pk, f"RES-{kept.pk}")
        await becomes(database, kept, Status.TOLD)
        assert await begin(database) == 0
        assert await cp.authorize("STRANGER") != "Accepted"
        # Another card of theirs comes with the group that the charger keeps the place for.
        if version == "1.6":
            info = (await cp.call("Authorize", {"idTag": "OTHERCARD"}))["idTagInfo"]
            assert (info["status"], info["parentIdTag"]) == ("Accepted", f"RES-{kept.pk}")
        else:
            card = {"idToken": {"idToken": "OTHERCARD", "type": "ISO14443"}}
            info = (await cp.call("Authorize", card))["idTokenInfo"]
            assert (info["status"], group_of(info)) == ("Accepted", f"RES-{kept.pk}")
        await cp.start("OTHERCARD")
        await becomes(database, kept, Status.USED)
        # It doesn't say that it noticed, so it is told.
        assert await cp.expect("CancelReservation") == {"reservationId": kept.pk}


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_charger_that_noticed_needs_no_word(door, kept, database, version):
    async with charger(door, version) as cp:
        await cp.boot()
        await begin(database)
        await becomes(database, kept, Status.TOLD)
        await cp.start("OWNCARD", reservationId=kept.pk)
        await becomes(database, kept, Status.USED)
        await asyncio.sleep(0.3)
        assert cp._queue("CancelReservation").empty()


ANSWERS = {
    **{
        word: ({"status": word}, Trouble.REFUSED)
        for word in ("Faulted", "Occupied", "Rejected", "Unavailable")
    },
    "NotSupported": (CallError("NotSupported", "", {}), Trouble.UNABLE),
    "NotImplemented": (CallError("NotImplemented", "", {}), Trouble.UNABLE),
    "InternalError": (CallError("InternalError", "", {}), Trouble.REFUSED),
    "": (None, Trouble.SILENT),
}


@pytest.mark.parametrize("word", ANSWERS)
@pytest.mark.parametrize("version", VERSIONS)
async def test_whatever_it_answers_the_portal_keeps_the_place(door, kept, database, settings, version, word):
    settings.OCPP_CALL_TIMEOUT = 0.3
    answer, trouble = ANSWERS[word]

    def reply(_payload):
        if isinstance(answer, CallError):
            raise answer
        return answer

    async with charger(door, version) as cp:
        await cp.boot()
        cp.on("ReserveNow", reply)
        await begin(database)
        await becomes(database, kept, Status.PORTAL_ONLY, trouble=trouble)
        assert (kept.said, bool(kept.why)) == (word, True)
        assert await begin(database) == 0
        assert await cp.authorize("STRANGER") != "Accepted"
        reply_ = await cp.start("STRANGER")
        assert "Accepted" not in str(reply_.get("idTagInfo") or reply_["idTokenInfo"])
        await database(kept.refresh_from_db)
        assert kept.status == Status.PORTAL_ONLY


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_charger_without_the_profile_is_not_asked(door, kept, database, version):
    told = (
        {"SupportedFeatureProfiles": "Core,SmartCharging"}
        if version == "1.6"
        else {"ReservationCtrlr.Available": "false"}
    )
    async with charger(door, version) as cp:
        await cp.boot()
        await database(
            Abilities.objects.update_or_create,
            station=kept.evse.station,
            defaults={"told": told, "known_at": timezone.now()},
        )
        await begin(database)
        await begin(database)
        await becomes(database, kept, Status.PORTAL_ONLY, trouble=Trouble.UNABLE)
        assert not await database(Command.objects.filter(action="ReserveNow").exists)
        assert await cp.authorize("STRANGER") != "Accepted"
        assert await cp.authorize("OWNCARD") == "Accepted"


@pytest.mark.parametrize("version", VERSIONS)
async def test_offline_when_it_begins_and_told_when_it_is_back(door, kept, database, version):
    await begin(database)
    await becomes(database, kept, Status.PORTAL_ONLY, trouble=Trouble.OFFLINE)
    async with charger(door, version) as cp:
        await cp.boot()
        assert await begin(database) == 1
        await cp.expect("ReserveNow")
        await becomes(database, kept, Status.TOLD)
    # A restart: it may have forgotten, and the same number replaces what it still knows.
    async with charger(door, version) as cp:
        await cp.boot()
        cp.on("ReserveNow", {"status": "Occupied"})
        assert await begin(database) == 1
        await becomes(database, kept, Status.PORTAL_ONLY, trouble=Trouble.REFUSED)
        assert await begin(database) == 0
        cp.on("ReserveNow", {"status": "Accepted"})
        freed = Evse.objects.filter(pk=kept.evse_id)
        await database(freed.update, state=State.AVAILABLE, state_since=timezone.now())
        assert await begin(database) == 1
        await becomes(database, kept, Status.TOLD)


@pytest.mark.parametrize("version", VERSIONS)
async def test_given_back_while_it_is_away_or_thinking(door, kept, database, settings, version):
    evse, card = kept.evse, kept.id_token
    async with charger(door, version) as cp:
        await cp.boot()
        await begin(database)
        await becomes(database, kept, Status.TOLD)
    await database(reservations.cancel, reservation=kept)
    # It is told as soon as it is back.
    async with charger(door, version) as cp:
        await cp.boot()
        assert await cp.expect("CancelReservation") == {"reservationId": kept.pk}
        second = await database(
            reservations.reserve,
            evse=evse,
            id_token=card,
            starts_at=kept.starts_at,
            ends_at=kept.ends_at,
        )
        answer = asyncio.Event()

        async def slow(_payload):
            await answer.wait()
            return {"status": "Accepted"}

        cp.on("ReserveNow", slow)
        await begin(database)
        await cp.expect("ReserveNow")
        await database(reservations.cancel, reservation=second)
        answer.set()
        assert await cp.expect("CancelReservation") == {"reservationId": second.pk}
        await database(second.refresh_from_db)
        assert second.status == Status.CANCELLED


class Pure(SimpleTestCase):
    def test_what_answers_mean(self):
        def of(status, response=None, code=""):
            return keeping.outcome(status=status, response=response, error_code=code)

        assert of("answered", {"status": "Accepted"}) == Outcome(Trouble.NONE, "Accepted")
        assert of("answered", None) == Outcome(Trouble.REFUSED, "")
        assert of("error", None, "NotSupported") == Outcome(Trouble.UNABLE, "NotSupported")
        assert of("timed_out") == of("cancelled") == Outcome(Trouble.SILENT)
        assert of("offline") == Outcome(Trouble.OFFLINE)

    def test_when_it_is_told_again(self):
        facts = {
            "asked_at": NOON,
            "answered_at": NOON + MINUTE,
            "connected_at": NOON - MINUTE,
            "booted_at": NOON - MINUTE,
            "free_since": None,
            "now": NOON + 2 * MINUTE,
        }
        for trouble, news, expected in [
            ("", {}, False),
            ("", {"booted_at": NOON + MINUTE}, True),
            ("", {"connected_at": NOON + MINUTE}, True),
            ("offline", {"connected_at": None}, False),
            ("silent", {}, False),
            ("silent", {"now": NOON + 6 * MINUTE}, True),
            ("refused", {}, False),
            ("refused", {"free_since": NOON}, False),
            ("refused", {"free_since": NOON + 2 * MINUTE}, True),
            ("unable", {"free_since": NOON + 2 * MINUTE}, False),
            ("dropped", {"now": NOON + 6 * MINUTE}, False),
        ]:
            assert keeping.tell_again(trouble=trouble, **(facts | news)) is expected, (trouble, news)
