"""Open, acknowledge and resolve alerts; tell the people who should know."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from evportal.accounts.access import MANAGER, TECHNICIAN
from evportal.accounts.models import Membership, Operator, User
from evportal.outbox.actions import queue_mail
from monitoring import live
from monitoring.alerts import Finding
from monitoring.models import Alert, Kind, Rule

TOLD = (MANAGER, TECHNICIAN)
#: Where a kind's patience is another than the model's default.
MINUTES = {Kind.FAULT: 2, Kind.EVENT: 24 * 60}


def default_rules(*, operator: Operator) -> None:
    """What every operator is told of from its first day, until it decides otherwise."""
    for kind in Kind.values:
        defaults = {"minutes": MINUTES[kind]} if kind in MINUTES else {}
        Rule.objects.get_or_create(operator=operator, kind=kind, defaults=defaults)


@transaction.atomic
def open_or_touch(*, finding: Finding, now: datetime, seen_again: bool = False) -> tuple[Alert, bool]:
    """The one open alert of this cause, made if there is none; a new one is mailed.

    `seen_again` counts a further sighting (it had been back), where otherwise it merely lasts.
    """
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
        _tell(alert)
        transaction.on_commit(lambda: live.push_site(alert.site_id), robust=True)
    else:
        Alert.objects.filter(pk=alert.pk).update(
            last_seen_at=now, title=finding.title[:200], count=F("count") + (1 if seen_again else 0)
        )
    return alert, is_new


@transaction.atomic
def acknowledge(*, alert: Alert, by: User, now: datetime | None = None) -> bool:
    """Say that somebody is on it; false if somebody already was, or it is over."""
    won = Alert.objects.filter(pk=alert.pk, acknowledged_at=None, resolved_at=None).update(
        acknowledged_at=now or timezone.now(), acknowledged_by=by
    )
    if won:
        transaction.on_commit(lambda: live.push_site(alert.site_id), robust=True)
    return bool(won)


@transaction.atomic
def resolve(*, alert: Alert, reason: str, now: datetime) -> bool:
    """Close the alert, saying why; false if it was closed before."""
    won = Alert.objects.filter(pk=alert.pk, resolved_at=None).update(
        resolved_at=now, resolved_reason=reason[:200]
    )
    if won:
        transaction.on_commit(lambda: live.push_site(alert.site_id), robust=True)
    return bool(won)


def _tell(alert: Alert) -> None:
    """One mail to each manager and technician who may see the site; the key keeps it to one per alert."""
    members = (
        Membership.objects.filter(
            operator_id=alert.site.operator_id, role__in=TOLD, is_active=True, user__is_active=True
        )
        .select_related("user")
        .prefetch_related("sites")
    )
    people = {
        member.user
        for member in members
        if not member.limited or alert.site_id in {site.pk for site in member.sites.all()}
    }
    for person in sorted(people, key=lambda person: person.pk):
        queue_mail(
            key=f"alert:{alert.pk}:{person.pk}",
            to=person.email,
            template="monitoring/mail/alert",
            context={"alert": alert, "person": person, "public_url": settings.PUBLIC_URL},
            language=person.language,
        )
