"""DataTransfer (2.0.1 block P): what is known of it is in stations/data_transfer.py."""

from __future__ import annotations

from stations import data_transfer
from stations.ocpp.routing import Incoming


def answer(incoming: Incoming) -> dict:
    return data_transfer.answer(incoming)


def keep(incoming: Incoming) -> None:
    data_transfer.keep(incoming)
