"""What anybody may know of the network's state: public sites, their EVSEs now, ninety days, incidents.

Made once a minute for all readers. Nothing in it names a charger as its operator does: no identities, no
names of makers, no notes of technicians.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import Q
from django.utils.translation import get_language, gettext_noop, ngettext
from django.utils.translation import gettext as _

from evportal.accounts.models import Operator
from monitoring import looks
from monitoring.uptime import formulas, reading, showing
from monitoring.uptime.models import Outage
from stations.models import Evse, Site

DAYS = 90
KEEP_SECONDS = 60
#: How long an incident that is over is still told, and how short one is not worth telling.
TOLD, SHORT = timedelta(days=7), timedelta(minutes=10)
MOST_INCIDENTS = 30

WORKING = ("available", "charging", "preparing", "reserved")
WHAT = {
    Outage.Cause.OFFLINE: gettext_noop("no connection"),
    Outage.Cause.FAULTED: gettext_noop("a fault"),
    Outage.Cause.OUT_OF_SERVICE: gettext_noop("out of service"),
    Outage.Cause.REPORTED: gettext_noop("a defect"),
}


def operators() -> list[Operator]:
    """Those with public sites."""
    return list(Operator.objects.filter(sites__is_public=True).distinct().order_by("name"))


def page(operator: Operator, now: datetime) -> dict:
    """All that the page of an operator shows; at most a minute old."""
    key = f"status:{operator.pk}:{get_language()}"
    found = cache.get(key)
    if found is None:
        found = _page(operator, now)
        cache.set(key, found, KEEP_SECONDS)
    return found


def _page(operator: Operator, now: datetime) -> dict:
    sites = list(Site.objects.public().filter(operator=operator))
    evses = Evse.objects.filter(station__site__in=sites)
    by_site: dict[int, list[Evse]] = defaultdict(list)
    for evse in evses.select_related("station"):
        by_site[evse.station.site_id].append(evse)
    records = reading.records(evses, now - timedelta(days=DAYS + 1), now)
    rows = [_site(site, by_site[site.pk], records, now) for site in sites if by_site[site.pk]]
    whole = formulas.total(
        formulas.measure(one, now - reading.WINDOW, now) for one in records.values()
    ).percent
    broken = sum(row["total"] - row["working"] for row in rows)
    return {
        "at": now,
        "sites": rows,
        "percent": showing.percent(whole),
        "headline": _headline(broken, sum(row["total"] for row in rows)),
        "look": "available"
        if not broken
        else "attention"
        if any(row["working"] for row in rows)
        else "faulted",
        "incidents": incidents(sites, now),
        "days": DAYS,
    }


def _headline(broken: int, total: int) -> str:
    if not total:
        return _("There are no public charging points yet.")
    if not broken:
        return _("All charging points work.")
    words = ngettext(
        "%(n)s of %(total)s charging points doesn't work.",
        "%(n)s of %(total)s charging points don't work.",
        broken,
    )
    return words % {"n": broken, "total": total}


def _site(site: Site, evses: list[Evse], records: dict, now: datetime) -> dict:
    seen = [looks.look_of(evse) for evse in evses]
    working = sum(look in WORKING for look in seen)
    free = seen.count("available")
    bars = showing.strip([records[evse.pk] for evse in evses], now, site.zone, DAYS)
    value = formulas.total(
        formulas.measure(records[evse.pk], now - reading.WINDOW, now) for evse in evses
    ).percent
    return {
        "name": site.name,
        "city": site.city,
        "slug": site.slug,
        "total": len(evses),
        "working": working,
        "look": "available" if working == len(evses) else "attention" if working else "faulted",
        "label": _("%(free)s of %(total)s free") % {"free": free, "total": len(evses)},
        "bars": bars,
        "width": DAYS * 10,
        "text": showing.strip_text(bars),
        "percent": showing.percent(value),
    }


def incidents(sites: list[Site], now: datetime) -> list[dict]:
    """Outages of a site with the same cause that overlap are one incident; the newest first."""
    rows = (
        Outage.objects.filter(evse__station__site__in=sites)
        .filter(Q(ends_at=None) | Q(ends_at__gt=now - TOLD))
        .select_related("evse__station__site")
        .order_by("evse__station__site", "cause", "begins_at")
    )
    found: list[dict] = []
    for outage in rows:
        site, end = outage.evse.station.site, outage.ends_at or now
        last = found[-1] if found else None
        if (
            last
            and last["site"] == site.name
            and last["cause"] == outage.cause
            and outage.begins_at <= last["until"]
        ):
            last["until"] = max(last["until"], end)
            last["evses"].add(outage.evse_id)
            last["open"] = last["open"] or outage.is_open
            continue
        found.append(
            {
                "site": site.name,
                "slug": site.slug,
                "zone": site.time_zone,
                "cause": outage.cause,
                "since": outage.begins_at,
                "until": end,
                "open": outage.is_open,
                "planned": outage.exclusion == Outage.Exclusion.MAINTENANCE,
                "evses": {outage.evse_id},
            }
        )
    told = [each for each in found if each["open"] or each["until"] - each["since"] >= SHORT]
    told.sort(key=lambda each: (each["open"], each["since"]), reverse=True)
    for each in told:
        each["text"] = _words(each)
        each["evses"] = len(each["evses"])
    return told[:MOST_INCIDENTS]


def _words(incident: dict) -> str:
    count = len(incident["evses"])
    what = _("planned maintenance") if incident["planned"] else _(WHAT[incident["cause"]])
    place = ngettext("%(n)s charging point: %(what)s", "%(n)s charging points: %(what)s", count)
    return place % {"n": count, "what": what}
