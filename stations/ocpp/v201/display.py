"""NotifyDisplayMessages (2.0.1 block O)."""

from __future__ import annotations

from stations import display
from stations.ocpp.routing import Incoming


def notify_display_messages(incoming: Incoming) -> None:
    """Keeps what is really on the display; what isn’t in the whole report is gone."""
    display.reported(incoming)
