"""EVSEs and stations that say that they are faulted: alerts once it has lasted, over when it is gone."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, Min, Q
from django.utils.translation import gettext as _

from monitoring import actions, faults
from monitoring.alerts import Broken, fault_findings
from monitoring.models import Alert, Kind, Rule
from monitoring.rules import limits, rounds
from stations.models import Event, Evse, State, Station

#: A fault that came so often lately lasts, whatever it is at this moment.
FLAPS, FLAPS_WITHIN = 5, timedelta(minutes=10)
WRONG = Q(state=State.FAULTED) | ~Q(error_code__in=faults.FINE)


def check(*, rule: Rule, now: datetime) -> None:
    """One round for one operator. A silent station neither gets an alert nor loses one."""
    places = facts(rule.sites(), now)
    findings = fault_findings(places, minutes=rule.minutes, severity=rule.severity, now=now)
    lasting = Alert.objects.open().filter(kind=Kind.FAULT, site__in=rule.sites())
    known = set(lasting.values_list("cause", flat=True))
    findings = limits.bounded(findings, known=known, most=rule.most, rule=rounds.named(rule), now=now)
    for finding in findings:
        actions.open_or_touch(finding=finding, now=now)
    causes = {finding.cause for finding in findings}
    for alert in lasting.select_related("station"):
        if alert.cause not in causes and (alert.station is None or alert.station.is_online):
            actions.resolve(alert=alert, reason=_("The charger no longer reports it."), now=now)


def facts(sites, now: datetime) -> list[Broken]:
    evses = list(
        Evse.objects.filter(WRONG, station__site__in=sites, station__connection__isnull=False)
        .select_related("station")
        .order_by("pk")
    )
    stations = list(Station.objects.filter(WRONG, site__in=sites, connection__isnull=False).order_by("pk"))
    since = _since({evse.station_id for evse in evses} | {station.pk for station in stations})
    found = [
        _broken(
            evse, evse.station, f"{evse.station.name} / {evse.number}", since.get((evse.station_id, evse.pk))
        )
        for evse in evses
    ]
    found += [_broken(one, one, one.name, since.get((one.pk, None))) for one in stations]
    standing = [one for one in found if one is not None]
    return standing + flapping(sites, {(one.station_id, one.evse_id) for one in standing}, now)


def flapping(sites, known: set[tuple[int, int | None]], now: datetime) -> list[Broken]:
    """Places whose error comes and goes: each time too short to tell of, and together worse than one."""
    rows = (
        Event.objects.filter(
            station__site__in=sites,
            station__connection__isnull=False,
            kind=Event.Kind.FAULT,
            is_cleared=False,
            received_at__gte=now - FLAPS_WITHIN,
        )
        .values("station_id", "evse_id", "station__name", "station__site_id", "evse__number")
        .annotate(times=Count("pk"), first=Min("received_at"))
        .filter(times__gte=FLAPS)
        .order_by("station_id", "evse_id")
    )
    return [
        Broken(
            station_id=row["station_id"],
            evse_id=row["evse_id"],
            name=" / ".join(str(part) for part in (row["station__name"], row["evse__number"]) if part),
            site_id=row["station__site_id"],
            code=_("a fault that comes and goes"),
            is_faulted=True,
            since=row["first"],
        )
        for row in rows
        if (row["station_id"], row["evse_id"]) not in known
    ]


def _broken(place: Evse | Station, station: Station, name: str, since: datetime | None) -> Broken | None:
    since = since or place.state_since
    if since is None:
        return None
    return Broken(
        station_id=station.pk,
        evse_id=place.pk if isinstance(place, Evse) else None,
        name=name,
        site_id=station.site_id,
        code=" · ".join(filter(None, [place.error_code, place.vendor_error])),
        is_faulted=place.state == State.FAULTED,
        since=since,
    )


def _since(station_ids: set[int]) -> dict[tuple[int, int | None], datetime]:
    """Since when each place has its error: the state itself may be older (1.6 errors beside “Available”)."""
    rows = (
        Event.objects.filter(station__in=station_ids, kind=Event.Kind.FAULT)
        .order_by("station_id", "evse_id", "-received_at", "-pk")
        .distinct("station_id", "evse_id")
    )
    return {(row.station_id, row.evse_id): row.received_at for row in rows if not row.is_cleared}
