"""Whom an alert touches, and what its place takes in an hour: read for a page of alerts at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Q, Sum

from bookings.models import Booking
from monitoring.models import Alert
from monitoring.patterns.models import EvseTakings
from stations.models import Session

#: Who comes within a day, and what was taken in the four weeks before.
SOON, LATELY = timedelta(days=1), timedelta(days=28)


def add(alerts: Iterable[Alert], now: datetime) -> None:
    """Sets `drivers` and `lost` ([(amount an hour, currency)]) on those that are open."""
    rows = [alert for alert in alerts if alert.resolved_at is None]
    stations = {alert.station_id for alert in rows if alert.station_id}
    sites = {alert.site_id for alert in rows if not alert.station_id}
    drivers: dict[tuple[str, int], set] = {}
    for path, model, more in (
        (
            "evse__station",
            Booking,
            Q(status=Booking.Status.RESERVED, starts_at__lt=now + SOON, ends_at__gt=now),
        ),
        ("station", Session, Q(stopped_at=None)),
    ):
        place = Q(**{f"{path}__in": stations}) | Q(**{f"{path}__site__in": sites})
        found = model.objects.filter(place, more).order_by()
        for station_id, site_id, user_id, pk in found.values_list(path, f"{path}__site", "user", "pk"):
            who = ("user", user_id) if user_id else ("row", str(pk))
            drivers.setdefault(("station", station_id), set()).add(who)
            drivers.setdefault(("site", site_id), set()).add(who)
    taken: dict[tuple[str, int], dict[str, Decimal]] = {}
    place = Q(evse__station__in=stations) | Q(evse__station__site__in=sites)
    sums = EvseTakings.objects.filter(place, starts_at__gte=now - LATELY).order_by()
    for station_id, site_id, currency, net in sums.values_list(
        "evse__station", "evse__station__site", "currency"
    ).annotate(sum=Sum("net")):
        for key in (("station", station_id), ("site", site_id)):
            amounts = taken.setdefault(key, {})
            amounts[currency] = amounts.get(currency, Decimal(0)) + net
    hours = Decimal(LATELY.total_seconds()) / 3600
    for alert in rows:
        key = ("station", alert.station_id) if alert.station_id else ("site", alert.site_id)
        alert.drivers = len(drivers.get(key, ()))
        stands_still = alert.kind in ("offline", "fault", "silent")
        alert.lost = [
            (net / hours, currency) for currency, net in sorted(taken.get(key, {}).items()) if stands_still
        ]
