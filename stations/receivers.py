"""What the portal's features learn from the chargers' answers."""

from django.dispatch import receiver

from stations import abilities, customer_information, local_lists, logs, paying, reservations, signals
from stations.certificates import installed, issuing
from stations.configuration import credentials, progress
from stations.display import messages, tariffs
from stations.firmware import publications, updates


@receiver(signals.command_finished)
def on_command_finished(command, **kwargs):
    reservations.command_finished(command)
    updates.command_finished(command)
    publications.command_finished(command)
    logs.command_finished(command)
    customer_information.command_finished(command)
    credentials.command_finished(command)
    progress.command_finished(command)
    issuing.command_finished(command)
    installed.command_finished(command)
    abilities.command_finished(command)
    local_lists.command_finished(command)
    messages.command_finished(command)
    tariffs.command_finished(command)
    paying.command_finished(command)
