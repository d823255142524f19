"""What the features of stations learn from the chargers' answers, and from each other."""

from __future__ import annotations

from collections.abc import Callable

from django.dispatch import receiver

from stations import (
    abilities,
    availability,
    charging_needs,
    customer_information,
    der,
    local_lists,
    logs,
    monitors,
    paying,
    reservations,
    signals,
    smart_charging,
    streams,
)
from stations.certificates import installed, issuing
from stations.charging_profiles import answers as profile_answers
from stations.configuration import credentials, progress
from stations.display import messages, tariffs
from stations.firmware import publications, updates
from stations.models import Command

#: Each knows its own commands and leaves the others alone.
FEATURES = (
    abilities,
    availability,
    charging_needs,
    credentials,
    customer_information,
    der,
    installed,
    issuing,
    local_lists,
    logs,
    messages,
    monitors,
    paying,
    profile_answers,
    progress,
    publications,
    reservations,
    smart_charging,
    streams,
    tariffs,
    updates,
)


def _follow(finished: Callable[[Command], None]) -> None:
    """A receiver of its own, so that what one feature gets wrong keeps no other from its news."""

    def on_command_finished(command, **kwargs):
        finished(command)

    signals.command_finished.connect(on_command_finished, weak=False, dispatch_uid=finished.__module__)


for feature in FEATURES:
    _follow(feature.command_finished)


@receiver(signals.session_ended)
def on_session_ended(session, **kwargs):
    profile_answers.session_ended(session)
