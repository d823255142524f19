"""What happened lately at somebody's sites, from the rows that say so; newest first."""

from __future__ import annotations

from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _

from evportal.accounts.access import Access
from monitoring import looks
from monitoring.models import Alert
from stations.models import Evse, Session, Site, Station

LENGTH = 50


def events(access: Access, *, length: int = LENGTH) -> list[dict]:
    sites = Site.objects.visible_to(access)
    found = [
        *_states(sites, length),
        *_connections(sites, length),
        *_sessions(sites, length),
        *_alerts(access, length),
    ]
    return sorted(found, key=lambda event: event["at"], reverse=True)[:length]


def _states(sites, length: int) -> list[dict]:
    changed = (
        Evse.objects.filter(station__site__in=sites, state_since__isnull=False)
        .select_related("station__site")
        .order_by("-state_since")[:length]
    )
    return [
        {
            "id": f"state-{evse.pk}",
            "at": evse.state_since,
            "state": looks.LOOKS[evse.state],
            "title": f"{evse.station.name} / {evse.number}: {evse.get_state_display()}",
            "text": evse.station.site.name,
            "url": reverse("ops:charger", args=[evse.station_id]),
        }
        for evse in changed
    ]


def _connections(sites, length: int) -> list[dict]:
    stations = Station.objects.filter(site__in=sites).select_related("site")
    gone = stations.filter(connection=None, disconnected_at__isnull=False).order_by("-disconnected_at")[
        :length
    ]
    back = stations.filter(connection__isnull=False, connected_at__isnull=False).order_by("-connected_at")[
        :length
    ]
    return [
        *(_connection(one, one.disconnected_at, "offline", _("%(name)s went offline")) for one in gone),
        *(_connection(one, one.connected_at, "available", _("%(name)s connected")) for one in back),
    ]


def _connection(station: Station, at, look: str, title: str) -> dict:
    return {
        "id": f"connection-{station.pk}",
        "at": at,
        "state": look,
        "title": title % {"name": station.name},
        "text": station.site.name,
        "url": reverse("ops:charger", args=[station.pk]),
    }


def _sessions(sites, length: int) -> list[dict]:
    sessions = Session.objects.filter(station__site__in=sites).select_related("evse", "station__site")
    begun = sessions.order_by("-started_at")[:length]
    over = sessions.exclude(stopped_at=None).order_by(F("stopped_at").desc())[:length]
    return [
        *(_session(one, one.started_at, "start", "charging", _("Session started")) for one in begun),
        *(
            _session(one, one.stopped_at, "stop", "available", _("Session ended: %(kwh)s kWh"))
            for one in over
        ),
    ]


def _session(session: Session, at, what: str, look: str, title: str) -> dict:
    return {
        "id": f"session-{what}-{session.pk}",
        "at": at,
        "state": look,
        "title": title % {"kwh": f"{session.energy_kwh:.1f}"},
        "text": f"{session.station.name} / {session.evse.number}, {session.station.site.name}",
        "url": reverse("ops:session", args=[session.pk]),
    }


def _alerts(access: Access, length: int) -> list[dict]:
    if not access.may("view_alerts"):
        return []
    alerts = Alert.objects.visible_to(access).select_related("site")
    opened = alerts.order_by("-opened_at")[:length]
    closed = alerts.exclude(resolved_at=None).order_by("-resolved_at")[:length]
    return [
        *(_alert(one, one.opened_at, "open", "faulted", one.title, one.site.name) for one in opened),
        *(
            _alert(one, one.resolved_at, "over", "available", _("Over: %s") % one.title, one.resolved_reason)
            for one in closed
        ),
    ]


def _alert(alert: Alert, at, what: str, look: str, title: str, text: str) -> dict:
    url = reverse("ops:alerts") + ("" if what == "open" else "?tab=resolved")
    return {
        "id": f"alert-{what}-{alert.pk}",
        "at": at,
        "state": look,
        "title": title,
        "text": text,
        "url": url,
    }
