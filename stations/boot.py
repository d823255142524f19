"""A station presents itself."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from stations import quirks, signals
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
    """Keep what the station says of itself; returns the registration status."""
    Station.objects.filter(pk=station.pk).update(
        vendor=vendor[:60],
        model=model[:60],
        serial_number=serial_number[:60],
        firmware=firmware[:60],
        boot_reason=reason[:40],
        booted_at=received_at,
        last_seen_at=received_at,
    )
    registration = Station.objects.values_list("registration", flat=True).get(pk=station.pk)
    station.vendor, station.model = vendor[:60], model[:60]
    quirks.remember(station)
    signals.after_commit(signals.station_changed, station=station)
    return registration


def interval(registration: str) -> int:
    """Seconds until the next heartbeat, or until a station that was not accepted may ask again."""
    return settings.OCPP_HEARTBEAT_SECONDS if registration == Station.Registration.ACCEPTED else 60
