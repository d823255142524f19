"""The one place that uptime is read from: the charger's page, the report, the API and the status page all ask
`records` and let `formulas` count, so they say the same number."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from django.db.models import Min, Q, QuerySet

from monitoring.uptime import formulas
from monitoring.uptime.formulas import Down, Figures, Record
from monitoring.uptime.models import ConditionChange, Outage, Watch
from monitoring.uptime.spans import Span, closed
from monitoring.zones import midnight
from stations.models import AvailabilityPlan, Evse

#: What “uptime” means where no other window is named.
WINDOW = timedelta(days=30)


def records(evses: QuerySet[Evse], since: datetime, until: datetime) -> dict[int, Record]:
    """Each EVSE's record for the window, in a fixed number of queries."""
    rows = list(evses.select_related("station__site"))
    pks = [evse.pk for evse in rows]
    commissioned = dict(
        ConditionChange.objects.filter(evse__in=pks)
        .exclude(condition=ConditionChange.Condition.OFFLINE)
        .order_by()
        .values_list("evse")
        .annotate(Min("at"))
    )
    downs: dict[int, list[Down]] = defaultdict(list)
    excluded: dict[int, list[Span]] = defaultdict(list)
    for outage in Outage.objects.filter(evse__in=pks).within(since, until).order_by("begins_at"):
        downs[outage.evse_id].append(Down(outage.begins_at, outage.ends_at, outage.cause))
        if outage.exclusion:
            end = min(outage.ends_at or until, outage.excluded_until or until)
            excluded[outage.evse_id].append((max(outage.begins_at, outage.excluded_from or since), end))
    plans = _planned({evse.station_id for evse in rows}, since, until)
    shut = _closed({evse.station.site for evse in rows}, since, until)
    unwatched = _unwatched(since, until)
    return {
        evse.pk: Record(
            commissioned_at=commissioned.get(evse.pk),
            downs=tuple(downs[evse.pk]),
            excluded=(
                *excluded[evse.pk],
                *plans.get((evse.station_id, None), []),
                *plans.get((None, evse.pk), []),
            ),
            closed=tuple(shut.get(evse.station.site_id, ())),
            unwatched=unwatched,
            max_power_w=evse.max_power_w,
        )
        for evse in rows
    }


def figures(evses: QuerySet[Evse], since: datetime, until: datetime) -> dict[int, Figures]:
    return {pk: formulas.measure(one, since, until) for pk, one in records(evses, since, until).items()}


def percent(evses: QuerySet[Evse], since: datetime, until: datetime) -> float | None:
    """Of all of them together, each by its time."""
    return formulas.total(figures(evses, since, until).values()).percent


def day_bounds(until: datetime, zone, count: int) -> list[datetime]:
    """The midnights that begin the last `count` days there, and `until`."""
    return [midnight(until, zone, days_ago) for days_ago in range(count - 1, -1, -1)] + [until]


def _planned(
    station_ids: set[int], since: datetime, until: datetime
) -> dict[tuple[int | None, int | None], list[Span]]:
    """Times out of service that were planned ahead: scheduled maintenance, by station or by EVSE."""
    plans = AvailabilityPlan.objects.filter(
        Q(ends_at=None) | Q(ends_at__gt=since),
        station__in=station_ids,
        starts_at__lt=until,
        connector=None,
        # Taken out at once, it was no schedule but a reaction.
        created_at__lt=until,
    ).exclude(state=AvailabilityPlan.State.CANCELLED)
    found: dict[tuple[int | None, int | None], list[Span]] = defaultdict(list)
    for plan in plans:
        if plan.starts_at > plan.created_at:
            key = (None, plan.evse_id) if plan.evse_id else (plan.station_id, None)
            found[key].append((plan.starts_at, plan.ends_at or until))
    return found


def _closed(sites, since: datetime, until: datetime) -> dict[int, list[Span]]:
    return {site.pk: closed(site.week, site.zone, since, until) for site in sites if not site.week.is_always}


def _unwatched(since: datetime, until: datetime) -> tuple[Span, ...]:
    """Between two stretches of watching; before the first one nothing is known, so nothing is excused."""
    first = Watch.objects.filter(ends_at__lte=since).order_by("-ends_at").first()
    spans = list(Watch.objects.filter(ends_at__gt=since, begins_at__lt=until).order_by("begins_at"))
    if first is not None:
        spans.insert(0, first)
    return tuple((one.ends_at, other.begins_at) for one, other in zip(spans, spans[1:], strict=False))
