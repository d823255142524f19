"""Alerts from security events: opened by grave ones, closed when they are over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from monitoring import actions
from monitoring.alerts import security_finding
from monitoring.models import Alert, Kind, Rule, rule_at
from stations.models import Event, Station

#: Which events open which kind of alert; other kinds of events are only kept.
KINDS = {Event.Kind.SECURITY: Kind.SECURITY, Event.Kind.CERTIFICATE: Kind.SECURITY}

#: Nobody says that an attempt is over: once somebody is on it and it was quiet for so long, it is.
QUIET = timedelta(days=1)


def heed(events: Iterable[Event]) -> None:
    """Open or touch the alerts of these events; one that says it is over closes its alert."""
    telling = [event for event in events if event.kind in KINDS]
    concerned = {event.station_id for event in telling}
    stations = Station.objects.select_related("site__operator").in_bulk(concerned)
    for event in telling:
        station = stations.get(event.station_id)
        if station is not None:
            _heed(event, station)


@transaction.atomic
def _heed(event: Event, station: Station) -> None:
    kind = KINDS[event.kind]
    # An operator from before there was this kind has no rule of it yet.
    rule = rule_at(Rule.objects.by_place(kind), station.site)
    if rule is None:
        rule = Rule.objects.create(operator=station.site.operator, kind=kind)
    finding = security_finding(
        kind=kind,
        code=event.code,
        text=event.text,
        event_severity=event.severity,
        at=event.received_at,
        station_pk=station.pk,
        station_name=station.name,
        site_id=station.site_id,
        worst=rule.severity,
    )
    if finding is None or not rule.is_active:
        return
    if event.is_cleared:
        for alert in Alert.objects.open().filter(cause=finding.cause):
            actions.resolve(alert=alert, reason=_("The charger says that it is over."), now=event.received_at)
        return
    actions.open_or_touch(finding=finding, now=event.received_at, seen_again=True, rule=rule)


def let_go(now: datetime) -> None:
    """Close what somebody looked into and has not happened again, and what is not wanted any more."""
    found = Alert.objects.open().filter(kind__in=set(KINDS.values()))
    quiet = found.exclude(acknowledged_at=None).filter(
        last_seen_at__lt=now - QUIET, acknowledged_at__lt=now - QUIET
    )
    for alert in quiet:
        actions.resolve(alert=alert, reason=_("It has not happened again for a day."), now=now)
    for kind in set(KINDS.values()):
        for rule in Rule.objects.filter(kind=kind, is_active=False):
            for alert in found.filter(kind=kind, site__in=rule.sites()):
                actions.resolve(alert=alert, reason=_("The rule was switched off."), now=now)
