"""Write down who is to be told of an alert, in the transaction that opened it; `delivering` does the rest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from evportal.accounts.access import MANAGER, TECHNICIAN
from evportal.accounts.models import Membership, User
from evportal.outbox import topics
from monitoring.models import Alert, Severity
from monitoring.notices import routing
from monitoring.notices.models import Delivery, Policy, QuietHours, Team, TeamChannel

TOLD = (MANAGER, TECHNICIAN)
TOPIC = "alerts"
#: Older alerts are not escalated any more: whoever was to hear of them has.
ESCALATE_WITHIN = timedelta(days=8)


def works_somewhere(user) -> bool:
    return user.memberships.filter(is_active=True).exists()


def register() -> None:
    from django.utils.translation import gettext_lazy as _

    topics.register(topics.Topic(TOPIC, _("Alerts of chargers"), concerns=works_somewhere))


def tell(*, alert: Alert, now: datetime) -> None:
    """The steps that are due at once; where no policy fits, everybody of the crew who may see the site."""
    policies = fitting(alert)
    if not policies:
        _write(alert, "opened", people=_crew(alert), channels=[], now=now)
        return
    _tell_steps(alert, policies, timedelta(0), now)


def escalate(*, now: datetime) -> None:
    """What nobody has acknowledged goes on to the next step, once each."""
    waiting = (
        Alert.objects.awake(now)
        .filter(acknowledged_at=None, opened_at__gt=now - ESCALATE_WITHIN)
        .select_related("site")
    )
    for alert in waiting:
        with transaction.atomic():
            if policies := fitting(alert):
                _tell_steps(alert, policies, now - alert.opened_at, now)


def tell_over(*, alert: Alert, now: datetime) -> None:
    """Machines that heard of the alert hear that it is over."""
    heard = TeamChannel.objects.filter(deliveries__alert=alert, kind=TeamChannel.Kind.WEBHOOK).distinct()
    _write(alert, "resolved", people=[], channels=heard, now=now, mark=f" {now.isoformat()}")


def fitting(alert: Alert) -> list[Policy]:
    policies = {
        policy.pk: policy
        for policy in Policy.objects.filter(operator=alert.site.operator_id, is_active=True).prefetch_related(
            "sites", "steps"
        )
    }
    routes = [
        routing.Route(
            pk, frozenset(one.severities), frozenset(one.kinds), frozenset(s.pk for s in one.sites.all())
        )
        for pk, one in policies.items()
    ]
    found = routing.matching(routes, severity=alert.severity, kind=alert.kind, site_id=alert.site_id)
    return [policies[pk] for pk in found]


def _tell_steps(alert: Alert, policies: Iterable[Policy], waited: timedelta, now: datetime) -> None:
    for policy in policies:
        for step in policy.steps.all():
            if timedelta(minutes=step.after_minutes) > waited:
                continue
            team = Team.objects.prefetch_related("channels", "members__user", "members__sites").get(
                pk=step.team_id
            )
            people = [one.user for one in team.members.all() if _may_hear(one, alert)]
            event = "escalated" if step.after_minutes else "opened"
            mark = f" step {step.pk}" if step.after_minutes else ""
            _write(alert, event, people=people, channels=team.channels.all(), now=now, mark=mark)


def _may_hear(member: Membership, alert: Alert) -> bool:
    return (
        member.operator_id == alert.site.operator_id
        and member.is_active
        and member.user.is_active
        and (not member.limited or alert.site_id in {site.pk for site in member.sites.all()})
    )


def _crew(alert: Alert) -> list[User]:
    members = (
        Membership.objects.filter(operator_id=alert.site.operator_id, role__in=TOLD)
        .select_related("user")
        .prefetch_related("sites")
    )
    return list({one.user_id: one.user for one in members if _may_hear(one, alert)}.values())


def _write(
    alert: Alert,
    event: str,
    *,
    people: Iterable[User],
    channels: Iterable[TeamChannel],
    now: datetime,
    mark: str = "",
) -> None:
    """A row for each receiver; one that is there already is not written twice."""
    from monitoring.notices import delivering

    people = list(people)
    common = {
        "operator_id": alert.site.operator_id,
        "alert": alert,
        "event": f"alert.{event}",
        "body": body(alert, event, now),
        "created_at": now,
    }
    quiet = {one.user_id: one for one in QuietHours.objects.filter(user__in=people)}
    for person in people:
        row, is_new = Delivery.objects.get_or_create(
            key=f"alert {alert.pk} {event}{mark} user {person.pk}",
            defaults={**common, "user": person, "next_at": _not_before(quiet.get(person.pk), alert, now)},
        )
        if is_new and row.next_at <= now:
            # What a person gets is again rows of the outbox: they are written in this same transaction.
            delivering.hand_over(row, now)
    for channel in channels:
        if channel.disabled_at is not None:
            continue
        row, is_new = Delivery.objects.get_or_create(
            key=f"alert {alert.pk} {event}{mark} channel {channel.pk}",
            defaults={**common, "channel": channel, "next_at": max(now, channel.next_try_at or now)},
        )
        if is_new:
            delivering.nudge(row)


def _not_before(quiet: QuietHours | None, alert: Alert, now: datetime) -> datetime:
    if quiet is None or (quiet.critical_comes_through and alert.severity == Severity.CRITICAL):
        return now
    end = routing.quiet_until(now, begins_at=quiet.begins_at, ends_at=quiet.ends_at, zone=quiet.zone)
    return end or now


def body(alert: Alert, event: str, now: datetime) -> dict:
    return {
        "type": f"alert.{event}",
        "at": now.isoformat(),
        "alert": {
            "id": alert.pk,
            "kind": alert.kind,
            "severity": alert.severity,
            "title": alert.title,
            "site": alert.site.slug,
            "station": alert.station.identity if alert.station else None,
            "opened_at": alert.opened_at.isoformat(),
            "resolved_at": alert.resolved_at.isoformat() if alert.resolved_at else None,
            "url": url_of(alert),
        },
    }


def url_of(alert: Alert) -> str:
    path = reverse("ops:charger", args=[alert.station_id]) if alert.station_id else reverse("ops:alerts")
    return f"{settings.PUBLIC_URL}{path}"
