"""The pages about chargers' settings: what they show, what they ask, and what they send."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from stations.models import (
    Command,
    ConfigurationRun,
    ConfigurationTemplate,
    Provisioning,
    Setting,
    Station,
)
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(db):
    return make.operator()


def charger(operator, online=True, version="1.6", **settings):
    station = make.station(
        site=make.site(operator=operator),
        connection=uuid4() if online else None,
        node="specific.x!y" if online else "",
        ocpp_version=version,
        vendor="Volt",
    )
    Provisioning.objects.create(station=station, read_at=timezone.now())
    for path, value in settings.items():
        Setting.objects.create(station=station, path=path, variable=path, value=value, read_at=timezone.now())
    return station


@pytest.fixture
def station(operator):
    return charger(operator, HeartbeatInterval="17", NumberOfConnectors="1")


@pytest.fixture
def template(operator):
    values = {"HeartbeatInterval": "300", "CpoName": "Wir"}
    return ConfigurationTemplate.objects.create(operator=operator, name="Ours", values=values)


@pytest.fixture
def manager(client, operator):
    person = make.member(operator=operator)
    client.force_login(person)
    return person


def text(response):
    assert response.status_code == 200, response
    return response.content.decode()


def test_the_chargers_page_shows_what_differs(client, station, template, manager):
    shown = text(client.get(reverse("ops:charger_config", args=[station.pk])))
    assert "Ours" in shown and "differs" in shown and "CpoName" in shown
    found = text(client.get(reverse("ops:charger_config", args=[station.pk]) + "?q=number"))
    assert "NumberOfConnectors" in found and "1 setting" in found


def test_one_value_is_changed_and_read_back(client, station, manager):
    url = reverse("ops:config_set", args=[station.pk]) + "?path=HeartbeatInterval"
    assert 'value="17"' in text(client.get(url))
    once = str(uuid4())
    for _i in range(2):
        answer = client.post(url, {"once": once, "path": "HeartbeatInterval", "value": "60"})
    run = ConfigurationRun.objects.get()
    assert answer["Location"] == reverse("ops:configuration_run", args=[run.pk])
    assert run.created_by == manager
    sent = Command.objects.get()
    assert (sent.action, sent.payload) == (
        "ChangeConfiguration",
        {"key": "HeartbeatInterval", "value": "60"},
    )
    assert run.calls == [["GetConfiguration", {"key": ["HeartbeatInterval"]}]]
    assert "HeartbeatInterval" in text(client.get(answer["Location"]))


@pytest.mark.parametrize("path", ["AuthorizationKey", "SecurityProfile", "x" * 51, ""])
def test_what_has_a_way_of_its_own_is_not_set_like_this(client, station, manager, path):
    url = reverse("ops:config_set", args=[station.pk])
    shown = text(client.post(url, {"once": str(uuid4()), "path": path, "value": "1"}))
    assert "There is a problem" in shown
    assert not ConfigurationRun.objects.exists()


@pytest.mark.parametrize("verb", ["read", "apply", "password", "profile", "pend", "reject"])
def test_each_verb_asks_first(client, station, template, manager, verb):
    shown = text(client.get(reverse("ops:config_do", args=[station.pk, verb])))
    assert station.name in shown
    assert not ConfigurationRun.objects.exists()


def test_verbs(client, station, template, manager):
    def do(verb, **data):
        url = reverse("ops:config_do", args=[station.pk, verb])
        return client.post(url, {"once": str(uuid4()), **data})

    do("read")
    do("apply")
    do("password")
    do("profile", profile="2")
    assert sorted(ConfigurationRun.objects.values_list("kind", flat=True)) == [
        "password",
        "profile",
        "read",
        "write",
    ]
    assert "is on its way already" in text(do("password"))
    do("pend")
    station.refresh_from_db()
    assert station.registration == "Pending"
    assert Command.objects.first().payload == {"requestedMessage": "BootNotification"}
    assert do("pend").status_code == 404


def test_an_offline_charger_is_sent_nothing(client, operator, manager):
    station = charger(operator, online=False)
    url = reverse("ops:config_do", args=[station.pk, "read"])
    assert "not connected" in text(client.post(url, {"once": str(uuid4())}))
    assert not Command.objects.exists()


def test_templates_are_written_as_lines(client, operator, manager):
    url = reverse("ops:template_new") + "?protocol=2.x"
    assert "OCPPCommCtrlr/HeartbeatInterval = 300" in text(client.get(url))
    data = {
        "operator": operator.pk,
        "name": "All",
        "protocol": "2.x",
        "position": "5",
        "is_active": "on",
        "values_text": "OCPPCommCtrlr.HeartbeatInterval = 60\n\nTxCtrlr/TxStartPoint=A,B",
    }
    assert client.post(url, data).status_code == 302
    row = ConfigurationTemplate.objects.get()
    assert row.values == {"OCPPCommCtrlr/HeartbeatInterval": "60", "TxCtrlr/TxStartPoint": "A,B"}
    edit = reverse("ops:template", args=[row.pk])
    for wrong in ("nonsense", "NoComponent = 1", "A/B = 1\nA/B = 2", "SecurityCtrlr/BasicAuthPassword = x"):
        assert "There is a problem" in text(client.post(edit, {**data, "values_text": wrong}))
    row.refresh_from_db()
    assert len(row.values) == 2
    assert client.post(reverse("ops:template_delete", args=[row.pk])).status_code == 302
    assert not ConfigurationTemplate.objects.exists()


def test_many_chargers_at_once(client, operator, station, template, manager):
    right = charger(operator, HeartbeatInterval="300", CpoName="Wir")
    away = charger(operator, online=False, HeartbeatInterval="1")
    others = charger(make.operator(), HeartbeatInterval="1")
    shown = text(client.get(reverse("ops:configuration")))
    assert station.name in shown and others.name not in shown
    only = text(client.get(reverse("ops:configuration") + "?state=same"))
    assert right.name in only and station.name not in only

    url = reverse("ops:configuration_apply")
    chosen = {"station": [station.pk, right.pk, away.pk, others.pk]}
    preview = text(client.post(url, chosen))
    assert "2 chargers are to be changed: 4 settings in all." in preview
    assert not ConfigurationRun.objects.exists()
    once = uuid4()
    for _i in range(2):
        answer = client.post(url, {**chosen, "once": str(once)})
    assert answer["Location"] == reverse("ops:configuration_bulk", args=[once])
    assert ConfigurationRun.objects.filter(bulk=once).count() == 3
    result = text(client.get(answer["Location"]))
    assert all(each.name in result for each in (station, right, away)) and others.name not in result


def test_all_that_the_filters_leave(client, operator, station, template, manager):
    other = charger(operator, HeartbeatInterval="1")
    charger(operator, HeartbeatInterval="300", CpoName="Wir")
    data = {"all": "1", "state": "differs", "site": other.site_id}
    assert "1 charger is to be changed" in text(client.post(reverse("ops:configuration_apply"), data))


def test_giving_up_on_a_password(client, station, manager):
    url = reverse("ops:config_do", args=[station.pk, "give-up"])
    assert client.get(url).status_code == 404
    client.post(reverse("ops:config_do", args=[station.pk, "password"]), {"once": str(uuid4())})
    assert Provisioning.objects.get().next_password_hash
    assert client.post(url, {"once": str(uuid4())}).status_code == 302
    assert not Provisioning.objects.get().next_password_hash


def test_offline_chargers_may_be_waited_for(client, operator, template, manager):
    away = charger(operator, online=False, HeartbeatInterval="1")
    data = {"station": [away.pk], "once": str(uuid4()), "wait": "on"}
    client.post(reverse("ops:configuration_apply"), data)
    assert Command.objects.get().status == "queued"


def test_the_list_costs_the_same_for_many(client, operator, template, manager):
    def cost():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(reverse("ops:configuration"))
        return len(queries)

    charger(operator, HeartbeatInterval="1")
    first = cost()
    for _i in range(5):
        charger(operator, HeartbeatInterval="1")
    assert cost() <= first


def test_support_may_set_but_not_take_over(client, operator, station):
    client.force_login(make.member(operator=operator, role="support"))
    assert client.get(reverse("ops:config_do", args=[station.pk, "read"])).status_code == 200
    for verb in ("password", "profile", "reject"):
        assert client.get(reverse("ops:config_do", args=[station.pk, verb])).status_code == 404
    assert client.get(reverse("ops:template_new")).status_code == 403


def test_the_admins_change_of_a_registration_is_told(client, operator, station, manager):
    url = reverse("admin:stations_station_change", args=[station.pk])
    evses = {"evses-TOTAL_FORMS": 0, "evses-INITIAL_FORMS": 0}
    data = {
        "site": station.site_id,
        "name": station.name,
        "identity": station.identity,
        "security_profile": 1,
        "registration": "Rejected",
        **evses,
    }
    assert client.post(url, data).status_code == 302
    assert Station.objects.get().registration == "Rejected"
    assert Command.objects.get().payload == {"requestedMessage": "BootNotification"}
