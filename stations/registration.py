"""Whether a station may work here: accepted, pending or rejected, and how it learns that this has changed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from evportal.accounts.models import ApiKey, User
from stations import commands, signals
from stations.models import Station

REASON = "its registration has changed"


@transaction.atomic
def register(*, station: Station, registration: str, by: User | ApiKey | None = None) -> Station:
    """Accept, reject or set back to pending; harmless where it is that already."""
    registration = Station.Registration(registration)
    won = (
        Station.objects.filter(pk=station.pk)
        .exclude(registration=registration)
        .update(registration=registration)
    )
    station.registration = registration
    if won:
        tell(station=station, by=by)
    return station


@transaction.atomic
def tell(*, station: Station, by: User | ApiKey | None = None) -> None:
    """The row says something new: its socket follows, and the station is asked to boot, which tells it."""
    now = Station.objects.get(pk=station.pk)
    signals.after_commit(signals.stations_changed, station_ids=[now.pk])
    if not now.is_online:
        # It learns it with its next boot.
        return
    message = {"type": "ocpp.registration", "station": now.pk, "registration": str(now.registration)}
    transaction.on_commit(_to(now.node, message))
    commands.send(
        station=now,
        action="TriggerMessage",
        payload={"requestedMessage": "BootNotification"},
        by=by,
        reason=REASON,
    )


def _to(node: str, message: dict) -> Callable[[], None]:
    def send() -> None:
        # The process looks at its stations' rows every few seconds, should this get lost.
        with contextlib.suppress(Exception):
            async_to_sync(get_channel_layer().send)(node, message)

    return send
