"""When it can be said that a driver didn't come. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

#: A charger that is back from being offline has delivered what it kept by then.
QUEUE_WITHIN = timedelta(minutes=2)


def may_decide(*, is_online: bool, connected_at: datetime | None, ends_at: datetime, now: datetime) -> bool:
    """Not while the charger may hold a start that it couldn't report yet; but at the slot's end at last."""
    if now >= ends_at:
        return True
    return is_online and (connected_at is None or now - connected_at >= QUEUE_WITHIN)
