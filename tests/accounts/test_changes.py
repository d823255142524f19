"""The record of changes: whoever changes a row, however, is named with what was there before and after."""

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.urls import reverse

from billing.models import Tariff, TariffAssignment
from evportal.accounts.audit import acting, showing
from evportal.accounts.audit.models import Change
from evportal.accounts.models import ApiKey, Membership, Operator
from monitoring.models import Rule
from stations.models import Connector, Evse, Site, Station
from tests import make
from tests.test_admin import formset

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_second_factor(settings):
    settings.STAFF_MFA_REQUIRED = False


def fields(row, **of):
    return [change.fields for change in Change.objects.of(row).filter(**of).order_by("pk")]


def test_a_form_of_the_admin_is_recorded_with_who_and_what(client):
    site = make.site(city="Berlin")
    manager = make.member(operator=site.operator)
    client.force_login(manager)
    url = reverse("admin:stations_site_change", args=[site.pk])
    form = client.get(url).context["adminform"].form
    data = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    assert client.post(url, data | {"city": "Potsdam"}).status_code == 302
    change = Change.objects.of(site).get()
    assert change.fields == {"city": ["Berlin", "Potsdam"]} and change.action == "changed"
    assert (change.by, change.operator, change.via) == (manager, site.operator, url)
    assert change.request_id and change.name == site.name


def test_rows_that_come_and_go_are_recorded(client):
    station = make.station()
    client.force_login(make.member(operator=station.site.operator))
    data = {"station": station.pk, "number": 1, "public_id": "DE*X*E1", "max_power_w": 22000}
    assert client.post(reverse("admin:stations_evse_add"), data | formset("connectors")).status_code == 302
    evse = Evse.objects.get()
    assert fields(evse, action="created")[0]["public_id"] == [None, "DE*X*E1"]
    Connector.objects.create(evse=evse)
    assert (
        client.post(reverse("admin:stations_evse_delete", args=[evse.pk]), {"post": "yes"}).status_code == 302
    )
    gone = Change.objects.filter(action="deleted").order_by("model")
    assert [(each.model, each.name) for each in gone] == [
        ("stations.connector", "DE*X*E1 / 1"),
        ("stations.evse", "DE*X*E1"),
    ]
    assert all(each.operator == station.site.operator for each in gone)


def test_a_machine_is_named_by_its_key(client):
    station = make.station(name="Old")
    key, row = ApiKey.issue(operator=station.site.operator, role="manager", name="ERP")
    url = f"/api/v1/stations/{station.identity}/"
    answer = client.patch(
        url, {"name": "New"}, "application/json", headers={"authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 200, answer.content
    change = Change.objects.of(station).get()
    assert change.fields == {"name": ["Old", "New"]} and change.api_key == row and change.by is None
    assert "ERP" in showing.who(change)


def test_what_a_charger_says_of_itself_is_no_change():
    station = make.station()
    Station.objects.update(firmware="2", state="available", model="X")
    station.firmware = "3"
    station.save()
    make.evse(station=station)
    Evse.objects.update(state="charging")
    assert not Change.objects.exists()


def test_bulk_updates_and_sql_by_hand_do_not_escape(client):
    first, second = make.site(country="DE"), make.site(country="DE")
    Site.objects.update(country="AT")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE stations_site SET country = 'CH' WHERE id = %s", [first.pk])
    assert fields(first) == [{"country": ["DE", "AT"]}, {"country": ["AT", "CH"]}]
    assert fields(second) == [{"country": ["DE", "AT"]}]
    assert showing.who(Change.objects.first()) == "the portal itself"


def test_secrets_are_masked(client):
    station = make.station()
    before = station.password_hash
    station.set_password("another-password-of-it")
    station.save()
    change = Change.objects.of(station).get()
    assert change.fields == {"password_hash": ["•••", "•••"]}
    _key, row = ApiKey.issue(operator=station.site.operator, role="manager", name="x")
    row.delete()
    written = str(list(Change.objects.values_list("fields", flat=True)))
    assert before not in written and station.password_hash not in written and row.key_hash not in written


def test_every_kind_that_people_change_is_recorded():
    site = make.site()
    member = make.member(operator=site.operator, role="technician", sites=[site]).memberships.get()
    rules = make.site_rules(site=site)
    evse = make.evse(station=make.station(site=site))
    tariff = Tariff.objects.create(operator=site.operator, name="Day")
    assigned = TariffAssignment.objects.create(tariff=tariff, site=site)
    rule = Rule.objects.filter(operator=site.operator).first()
    start = Change.objects.count()
    Membership.objects.filter(pk=member.pk).update(role="support")
    rules.slot_minutes = 15
    rules.save()
    rules.walk_in_only.add(evse)
    site.members.remove(member)
    TariffAssignment.objects.filter(pk=assigned.pk).update(evse=evse)
    Rule.objects.filter(pk=rule.pk).update(is_active=False)
    Tariff.objects.update(name="Night")
    Operator.objects.filter(pk=site.operator_id).update(support_phone="+49 1")
    changes = list(Change.objects.order_by("pk")[start:])
    assert [(each.model, each.fields) for each in changes] == [
        ("accounts.membership", {"role": ["technician", "support"]}),
        ("bookings.siterules", {"slot_minutes": [30, 15]}),
        ("bookings.siterules", {"walk_in_only": [None, evse.pk]}),
        ("stations.site", {"members": [member.pk, None]}),
        ("billing.tariffassignment", {"evse_id": [None, evse.pk]}),
        ("monitoring.rule", {"is_active": [True, False]}),
        ("billing.tariff", {"name": ["Day", "Night"]}),
        ("accounts.operator", {"support_phone": ["", "+49 1"]}),
    ]
    assert {each.operator_id for each in changes} == {site.operator_id}
    words = [str(said) for each in changes for said in showing.said(changes)[each.pk]]
    assert "Role: Technician → Support" in words and "Is active: yes → no" in words
    assert f"Walk in only: – → {evse.public_id}" in words


def test_the_record_can_not_be_changed():
    site = make.site()
    Site.objects.update(city="Bonn")
    change = Change.objects.of(site).get()
    for wrong in (
        lambda: Change.objects.update(by=None),
        change.delete,
        lambda: connection.cursor().execute("DELETE FROM accounts_change"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            wrong()
    assert Change.objects.of(site).count() == 1


def test_what_it_is_about_may_go_and_the_record_stays(client):
    person = make.user()
    site = make.site()
    with acting.acting(lambda: {"user": person.pk, "via": "x"}):
        Site.objects.update(city="Bonn")
    person.delete()
    site.delete()
    changed, deleted = Change.objects.order_by("pk")
    assert showing.who(changed) == "somebody who has left" and deleted.action == "deleted"


def test_nobodys_name_stays_on_the_connection():
    site = make.site()
    with acting.acting(lambda: {"user": 1}):
        Site.objects.filter(pk=site.pk).update(city="A")
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            Site.objects.filter(pk=site.pk).update(city="B")
            raise ZeroDivisionError
        # After the roll-back too.
        assert Site.objects.filter(pk=site.pk).update(city="C") == 1
        made = Site.objects.create(operator=site.operator, slug="s", name="n", latitude=1, longitude=1)
    assert made.pk and list(Change.objects.order_by("pk").values_list("by_id", flat=True)) == [1, 1, 1]


@pytest.mark.django_db(transaction=True)
def test_it_is_told_for_one_statement_where_there_is_no_transaction():
    site = make.site()
    with acting.acting(lambda: {"user": 7}):
        assert Site.objects.filter(pk=site.pk).update(city="A") == 1
    Site.objects.filter(pk=site.pk).update(city="B")
    assert list(Change.objects.order_by("pk").values_list("by_id", flat=True)) == [7, None]


class TestWhoReadsIt:
    LIST = reverse("admin:accounts_change_changelist")

    def test_managers_find_it_in_the_list_and_at_the_object(self, client):
        site = make.site(name="Yard", city="Berlin")
        client.force_login(make.member(operator=site.operator))
        Site.objects.update(city="Potsdam")
        page = client.get(self.LIST, {"kind": "stations.site", "q": "Yard"}).content.decode()
        assert "City: Berlin → Potsdam" in page
        change = Change.objects.of(site).get()
        page = client.get(reverse("admin:accounts_change_change", args=[change.pk])).content.decode()
        assert "City: Berlin → Potsdam" in page and "the portal itself" in page
        page = client.get(reverse("admin:stations_site_history", args=[site.pk])).content.decode()
        assert "Berlin" in page and "Potsdam" in page

    @pytest.mark.parametrize("role", ["technician", "accountant", "support", "limited", "other"])
    def test_nobody_else_does(self, client, role):
        site = make.site(city="Berlin")
        people = {
            "limited": lambda: make.member(operator=site.operator, sites=[site]),
            "other": lambda: make.member(operator=make.operator()),
        }
        usual = lambda: make.member(operator=site.operator, role=role)  # noqa: E731
        client.force_login(people.get(role, usual)())
        Site.objects.filter(pk=site.pk).update(city="Potsdam")
        assert "Potsdam" not in client.get(self.LIST).content.decode()
        page = client.get(reverse("admin:stations_site_history", args=[site.pk]), follow=True)
        assert "Berlin" not in page.content.decode()

    def test_nobody_edits_it(self, client):
        site = make.site()
        Site.objects.update(city="Bonn")
        client.force_login(make.user(is_staff=True, is_superuser=True))
        change = Change.objects.of(site).get()
        assert client.get(reverse("admin:accounts_change_add")).status_code == 403
        url = reverse("admin:accounts_change_change", args=[change.pk])
        assert not client.get(url).context["has_change_permission"]
        assert client.post(reverse("admin:accounts_change_delete", args=[change.pk])).status_code == 403
