"""Local lists over the real socket: asked, sent, changed, refused, lost, and sent anew."""

from datetime import timedelta

import pytest
from django.utils import timezone

from stations import abilities, local_lists
from stations.models import Abilities, IdToken, LocalList, Setting, Station, TokenRules
from tests import make
from tests.charger import CallError, Charger
from tests.stations.authorisation.conftest import PASSWORD

KEYS = {
    "LocalAuthListEnabled": "true",
    "LocalAuthListMaxLength": "4",
    "SendLocalListMaxLength": "2",
    "AuthorizationCacheEnabled": "true",
}
CONFIGURATION = {
    "configurationKey": [{"key": key, "readonly": True, "value": value} for key, value in KEYS.items()],
    "unknownKey": ["CustomDisplayCostAndPrice"],
}
VALUES = {
    "LocalAuthListCtrlr.Enabled": "true",
    "LocalAuthListCtrlr.ItemsPerMessage": "2",
    "AuthCacheCtrlr.Enabled": "true",
    "AuthCtrlr.MasterPassGroupId": "",
}


def variables(asked: dict) -> dict:
    results = []
    for row in asked["getVariableData"]:
        key = f"{row['component']['name']}.{row['variable']['name']}"
        result = {"component": row["component"], "variable": row["variable"]}
        if row.get("attributeType") == "MaxSet":
            result |= {"attributeStatus": "Accepted", "attributeType": "MaxSet", "attributeValue": "4"}
        elif key in VALUES and "instance" not in row["variable"]:
            result |= {"attributeStatus": "Accepted", "attributeValue": VALUES[key]}
        else:
            result |= {"attributeStatus": "UnknownVariable"}
        results.append(result)
    return {"getVariableResult": results}


class ListKeeper:
    """A charger's local list, as the standard wants it kept."""

    def __init__(self, charger: Charger):
        self.version, self.tokens, self.calls = 0, {}, []
        self.answers: list = []
        self._is_16 = charger.version == "1.6"
        charger.on("SendLocalList", self.take)
        charger.on("GetConfiguration", CONFIGURATION)
        charger.on("GetVariables", variables)
        charger.on("ClearCache", {"status": "Accepted"})
        charger.on(
            "SetVariables",
            lambda asked: {
                "setVariableResult": [
                    {
                        "attributeStatus": "Accepted",
                        "component": row["component"],
                        "variable": row["variable"],
                    }
                    for row in asked["setVariableData"]
                ]
            },
        )

    def take(self, payload: dict):
        self.calls.append(payload)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, CallError):
                raise answer
            if answer != "Accepted":
                return {"status": answer}
        version = payload["listVersion" if self._is_16 else "versionNumber"]
        if payload["updateType"] == "Full":
            self.tokens = {}
        elif version <= self.version:
            return {"status": "VersionMismatch"}
        for row in payload.get("localAuthorizationList", []):
            token = row["idTag"] if self._is_16 else row["idToken"]["idToken"]
            info = row.get("idTagInfo" if self._is_16 else "idTokenInfo")
            if info is None:
                self.tokens.pop(token.upper(), None)
            else:
                self.tokens[token.upper()] = info["status"]
        self.version = version
        return {"status": "Accepted"}


@pytest.fixture
def keep_up(database, place):
    """What the clock's tasks do, until nothing is left to do."""

    async def run(charger: Charger):
        def ask():
            Station.objects.filter(pk=place.station.pk).update(
                connected_at=timezone.now() - timedelta(minutes=1)
            )
            abilities.ask_due(timezone.now())

        await database(ask)
        await until(database, lambda: Abilities.objects.filter(known_at__isnull=False).exists())
        await database(local_lists.keep_up, timezone.now())
        await until(database, lambda: not LocalList.objects.filter(state="sending").exists())

    return run


async def until(database, true, seconds=5.0):
    import asyncio

    for _i in range(int(seconds / 0.05)):
        if await database(true):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come about")


@pytest.fixture
def cards(place):
    """Three cards for the list, and one that isn't marked."""
    rules = TokenRules.objects.create(operator=place.site.operator)
    for n in range(3):
        make.id_token(operator=place.site.operator, token=f"CARD-{n}", on_local_list=True)
    return rules


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_a_station_gets_the_marked_tokens_and_then_the_differences(
    door, place, cards, database, keep_up, version
):
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
        keeper = ListKeeper(charger)
        await keep_up(charger)
        assert set(keeper.tokens) == {"CARD-0", "CARD-1", "CARD-2"}
        assert [call["updateType"] for call in keeper.calls] == ["Full", "Differential"]
        row = await database(LocalList.objects.get)
        assert (row.state, row.version, len(row.entries)) == ("current", 2, 3)

        keeper.calls.clear()
        await keep_up(charger)
        assert keeper.calls == []

        def change():
            IdToken.objects.filter(token="CARD-0").update(status="blocked")
            make.id_token(operator=place.site.operator, token="CARD-9", on_local_list=True)

        await database(change)
        await keep_up(charger)
        assert set(keeper.tokens) == {"CARD-1", "CARD-2", "CARD-9"}
        assert [call["updateType"] for call in keeper.calls] == ["Differential"]
        await charger.expect("ClearCache")


async def test_a_blocked_tokens_caches_are_cleared_once(door, place, cards, database, keep_up):
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        ListKeeper(charger)
        await keep_up(charger)
        await database(IdToken.objects.filter(token="04A2B3C4").update, status="blocked")
        await keep_up(charger)
        await charger.expect("ClearCache")
        await keep_up(charger)
        with pytest.raises(TimeoutError):
            await charger.expect("ClearCache", timeout=0.3)


async def test_a_list_that_somebody_else_wrote_is_sent_whole(door, place, cards, database, keep_up):
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        keeper = ListKeeper(charger)
        await keep_up(charger)
        keeper.version, keeper.tokens = 99, {"STRANGER": "Accepted"}
        await database(IdToken.objects.filter(token="CARD-0").delete)
        await keep_up(charger)
        assert (await database(LocalList.objects.get)).state == "waiting"
        await keep_up(charger)
        assert keeper.tokens == {"CARD-1": "Accepted", "CARD-2": "Accepted"}
        assert (await database(LocalList.objects.get)).state == "current"


async def test_a_version_that_is_not_ours_means_a_list_that_is_not_ours(
    door, place, cards, database, keep_up
):
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        keeper = ListKeeper(charger)
        await keep_up(charger)
        charger.on("GetLocalListVersion", {"listVersion": 17})
        await database(local_lists.ask_version, station=place.station)
        await until(
            database, lambda: LocalList.objects.filter(reported_version=17, must_be_full=True).exists()
        )
        keeper.calls.clear()
        await keep_up(charger)
        assert keeper.calls[0]["updateType"] == "Full"
        assert keeper.calls[0]["listVersion"] == 18


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("Failed", "failed"),
        ("NotSupported", "unsupported"),
        (CallError("NotImplemented", "no such profile", {}), "unsupported"),
        (CallError("InternalError", "flash is full", {}), "failed"),
    ],
)
async def test_a_refusal_is_remembered_and_not_repeated_at_once(
    door, place, cards, database, keep_up, answer, state
):
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        keeper = ListKeeper(charger)
        keeper.answers = [answer]
        await keep_up(charger)
        row = await database(LocalList.objects.get)
        assert row.state == state
        assert row.error
        assert row.entries == {}
        await keep_up(charger)
        assert len(keeper.calls) == 1

        # Somebody presses the button.
        await database(local_lists.send_all, station=place.station)
        await until(database, lambda: LocalList.objects.filter(state="current").exists())
        assert len(keeper.tokens) == 3


async def test_an_offline_station_gets_what_holds_when_it_is_back(door, place, cards, database, keep_up):
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        ListKeeper(charger)
        await keep_up(charger)
    await until(database, lambda: Station.objects.get(pk=place.station.pk).connection is None)
    await database(IdToken.objects.filter(token="CARD-0").update, on_local_list=False)
    await database(local_lists.keep_up, timezone.now())
    assert (await database(LocalList.objects.get)).state == "waiting"
    await database(IdToken.objects.filter(token="CARD-1").update, on_local_list=False)
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        keeper = ListKeeper(charger)
        await keep_up(charger)
        assert [row["idTag"] for row in keeper.calls[0]["localAuthorizationList"]] == ["CARD-0", "CARD-1"]


async def test_what_finds_no_room_is_said(door, place, cards, database, keep_up):
    def choose():
        TokenRules.objects.update(local_list="all")
        for n in range(3, 6):
            make.id_token(operator=place.site.operator, token=f"CARD-{n}")

    await database(choose)
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        keeper = ListKeeper(charger)
        await keep_up(charger)
    assert {"CARD-0", "CARD-1", "CARD-2"} <= set(keeper.tokens)
    row = await database(LocalList.objects.get)
    assert (len(row.entries), row.left_out) == (4, 3)


async def test_a_card_of_another_place_is_not_on_the_list(door, place, cards, database, keep_up):
    def limit():
        elsewhere = make.site(operator=place.site.operator)
        IdToken.objects.get(token="CARD-0").sites.add(elsewhere)
        IdToken.objects.get(token="CARD-1").evses.add(place.evse)

    await database(limit)
    async with Charger(door.url, "CP-1", PASSWORD) as charger:
        keeper = ListKeeper(charger)
        await keep_up(charger)
    assert set(keeper.tokens) == {"CARD-1", "CARD-2"}


async def test_a_2x_station_learns_which_group_is_master(door, place, cards, database, keep_up):
    await database(TokenRules.objects.update, master_group="MASTERS")
    async with Charger(door.url, "CP-1", PASSWORD, version="2.0.1") as charger:
        ListKeeper(charger)
        await keep_up(charger)
        (data,) = (await charger.expect("SetVariables"))["setVariableData"]
    assert (data["component"]["name"], data["variable"]["name"]) == ("AuthCtrlr", "MasterPassGroupId")
    assert data["attributeValue"] == "MASTERS"


def test_an_operator_without_marked_tokens_sends_nothing(place):
    Abilities.objects.create(
        station=place.station, told={"LocalAuthListEnabled": "true"}, known_at=timezone.now()
    )
    assert local_lists.keep_up(timezone.now()) == 0
    assert not LocalList.objects.exists()


@pytest.mark.parametrize(("told", "expected"), [({}, 3), ({"LocalAuthListCtrlr.Entries/MaxSet": "2"}, 2)])
def test_how_long_a_list_may_be_is_said_in_two_places(transactional_db, told, expected):
    """2.x: MaxSet where the station knows it, else the report's maxLimit."""
    station = make.station(ocpp_version="2.0.1")
    row = Abilities.objects.create(
        station=station, told={"LocalAuthListCtrlr.Enabled": "true"} | told, known_at=timezone.now()
    )
    Setting.objects.create(station=station, path="LocalAuthListCtrlr/Entries", value="0", maximum=3)
    assert abilities.of(station).list_entries == expected
    assert abilities.of_many([row])[station.pk].list_entries == expected
