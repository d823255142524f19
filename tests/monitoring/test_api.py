"""Alerts over the API."""

import pytest

from monitoring.models import Alert
from tests import make
from tests.api import caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator():
    return make.operator()


def alert(site, station=None, **fields):
    return Alert.objects.create(
        site=site,
        station=station,
        kind="offline",
        cause=f"test:{make.number()}",
        severity="critical",
        title="Charger 1 is offline",
        opened_at=make.NOON,
        last_seen_at=make.NOON,
        **fields,
    )


def test_alerts_are_listed_and_taken_on(operator):
    site = make.site(operator=operator)
    row = alert(site, make.station(site=site, identity="CP-1"))
    alert(site, resolved_at=make.NOON)
    api = caller(operator=operator, role="technician")
    assert len(api.get("alerts/").data["results"]) == 2
    (shown,) = api.get("alerts/", {"open": "true"}).data["results"]
    assert (shown["id"], shown["station"], shown["acknowledged_at"]) == (row.pk, "CP-1", None)
    answer = api.post(f"alerts/{row.pk}/acknowledge/")
    assert answer.status_code == 200
    assert answer.data["acknowledged_at"]
    assert api.post(f"alerts/{row.pk}/acknowledge/").status_code == 409
    assert api.get("alerts/", {"acknowledged": "false", "open": "true"}).data["results"] == []


def test_alerts_are_not_for_accountants_nor_for_others(operator):
    row = alert(make.site(operator=operator))
    assert caller(operator=operator, role="accountant").get("alerts/").status_code == 403
    stranger = caller(operator=make.operator())
    assert stranger.get("alerts/").data["results"] == []
    assert stranger.post(f"alerts/{row.pk}/acknowledge/").status_code == 404


def test_the_list_asks_the_database_as_often_whatever_its_length(operator, django_assert_max_num_queries):
    for _number in range(3):
        site = make.site(operator=operator)
        alert(site, make.station(site=site))
    api = caller(operator=operator)
    api.get("alerts/")
    with django_assert_max_num_queries(2):
        assert len(api.get("alerts/").data["results"]) == 3
