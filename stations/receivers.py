"""What the portal's features learn from the chargers' answers."""

from django.dispatch import receiver

from stations import reservations, signals
from stations.configuration import credentials, progress


@receiver(signals.command_finished)
def on_command_finished(command, **kwargs):
    reservations.command_finished(command)
    credentials.command_finished(command)
    progress.command_finished(command)
