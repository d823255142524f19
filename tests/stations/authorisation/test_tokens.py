"""Tokens over the real socket: of every type, in any spelling, here and elsewhere, on time and late."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from django.utils import timezone

from stations import refused
from stations.models import Command, Event, IdToken, Session, State, TokenRules
from tests import make
from tests.charger import Charger
from tests.stations.authorisation.conftest import PASSWORD

NASTY = [
    "",
    "x" * 21,
    "x" * 300,
    "Kärtchen ✓",
    "04A2\x00B3C4",
    "'; DROP TABLE stations_session; --",
    "<b>hi</b>",
]
VERSIONS = ["1.6", "2.0.1", "2.1"]


def ago(**by) -> str:
    return (datetime.now(UTC) - timedelta(**by)).isoformat()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("text", NASTY)
async def test_nonsense_is_invalid_and_never_an_error(door, place, version, text):
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
        assert await charger.authorize(text) == "Invalid"
        assert await charger.authorize("04a2b3c4") == "Accepted"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("text", ["x" * 21, "x" * 300, "04A2\x00B3C4"])
async def test_a_start_and_stop_by_nonsense_are_kept(door, place, database, version, text):
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
        await charger.start(text, meter_wh=1000)
        more = {"idTag": text} if version == "1.6" else {"idToken": {"idToken": text, "type": "ISO14443"}}
        await charger.stop(2000, **more)
    session = await database(Session.objects.get)
    assert session.energy_wh == 1000
    assert session.review
    assert "\x00" not in session.token


@pytest.mark.parametrize("kind", IdToken.Type.values)
async def test_a_token_of_each_type_is_accepted_by_its_type_alone(door, place, database, kind):
    if kind == "NoAuthorization":
        return
    await database(make.id_token, operator=place.site.operator, token="T-1", type=kind)
    async with Charger(door.url, "CP-1", PASSWORD, version="2.1") as charger:
        right = await charger.call("Authorize", {"idToken": {"idToken": "t-1", "type": kind}})
        other = "KeyCode" if kind != "KeyCode" else "ISO14443"
        wrong = await charger.call("Authorize", {"idToken": {"idToken": "T-1", "type": other}})
    assert right["idTokenInfo"]["status"] == "Accepted"
    assert wrong["idTokenInfo"]["status"] == "Invalid"


async def test_a_contract_is_known_with_its_hyphens(door, place, database):
    await database(make.id_token, operator=place.site.operator, token="DEABCC123456789", type="eMAID")
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        answer = await charger.call(
            "Authorize", {"idToken": {"idToken": "de-abc-c12345678-9", "type": "eMAID"}}
        )
    assert answer["idTokenInfo"]["status"] == "Accepted"


@pytest.mark.parametrize(("without_card", "status"), [(True, "Accepted"), (False, "Invalid")])
async def test_a_site_may_charge_without_a_card(door, place, database, without_card, status):
    await database(type(place.site).objects.update, without_card=without_card)
    none = {"idToken": "", "type": "NoAuthorization"}
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        charger.on("RequestStopTransaction", {"status": "Accepted"})
        answer = await charger.start("", idToken=none)
    assert answer["idTokenInfo"]["status"] == status
    session = await database(Session.objects.get)
    assert bool(session.review) is not without_card


async def test_a_payment_terminals_token_starts_where_there_is_one(door, place, database):
    token = {"idToken": "psp-0001", "type": "DirectPayment"}
    async with Charger(door.url, "CP-1", PASSWORD, version="2.1") as charger:
        assert (await charger.call("Authorize", {"idToken": token}))["idTokenInfo"]["status"] == "Invalid"
        await database(type(place.site).objects.update, takes_payment=True)
        answer = await charger.start("", idToken=token)
    assert answer["idTokenInfo"]["status"] == "Accepted"


async def test_what_is_known_of_the_driver_is_told(door, place, database):
    expires_at = timezone.now() + timedelta(days=3)
    await database(
        IdToken.objects.filter(pk=place.token.pk).update,
        expires_at=expires_at,
        group="FLEET",
        priority=4,
        language="de-DE",
        second_language="en",
        message="Guten Tag",
    )
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        answer = await charger.call("Authorize", {"idToken": {"idToken": "04A2B3C4", "type": "ISO14443"}})
    info = answer["idTokenInfo"]
    assert info.pop("cacheExpiryDateTime").startswith(expires_at.strftime("%Y-%m-%dT%H:%M:%S"))
    assert info == {
        "status": "Accepted",
        "groupIdToken": {"idToken": "FLEET", "type": "Central"},
        "chargingPriority": 4,
        "language1": "de-DE",
        "language2": "en",
        "personalMessage": {"format": "UTF8", "content": "Guten Tag", "language": "de-DE"},
    }
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        answer = await charger.call("Authorize", {"idTag": "04A2B3C4"})
    assert answer["idTagInfo"]["parentIdTag"] == "FLEET"
    assert answer["idTagInfo"]["expiryDate"].startswith(expires_at.strftime("%Y-%m-%d"))


async def test_a_card_for_some_evses_is_told_which(door, place, database):
    second = await database(make.evse, station=place.station, number=2)
    await database(place.token.evses.add, second)
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        answer = await charger.call("Authorize", {"idToken": {"idToken": "04A2B3C4", "type": "ISO14443"}})
        assert answer["idTokenInfo"]["evseId"] == [2]
        started = await charger.start("04A2B3C4", evse=1)
    assert started["idTokenInfo"]["status"] == "NotAtThisLocation"


# One card, one car


@pytest.fixture
async def elsewhere(place, database):
    """The card charges at another station of the operator, which is online."""

    def begin():
        station = make.station(
            site=place.site, identity="CP-2", connection="12345678-1234-1234-1234-123456789012"
        )
        evse = make.evse(station=station)
        now = timezone.now()
        return make.session(evse=evse, id_token=place.token, token=place.token.token, started_at=now)

    return await database(begin)


@pytest.mark.parametrize("version", VERSIONS)
async def test_one_card_charges_one_car(door, place, elsewhere, database, version):
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
        assert await charger.authorize("04A2B3C4") == "ConcurrentTx"
        started = await charger.start("04A2B3C4")
        info = started["idTagInfo"] if version == "1.6" else started["idTokenInfo"]
        assert info["status"] == "ConcurrentTx"


async def _authorized(door, version="1.6") -> str:
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
        return await charger.authorize("04A2B3C4")


@pytest.mark.parametrize(
    "what",
    ["offline", "free again", "silent", "stopped", "the token may", "the operator lets"],
)
async def test_a_lost_stop_locks_nobody_out(door, place, elsewhere, database, what):
    def happen():
        now = timezone.now()
        if what == "offline":
            type(elsewhere.station).objects.filter(pk=elsewhere.station_id).update(connection=None)
        elif what == "free again":
            type(elsewhere.evse).objects.filter(pk=elsewhere.evse_id).update(
                state=State.AVAILABLE, state_at=now + timedelta(seconds=1)
            )
        elif what == "silent":
            Session.objects.update(start_received_at=now - timedelta(hours=2))
        elif what == "stopped":
            Session.objects.update(stopped_at=now)
        elif what == "the token may":
            IdToken.objects.update(concurrent_allowed=True)
        else:
            TokenRules.objects.create(operator=place.site.operator, concurrent_allowed=True)

    await database(happen)
    assert await _authorized(door) == "Accepted"


async def test_the_card_stops_what_it_runs_here_though_it_runs_elsewhere_too(
    door, place, elsewhere, database
):
    await database(make.session, evse=place.evse, id_token=place.token, started_at=timezone.now())
    assert await _authorized(door) == "Accepted"


# Who stops


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("who", ["stranger", "group", "master"])
async def test_a_strangers_stop_is_recorded_and_told(door, place, database, version, who):
    def prepare():
        IdToken.objects.filter(pk=place.token.pk).update(group="FLEET")
        TokenRules.objects.create(operator=place.site.operator, master_group="MASTERS")
        group = {"stranger": "", "group": "fleet", "master": "MASTERS"}[who]
        make.id_token(operator=place.site.operator, token="0BADCAFE", group=group)

    await database(prepare)
    more = (
        {"idTag": "0BADCAFE"}
        if version == "1.6"
        else {"idToken": {"idToken": "0BADCAFE", "type": "ISO14443"}}
    )
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
        await charger.start("04A2B3C4", meter_wh=0)
        await charger.stop(500, **more)
        await charger.stop(500, **more)
    session = await database(Session.objects.get)
    assert (session.energy_wh, session.review) == (500, "")
    told = await database(list, Event.objects.filter(code="StoppedByStranger"))
    assert len(told) == (1 if who == "stranger" else 0)
    if told:
        assert "0BADCAFE" not in told[0].text


@pytest.mark.parametrize(("version", "authorized"), [("1.6", "Invalid"), ("2.0.1", "Accepted")])
async def test_a_master_starts_nothing(door, place, database, version, authorized):
    def prepare():
        TokenRules.objects.create(operator=place.site.operator, master_group="MASTERS")
        make.id_token(operator=place.site.operator, token="MASTER-1", group="masters")

    await database(prepare)
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
        assert await charger.authorize("MASTER-1") == authorized
        charger.on("RemoteStopTransaction", {"status": "Accepted"})
        started = await charger.start("MASTER-1")
        info = started["idTagInfo"] if version == "1.6" else started["idTokenInfo"]
        assert info["status"] == "Invalid"


# Offline starts


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_start_from_the_offline_queue_counts_by_its_time(door, place, database, version):
    await database(IdToken.objects.filter(pk=place.token.pk).update, status="blocked")
    late = {"timestamp": ago(hours=1)} | ({} if version == "1.6" else {"offline": True})
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
        started = await charger.start("04A2B3C4", **late)
        info = started["idTagInfo"] if version == "1.6" else started["idTokenInfo"]
        assert info["status"] == "Accepted"
        await charger.stop(700)
        # The same card, now.
        assert await charger.authorize("04A2B3C4") == "Blocked"
    session = await database(Session.objects.get)
    assert (session.energy_wh, session.review) == (700, "")


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_late_start_without_leave_is_not_stopped_before_its_stop_can_come(
    door, place, database, version
):
    late = {"timestamp": ago(hours=1)} | ({} if version == "1.6" else {"offline": True})
    with patch.object(refused.stop_refused, "apply_async") as later:
        async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
            await charger.start("UNKNOWN", **late)
            session = await database(Session.objects.get)
            assert await database(Command.objects.count) == 0
            ((args,), options) = later.call_args
            assert (args, options["countdown"]) == ([str(session.pk)], 60)

            await database(refused.stop_refused, args[0])
            action = "RemoteStopTransaction" if version == "1.6" else "RequestStopTransaction"
            await charger.expect(action)
            await charger.stop(700)
            await database(refused.stop_refused, args[0])
    assert session.review
    assert await database(Command.objects.count) == 1


async def test_a_slow_clock_gets_nobody_past_a_refusal(door, place, database):
    """Connected for hours, its clock an hour behind: what it reports now began now."""
    await database(IdToken.objects.filter(pk=place.token.pk).update, status="blocked")
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.boot()
        connected = timezone.now() - timedelta(hours=5)
        await database(type(place.station).objects.update, connected_at=connected)
        started = await charger.start("04A2B3C4", timestamp=ago(hours=1))
        assert started["idTagInfo"]["status"] == "Blocked"
        await charger.expect("RemoteStopTransaction")


async def test_a_blocked_cards_start_now_is_stopped_at_once(door, place, database):
    await database(IdToken.objects.filter(pk=place.token.pk).update, status="blocked")
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        await charger.start("04A2B3C4")
        await charger.expect("RemoteStopTransaction")
