"""What chargers tell of themselves opens alerts when it is grave: over the socket, in each version."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evportal.outbox.models import Mail
from monitoring import actions, security_alerts, watchman
from monitoring.alerts import security_finding
from monitoring.models import Alert, Rule
from stations import events, security_events
from stations.models import Event
from tests import make
from tests.charger import Charger
from tests.stations.conftest import database, door, ingest_all

__all__ = ["database", "door", "ingest_all"]
PASSWORD = "charger-password-1"


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_tampering_is_told(door, database, ingest_all, version):
    def build():
        site = make.site()
        make.member(operator=site.operator)
        return make.station(site=site, identity="CP-1", name="Post 1", password=PASSWORD)

    station = await database(build)
    said = {"timestamp": "2026-06-15T12:00:00Z", "techInfo": "door\nopen " + "x" * 400}
    async with Charger(door.url, "CP-1", PASSWORD, version=version) as charger:
        await charger.boot()
        for code in ("TamperDetectionActivated", "StartupOfTheDevice", "TamperDetectionActivated"):
            assert await charger.call("SecurityEventNotification", {"type": code, **said}) == {}
        await ingest_all()
        await ingest_all()
    rows = await database(lambda: list(Event.objects.order_by("pk").values_list("code", "severity", "kind")))
    tamper = ("TamperDetectionActivated", 3, "security")
    assert rows == [tamper, ("StartupOfTheDevice", 7, "security"), tamper]
    event = await database(Event.objects.first)
    assert event.at.isoformat() == "2026-06-15T12:00:00+00:00" and len(event.text) == 255
    alert = await database(Alert.objects.get)
    assert (alert.kind, alert.severity, alert.count) == ("security", "critical", 2)
    assert alert.station_id == station.pk
    assert alert.title.startswith("Post 1: TamperDetectionActivated (door open")
    assert await database(Mail.objects.count) == 1


def tell(station, severity, **more):
    now = timezone.now()
    fields = {"kind": "security", "code": "X", "at": now, "received_at": now} | more
    events.record([Event(station=station, severity=severity, **fields)])
    # Without a commit nobody is told, so tell them here.
    security_alerts.heed(Event.objects.filter(station=station).order_by("-pk")[:1])


SEVERITIES = [(0, "critical"), (3, "critical"), (4, "warning"), (5, None), (9, None)]


@pytest.mark.parametrize(("severity", "told"), SEVERITIES)
@pytest.mark.django_db
def test_by_severity(severity, told):
    tell(make.station(), severity)
    assert [alert.severity for alert in Alert.objects.all()] == ([told] if told else [])


@pytest.mark.django_db
def test_other_kinds_are_only_kept():
    tell(make.station(), 0, kind="firmware")
    assert not Alert.objects.exists() and Event.objects.count() == 1


@pytest.mark.django_db
def test_cleared_closes_and_a_rule_that_is_off_tells_nobody():
    station = make.station()
    tell(station, 1)
    tell(station, 1, is_cleared=True)
    assert Alert.objects.get().resolved_reason
    Rule.objects.filter(kind="security").update(is_active=False)
    tell(station, 1)
    assert Alert.objects.count() == 1


@pytest.mark.django_db
def test_it_is_over_when_somebody_looked_and_it_was_quiet_for_a_day():
    station = make.station()
    person = make.member(operator=station.site.operator)
    tell(station, 1)
    alert, now = Alert.objects.get(), timezone.now()
    watchman.check(now=now + timedelta(days=3))
    assert Alert.objects.open().exists(), "nobody looked"
    actions.acknowledge(alert=alert, by=person)
    watchman.check(now=now + timedelta(hours=23))
    assert Alert.objects.open().exists(), "too soon"
    watchman.check(now=now + timedelta(hours=25))
    assert not Alert.objects.open().exists()


def test_every_type_of_the_standard_has_its_severity():
    assert len(security_events.SEVERITIES) >= 21
    assert security_events.severity_of("MadeByTheMaker") == security_events.UNKNOWN
    assert security_finding(
        kind="security",
        code="A" * 300,
        text="",
        event_severity=0,
        at=make.NOON,
        station_pk=1,
        station_name="x",
        site_id=1,
        worst="critical",
    ).cause.startswith("security:station:1:AAA")
