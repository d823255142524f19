"""What features learn from the chargers' answers."""

from django.dispatch import receiver

from stations import availability, reservations, signals


@receiver(signals.command_finished)
def on_command_finished(command, **kwargs):
    reservations.command_finished(command)
    availability.command_finished(command)
