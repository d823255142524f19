"""Alerts from what chargers tell of themselves: one for each condition, over when the charger says so."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.db.models import Max, Q
from django.dispatch import receiver
from django.utils.translation import gettext as _

from monitoring import actions
from monitoring.alerts import LEAST_EVENT, Told, event_finding
from monitoring.models import Alert, Kind, Rule, rule_at
from monitoring.rules.kinds import DEFAULTS
from stations import signals
from stations.models import Event

#: How far back a round looks for events whose news never arrived here, because a process died.
LOOK_BACK = timedelta(minutes=15)
EVER = datetime.min.replace(tzinfo=UTC)
#: Faults are told by the state that they set; a security event is an alert of its own kind.
ELSEWHERE = (Event.Kind.FAULT, Event.Kind.SECURITY, Event.Kind.CERTIFICATE)


@receiver(signals.events_recorded)
def on_events_recorded(events, **kwargs):
    consider(events)


def consider(events: Iterable[Event]) -> None:
    """Open, touch and resolve; an event that was considered before changes nothing."""
    wanted = [event for event in events if is_ours(event)]
    if not wanted:
        return
    rows = Event.objects.select_related("station__site", "evse").in_bulk([event.pk for event in wanted])
    told = [
        (event, facts(event)) for event in sorted(rows.values(), key=lambda row: (row.received_at, row.pk))
    ]
    known = Alert.objects.filter(cause__in={each.cause for _event, each in told}).order_by()
    # When each condition was last told of, as far as that has been considered.
    seen = dict(known.values_list("cause").annotate(at=Max("last_seen_at")))
    rules = Rule.objects.by_place(Kind.EVENT)
    for event, each in told:
        if each.is_cleared:
            if each.cause in seen:
                _over(each)
            continue
        rule = rule_at(rules, event.station.site)
        if (rule is None or rule.is_active) and seen.get(each.cause, EVER) < each.at:
            actions.open_or_touch(finding=event_finding(each), now=each.at, seen_again=True, rule=rule)
            seen[each.cause] = each.at


def is_ours(event: Event) -> bool:
    # Of a place with a problem the state is faulted, and that is an alert already.
    is_elsewhere = event.kind in ELSEWHERE or event.variable == "Problem"
    return not is_elsewhere and (event.is_cleared or event.severity <= LEAST_EVENT)


def facts(event: Event) -> Told:
    place = f"{event.station.name} / {event.evse.number}" if event.evse else event.station.name
    what = " ".join(filter(None, [event.component, event.variable])) or event.code
    words = " · ".join(filter(None, [f"{what} = {event.value}" if event.value else what, event.text]))
    return Told(
        station_id=event.station_id,
        evse_id=event.evse_id,
        name=place,
        site_id=event.station.site_id,
        what=f"{event.kind}|{event.code}|{event.component}|{event.variable}",
        words=words,
        severity=event.severity,
        is_cleared=event.is_cleared,
        at=event.received_at,
    )


def _over(told: Told) -> None:
    for alert in Alert.objects.open().filter(cause=told.cause, last_seen_at__lte=told.at):
        actions.resolve(alert=alert, reason=_("The charger says that it is over."), now=told.at)


def check(*, now: datetime) -> None:
    """A round: what was missed, and alerts of conditions whose end nobody ever tells."""
    recent = Event.objects.filter(received_at__gte=now - LOOK_BACK).exclude(kind__in=ELSEWHERE)
    consider(recent.filter(Q(is_cleared=True) | Q(severity__lte=LEAST_EVENT)).order_by("received_at", "pk"))
    rules = Rule.objects.by_place(Kind.EVENT)
    for alert in Alert.objects.open().filter(kind=Kind.EVENT).select_related("site"):
        rule = rule_at(rules, alert.site)
        minutes = rule.minutes if rule else DEFAULTS[Kind.EVENT].minutes
        if now - alert.last_seen_at >= timedelta(minutes=minutes):
            actions.resolve(alert=alert, reason=_("It was not reported again."), now=now)
