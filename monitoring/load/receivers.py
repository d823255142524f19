"""What makes a plan old: cars that come and go, chargers that answer, vanish or return, readings."""

from django.dispatch import receiver

from monitoring.load import news, planning
from stations import abilities, signals


@receiver(signals.session_started)
def on_session_started(session, **kwargs):
    news.at_stations([session.station_id], "started")


@receiver(signals.session_ended)
def on_session_ended(session, **kwargs):
    news.at_stations([session.station_id], "ended")


@receiver(signals.stations_changed)
def on_stations_changed(station_ids, **kwargs):
    news.at_stations(station_ids, "contact")


@receiver(signals.needs_reported)
def on_needs_reported(needs, **kwargs):
    news.at_stations([needs.session.station_id], "needs")


@receiver(signals.readings_recorded)
def on_readings_recorded(session_ids, station_ids, **kwargs):
    news.at_readings(station_ids)


@receiver(signals.command_finished)
def on_command_finished(command, **kwargs):
    # A lower limit that was accepted makes room; one that was refused makes another plan.
    if command.reason in (planning.REASON, abilities.REASON):
        news.at_stations([command.station_id], "answered")
