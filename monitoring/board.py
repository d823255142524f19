"""What the wallboard shows: figures, site tiles and the feed, each read in a fixed number of queries."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Count, DecimalField, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evportal.accounts.access import Access
from monitoring import looks, zones
from monitoring.models import Alert, Severity
from stations.models import Evse, Session, Site, Station

#: Sites beyond these are calmer than all shown; the page says how many they are.
TILES = 60
SILENT = timedelta(minutes=5)
ONLINE = Q(station__connection__isnull=False)
KW = Decimal(1000)


def kw(watts) -> str:
    value = (watts or Decimal(0)) / KW
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def kpis(access: Access, now: datetime) -> list[dict]:
    """The first row: each number leads to the list of what it counts."""
    sites = Site.objects.visible_to(access)
    return [*_states(sites), _silent(sites, now), *_alerts(access), _power(sites), *_today(sites, now)]


def _states(sites: QuerySet) -> list[dict]:
    counted = Evse.objects.filter(station__site__in=sites).aggregate(
        offline=Count("pk", filter=~ONLINE),
        **{look: Count("pk", filter=ONLINE & Q(state__in=states)) for look, states in looks.STATES.items()},
    )
    shown = ("available", "charging", "preparing", "reserved", "attention", "faulted", "offline")
    tones = {"faulted": "bad", "attention": "warn"}
    return [
        {
            "label": looks.WORDS[look],
            "state": look,
            "value": counted[look],
            "url": f"{reverse('ops:chargers')}?state={look}",
            "tone": tones.get(look, "") if counted[look] else "",
        }
        for look in shown
    ]


def _silent(sites: QuerySet, now: datetime) -> dict:
    count = Station.objects.filter(site__in=sites, connection=None, disconnected_at__lte=now - SILENT).count()
    return {
        "label": _("Offline over 5 min"),
        "value": count,
        "url": f"{reverse('ops:chargers')}?state=silent",
        "tone": "bad" if count else "",
    }


def _alerts(access: Access) -> list[dict]:
    if not access.may("view_alerts"):
        return []
    counted = (
        Alert.objects.visible_to(access)
        .open()
        .aggregate(
            all=Count("pk"),
            critical=Count("pk", filter=Q(severity=Severity.CRITICAL)),
            unseen=Count("pk", filter=Q(acknowledged_at=None)),
        )
    )
    return [
        {
            "label": _("Open alerts"),
            "value": counted["all"],
            "note": _("%(critical)s critical, %(unseen)s not acknowledged") % counted,
            "url": reverse("ops:alerts"),
            "tone": "bad" if counted["critical"] else "warn" if counted["all"] else "",
        }
    ]


def _power(sites: QuerySet) -> dict:
    drawn = Session.objects.open().filter(station__site__in=sites).aggregate(w=Sum("power_w"))["w"]
    limit = sites.aggregate(w=Sum("grid_limit_w"))["w"]
    return {
        "label": _("Power now"),
        "value": kw(drawn),
        "unit": "kW",
        "note": _("of %(limit)s kW grid limit") % {"limit": kw(Decimal(limit))} if limit else "",
        "tone": "warn" if limit and drawn and drawn > limit else "",
        "url": reverse("ops:sessions"),
    }


def _today(sites: QuerySet, now: datetime) -> list[dict]:
    """Today so far, against the same hours of the same weekday last week."""
    zone = zones.zone_of(sites)
    today = Q(started_at__gte=zones.midnight(now, zone))
    before = Q(started_at__gte=zones.midnight(now, zone, 7), started_at__lte=now - timedelta(days=7))
    counted = Session.objects.filter(today | before, station__site__in=sites).aggregate(
        energy=Sum("energy_wh", filter=today),
        sessions=Count("pk", filter=today),
        energy_before=Sum("energy_wh", filter=before),
        sessions_before=Count("pk", filter=before),
    )
    note = _("%(before)s by now last week")
    return [
        {
            "label": _("Energy today"),
            "value": kw(counted["energy"]),
            "unit": "kWh",
            "note": note % {"before": f"{kw(counted['energy_before'])} kWh"},
            "url": f"{reverse('ops:sessions')}?tab=history",
        },
        {
            "label": _("Sessions today"),
            "value": counted["sessions"],
            "note": note % {"before": counted["sessions_before"]},
            "url": f"{reverse('ops:sessions')}?tab=history",
        },
    ]


def _sum_of(queryset: QuerySet, link: str, field: str) -> Coalesce:
    summed = queryset.filter(**{link: OuterRef("pk")}).order_by().values(link).annotate(total=Sum(field))
    number = DecimalField(max_digits=14, decimal_places=1)
    return Coalesce(
        Subquery(summed.values("total"), output_field=number), Value(Decimal(0)), output_field=number
    )


def _count_of(queryset: QuerySet, link: str) -> Coalesce:
    counted = queryset.filter(**{link: OuterRef("pk")}).order_by().values(link).annotate(total=Count("pk"))
    return Coalesce(Subquery(counted.values("total")), Value(0))


class Place(NamedTuple):
    """One EVSE of a site, as it is read."""

    station_id: int
    station: str
    number: int
    state: str
    is_online: bool


class Cell(NamedTuple):
    """One EVSE of a tile, as it is shown."""

    number: int
    look: str
    #: In words.
    label: str
    url: str


def tiles(sites: QuerySet) -> list[dict]:
    """Sites worst first, each with a cell for every EVSE."""
    return [tile(site, places) for site, places in sites_with_places(sites)]


def sites_with_places(sites: QuerySet, *, limit: int = TILES) -> list[tuple[Site, list[Place]]]:
    """What tiles are made of, worst first."""
    # Each counted by itself: in one statement with joins the others would be counted for every EVSE.
    evses, place = Evse.objects.filter(ONLINE), "station__site"
    ranked = (
        sites.annotate(
            faulted=_count_of(evses.filter(state="faulted"), place),
            offline=_count_of(Evse.objects.exclude(ONLINE), place),
            attention=_count_of(evses.filter(state__in=looks.STATES["attention"]), place),
            alerts_open=_count_of(Alert.objects.open(), "site"),
            drawn_w=_sum_of(Session.objects.open(), place, "power_w"),
        )
        .annotate(trouble=F("faulted") + F("offline"))
        .order_by("-alerts_open", "-trouble", "-attention", "name", "pk")
    )
    found = list(ranked[:limit])
    places: dict[int, list[Place]] = {site.pk: [] for site in found}
    # Bare rows, because a wallboard shows more than a thousand of them.
    rows = Evse.objects.filter(station__site__in=places).order_by("station__name", "station_id", "number")
    for site, *known, connection in rows.values_list(
        "station__site", "station", "station__name", "number", "state", "station__connection"
    ):
        places[site].append(Place(*known, connection is not None))
    return [(site, places[site.pk]) for site in found]


def tile(site: Site, places: list[Place]) -> dict:
    """In the language of the moment."""
    cells = _cells(places)
    seen = [cell.look for cell in cells]
    worst = looks.worst(seen)
    busy = sum(look == "charging" for look in seen)
    meta = [
        ngettext("%(n)s charging point", "%(n)s charging points", len(seen)) % {"n": len(seen)},
        _("%(n)s charging") % {"n": busy},
        f"{kw(site.drawn_w)} kW",
    ]
    return {
        "id": site.pk,
        "name": site.name,
        "url": f"{reverse('ops:chargers')}?site={site.pk}",
        "lat": site.latitude,
        "lng": site.longitude,
        "look": worst,
        "state": worst if worst in ("faulted", "offline", "attention") else "",
        "badge": ngettext("%(n)s alert", "%(n)s alerts", site.alerts_open) % {"n": site.alerts_open}
        if site.alerts_open
        else "",
        "meta": " · ".join(meta),
        "cells": cells,
    }


def _cells(places: list[Place]) -> list[Cell]:
    before, after = reverse("ops:charger", args=[0]).rsplit("0", 1)
    # Thousands of cells, a dozen ways to look.
    shown = {
        key: (looks.look(key[0], is_online=key[1]), looks.word(key[0], is_online=key[1]))
        for key in {(place.state, place.is_online) for place in places}
    }
    found = []
    for number, place in enumerate(places, start=1):
        look, word = shown[place.state, place.is_online]
        label = f"{place.station} / {place.number}: {word}"
        found.append(Cell(number, look, label, f"{before}{place.station_id}{after}"))
    return found
