"""Chargers' news for the ledger of outages; written down by workers, so no charger waits for it."""

from django.dispatch import receiver

from monitoring.uptime import tasks
from stations import signals


@receiver(signals.status_changed, dispatch_uid="uptime.status")
def on_status_changed(evses, **kwargs):
    tasks.follow.delay(sorted({evse.station_id for evse in evses}))


@receiver(signals.stations_changed, dispatch_uid="uptime.stations")
def on_stations_changed(station_ids, **kwargs):
    tasks.follow.delay(sorted(station_ids))
