"""What reservations learn from the chargers' answers."""

from django.dispatch import receiver

from stations import abilities, local_lists, reservations, signals


@receiver(signals.command_finished)
def on_command_finished(command, **kwargs):
    reservations.command_finished(command)
    abilities.command_finished(command)
    local_lists.command_finished(command)
