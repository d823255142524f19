"""A station presents itself."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from stations import signals
from stations.configuration import runs
from stations.models import Station


@transaction.atomic
def boot(
    *,
    station: Station,
    vendor: str,
    model: str,
    serial_number: str,
    firmware: str,
    reason: str,
    received_at: datetime,
) -> str:
    """Keep what the station says of itself; returns the registration status.

    One that is accepted is set up if it is new, and looked at if it has new firmware.
    """
    known = Station.objects.select_for_update().get(pk=station.pk)
    is_first = known.booted_at is None
    said = {
        "vendor": vendor[:60],
        "model": model[:60],
        "serial_number": serial_number[:60],
        "firmware": firmware[:60],
        "boot_reason": reason[:40],
        "booted_at": received_at,
        "last_seen_at": received_at,
    }
    for name, value in said.items():
        setattr(known, name, value)
    known.save(update_fields=list(said))
    signals.after_commit(signals.station_changed, station=station)
    runs.after_boot(station=known, first=is_first)
    return known.registration


def interval(registration: str) -> int:
    """Seconds until the next heartbeat, or until a station that was not accepted may ask again."""
    return settings.OCPP_HEARTBEAT_SECONDS if registration == Station.Registration.ACCEPTED else 60
