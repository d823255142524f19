"""Open, touch and close alerts. What people do with them is in `handling`, who is told in `telling`."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from evportal.accounts.models import Operator, User
from monitoring import live
from monitoring.alerts import Finding
from monitoring.models import Alert, Rule
from monitoring.notices import telling
from monitoring.rules import limits
from monitoring.rules.kinds import DEFAULTS

#: What comes back within so long was never gone: its alert is opened again and counted, not told anew.
REOPEN = timedelta(minutes=10)


def default_rules(*, operator: Operator) -> None:
    """What every operator is told of from its first day, until it decides otherwise."""
    known = set(Rule.objects.filter(operator=operator, site=None).values_list("kind", flat=True))
    Rule.objects.bulk_create(
        [
            Rule(
                operator=operator,
                kind=kind,
                minutes=default.minutes,
                threshold=default.threshold,
                severity=default.severity,
            )
            for kind, default in DEFAULTS.items()
            if kind not in known
        ],
        # Whoever came first has made the same.
        ignore_conflicts=True,
    )


@transaction.atomic
def open_or_touch(
    *, finding: Finding, now: datetime, seen_again: bool = False, rule: Rule | None = None
) -> tuple[Alert, bool]:
    """The one open alert of this cause, made if there is none; a new one is told.

    `seen_again` counts a further sighting (it had been back), where otherwise it merely lasts. With `rule`
    its bound holds: beyond it one alert says that there is more.
    """
    if recent := _recent(finding, now):
        if recent.resolved_by_hand and not seen_again:
            # Somebody closed it while it lasted: it stays closed until it has been gone.
            Alert.objects.filter(pk=recent.pk).update(last_seen_at=now)
            return recent, False
        Alert.objects.filter(pk=recent.pk).update(
            resolved_at=None,
            resolved_by_hand=False,
            resolved_reason="",
            last_seen_at=now,
            title=finding.title[:200],
            count=F("count") + 1,
        )
        _push(recent)
        return recent, False
    if rule is not None:
        finding = _within_bound(finding, rule, now)
    alert, is_new = Alert.objects.get_or_create(
        cause=finding.cause,
        resolved_at=None,
        defaults={
            "site_id": finding.site_id,
            "station_id": finding.station_id,
            "kind": finding.kind,
            "severity": finding.severity,
            "title": finding.title[:200],
            "opened_at": now,
            "last_seen_at": now,
        },
    )
    if is_new:
        telling.tell(alert=alert, now=now)
        _push(alert)
    else:
        Alert.objects.filter(pk=alert.pk).update(
            last_seen_at=now, title=finding.title[:200], count=F("count") + (1 if seen_again else 0)
        )
    return alert, is_new


def _recent(finding: Finding, now: datetime) -> Alert | None:
    """The closed alert of the same cause that this is the same episode of."""
    same = Alert.objects.filter(cause=finding.cause)
    if same.filter(resolved_at=None).exists():
        return None
    return same.filter(last_seen_at__gte=now - REOPEN).order_by("-last_seen_at").first()


def _within_bound(finding: Finding, rule: Rule, now: datetime) -> Finding:
    opened = Alert.objects.open().filter(kind=finding.kind, site__in=rule.sites())
    if opened.filter(cause=finding.cause).exists() or opened.count() < rule.most:
        return finding
    named = limits.Named(rule.pk, finding.kind, str(rule.get_kind_display()))
    return limits.overflow(named, 1, rule.most, finding.site_id, now)


@transaction.atomic
def acknowledge(*, alert: Alert, by: User | None, now: datetime | None = None) -> bool:
    """Say that somebody is on it; false if somebody already was, or it is over."""
    from monitoring import handling

    return handling.acknowledge(alert=alert, by=by, now=now or timezone.now())


@transaction.atomic
def resolve(*, alert: Alert, reason: str, now: datetime) -> bool:
    """Its cause is gone: close it, saying why; false if it was closed before."""
    won = Alert.objects.filter(pk=alert.pk, resolved_at=None).update(
        resolved_at=now, resolved_reason=reason[:200], snoozed_until=None, snooze_reason=""
    )
    if won:
        alert.refresh_from_db()
        telling.tell_over(alert=alert, now=now)
        _push(alert)
    return bool(won)


def _push(alert: Alert) -> None:
    transaction.on_commit(lambda: live.push_site(alert.site_id), robust=True)
