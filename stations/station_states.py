"""The state of stations as a whole: 1.6's connector 0, 2.x's component ChargingStation."""

from __future__ import annotations

from django.db.models import Case, F, Q, Value, When

from stations import signals
from stations.facts import Reported
from stations.models import Station


def store(states: dict[int, Reported]) -> list[Station]:
    """Newest by our receive time wins; returns the stations whose state or error is another one now."""
    changed = []
    for pk, fact in sorted(states.items()):
        newer = Q(state_at=None) | Q(state_at__lte=fact.received_at)
        before = (
            Station.objects.filter(newer, pk=pk).values_list("state", "error_code", "vendor_error").first()
        )
        if before is None:
            continue
        state, error = str(fact.state), (fact.error_code[:60], fact.vendor_error[:60])
        won = Station.objects.filter(newer, pk=pk).update(
            state_since=Case(When(state=state, then=F("state_since")), default=Value(fact.received_at)),
            state=state,
            state_at=fact.received_at,
            error_code=error[0],
            vendor_error=error[1],
            error_info=fact.info[:120],
        )
        if won and before != (state, *error):
            station = Station.objects.select_related("site").get(pk=pk)
            changed.append(station)
            signals.after_commit(signals.stations_changed, station_ids=[station.pk])
    return changed
