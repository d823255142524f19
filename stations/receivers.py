"""What the features of stations learn from the chargers' answers, and from each other."""

from django.dispatch import receiver

from stations import (
    charging_needs,
    der,
    monitors,
    reservations,
    signals,
    smart_charging,
    streams,
)
from stations.charging_profiles import answers as profile_answers


@receiver(signals.command_finished)
def on_command_finished(command, **kwargs):
    reservations.command_finished(command)
    profile_answers.command_finished(command)
    smart_charging.command_finished(command)
    monitors.command_finished(command)
    charging_needs.command_finished(command)
    der.command_finished(command)
    streams.command_finished(command)


@receiver(signals.session_ended)
def on_session_ended(session, **kwargs):
    profile_answers.session_ended(session)
