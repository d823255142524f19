"""Sites and EVSEs as drivers look for them: by place, plug and power, and whether they are free now."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Exists, F, FloatField, OuterRef, Q, QuerySet
from django.db.models.functions import ASin, Cast, Cos, Least, Power, Radians, Sin, Sqrt

from stations import naming
from stations.models import Evse, Reservation, Site, State

EARTH_KM = 6371.0


@dataclass(frozen=True)
class Wish:
    """What the driver is after."""

    text: str = ""
    standard: str = ""
    min_kw: float = 0
    free_now: bool = False
    bookable: bool = False
    accessible: bool = False
    lat: float | None = None
    lng: float | None = None


@dataclass
class Summary:
    """A site in one row of the list."""

    free: int = 0
    total: int = 0
    online: int = 0
    #: Each kind of plug once: (words, free, total), the strongest first.
    plugs: list[tuple[str, int, int]] = field(default_factory=list)

    @property
    def look(self) -> str:
        return "available" if self.free else "charging" if self.online else "offline"


def cards(evses: QuerySet[Evse], now: datetime) -> QuerySet[Evse]:
    """EVSEs with all that `stations/_evse.html` shows of them, in the order they stand in."""
    return (
        evses.with_station()
        .annotate(is_kept=Exists(_keeping(now)))
        .order_by("station__name", "station", "number")
    )


def sites(wish: Wish, now: datetime) -> QuerySet[Site]:
    """Public sites that have what is wished for; the nearest first, or by name."""
    fitting = Evse.objects.filter(station__site=OuterRef("pk"), max_power_w__gte=int(wish.min_kw * 1000))
    if wish.standard:
        fitting = fitting.filter(connectors__standard=wish.standard)
    if wish.free_now:
        fitting = fitting.filter(_free(now))
    found = Site.objects.public().select_related("operator").filter(Exists(fitting))
    for word in wish.text.split()[:6]:
        found = found.filter(
            Q(name__icontains=word)
            | Q(city__icontains=word)
            | Q(postcode__istartswith=word)
            | Q(street__icontains=word)
        )
    if wish.accessible:
        found = found.filter(has_accessible_bay=True)
    if wish.bookable:
        # The row is the bookings app's; a site without one can be booked.
        found = found.exclude(booking_rules__bookable=False)
    if wish.lat is None or wish.lng is None:
        return found.order_by("name", "pk")
    return found.annotate(km=_distance(wish.lat, wish.lng)).order_by("km", "pk")


def summaries(found: Iterable[Site], wish: Wish, now: datetime) -> dict[int, Summary]:
    """What each site has of what is wished for, and how much of it is free; by site id."""
    evses = Evse.objects.filter(
        station__site__in=[site.pk for site in found], max_power_w__gte=int(wish.min_kw * 1000)
    )
    if wish.standard:
        evses = evses.filter(connectors__standard=wish.standard).distinct()
    result: dict[int, Summary] = defaultdict(Summary)
    kinds: dict[int, Counter] = defaultdict(Counter)
    free_kinds: dict[int, Counter] = defaultdict(Counter)
    for evse in cards(evses, now):
        site_id = evse.station.site_id
        summary, kind = result[site_id], (-evse.max_power_w, naming.plugs(evse))
        is_free = evse.is_free and not evse.is_kept
        summary.total += 1
        summary.free += is_free
        summary.online += evse.station.is_online
        kinds[site_id][kind] += 1
        free_kinds[site_id][kind] += is_free
    for site_id, summary in result.items():
        summary.plugs = [
            (kind[1], free_kinds[site_id][kind], total) for kind, total in sorted(kinds[site_id].items())
        ]
    return result


def _keeping(now: datetime) -> QuerySet[Reservation]:
    return Reservation.objects.keeping(OuterRef("pk"), now)


def _free(now: datetime) -> Q:
    return Q(state=State.AVAILABLE, station__connection__isnull=False) & ~Exists(_keeping(now))


def _distance(lat: float, lng: float):
    """Kilometres along a great circle (haversine)."""
    north = Radians(Cast(F("latitude"), FloatField()) - lat)
    east = Radians(Cast(F("longitude"), FloatField()) - lng)
    here = Radians(Cast(lat, FloatField()))
    there = Radians(Cast(F("latitude"), FloatField()))
    half = Power(Sin(north / 2), 2) + Cos(here) * Cos(there) * Power(Sin(east / 2), 2)
    # Rounding may leave a little more than 1 at the far side of the earth.
    return 2 * EARTH_KM * ASin(Sqrt(Least(half, 1.0)))
