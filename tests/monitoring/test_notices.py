"""Who is told of alerts, when, how often it is tried, and that nothing of it is lost."""

import json
import threading
from datetime import time, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from zoneinfo import ZoneInfo

import pytest
from django.test import SimpleTestCase
from django.urls import reverse

from evportal.outbox.models import Mail
from monitoring import actions
from monitoring.alerts import Finding
from monitoring.models import Alert, Delivery, Policy, PolicyStep, QuietHours, Team, TeamChannel
from monitoring.notices import delivering, routing, telling
from tests import make

NOON = make.NOON


def later(**units):
    return NOON + timedelta(**units)


class Routing(SimpleTestCase):
    def test_quiet_hours_across_midnight_by_the_person_s_clocks(self):
        berlin = ZoneInfo("Europe/Berlin")
        at = NOON.astimezone(berlin).replace(hour=23, minute=30)
        end = routing.quiet_until(at, begins_at=time(22), ends_at=time(6), zone=berlin)
        assert (end.astimezone(berlin).hour, end - at) == (6, timedelta(hours=6.5))
        assert routing.quiet_until(end, begins_at=time(22), ends_at=time(6), zone=berlin) is None

    def test_empty_means_all(self):
        routes = [
            routing.Route(1),
            routing.Route(2, frozenset({"critical"})),
            routing.Route(3, sites=frozenset({9})),
        ]
        assert routing.matching(routes, severity="warning", kind="clock", site_id=1) == [1]
        assert routing.matching(routes, severity="critical", kind="clock", site_id=9) == [1, 2, 3]

    def test_pauses_grow_and_end(self):
        assert [routing.pause(n).total_seconds() for n in (1, 2, 3, 50)] == [30, 60, 120, 7200]


class Receiver:
    """A server that somebody's webhook leads to."""

    def __init__(self):
        self.status, self.got = 200, []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((dict(self.headers), body))
                self.send_response(outer.status)
                if outer.status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.host = f"127.0.0.1:{self.server.server_port}"


@pytest.fixture
def receiver(settings):
    found = Receiver()
    settings.NOTIFY_ALLOWED_HOSTS = [found.host]
    yield found
    found.server.shutdown()


@pytest.fixture
def site(db):
    return make.site()


@pytest.fixture
def manager(site):
    return make.member(operator=site.operator)


@pytest.fixture
def team(site, manager):
    team = Team.objects.create(operator=site.operator, name="Night")
    team.members.add(manager.memberships.get())
    return team


@pytest.fixture
def hook(team, manager, receiver):
    channel = TeamChannel(team=team, kind="webhook", shown="hook", created_by=manager)
    channel.address = {"url": f"http://{receiver.host}/in", "secret": "s3cret"}
    channel.save()
    return channel


def policy(team, after=0, **fields):
    found, _new = Policy.objects.get_or_create(operator=team.operator, name="All", defaults=fields)
    return PolicyStep.objects.create(policy=found, team=team, after_minutes=after)


def open_alert(site, cause="x:1", severity="critical", now=NOON):
    finding = Finding(cause, "clock", severity, f"{cause} is wrong", site.pk, None, now)
    return actions.open_or_touch(finding=finding, now=now)[0]


def test_without_a_policy_the_crew_is_mailed(site, manager):
    make.member(operator=site.operator, role="accountant")
    open_alert(site)
    assert [mail.to for mail in Mail.objects.all()] == [manager.email]
    assert Delivery.objects.get().sent_at == NOON


def test_escalation_when_nobody_acknowledges(site, team, manager):
    chief = make.member(operator=site.operator)
    upper = Team.objects.create(operator=site.operator, name="Chiefs")
    upper.members.add(chief.memberships.get())
    policy(team), policy(upper, after=15)
    alert = open_alert(site)
    telling.escalate(now=later(minutes=14))
    assert Mail.objects.filter(to=chief.email).count() == 0
    telling.escalate(now=later(minutes=15))
    telling.escalate(now=later(minutes=16))
    assert Mail.objects.get(to=chief.email).subject.startswith("Nobody has acknowledged")
    assert Mail.objects.filter(to=manager.email).count() == 1

    second = open_alert(site, cause="x:2")
    actions.acknowledge(alert=second, by=manager, now=later(minutes=1))
    telling.escalate(now=later(minutes=20))
    assert Mail.objects.filter(to=chief.email).count() == 1 and alert.pk != second.pk


def test_quiet_hours_wait_and_critical_comes_through(site, team, manager):
    policy(team)
    quiet = QuietHours.objects.create(user=manager, begins_at="00:00", ends_at="23:59", time_zone="UTC")
    open_alert(site, cause="x:1", severity="warning")
    assert not Mail.objects.exists()
    row = Delivery.objects.get()
    assert (row.next_at.hour, row.next_at.minute) == (23, 59)
    open_alert(site, cause="x:2", severity="critical")
    assert Mail.objects.count() == 1
    assert delivering.deliver(pk=row.pk, now=row.next_at)
    assert Mail.objects.count() == 2 and quiet.pk
    # What was over by the morning wakes nobody.
    alert = open_alert(site, cause="x:3", severity="warning")
    actions.resolve(alert=alert, reason="gone", now=NOON)
    delivering.deliver(pk=alert.deliveries.get().pk, now=row.next_at)
    assert Mail.objects.count() == 2


def test_a_signed_webhook(site, team, hook, receiver):
    policy(team)
    alert = open_alert(site)
    row = hook.deliveries.get()
    assert delivering.deliver(pk=row.pk, now=NOON)
    assert not delivering.deliver(pk=row.pk, now=later(hours=1))
    [(headers, body)] = receiver.got
    said = routing.signature("s3cret", headers["Evportal-Timestamp"], body)
    assert headers["Evportal-Signature"] == f"v1={said}"
    assert json.loads(body)["alert"]["id"] == alert.pk and json.loads(body)["id"] == str(row.uid)
    actions.resolve(alert=alert, reason="gone", now=later(minutes=5))
    assert hook.deliveries.filter(event="alert.resolved").count() == 1


def test_a_worker_that_dies_between_loses_nothing(site, team, hook, receiver, monkeypatch):
    policy(team)
    open_alert(site)
    row = hook.deliveries.get()

    def die(*args):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(delivering, "_send", die)
        with pytest.raises(SystemExit):
            delivering.deliver(pk=row.pk, now=NOON)
    assert delivering.sweep(now=later(seconds=60)) == 0  # Its claim still holds.
    assert delivering.sweep(now=later(minutes=3)) == 1
    assert delivering.deliver(pk=row.pk, now=later(minutes=3))
    assert len(receiver.got) == 1


def test_500_for_a_day_is_bounded_and_switches_the_channel_off(site, team, hook, receiver, manager):
    policy(team)
    for n in range(30):
        open_alert(site, cause=f"x:{n}")
    receiver.status = 500
    now, tries = NOON, 0
    while now < later(hours=26):
        for row in list(Delivery.objects.waiting().filter(next_at__lte=now, channel=hook)):
            delivering.deliver(pk=row.pk, now=now)
        now += timedelta(minutes=5)
    tries = len(receiver.got)
    hook.refresh_from_db()
    assert hook.disabled_at is not None and tries < 80, tries
    assert not hook.deliveries.filter(sent_at=None, given_up_at=None).exists()
    assert Alert.objects.open().filter(kind="webhook").count() == 1
    assert Mail.objects.filter(to=manager.email, subject__contains="switched off").exists()

    receiver.status = 200
    assert delivering.enable(channel=hook, now=now)
    assert not Alert.objects.open().filter(kind="webhook").exists()
    again = delivering.replay(delivery=hook.deliveries.order_by("pk").first(), by=manager, now=now)
    assert delivering.deliver(pk=again.pk, now=now)
    again.refresh_from_db()
    assert again.sent_at and again.tries.filter(error="").exists()


def test_a_redirect_is_not_followed_and_private_addresses_are_refused(site, team, hook, receiver, settings):
    policy(team)
    open_alert(site)
    receiver.status = 302
    row = hook.deliveries.get()
    delivering.deliver(pk=row.pk, now=NOON)
    row.refresh_from_db()
    assert row.given_up_at and "302" in row.error and len(receiver.got) == 1
    settings.NOTIFY_ALLOWED_HOSTS = []
    test = delivering.test(channel=hook, by=None, now=later(minutes=1))
    delivering.deliver(pk=test.pk, now=later(minutes=1))
    test.refresh_from_db()
    assert "may not be asked" in test.error and len(receiver.got) == 1


def test_the_pages(client, site, manager, receiver, settings):
    client.force_login(manager)
    client.post(reverse("ops:team_new"), {"name": "Day", "members": [manager.memberships.get().pk]})
    team = Team.objects.get(name="Day")
    add = reverse("ops:channel_new", args=[team.pk, "webhook"])
    assert client.post(add, {"url": "http://10.0.0.1/x"}).status_code == 422
    page = client.post(add, {"url": f"http://{receiver.host}/hook"}).content.decode()
    channel = team.channels.get()
    assert channel.address["secret"] in page
    data = {"name": "Grave", "severities": ["critical"], "team_1": team.pk, "after_1": "0", "is_active": "on"}
    client.post(reverse("ops:policy_new"), data)
    policy = Policy.objects.get()
    assert policy.steps.get().team == team
    client.post(reverse("ops:policy", args=[policy.pk]), {**data, "team_2": team.pk, "after_2": "30"})
    assert policy.steps.count() == 2
    client.post(reverse("ops:channel", args=[channel.pk, "test"]))
    delivering.deliver(pk=channel.deliveries.get().pk)
    assert len(receiver.got) == 1
    quiet = {"begins_at": "22:00", "ends_at": "06:00", "time_zone": "Europe/Berlin"}
    client.post(reverse("ops:notifications"), quiet)
    assert not QuietHours.objects.get(user=manager).critical_comes_through
    for name in ("ops:notifications", "ops:notification_log"):
        page = client.get(reverse(name)).content.decode()
        assert "hook" in page or channel.shown in page
        assert channel.address["secret"] not in page
