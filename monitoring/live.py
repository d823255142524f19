"""The only push to browsers. The database is the truth: what is sent is read and rendered at that moment.

A message is `{"swap": {id: html}, "at": time}`; live.js replaces the elements of those ids, or reads the
page again when told to `look`. Groups:
`live.site.<pk>` is public, `live.ops.<pk of a site>` and `live.station.<pk>` are the operator's,
`live.session.<pk>` is for who has the session's link, `live.bulk.<pk>` for who may see a bulk command,
`live.load.<pk of a site>` for who may see how its load is managed.
Messages are hints: a browser that missed some reads its page again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID
from zoneinfo import ZoneInfo

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.core.cache import cache
from django.template.loader import render_to_string
from django.utils import timezone, translation

from evportal.accounts.access import Access
from monitoring import board, feed, overview, zones
from stations import finding
from stations.models import Command, Evse, Session, Site, Station

#: How long a group counts as watched after a socket last said so; sockets say so twice in that time.
WATCHED_SECONDS = 75
#: Commands younger than this may still be looked at.
FRESH = timedelta(minutes=10)


def site_group(pk) -> str:
    return f"live.site.{pk}"


def ops_group(pk) -> str:
    return f"live.ops.{pk}"


def station_group(pk) -> str:
    return f"live.station.{pk}"


def session_group(pk) -> str:
    return f"live.session.{pk.hex}"


def bulk_group(pk) -> str:
    return f"live.bulk.{pk.hex}"


def load_group(pk) -> str:
    return f"live.load.{pk}"


def access_group(user_id) -> str:
    return f"live.access.{user_id}"


# --- when: at once, then at most once a second ---------------------------------------------------


def push_stations(station_ids: Iterable[int]) -> None:
    """Their EVSEs for drivers, their rows and pages for operators, and their sites' tiles.

    A batch of readings may be of hundreds of stations of which nobody watches one, so that is asked first,
    once for all.
    """
    places = _sites_of(set(station_ids))
    groups = {pk: {station_group(pk), site_group(site), ops_group(site)} for pk, site in places.items()}
    watched = _watched(*set().union(*groups.values()))
    for pk, mine in groups.items():
        if mine & watched:
            _soon("station", pk)


def push_site(site_id: int) -> None:
    """The site's tile on the wallboard; figures and feed follow it."""
    _soon("site", site_id)


def push_sessions(session_ids: Iterable) -> None:
    """The sessions as their drivers see them."""
    groups = {session_group(pk): pk for pk in session_ids}
    for group in _watched(*groups):
        _soon("session", groups[group])


#: A station hardly ever moves; a push that goes to its old site's watchers for a while harms nobody.
_places: dict[int, int] = {}


def _sites_of(station_ids: set[int]) -> dict[int, int]:
    unknown = station_ids - _places.keys()
    if unknown:
        _places.update(Station.objects.filter(pk__in=unknown).values_list("pk", "site"))
    return {pk: _places[pk] for pk in station_ids if pk in _places}


def push_bulk(bulk_id) -> None:
    """The table of a bulk command: each viewer sees its own sites' part, so their pages look again."""
    if _watched(bulk_group(bulk_id)):
        _soon("bulk", bulk_id)


def push_load(site_id: int) -> None:
    """The plan of a site has changed: pages that show it look again."""
    if _watched(load_group(site_id)):
        _soon("load", site_id)


def _soon(kind: str, pk) -> None:
    """Send now if nothing was sent within the last second; else once, a second later, what is true then."""
    if cache.add(f"live:now:{kind}:{pk}", 1, 1):
        SENDERS[kind](pk)
    elif cache.add(f"live:later:{kind}:{pk}", 1, 10):
        from monitoring.tasks import push_later

        push_later.apply_async((kind, str(pk)), countdown=1)


def push_late(kind: str, pk) -> None:
    # Forgotten before anything is read, so that news arriving meanwhile gets a push of its own.
    cache.delete(f"live:later:{kind}:{pk}")
    SENDERS[kind](pk)


# --- to whom: rendering is for groups that somebody watches --------------------------------------


def keep_watching(groups) -> None:
    """A socket says that it listens to these groups."""
    cache.set_many({f"live:watched:{group}": 1 for group in groups}, WATCHED_SECONDS)


def _watched(*groups: str) -> set[str]:
    if not groups:
        return set()
    found = cache.get_many([f"live:watched:{group}" for group in groups])
    return {group for group in groups if f"live:watched:{group}" in found}


def _publish(group: str, fragments: Callable[[], dict[str, str]], zone: ZoneInfo) -> None:
    """Render once for each language the portal speaks; every socket takes its own."""
    swap = {}
    for language, _name in settings.LANGUAGES:
        with translation.override(language), timezone.override(zone):
            swap[language] = fragments()
    message = {"type": "live.swap", "swap": swap, "at": timezone.now().isoformat()}
    async_to_sync(get_channel_layer().group_send)(group, message)


# --- what ----------------------------------------------------------------------------------------


def _send_station(station_id) -> None:
    station = overview.stations().filter(pk=station_id).first()
    if station is None:
        return
    public, ops, page = site_group(station.site_id), ops_group(station.site_id), station_group(station.pk)
    watched = _watched(public, ops, page)
    if public in watched:
        _publish(public, lambda: _public_fragments(station), station.site.zone)
    if page in watched:
        _publish(page, lambda: _page_fragments(station), station.site.zone)
    if ops in watched:
        _publish(ops, lambda: _list_fragments(station), station.site.zone)
        push_site(station.site_id)


def _list_fragments(station: Station) -> dict[str, str]:
    """Its lines in the operators' lists."""
    fragments = {
        f"charger-{station.pk}": render_to_string(
            "monitoring/_charger_row.html", {"charger": overview.row(station)}
        )
    }
    for session in overview.open_sessions(station):
        fragments[f"session-row-{session.pk}"] = render_to_string(
            "monitoring/_session_row.html", {"session": session}
        )
    return fragments


def _public_fragments(station: Station) -> dict[str, str]:
    """What any driver may see of the station; nothing of who charges there."""
    return {
        f"evse-{evse.pk}": render_to_string("stations/_evse.html", {"evse": evse})
        for evse in finding.cards(Evse.objects.filter(station=station), timezone.now())
    }


def _page_fragments(station: Station) -> dict[str, str]:
    now = timezone.now()
    fragments = {
        f"station-{station.pk}": render_to_string(
            "monitoring/_charger_head.html", {"charger": overview.row(station), "at": now}
        ),
        f"meter-{station.pk}": render_to_string(
            "monitoring/_meter.html", {"station": station, "chart": overview.meter_chart(station), "at": now}
        ),
    }
    fragments[f"commands-{station.pk}"] = render_to_string(
        "monitoring/_commands_panel.html", {"charger": overview.row(station)}
    )
    for cell in overview.cells(station):
        fragments[f"cell-{cell['evse'].pk}"] = render_to_string("monitoring/_evse_cell.html", {"cell": cell})
    for run in station.configuration_runs.filter(moved_at__gt=now - FRESH)[:5]:
        fragments[f"run-{run.pk}"] = render_to_string("monitoring/_run.html", {"run": run, "at": now})
    for session in overview.open_sessions(station):
        fragments[f"ops-session-{session.pk}"] = render_to_string(
            "monitoring/_session_facts.html", {"session": session, "at": now}
        )
    fragments[f"firmware-{station.pk}"] = render_to_string(
        "monitoring/_firmware_updates.html",
        {"station": station, "updates": overview.firmware_updates(station), "at": now},
    )
    for command in Command.objects.filter(station=station, created_at__gte=now - FRESH)[:10]:
        command.station = station
        fragments[f"command-{command.pk}"] = render_to_string(
            "monitoring/_command.html", {"progress": overview.progress(command), "at": now}
        )
    return fragments


def _send_site(site_id) -> None:
    if not _watched(ops_group(site_id)):
        return
    for site, places in board.sites_with_places(Site.objects.filter(pk=site_id)):

        def fragments(site=site, places=places):
            tile = board.tile(site, places)
            return {f"site-{site_id}": render_to_string("_site_tile.html", {"site": tile})}

        _publish(ops_group(site_id), fragments, site.zone)


def _send_session(session_id) -> None:
    session = Session.objects.with_place().filter(pk=session_id).first()
    if session is None or not _watched(session_group(session.pk)):
        return

    def fragments():
        return {f"session-{session.link}": render_to_string("billing/_session.html", {"session": session})}

    _publish(session_group(session.pk), fragments, session.station.site.zone)


def _send_bulk(bulk_id) -> None:
    message = {"type": "live.look", "at": timezone.now().isoformat()}
    async_to_sync(get_channel_layer().group_send)(bulk_group(UUID(str(bulk_id))), message)


def _send_load(site_id) -> None:
    message = {"type": "live.look", "at": timezone.now().isoformat()}
    async_to_sync(get_channel_layer().group_send)(load_group(site_id), message)


SENDERS = {
    "station": _send_station,
    "site": _send_site,
    "session": _send_session,
    "bulk": _send_bulk,
    "load": _send_load,
}


# --- what differs from viewer to viewer ------------------------------------------------------------


def _fingerprint(access: Access) -> str:
    grants = sorted(
        (g.operator_id, g.role, sorted(g.site_ids or []), g.site_ids is None) for g in access.grants
    )
    return sha256(repr((access.everything, grants)).encode()).hexdigest()


def summary(access: Access, language: str, *, since: datetime) -> dict[str, str]:
    """The wallboard's figures and feed for one viewer, true at `since` or later.

    Viewers who may see the same share what was counted for the first of them.
    """
    key = f"live:summary:{language}:{_fingerprint(access)}"
    counted_at, fragments = cache.get(key) or (None, {})
    if counted_at and counted_at >= since:
        return fragments
    now = timezone.now()
    zone = zones.zone_of(Site.objects.visible_to(access))
    with translation.override(language), timezone.override(zone):
        kpis = {"kpis": board.kpis(access, now), "at": now}
        fragments = {
            "board-kpis": render_to_string("monitoring/_board_kpis.html", kpis),
            "board-feed": render_to_string("monitoring/_board_feed.html", {"events": feed.events(access)}),
        }
    cache.set(key, (now, fragments), 10)
    return fragments
