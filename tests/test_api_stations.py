"""Sites, stations and EVSEs over the API."""

import pytest

from stations.models import Evse, Station
from tests import make
from tests.api import caller, station_path

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator():
    return make.operator(party_id="EVP")


@pytest.fixture
def site(operator):
    return make.site(operator=operator, slug="hof")


@pytest.fixture
def api(operator):
    return caller(operator=operator)


def station(**fields) -> dict:
    defaults = {
        "site": "hof",
        "identity": "CP-1",
        "password": "0123456789abcdef",
        "security_profile": 1,
        "evses": [{"number": 1, "connectors": [{"number": 1, "standard": "IEC_62196_T2"}]}],
    }
    return {**defaults, **fields}


def test_a_station_is_entered_with_its_evses(api, site):
    answer = api.post("stations/", station())
    assert answer.status_code == 201, answer.data
    assert answer.data["identity"] == "CP-1"
    assert answer.data["site"] == "hof"
    assert "password" not in answer.data
    (evse,) = answer.data["evses"]
    assert evse["public_id"].startswith("DE*EVP*E") and evse["public_id"].endswith("*1")
    assert evse["connectors"][0]["standard"] == "IEC_62196_T2"
    row = Station.objects.get()
    assert row.check_password("0123456789abcdef")
    assert "CP-1" not in row.name, "drivers read the name, and the identity is not for them"
    assert api.get("stations/CP-1/").data == answer.data


def test_the_site_may_be_named_by_its_number(api, site):
    assert api.post("stations/", station(site=site.pk)).status_code == 201


def test_evses_take_their_own_public_id_and_power(api, site):
    evse = {
        "number": 2,
        "public_id": "DE*EVP*E77*2",
        "max_power_w": 150_000,
        "connectors": [
            {"number": 1, "standard": "IEC_62196_T2_COMBO", "power_type": "DC", "format": "CABLE"}
        ],
    }
    answer = api.post("stations/", station(evses=[evse]))
    assert answer.status_code == 201
    assert answer.data["evses"][0]["max_power_w"] == 150_000
    assert answer.data["evses"][0]["connectors"][0]["power_type"] == "DC"
    assert api.get("evses/DE*EVP*E77*2/").data["station"] == "CP-1"


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"site": "nowhere"}, "site"),
        ({"site": None}, "site"),
        ({"identity": ""}, "identity"),
        ({"identity": "x" * 49}, "identity"),
        ({"identity": "a\x00b"}, "identity"),
        ({"identity": "a\nb"}, "identity"),
        ({"identity": "/a"}, "identity"),
        ({"password": "short"}, "password"),
        ({"password": None}, "password"),
        ({"security_profile": 0}, "security_profile"),
        ({"security_profile": 7}, "security_profile"),
        ({"evses": "two"}, "evses"),
        ({"evses": [{"number": 0}]}, "evses"),
        ({"evses": [{"number": 1}, {"number": 1}]}, "evses"),
        ({"evses": [{"number": 1, "connectors": [{"standard": "PLUG"}]}]}, "evses"),
        ({"evses": [{"number": 1, "connectors": [{"number": 1}, {"number": 1}]}]}, "evses"),
        ({"evses": [{"number": 1, "max_power_w": -1}]}, "evses"),
    ],
)
def test_what_is_wrong_is_named(api, site, fields, at_fault):
    answer = api.post("stations/", station(**fields))
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert at_fault in answer.data["errors"]
    assert not Station.objects.exists()


def test_an_identity_is_there_once(api, site):
    api.post("stations/", station())
    answer = api.post("stations/", station())
    assert answer.status_code == 400
    assert answer.data["errors"]["identity"] == ["There is a charger with this identity already."]


def test_a_password_is_needed_for_the_profiles_that_have_one(api, site):
    fields = station()
    del fields["password"]
    assert "password" in api.post("stations/", fields).data["errors"]
    assert api.post("stations/", fields | {"security_profile": 3}).status_code == 201


@pytest.mark.parametrize(
    "identity", ["CP.1", "urn:cp:1", "a/b", "CP 1", "100%", "commands", "a/commands/b", "ä"]
)
def test_any_identity_has_an_address(api, site, identity):
    assert api.post("stations/", station(identity=identity)).status_code == 201
    assert api.get(station_path(identity)).data["identity"] == identity
    answer = api.post(station_path(identity, "commands/"), {"action": "ClearCache", "payload": {}})
    assert answer.status_code == 201
    assert answer.data["station"] == identity


def test_an_identity_with_a_nul_is_not_found(api):
    assert api.get("stations/a%00b/").status_code == 404


def test_a_station_is_changed(api, site, operator):
    other = make.site(operator=operator)
    row = make.station(site=site, identity="CP-1")
    answer = api.patch(
        "stations/CP-1/",
        {"site": other.slug, "name": "Left", "password": "another password", "registration": "Rejected"},
    )
    assert answer.status_code == 200, answer.data
    assert (answer.data["site"], answer.data["name"]) == (other.slug, "Left")
    row.refresh_from_db()
    assert row.check_password("another password")
    assert row.registration == "Rejected"


def test_what_others_rest_on_is_not_changed(api, site):
    row = make.station(site=site, identity="CP-1")
    evse = make.evse(station=row)
    api.patch("stations/CP-1/", {"identity": "CP-2", "evses": [], "connection": None, "vendor": "x"})
    row.refresh_from_db()
    assert (row.identity, row.vendor) == ("CP-1", "")
    assert Evse.objects.filter(pk=evse.pk).exists()


def test_a_station_is_not_moved_to_another_operators_site(api, site):
    make.station(site=site, identity="CP-1")
    strange = make.site()
    answer = api.patch("stations/CP-1/", {"site": strange.slug})
    assert answer.status_code == 400
    assert strange.name not in str(answer.data)


def test_a_station_with_sessions_stays(api, site):
    evse = make.evse(station=make.station(site=site, identity="CP-1"))
    make.session(evse=evse, minutes=10)
    answer = api.delete("stations/CP-1/")
    assert answer.status_code == 409
    assert "kept" in answer.data["detail"]
    assert Station.objects.exists()


def test_a_station_without_sessions_goes(api, site):
    make.evse(station=make.station(site=site, identity="CP-1"))
    assert api.delete("stations/CP-1/").status_code == 204
    assert not Station.objects.exists()


def test_stations_are_filtered(api, site):
    make.station(site=site, identity="CP-1", ocpp_version="1.6")
    make.station(site=make.site(operator=site.operator), identity="CP-2")
    found = [row["identity"] for row in api.get("stations/", {"site": "hof"}).data["results"]]
    assert found == ["CP-1"]
    assert len(api.get("stations/", {"online": "false"}).data["results"]) == 2
    assert api.get("stations/", {"online": "true"}).data["results"] == []


def test_lists_are_paged_by_cursor(api, site):
    for number in range(5):
        make.station(site=site, identity=f"CP-{number}")
    first = api.get("stations/", {"limit": 2}).data
    assert [row["identity"] for row in first["results"]] == ["CP-0", "CP-1"]
    assert first["previous"] is None
    second = api.get(first["next"]).data
    assert [row["identity"] for row in second["results"]] == ["CP-2", "CP-3"]
    assert api.get(second["previous"]).data["results"] == first["results"]
    assert api.get("stations/", {"cursor": "nonsense"}).status_code == 404


def test_evses_are_changed_by_those_who_look_after_chargers(api, site):
    evse = make.evse(station=make.station(site=site))
    answer = api.patch(f"evses/{evse.pk}/", {"max_power_w": 11_000, "number": 9})
    assert answer.status_code == 200
    assert (answer.data["max_power_w"], answer.data["number"]) == (11_000, 1)
    taken = make.evse(station=make.station(site=site))
    assert api.patch(f"evses/{evse.pk}/", {"public_id": taken.public_id.lower()}).status_code == 400


# Sites


def test_sites_are_made_changed_and_taken_away(api, operator):
    answer = api.post("sites/", {"name": "Am Hof", "latitude": 52.5, "longitude": "13.4"})
    assert answer.status_code == 201, answer.data
    assert answer.data["slug"] == "am-hof"
    assert answer.data["operator"] == operator.slug
    again = api.post("sites/", {"name": "Am Hof", "latitude": 52.5, "longitude": "13.4"})
    assert again.data["slug"] == "am-hof-2"
    assert api.get("sites/am-hof/").data == answer.data
    assert api.get(f"sites/{answer.data['id']}/").data == answer.data
    assert api.patch("sites/am-hof/", {"city": "Berlin"}).data["city"] == "Berlin"
    assert api.delete("sites/am-hof/").status_code == 204


def test_a_site_with_chargers_stays(api, site):
    make.station(site=site)
    assert api.delete("sites/hof/").status_code == 409


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"latitude": 91}, "latitude"),
        ({"latitude": "NaN"}, "latitude"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"slug": "hof"}, "slug"),
        ({"slug": "12"}, "slug"),
        ({"name": ""}, "name"),
        ({"grid_limit_w": -1}, "grid_limit_w"),
        ({"grid_limit_w": 2**70}, "grid_limit_w"),
    ],
)
def test_a_site_that_cannot_be(api, site, fields, at_fault):
    answer = api.post("sites/", {"name": "New", "latitude": 1, "longitude": 1} | fields)
    assert answer.status_code == 400
    assert at_fault in answer.data["errors"]
