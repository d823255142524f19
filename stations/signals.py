"""News from chargers, for apps further right; sent with `send_robust` after the commit that made it true.

`session_started(session)`, `session_ended(session)`: once per session, however often the charger says so.
`session_corrected(session, previous_energy_wh, previous_stopped_at)`: what came late changed an ended one.
`status_changed(evses)`: EVSEs whose state changed, as a list.
`stations_changed(station_ids)`: they came online or went offline, or booted, as a list.
`readings_recorded(session_ids, station_ids)`: one per ingested batch.
`command_finished(command)`: the charger answered, or will not.
`needs_reported(needs)`: a car said what it needs (ISO 15118), or what it means to draw.
`maintenance_changed(station_id)`: an update, a log or a publication of it went a step further.
`settlement_recorded(settlement)`: a charger's payment terminal settled, or failed to.
`events_recorded(events)`: what chargers tell of themselves (security, monitors, firmware…), as a list.
`signed_values_checked(check)`: the verdict on an ended session's signed values, when it is new.
`availability_planned(plan)`: a time out of service was planned, begun, ended or cancelled.
"""

import threading
from concurrent.futures import Executor

from django.db import close_old_connections, transaction
from django.dispatch import Signal

session_started = Signal()
session_ended = Signal()
session_corrected = Signal()
status_changed = Signal()
stations_changed = Signal()
readings_recorded = Signal()
command_finished = Signal()
events_recorded = Signal()
availability_planned = Signal()
needs_reported = Signal()
maintenance_changed = Signal()
settlement_recorded = Signal()
signed_values_checked = Signal()


_here = threading.local()


def deliver_in(executor: Executor) -> None:
    """From this thread on, deliver in the executor: no charger waits for what others do with its news."""
    _here.executor = executor


def after_commit(signal: Signal, **news) -> None:
    """Send the news once the running transaction is committed; a receiver's error is logged, not raised."""

    def deliver() -> None:
        executor = getattr(_here, "executor", None)
        if executor is None:
            signal.send_robust(sender="stations", **news)
        else:
            executor.submit(_deliver, signal, news)

    transaction.on_commit(deliver, robust=True)


def _deliver(signal: Signal, news: dict) -> None:
    close_old_connections()
    try:
        signal.send_robust(sender="stations", **news)
    finally:
        close_old_connections()
