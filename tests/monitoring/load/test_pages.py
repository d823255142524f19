"""The pages and the API of a site's load."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from evportal.accounts.access import Access
from evportal.accounts.models import ApiKey
from monitoring import live, tasks, watching
from monitoring.load import planning
from monitoring.load.models import LoadMember, LoadSite
from stations.models import Reading
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quiet(settings):
    settings.STAFF_MFA_REQUIRED = False
    cache.clear()


@pytest.fixture
def site():
    site = make.site(name="Am Hof", grid_limit_w=43_470)
    for number in (1, 2):
        station = make.station(site=site, name=f"Charger {number}", connected_at=timezone.now())
        make.evse(station=station, max_power_w=22_000, public_id=f"DE*ABC*E{number}")
    return site


@pytest.fixture
def manager(client, site):
    client.force_login(make.member(operator=site.operator))
    return client


def filled(page) -> dict:
    """What the browser would send back of the page's form."""
    form, data = page.context["settings"], {}
    for one in [
        form.form,
        form.groups.management_form,
        form.members.management_form,
        *form.groups,
        *form.members,
    ]:
        for field in one:
            value = field.value()
            if value is not None and value is not False:
                data[field.html_name] = value
    return data


def test_limits_are_set_on_the_page(manager, site):
    page = manager.get(reverse("ops:load", args=[site.pk]))
    assert "not managed" in page.text
    page = manager.get(reverse("ops:load_settings", args=[site.pk]))
    data = filled(page)
    # The site's power in watts, on three phases.
    assert data["groups-0-limit_l1"] == 63
    data |= {"groups-1-name": "Wall", "groups-1-parent": data["groups-0-name"]}
    data |= {f"groups-1-limit_l{phase}": "20" for phase in (1, 2, 3)}
    data |= {"members-1-group": "Wall", "mode": "priority", "members-1-priority": "1"}
    answer = manager.post(reverse("ops:load_settings", args=[site.pk]), data)
    assert answer.status_code == 302, answer.text
    load_site = LoadSite.objects.get()
    assert (load_site.mode, load_site.groups.count()) == ("priority", 2)
    member = LoadMember.objects.get(group__name="Wall")
    assert (member.priority, member.evse.station.name) == (1, "Charger 2")
    # Shown as it was set.
    assert filled(manager.get(reverse("ops:load_settings", args=[site.pk])))["members-1-group"] == "Wall"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"groups-0-limit_l1": "-1"}, "can&#x27;t be negative"),
        ({"groups-0-limit_l2": "5"}, "the safe defaults add up to 12 A, and 4.8 A"),
        ({"groups-0-limit_l2": ""}, "Say how many amperes"),
        ({"groups-0-limit_l2": "many"}, "Enter a number"),
        ({"groups-0-parent": "Grid connection"}, "One group is the site itself"),
        ({"members-0-group": "Nowhere"}, "isn&#x27;t there"),
        ({"members-0-safe_default_a": "3"}, "takes 6 A or more, or nothing"),
        ({"members-0-evse": "999999"}, "Open the page again"),
        ({"margin_percent": "99"}, "less than or equal to 50"),
    ],
)
def test_what_can_t_be_is_said_and_changes_nothing(manager, site, change, said):
    data = filled(manager.get(reverse("ops:load_settings", args=[site.pk]))) | change
    answer = manager.post(reverse("ops:load_settings", args=[site.pk]), data)
    assert answer.status_code == 422 and said in answer.text and "There is a problem" in answer.text
    assert not LoadSite.objects.exists()


def managed(site, api) -> None:
    evses = [{"evse": f"DE*ABC*E{number}", "group": "Site"} for number in (1, 2)]
    answer = api.put(
        f"/api/v1/load/{site.slug}/",
        {"groups": [{"name": "Site", "limit_a": [40, 40, 40]}], "evses": evses, "margin_percent": 0},
        "application/json",
    )
    assert answer.status_code == 200, answer.content


def test_the_page_says_who_has_how_much_and_why(manager, site):
    managed(site, manager)
    now = timezone.now()
    for member in LoadMember.objects.select_related("evse"):
        session = make.session(evse=member.evse, started_at=now - timedelta(minutes=9))
        Reading.objects.create(
            evse=member.evse,
            session=session,
            at=now,
            received_at=now,
            measurand="Current.Import",
            phase="L1",
            location="Outlet",
            context="Sample.Periodic",
            value=Decimal("15.5"),
            unit="A",
        )
    type(member.evse.station).objects.update(connection="00000000-0000-0000-0000-000000000001", node="test")
    planning.plan(site_id=site.pk, now=now - timedelta(minutes=1))
    planning.plan(site_id=site.pk, now=now, cause="started")
    page = manager.get(reverse("ops:load", args=[site.pk]))
    assert "31 / 0 / 0" in page.text and "of it are kept back" in page.text
    assert "its fair share: “Site” has no more" in page.text
    assert "a car began to charge" in page.text and 'data-live-watch="load:' in page.text
    assert "Today, on the phase that has least left" in page.text
    assert "Am Hof" in manager.get(reverse("ops:loads")).text
    tried = manager.get(reverse("ops:load", args=[site.pk]), {"limit": "10"})
    assert "With 10.0 A, 1 car would wait." in tried.text or "With 10 A, 1 car would wait." in tried.text
    assert manager.get(reverse("ops:load", args=[site.pk]), {"limit": "x"}).status_code == 200
    chargers = manager.get(reverse("ops:chargers"), {"site": site.pk})
    assert reverse("ops:load", args=[site.pk]) in chargers.text
    assert "may then draw more" in manager.get(reverse("ops:load_stop", args=[site.pk])).text
    assert manager.post(reverse("ops:load_stop", args=[site.pk])).status_code == 302
    assert not LoadSite.objects.get().is_active


def test_the_api(client, site):
    key, _row = ApiKey.issue(operator=site.operator, role="manager", name="load")
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    url = f"/api/v1/load/{site.slug}/"
    assert client.get(url).status_code == 404
    managed(site, client)
    planning.plan(site_id=site.pk, now=timezone.now())
    found = client.get(url).json()
    assert found["groups"][0] == {
        "name": "Site",
        "parent": "",
        "limit_a": [40, 40, 40],
        "draw_a": [0, 0, 0],
        "allocated_a": [64, 64, 64],
        "headroom_a": [0, 0, 0],
    }
    # Not one of them has been heard of since: both might take all.
    assert {evse["why"] for evse in found["evses"]} == {"lost_unset"}
    bad = client.put(
        url,
        {
            "groups": [
                {"name": "A", "limit_a": [9, 9, 9], "parent": "B"},
                {"name": "B", "limit_a": [9, 9, 9], "parent": "A"},
            ],
            "evses": [],
        },
        "application/json",
    )
    assert bad.status_code == 400 and "in a circle" in bad.content.decode()
    for limit in ([1, 2], [1, 2, "x"], [1, 2, 1e9]):
        wish = {"groups": [{"name": "A", "limit_a": limit}], "evses": []}
        assert client.put(url, wish, "application/json").status_code == 400
    meter = {"current_a": [10, 11, 12]}
    refused = client.post(f"{url}meter/", meter, "application/json")
    assert refused.status_code == 409 and "no meter" in refused.json()["detail"]
    LoadSite.objects.update(has_meter=True)
    assert client.post(f"{url}meter/", meter, "application/json").json() == {"taken": True}
    old = meter | {"at": (timezone.now() - timedelta(hours=1)).isoformat()}
    assert client.post(f"{url}meter/", old, "application/json").json() == {"taken": False}
    assert client.post(f"{url}meter/", {"current_a": [-1, 0, 0]}, "application/json").status_code == 409
    assert client.get(url).json()["building_a"] == [10, 11, 12]
    assert client.delete(url).status_code == 204
    assert client.get(url).json()["is_active"] is False


def test_who_may_watch(site):
    watch = f"load:{site.pk}"
    watching.check(watch)
    mine = Access.of(make.member(operator=site.operator))
    other = Access.of(make.member(operator=make.operator()))
    assert watching.groups_for(mine, watch) == {live.load_group(site.pk)}
    assert watching.groups_for(other, watch) is None


def test_a_new_plan_is_told_to_who_watches(site, monkeypatch):
    sent = []
    monkeypatch.setitem(live.SENDERS, "load", sent.append)
    live.push_load(site.pk)
    assert sent == []
    live.keep_watching([live.load_group(site.pk)])
    live.push_load(site.pk)
    assert sent == [site.pk]
    monkeypatch.setattr(tasks.push_later, "apply_async", lambda *args, **kwargs: None)
    live.push_load(site.pk)
    assert sent == [site.pk]
