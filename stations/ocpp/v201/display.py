"""NotifyDisplayMessages (2.0.1 block O)."""

from __future__ import annotations

from stations import display
from stations.ocpp.routing import Incoming


def notify_display_messages(incoming: Incoming) -> None:
    display.reported(incoming)
