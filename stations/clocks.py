"""Chargers' clocks: how far off they are, and times corrected by it.

A message from our future proves that the clock is ahead. One from the past may only have waited in the
charger's queue: a clock is behind if the difference stays the same, because a queue that is being emptied
catches up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from stations import events
from stations.models import Event, Station
from stations.ocpp import wire

ALLOWED_S = wire.SKEW_ALLOWED.total_seconds()
#: A difference that is the same to within this, after at least that long, is the clock's.
SAME_S, AFTER = 30, timedelta(seconds=30)
#: Beyond this it is no clock that is off but one that was never set.
MOST_S = 366 * 24 * 3600


def moment(station: Station, text: str | None, received_at: datetime) -> tuple[datetime, str]:
    """When it happened by the charger's clock, corrected by what is known of that clock."""
    offset = Station.objects.filter(pk=station.pk).values_list("clock_offset_s", flat=True).first()
    return wire.device_time(text, received_at, timedelta(seconds=offset or 0))


@dataclass(frozen=True)
class Clock:
    """What is known of a clock: `offset_s` has to be added; `seen_s` was seen once and may be a queue."""

    offset_s: int = 0
    seen_s: int | None = None
    seen_at: datetime | None = None


def learn(clock: Clock, behind_s: int, now: datetime) -> Clock:
    """The clock after a message that arrived so long after its own time (negative: before it)."""
    if abs(behind_s) <= ALLOWED_S:
        return Clock()
    if abs(behind_s) > MOST_S:
        return clock
    if behind_s < 0:
        return Clock(behind_s, behind_s, now)
    if abs(behind_s - clock.offset_s) <= SAME_S:
        return clock
    if clock.seen_s is None or clock.seen_at is None or abs(behind_s - clock.seen_s) > SAME_S:
        return Clock(clock.offset_s, behind_s, now)
    return Clock(behind_s, behind_s, clock.seen_at) if now - clock.seen_at >= AFTER else clock


def newest(payload: dict) -> datetime | None:
    """The newest time that a report names, as the charger wrote it."""
    texts = [payload.get("timestamp")]
    values = payload.get("meterValue")
    texts += [each.get("timestamp") for each in values or [] if isinstance(each, dict)]
    moments = []
    for text in texts:
        try:
            moments.append(wire.parse_time(text or "")[0])
        except (ValueError, OverflowError):
            continue
    return max(moments, default=None)


def note(station: Station, heard: Iterable[tuple[datetime, datetime]]) -> None:
    """What one batch says of a station's clock: (received, the charger's own time) of its messages."""
    before = Clock(station.clock_offset_s, station.clock_seen_s, station.clock_seen_at)
    # The freshest message tells; the others waited.
    behind, now = min(((received - said).total_seconds(), received) for received, said in heard)
    after = learn(before, round(behind), now)
    if after == before:
        return
    station.clock_offset_s, station.clock_seen_s, station.clock_seen_at = (
        after.offset_s,
        after.seen_s,
        after.seen_at,
    )
    Station.objects.filter(pk=station.pk).update(
        clock_offset_s=after.offset_s, clock_seen_s=after.seen_s, clock_seen_at=after.seen_at
    )
    if after.offset_s and abs(after.offset_s - before.offset_s) > ALLOWED_S:
        _tell(station, after.offset_s, now)


def _tell(station: Station, offset_s: int, now: datetime) -> None:
    way = "behind" if offset_s > 0 else "ahead"
    text = f"The charger's clock is {round(abs(offset_s) / 60)} minutes {way}; its times are corrected."
    event = Event(
        station_id=station.pk,
        kind=Event.Kind.PROTOCOL,
        code="ClockSkew",
        severity=6,
        at=now,
        received_at=now,
        text=text,
        value=str(offset_s),
    )
    events.record([event])
