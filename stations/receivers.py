"""What the features that sent a call learn from the charger's answer."""

from django.dispatch import receiver

from stations import customer_information, logs, reservations, signals
from stations.firmware import publications, updates


@receiver(signals.command_finished)
def on_command_finished(command, **kwargs):
    reservations.command_finished(command)
    updates.command_finished(command)
    publications.command_finished(command)
    logs.command_finished(command)
    customer_information.command_finished(command)
