"""EVSEs and stations that say that they are faulted: alerts once it has lasted, over when it is gone."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from monitoring import actions, faults
from monitoring.alerts import Broken, fault_findings
from monitoring.models import Alert, Kind, Rule
from stations.models import Event, Evse, State, Station

WRONG = Q(state=State.FAULTED) | ~Q(error_code__in=faults.FINE)


def check(*, rule: Rule, now: datetime) -> None:
    """One round for one operator. A silent station neither gets an alert nor loses one."""
    places = facts(rule.operator_id)
    findings = fault_findings(places, minutes=rule.minutes, severity=rule.severity, now=now)
    for finding in findings:
        actions.open_or_touch(finding=finding, now=now)
    causes = {finding.cause for finding in findings}
    lasting = Alert.objects.open().filter(kind=Kind.FAULT, site__operator_id=rule.operator_id)
    for alert in lasting.select_related("station"):
        if alert.cause not in causes and (alert.station is None or alert.station.is_online):
            actions.resolve(alert=alert, reason=_("The charger no longer reports it."), now=now)


def facts(operator_id: int) -> list[Broken]:
    evses = list(
        Evse.objects.filter(WRONG, station__site__operator_id=operator_id, station__connection__isnull=False)
        .select_related("station")
        .order_by("pk")
    )
    stations = list(
        Station.objects.filter(WRONG, site__operator_id=operator_id, connection__isnull=False).order_by("pk")
    )
    since = _since({evse.station_id for evse in evses} | {station.pk for station in stations})
    found = [
        _broken(
            evse, evse.station, f"{evse.station.name} / {evse.number}", since.get((evse.station_id, evse.pk))
        )
        for evse in evses
    ]
    found += [_broken(one, one, one.name, since.get((one.pk, None))) for one in stations]
    return [one for one in found if one is not None]


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
