"""One session's story: what the charger, the portal and people did, in order of time."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from stations.models import Command, Session

AROUND = timedelta(minutes=3)


def story(session: Session) -> list[dict]:
    """Events for `_timeline.html`, oldest first."""
    events = [_started(session), *_commands(session)]
    if session.last_reading_at and session.is_open:
        events.append(
            {"at": session.last_reading_at, "title": _("Last reading"), "text": "", "state": "charging"}
        )
    if session.stopped_at:
        events.append(_stopped(session))
    return sorted(events, key=lambda event: event["at"])


def _started(session: Session) -> dict:
    meter = (
        "" if session.meter_start_wh is None else _("Meter: %s kWh") % f"{session.meter_start_wh / 1000:.3f}"
    )
    return {"at": session.started_at, "title": _("Session started"), "text": meter, "state": "charging"}


def _stopped(session: Session) -> dict:
    parts = []
    if session.meter_stop_wh is not None:
        parts.append(_("Meter: %s kWh") % f"{session.meter_stop_wh / 1000:.3f}")
    if session.stop_reason:
        parts.append(_("Reason: %s") % session.stop_reason)
    if session.is_estimated:
        parts.append(_("The charger never said so; closed at its last reading."))
    return {
        "at": session.stopped_at,
        "title": _("Session ended"),
        "text": " · ".join(parts),
        "state": "attention" if session.is_estimated else "available",
    }


def _commands(session: Session) -> list[dict]:
    until = (session.stopped_at or timezone.now()) + AROUND
    sent = Command.objects.filter(
        station_id=session.station_id, created_at__gte=session.started_at - AROUND, created_at__lte=until
    ).select_related("created_by", "api_key")
    return [
        {
            "at": command.created_at,
            "title": f"{command.action}: {command.get_status_display()}",
            "text": _("by %s") % (command.created_by or command.api_key or command.reason or _("the portal")),
            "state": "",
        }
        for command in sent[:50]
    ]
