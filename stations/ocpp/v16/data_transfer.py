"""DataTransfer (1.6 §4.3): what is known of it is in stations/data_transfer.py."""

from __future__ import annotations

from stations import data_transfer
from stations.ocpp.routing import Incoming


def answer(incoming: Incoming) -> dict:
    """Answers makers’ own messages: those that the portal knows, and the others with the right word."""
    return data_transfer.answer(incoming)


def keep(incoming: Incoming) -> None:
    """Keeps a maker’s own message as an event."""
    data_transfer.keep(incoming)
