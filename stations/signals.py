"""News from chargers, for apps further right; sent with `send_robust` after the commit that made it true.

`session_started(session)`, `session_ended(session)`: once per session, however often the charger says so.
`status_changed(evses)`: EVSEs whose state changed, as a list.
`station_changed(station)`: it came online or went offline, or booted.
`readings_recorded(session_ids, station_ids)`: one per ingested batch.
`command_finished(command)`: the charger answered, or will not.
"""

from django.db import transaction
from django.dispatch import Signal

session_started = Signal()
session_ended = Signal()
status_changed = Signal()
station_changed = Signal()
readings_recorded = Signal()
command_finished = Signal()


def after_commit(signal: Signal, **news) -> None:
    """Send the news once the running transaction is committed; a receiver's error is logged, not raised."""
    transaction.on_commit(lambda: signal.send_robust(sender="stations", **news), robust=True)
