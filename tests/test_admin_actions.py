"""Bulk actions of the admin: nothing before somebody agrees, and only to rows that are theirs to change."""

import pytest
from django.urls import reverse

from evportal import admin_actions
from evportal.accounts.audit.models import Change
from monitoring.models import Rule
from stations.models import IdToken, Site, Station
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_second_factor(settings):
    settings.STAFF_MFA_REQUIRED = False


def choose(client, action, *rows, **more):
    url = reverse(f"admin:{rows[0]._meta.app_label}_{rows[0]._meta.model_name}_changelist")
    data = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    return client.post(url, data, follow=True)


def rows_of(operator):
    site = make.site(operator=operator)
    rule = Rule.objects.filter(operator=operator, is_active=True).first()
    member = make.member(operator=operator, role="support").memberships.get()
    return [
        ("hide_chosen", "show_chosen", site, "is_public", True, False),
        ("reject_chosen", "accept_chosen", make.station(site=site), "registration", "Accepted", "Rejected"),
        ("block_chosen", "accept_chosen", make.id_token(operator=operator), "status", "accepted", "blocked"),
        ("switch_off", "switch_on", rule, "is_active", True, False),
        ("end_chosen", "renew_chosen", member, "is_active", True, False),
    ]


def test_each_asks_first_does_it_then_and_back_again(client):
    operator = make.operator()
    manager = make.member(operator=operator)
    client.force_login(manager)
    for action, back, row, field, before, after in rows_of(operator):
        asked = choose(client, action, row).content.decode()
        row.refresh_from_db()
        assert "1 row is concerned" in asked and str(row) in asked and getattr(row, field) == before, action
        assert "changed." in choose(client, action, row, agreed="1").content.decode(), action
        row.refresh_from_db()
        assert getattr(row, field) == after, action
        assert "None of these" in choose(client, action, row, agreed="1").content.decode(), action
        choose(client, back, row, agreed="1")
        row.refresh_from_db()
        assert getattr(row, field) == before, back
    assert {change.by for change in Change.objects.filter(model="stations.site", action="changed")} == {
        manager
    }


def test_rows_of_others_are_not_touched(client):
    operator, other = make.operator(), make.operator()
    client.force_login(make.member(operator=operator))
    for action, _back, row, field, before, _after in rows_of(other):
        choose(client, action, row, agreed="1")
        row.refresh_from_db()
        assert getattr(row, field) == before, action


@pytest.mark.parametrize("role", ["technician", "accountant", "support"])
def test_who_may_not_change_a_row_has_no_such_action(client, role):
    operator = make.operator()
    client.force_login(make.member(operator=operator, role=role))
    may = {"technician": {"registration"}, "support": {"status"}}.get(role, set())
    for action, _back, row, field, before, _after in rows_of(operator):
        choose(client, action, row, agreed="1")
        row.refresh_from_db()
        assert (getattr(row, field) != before) is (field in may), (action, field)


def test_a_role_elsewhere_is_no_right_here(client):
    """Support here and manager there: both are listed, only one may be changed."""
    here, there = make.site(), make.site()
    person = make.member(operator=here.operator, role="support")
    person.memberships.create(operator=there.operator, role="manager")
    client.force_login(person)
    page = choose(client, "hide_chosen", here, there).content.decode()
    assert "1 row is concerned" in page and "1 of the chosen is so already, or not yours" in page
    choose(client, "hide_chosen", here, there, agreed="1")
    assert list(Site.objects.filter(is_public=True)) == [here]


def test_nobody_ends_their_own_membership_by_it(client):
    manager = make.member(operator=make.operator())
    client.force_login(manager)
    assert (
        "None of these"
        in choose(client, "end_chosen", manager.memberships.get(), agreed="1").content.decode()
    )


def test_too_many_at_once_are_refused(client, monkeypatch):
    operator = make.operator()
    tokens = [make.id_token(operator=operator) for _n in range(3)]
    client.force_login(make.member(operator=operator))
    monkeypatch.setattr(admin_actions, "MOST", 2)
    assert "at most 2" in choose(client, "block_chosen", *tokens, agreed="1").content.decode()
    assert not IdToken.objects.filter(status="blocked").exists()


def test_a_charger_that_is_rejected_is_told(client):
    from stations.models import Command

    station = make.station(connection="00000000-0000-0000-0000-000000000001", ocpp_version="1.6")
    client.force_login(make.member(operator=station.site.operator))
    choose(client, "reject_chosen", station, agreed="1")
    assert Station.objects.get().registration == "Rejected" and Command.objects.exists()
