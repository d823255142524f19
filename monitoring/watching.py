"""What a browser may listen to: from an address's `watch` and the viewer's access to groups."""

from __future__ import annotations

import re

from django.db.models import Q

from evportal.accounts.access import Access
from monitoring import live
from stations.models import BulkCommand, Session, Site, Station

WATCH = re.compile(
    r"(?P<what>ops)|(?P<kind>site|evse|station|load):(?P<pk>[0-9]{1,18})"
    r"|session:(?P<link>[A-Za-z0-9_-]{8,64})|bulk:(?P<bulk>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)


class Malformed(ValueError):
    """Not a thing that can be watched."""


def check(watch: str) -> None:
    if not WATCH.fullmatch(watch):
        raise Malformed(
            "watch must be ops, site:<number>, evse:<number>, station:<number>, load:<site's number>,"
            " session:<link> or bulk:<uuid>"
        )


def groups_for(access: Access, watch: str) -> frozenset[str] | None:
    """The groups that carry it, as the viewer's roles are now; None where they may not see it."""
    found = WATCH.fullmatch(watch)
    if found["what"]:
        return _ops(access)
    if found["kind"] == "site":
        may = Site.objects.filter(Q(is_public=True) | access.sites("view_ops"), pk=int(found["pk"])).exists()
        return frozenset({live.site_group(int(found["pk"]))}) if may else None
    if found["kind"] == "evse":
        # The page of one EVSE shows more than its fragment: it is told to look again (consumer.py).
        site = Site.objects.filter(
            Q(is_public=True) | access.sites("view_ops"), stations__evses=int(found["pk"])
        )
        pk = site.values_list("pk", flat=True).first()
        return frozenset({live.site_group(pk)}) if pk else None
    if found["kind"] == "load":
        may = Site.objects.visible_to(access).filter(pk=int(found["pk"])).exists()
        return frozenset({live.load_group(int(found["pk"]))}) if may else None
    if found["kind"] == "station":
        may = Station.objects.visible_to(access).filter(pk=int(found["pk"])).exists()
        return frozenset({live.station_group(int(found["pk"]))}) if may else None
    if found["bulk"]:
        bulk = BulkCommand.objects.visible_to(access).filter(pk=found["bulk"]).first()
        return frozenset({live.bulk_group(bulk.pk)}) if bulk else None
    # Who has a session's link may see it: a guest has nothing else.
    session = Session.objects.filter(link=found["link"]).first()
    return frozenset({live.session_group(session.pk)}) if session else None


def _ops(access: Access) -> frozenset[str] | None:
    if not access.may("view_ops"):
        return None
    sites = Site.objects.visible_to(access).values_list("pk", flat=True)
    return frozenset(live.ops_group(pk) for pk in sites)
