"""The round that looks at every operator's rules: gathers facts, asks `alerts`, writes with `actions`."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from evportal.accounts.models import Operator
from monitoring import actions, broken, events, security_alerts
from monitoring.alerts import Seen, offline_findings
from monitoring.models import Alert, Kind, Rule
from monitoring.rules import limits, rounds
from stations.models import Node, Station


def check(*, now: datetime) -> None:
    # Also those that were there before a kind of alert was.
    own = Count("alert_rules", filter=Q(alert_rules__site=None))
    complete = Operator.objects.annotate(kinds=own).filter(kinds__gte=len(Kind.values))
    for operator in Operator.objects.exclude(pk__in=complete):
        actions.default_rules(operator=operator)
    for rule in Rule.objects.filter(kind=Kind.OFFLINE, is_active=True):
        check_offline(rule=rule, now=now)
    security_alerts.let_go(now)
    for rule in Rule.objects.filter(kind=Kind.FAULT, is_active=True):
        broken.check(rule=rule, now=now)
    events.check(now=now)
    rounds.check(now=now)
    for rule in Rule.objects.filter(is_active=False):
        for alert in Alert.objects.open().filter(kind=rule.kind, site__in=rule.sites()):
            actions.resolve(alert=alert, reason=_("The rule was switched off."), now=now)


@transaction.atomic
def check_offline(*, rule: Rule, now: datetime) -> None:
    """One round for one operator. Rounds of two workers at once would count twice: the second one leaves."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('evportal.offline'), %s)", [rule.pk])
        if not cursor.fetchone()[0]:
            return
    alerts = list(Alert.objects.open().filter(kind=Kind.OFFLINE, site__in=rule.sites()))
    stations = facts(rule.sites(), alerts, now)
    findings = offline_findings(stations, minutes=rule.minutes, severity=rule.severity, now=now)
    by_cause = {alert.cause: alert for alert in alerts}
    findings = limits.bounded(findings, known=set(by_cause), most=rule.most, rule=rounds.named(rule), now=now)
    for finding in findings:
        known = by_cause.pop(finding.cause, None)
        # Silent again since we last looked: it had been back meanwhile.
        again = known is not None and finding.since > known.last_seen_at
        actions.open_or_touch(finding=finding, now=now, seen_again=again)
    sites_down = {finding.site_id for finding in findings if finding.station_id is None}
    names = {station.pk: station.name for station in stations}
    for alert in by_cause.values():
        actions.resolve(alert=alert, reason=_reason(alert, sites_down, names), now=now)


def facts(sites, alerts: list[Alert], now: datetime) -> list[Seen]:
    told_stations = {alert.station_id for alert in alerts if alert.station_id}
    told_sites = {alert.site_id for alert in alerts if not alert.station_id}
    stations = Station.objects.filter(site__in=sites).select_related("site")
    # While nobody listened no charger could connect; that outage is ours, not theirs.
    since = Node.listening_since(now)
    return [
        Seen(
            pk=station.pk,
            name=station.name,
            site_id=station.site_id,
            site_name=station.site.name,
            is_online=station.is_online,
            connected_at=station.connected_at,
            disconnected_at=_later(station.disconnected_at, since),
            has_open_alert=station.pk in told_stations or station.site_id in told_sites,
        )
        for station in stations
    ]


def _later(disconnected_at: datetime | None, since: datetime | None) -> datetime | None:
    return max(disconnected_at, since) if disconnected_at and since else disconnected_at


def _reason(alert: Alert, sites_down: set[int], names: dict[int, str]) -> str:
    if alert.station_id is None:
        return _("Chargers of the site are back.")
    if alert.site_id in sites_down:
        return _("The whole site is offline; see its own alert.")
    if alert.station_id not in names:
        return _("The charger was removed.")
    return _("The charger is back.")
