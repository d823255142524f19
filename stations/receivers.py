"""What the portal's features learn from the chargers' answers."""

from django.dispatch import receiver

from stations import reservations, signals
from stations.certificates import installed, issuing
from stations.configuration import credentials, progress


@receiver(signals.command_finished)
def on_command_finished(command, **kwargs):
    reservations.command_finished(command)
    credentials.command_finished(command)
    progress.command_finished(command)
    issuing.command_finished(command)
    installed.command_finished(command)
