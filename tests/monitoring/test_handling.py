"""What people do with alerts, and how alerts that come and go or fire on everything are bounded."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import SimpleTestCase
from django.urls import reverse

from monitoring import actions, handling
from monitoring.alerts import Finding
from monitoring.models import Alert, AlertChange, Rule
from monitoring.rules import kinds, limits, rounds
from stations.models import Reading, Station
from tests import make

NOON = make.NOON


def later(minutes):
    return NOON + timedelta(minutes=minutes)


def finding(site, cause="clock:station:1", **fields):
    return Finding(
        **{
            "cause": cause,
            "kind": "clock",
            "severity": "warning",
            "title": "Charger 1: its clock is 300 s off",
            "site_id": site.pk,
            "station_id": None,
            "since": NOON,
            **fields,
        }
    )


@pytest.fixture
def site(db):
    return make.site()


@pytest.fixture
def alert(site):
    return actions.open_or_touch(finding=finding(site), now=NOON)[0]


@pytest.fixture
def manager(site):
    return make.member(operator=site.operator)


class Bounds(SimpleTestCase):
    def test_so_many_and_one_that_says_so(self):
        class Place:
            pk = 1

        found = [finding(Place, cause=f"c{n:03}") for n in range(300)]
        rule = limits.Named(7, "clock", "Clock")
        kept = limits.bounded(found, known={"c299"}, most=50, rule=rule, now=NOON)
        assert len(kept) == 51 and kept[0].cause == "c299" and kept[-1].cause == "overflow:rule:7"
        assert "250" in kept[-1].title
        assert limits.bounded(found[:50], known=set(), most=50, rule=rule, now=NOON) == found[:50]


class Kinds(SimpleTestCase):
    def found(self, kind, value, threshold, since=NOON, minutes=5, now=NOON):
        one = kinds.Observed(1, 2, 3, "C / 1", Decimal(value), since)
        return kinds.findings(
            kind, [one], minutes=minutes, threshold=Decimal(threshold), severity="warning", now=now
        )

    def test_more_or_less_is_worse(self):
        for kind, value, threshold, is_found in [
            ("temperature", 75, 75, True),
            ("temperature", 74, 75, False),
            ("certificate", 13, 14, True),
            ("certificate", 14, 14, False),
            ("failed_starts", 3, 3, True),
        ]:
            with self.subTest(kind=kind, value=value):
                assert bool(self.found(kind, value, threshold)) == is_found

    def test_some_must_last(self):
        assert not self.found("no_energy", 5, 100, now=later(4))
        [one] = self.found("no_energy", 5, 100, now=later(5))
        assert one.cause == "no_energy:evse:3" and "5 Wh" in one.title

    def test_a_limit_has_words_of_its_own(self):
        [one] = self.found("limit", 12, 0, now=later(5))
        assert "12 % more" in one.title


def test_put_off_wakes_by_itself(alert, manager):
    with pytest.raises(handling.AlertRefused):
        handling.snooze(alert=alert, until=NOON, reason="x", by=manager, now=NOON)
    with pytest.raises(handling.AlertRefused):
        handling.snooze(alert=alert, until=later(60), reason=" ", by=manager, now=NOON)
    handling.snooze(alert=alert, until=later(60), reason="Parts come on Monday", by=manager, now=NOON)
    assert not Alert.objects.awake(later(59)).exists() and Alert.objects.asleep(later(59)).exists()
    assert Alert.objects.awake(later(60)).exists()


def test_closed_by_hand_stays_closed_while_it_lasts(site, alert, manager):
    handling.resolve(alert=alert, reason="Known", by=manager, now=later(1))
    for minute in range(2, 40, 5):
        actions.open_or_touch(finding=finding(site), now=later(minute))
    assert not Alert.objects.open().exists() and Alert.objects.count() == 1
    # It was gone for a while and has come back: that is news.
    actions.open_or_touch(finding=finding(site), now=later(60))
    assert Alert.objects.open().count() == 1 and Alert.objects.count() == 2


def test_twenty_times_a_minute_is_one_alert(site, alert):
    for second in range(0, 60, 3):
        at = NOON + timedelta(seconds=second)
        actions.resolve(alert=alert, reason="gone", now=at)
        actions.open_or_touch(finding=finding(site), now=at + timedelta(seconds=1))
    alert.refresh_from_db()
    assert Alert.objects.count() == 1 and alert.count == 21 and alert.resolved_at is None


def test_undo_only_one_s_own_and_only_for_ten_seconds(alert, manager, site):
    other = make.member(operator=site.operator)
    handling.resolve(alert=alert, reason="Oh", by=manager, now=NOON)
    change = AlertChange.objects.get()
    soon = NOON + timedelta(seconds=9)
    with pytest.raises(handling.AlertRefused):
        handling.undo(change=change, by=other, now=soon)
    with pytest.raises(handling.AlertRefused):
        handling.undo(change=change, by=manager, now=NOON + timedelta(seconds=13))
    handling.undo(change=change, by=manager, now=soon)
    alert.refresh_from_db()
    assert alert.resolved_at is None and alert.resolved_reason == "" and not alert.resolved_by_hand
    with pytest.raises(handling.AlertRefused):
        handling.undo(change=change, by=manager, now=soon)


def test_given_to_somebody_who_works_there(alert, manager):
    with pytest.raises(handling.AlertRefused):
        handling.assign(alert=alert, to=make.user(), by=manager, now=NOON)
    handling.assign(alert=alert, to=manager, by=manager, now=NOON)
    alert.refresh_from_db()
    assert alert.assigned_to == manager


def test_the_pages(client, alert, manager):
    client.force_login(manager)
    page = client.get(reverse("ops:alerts") + "?tab=unassigned")
    assert alert.title in page.content.decode()
    url = reverse("ops:alert_change", args=[alert.pk, "snooze"])
    assert client.post(url, {"hours": "4", "reason": ""}).status_code == 422
    client.post(url, {"hours": "4", "reason": "later"})
    assert f'id="alert-{alert.pk}"' not in client.get(reverse("ops:alerts")).content.decode()
    assert "later" in client.get(reverse("ops:alerts") + "?tab=snoozed").content.decode()
    client.post(reverse("ops:alert_undo", args=[alert.pk]))
    alert.refresh_from_db()
    assert alert.snoozed_until is None
    client.post(reverse("ops:alert_change", args=[alert.pk, "resolve"]), {"reason": "It was us"})
    assert "It was us" in client.get(reverse("ops:alerts") + "?tab=resolved").content.decode()


def test_a_site_s_own_rule_stands_in_for_the_operator_s(client, site, manager):
    client.force_login(manager)
    response = client.post(reverse("ops:alert_rules"), {"site": site.pk, "kind": "clock"})
    own = Rule.objects.get(site=site)
    assert response["Location"] == reverse("ops:alert_rule", args=[own.pk])
    bad = {"minutes": "0", "threshold": "-1", "severity": "info", "most": "0"}
    assert client.post(response["Location"], bad).status_code == 422
    client.post(response["Location"], {"minutes": "9", "threshold": "999", "severity": "info", "most": "5"})
    own.refresh_from_db()
    whole = Rule.objects.get(operator=site.operator, kind="clock", site=None)
    assert (own.threshold, own.is_active) == (999, False)
    assert list(own.sites()) == [site] and site not in whole.sites()
    assert site.name in client.get(reverse("ops:alert_rules")).content.decode()


@pytest.fixture
def charger(site):
    station = make.station(site=site, connection=uuid4(), connected_at=NOON - timedelta(days=1))
    Station.objects.filter(pk=station.pk).update(last_seen_at=later(100))
    return make.evse(station=station)


def causes():
    return sorted(Alert.objects.open().values_list("kind", flat=True))


def test_a_round_over_what_chargers_told(site, charger):
    Station.objects.filter(pk=charger.station_id).update(clock_offset_s=-300)
    for n in range(3):
        make.session(
            evse=charger,
            started_at=later(n - 40),
            minutes=2,
            energy_wh=0,
            stop_received_at=later(n - 38),
        )
    for minute in (-14, -7, 0):
        Reading.objects.create(
            evse=charger,
            at=later(minute),
            received_at=later(minute),
            measurand="Power.Active.Import",
            phase="",
            location="Outlet",
            context="Sample.Clock",
            value=9000,
            unit="W",
        )
    rounds.check(now=NOON, all_kinds=True)
    assert causes() == ["clock", "failed_starts", "unexplained"]
    rounds.check(now=NOON, all_kinds=True)
    assert Alert.objects.count() == 3
    Station.objects.filter(pk=charger.station_id).update(clock_offset_s=0)
    rounds.check(now=later(3), all_kinds=True)
    assert "clock" not in causes()
    assert Alert.objects.get(kind="clock").resolved_reason == "It is no longer so."


def test_session_without_energy_and_a_site_beyond_its_limit(site, charger):
    site.grid_limit_w = 10_000
    site.save()
    session = make.session(evse=charger, started_at=later(-30), energy_wh=0, start_received_at=later(-30))
    type(session).objects.filter(pk=session.pk).update(power_w=12_000, last_reading_at=NOON)
    rounds.check(now=NOON, all_kinds=True)
    assert causes() == ["no_energy"]
    type(session).objects.update(last_reading_at=later(2))
    rounds.check(now=later(2), all_kinds=True)
    assert causes() == ["limit", "no_energy"]


def test_nobody_charges_where_people_used_to(site, charger):
    for day in range(4, 31):
        for hour in (0, 1):
            make.session(
                evse=charger, started_at=NOON - timedelta(days=day, hours=hour), minutes=30, energy_wh=9000
            )
    rounds.check(now=NOON, all_kinds=True)
    assert causes() == ["silent"]
    make.session(evse=charger, started_at=later(-60), minutes=30, energy_wh=9000)
    rounds.check(now=later(2), all_kinds=True)
    assert causes() == []
