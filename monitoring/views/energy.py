"""`/ops/chargers/<pk>/profiles/` and `…/monitors/`: what limits a charger, and what it watches."""

from django.utils import timezone

from monitoring import energy
from monitoring.guard import ops_page
from monitoring.views.charger import find, page
from stations import charging_profiles
from stations.models import Monitor, SmartCharging


@ops_page("view_ops")
def profiles(request, pk):
    found = find(request, pk)
    station = found.station
    with timezone.override(station.site.zone):
        now = timezone.now()
        return page(
            request,
            found,
            "charger_profiles",
            "monitoring/charger_profiles.html",
            lines=energy.lines(station),
            composites=energy.composites(station),
            limits=[_limit(cell["evse"], now) for cell in found.cells],
            needs=energy.needs(station),
            can=SmartCharging.objects.filter(station=station).first(),
            is_16=not station.ocpp_version.startswith("2"),
        )


def _limit(evse, now):
    """(EVSE, what the portal limits it to, what it could give) in words; an empty limit is none."""
    limit_w = charging_profiles.held_limit_w(evse, now)
    limit = "" if limit_w is None else energy.amount(float(limit_w), "W")
    return evse, limit, energy.amount(evse.max_power_w, "W")


@ops_page("view_ops")
def monitors(request, pk):
    found = find(request, pk)
    with timezone.override(found.station.site.zone):
        rows = found.station.monitors.exclude(state=Monitor.State.CLEARED).select_related("evse")
        return page(
            request,
            found,
            "charger_monitors",
            "monitoring/charger_monitors.html",
            monitors=rows,
            der_controls=found.station.der_controls.filter(ended_at=None),
            is_16=not found.station.ocpp_version.startswith("2"),
        )
