"""One round over the rules of `kinds`: facts are read, findings bounded, alerts opened and closed."""

from __future__ import annotations

from datetime import datetime

from django.core.cache import cache
from django.db import connection, transaction
from django.utils.translation import gettext as _

from monitoring import actions
from monitoring.models import Alert, Rule
from monitoring.rules import facts, kinds, limits

#: These read much, and what they find changes slowly.
SLOW = frozenset(
    {"silent", "meter", "signed", "certificate", "unexplained", "temperature", "payment", "failed_starts"}
)
SLOW_SECONDS = 120
#: How long a cause must be gone before its alert is over: what comes and goes stays one alert.
CALM_SECONDS = 60


def check(*, now: datetime, all_kinds: bool = False) -> None:
    is_slow_turn = all_kinds or cache.add("alerts:slow-round", 1, SLOW_SECONDS)
    rules = Rule.objects.filter(kind__in=facts.READ, is_active=True).select_related("operator")
    for rule in rules:
        if is_slow_turn or rule.kind not in SLOW:
            check_rule(rule=rule, now=now)


@transaction.atomic
def check_rule(*, rule: Rule, now: datetime) -> None:
    """Two workers' rounds at once would count twice: the second one leaves."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('evportal.rules'), %s)", [rule.pk])
        if not cursor.fetchone()[0]:
            return
    observed = facts.READ[rule.kind](rule.sites(), rule, now)
    found = kinds.findings(
        rule.kind,
        observed,
        minutes=rule.minutes,
        threshold=rule.threshold,
        severity=rule.severity,
        now=now,
    )
    opened = list(Alert.objects.open().filter(kind=rule.kind, site__in=rule.sites()))
    known = {alert.cause for alert in opened}
    found = limits.bounded(found, known=known, most=rule.most, rule=named(rule), now=now)
    for finding in found:
        actions.open_or_touch(finding=finding, now=now)
    causes = {finding.cause for finding in found}
    for alert in opened:
        if alert.cause not in causes and (now - alert.last_seen_at).total_seconds() >= CALM_SECONDS:
            actions.resolve(alert=alert, reason=_("It is no longer so."), now=now)


def named(rule: Rule) -> limits.Named:
    return limits.Named(rule.pk, rule.kind, str(rule.get_kind_display()))
