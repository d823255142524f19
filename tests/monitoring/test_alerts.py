"""Alerts: found, told once, acknowledged, over; one for each cause."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import SimpleTestCase
from django.urls import reverse

from evportal.outbox.models import Mail
from monitoring import actions, watchman
from monitoring.alerts import Seen, offline_findings
from monitoring.models import Alert, Rule
from stations.models import Node, Station
from tests import make

NOON = make.NOON


def seen(pk, *, site=1, minutes_silent=None, minutes_back=None, told=False):
    back = None if minutes_back is None else NOON - timedelta(minutes=minutes_back)
    gone = None if minutes_silent is None else NOON - timedelta(minutes=minutes_silent)
    return Seen(
        pk=pk,
        name=f"Charger {pk}",
        site_id=site,
        site_name=f"Site {site}",
        is_online=minutes_silent is None,
        connected_at=back if minutes_silent is None else NOON - timedelta(days=1),
        disconnected_at=gone,
        has_open_alert=told,
    )


class OfflineFindings(SimpleTestCase):
    def causes(self, *stations):
        found = offline_findings(stations, minutes=5, severity="critical", now=NOON)
        return [finding.cause for finding in found]

    def test_silent_long_enough(self):
        online = seen(2, minutes_back=60)
        for minutes, causes in [(4.9, []), (5, ["offline:station:1"]), (600, ["offline:station:1"])]:
            with self.subTest(minutes=minutes):
                assert self.causes(seen(1, minutes_silent=minutes), online) == causes

    def test_a_silent_site_is_one_finding(self):
        assert self.causes(*(seen(pk, minutes_silent=9) for pk in range(40))) == ["offline:site:1"]

    def test_a_site_with_one_charger_is_that_charger(self):
        assert self.causes(seen(1, minutes_silent=9)) == ["offline:station:1"]

    def test_sites_are_apart(self):
        stations = [
            seen(1, minutes_silent=9),
            seen(2, site=2, minutes_silent=9),
            seen(3, site=2, minutes_silent=9),
        ]
        assert self.causes(*stations) == ["offline:station:1", "offline:site:2"]

    def test_one_that_never_connected_is_no_finding_and_no_part_of_an_outage(self):
        new = replace(seen(3), is_online=False, connected_at=None)
        assert self.causes(new) == []
        assert self.causes(new, seen(1, minutes_silent=9), seen(2, minutes_silent=9)) == ["offline:site:1"]

    def test_flapping_keeps_the_alert(self):
        other = seen(2, minutes_back=60)
        for minutes_back, causes in [(0, ["offline:station:1"]), (0.9, ["offline:station:1"]), (1, [])]:
            with self.subTest(minutes_back=minutes_back):
                assert self.causes(seen(1, minutes_back=minutes_back, told=True), other) == causes
        assert self.causes(seen(1, minutes_silent=0.1, told=True), other) == ["offline:station:1"]
        assert self.causes(seen(1, minutes_back=0), other) == []


@pytest.fixture
def place(db):
    operator = make.operator()
    site = make.site(operator=operator)
    stations = [
        make.station(site=site, connection=uuid4(), connected_at=NOON - timedelta(days=1)) for _i in range(2)
    ]
    return operator, site, stations


def lose(station, at):
    Station.objects.filter(pk=station.pk).update(connection=None, disconnected_at=at)


def find(station, at):
    Station.objects.filter(pk=station.pk).update(connection=uuid4(), connected_at=at)


def check(minutes):
    watchman.check(now=NOON + timedelta(minutes=minutes))


def test_every_operator_has_a_rule_from_the_first_day(db):
    rules = Rule.objects.filter(operator=make.operator(), is_active=True)
    assert set(rules.values_list("kind", "minutes")) >= {("offline", 5), ("fault", 2), ("event", 1440)}


def test_the_life_of_an_alert(place):
    operator, site, [station, _other] = place
    manager = make.member(operator=operator)
    make.member(operator=operator, role="accountant")
    make.member(operator=operator, role="technician", sites=[])
    make.member(operator=make.operator())
    lose(station, NOON)
    check(4)
    assert not Alert.objects.exists()
    check(5)
    check(6)
    alert = Alert.objects.get()
    assert (alert.site, alert.station, alert.count) == (site, station, 1)
    assert alert.last_seen_at == NOON + timedelta(minutes=6)
    mail = Mail.objects.get()
    assert mail.to == manager.email and station.name in mail.subject and site.name in mail.subject
    assert reverse("ops:charger", args=[station.pk]) in mail.text

    assert actions.acknowledge(alert=alert, by=manager, now=NOON)
    assert not actions.acknowledge(alert=alert, by=manager, now=NOON)

    find(station, NOON + timedelta(minutes=7))
    check(7.5)
    assert Alert.objects.open().exists()
    check(8)
    alert.refresh_from_db()
    assert alert.resolved_reason == "The charger is back." and alert.acknowledged_by == manager
    assert Mail.objects.count() == 1


def test_flapping_is_one_alert_and_one_mail(place):
    operator, _site, [station, _other] = place
    make.member(operator=operator)
    lose(station, NOON)
    check(5)
    for minute in range(6, 26):
        find(station, NOON + timedelta(minutes=minute))
        check(minute + 0.3)
        lose(station, NOON + timedelta(minutes=minute, seconds=30))
        check(minute + 0.7)
    alert = Alert.objects.get()
    assert alert.count == 21 and alert.resolved_at is None
    assert Mail.objects.count() == 1


def test_an_outage_of_the_portal_is_not_the_chargers(place):
    _operator, _site, [station, _other] = place
    lose(station, NOON - timedelta(hours=1))
    # The portal itself was away for that hour and has listened for two minutes now.
    Node.objects.create(channel="web", started_at=NOON - timedelta(minutes=2), seen_at=NOON)
    check(0)
    assert not Alert.objects.exists()
    Node.objects.update(seen_at=NOON + timedelta(minutes=6))
    check(6)
    assert Alert.objects.open().count() == 1


def test_a_site_outage_replaces_the_alerts_of_its_chargers(place):
    _operator, site, [first, second] = place
    lose(first, NOON)
    check(5)
    lose(second, NOON + timedelta(minutes=1))
    check(6)
    [opened] = Alert.objects.open()
    assert opened.cause == f"offline:site:{site.pk}" and opened.station is None
    assert "whole site" in Alert.objects.exclude(resolved_at=None).get().resolved_reason
    find(first, NOON + timedelta(minutes=10))
    check(12)
    assert [alert.cause for alert in Alert.objects.open()] == [f"offline:station:{second.pk}"]


def test_a_rule_that_is_switched_off_closes_its_alerts(place):
    operator, _site, [station, _other] = place
    lose(station, NOON)
    check(5)
    operator.alert_rules.update(is_active=False)
    check(6)
    assert Alert.objects.get().resolved_reason == "The rule was switched off."


def test_a_second_alert_of_the_same_cause_is_impossible(place):
    from django.db import IntegrityError, transaction

    _operator, _site, [station, _other] = place
    lose(station, NOON)
    check(5)
    alert = Alert.objects.get()
    alert.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        alert.save(force_insert=True)


def test_the_page(client, place):
    operator, _site, [station, _other] = place
    lose(station, NOON)
    check(5)
    alert = Alert.objects.get()
    manager = make.member(operator=operator)
    client.force_login(manager)
    url = reverse("ops:alerts")
    assert alert.title in client.get(url).content.decode()
    answer = client.post(
        reverse("ops:alert_acknowledge", args=[alert.pk]), {"next": "//evil.example/"}, follow=True
    )
    assert answer.redirect_chain == [(url, 302)]
    alert.refresh_from_db()
    assert alert.acknowledged_by == manager
    # The line that takes it back names it too.
    assert f'id="alert-{alert.pk}"' not in client.get(url + "?tab=resolved").content.decode()
    assert client.get(url + "?severity=info").context["page"].paginator.count == 0


def test_another_operator_can_not_acknowledge(client, place):
    _operator, _site, [station, _other] = place
    lose(station, NOON)
    check(5)
    alert = Alert.objects.get()
    url = reverse("ops:alert_acknowledge", args=[alert.pk])
    for who, status in [
        (make.member(operator=make.operator()), 404),
        (make.member(operator=place[0], role="accountant"), 403),
        (make.user(), 403),
    ]:
        client.force_login(who)
        assert client.post(url).status_code == status
    assert client.get(url).status_code in (403, 405)
    alert.refresh_from_db()
    assert alert.acknowledged_at is None
