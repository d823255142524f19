"""When an operator should be told: findings from facts, with the time passed in. No database."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

#: A charger that was back for less than this never really was: its alert stays open.
SETTLE = timedelta(minutes=1)
#: Chargers of a site that fall silent within so long have one cause (its router, its fuse).
TOGETHER = timedelta(minutes=5)


@dataclass(frozen=True)
class Seen:
    """What is known of one station's connection. Times are ours; never connected means both are None."""

    pk: int
    name: str
    site_id: int
    site_name: str
    is_online: bool
    connected_at: datetime | None = None
    disconnected_at: datetime | None = None
    has_open_alert: bool = False

    def is_settled(self, now: datetime) -> bool:
        return self.is_online and self.connected_at is not None and now - self.connected_at >= SETTLE

    def silent_since(self) -> datetime | None:
        return self.disconnected_at or self.connected_at


@dataclass(frozen=True)
class Finding:
    """Something to tell; two findings with the same cause are the same alert."""

    cause: str
    kind: str
    severity: str
    title: str
    site_id: int
    station_id: int | None
    since: datetime


def offline_findings(
    stations: Iterable[Seen], *, minutes: int, severity: str, now: datetime
) -> list[Finding]:
    """Stations that have been silent for `minutes`; a site that is silent as a whole is one finding.

    A charger that never connected isn't one: it is still being installed. One that comes and goes keeps
    its alert until it has been back for a minute, so that twenty reconnections are not twenty mails.
    """
    by_site: dict[int, list[Seen]] = defaultdict(list)
    for station in stations:
        if station.silent_since() is not None:
            by_site[station.site_id].append(station)
    found: list[Finding] = []
    for members in by_site.values():
        silent = [one for one in members if _is_silent(one, timedelta(minutes=minutes), now)]
        together = silent if len(silent) == len(members) else _largest_group(silent)
        if len(together) < 2 or (len(together) != len(members) and not _are_most(together, members)):
            together = []
        if together:
            found.append(_site_finding(together, len(members), severity))
        found.extend(_station_finding(one, severity) for one in silent if one not in together)
    return found


def _are_most(together: list[Seen], members: list[Seen]) -> bool:
    return len(together) >= 3 and 2 * len(together) > len(members)


def _largest_group(silent: list[Seen]) -> list[Seen]:
    """Those that fell silent within `TOGETHER`, where most did."""
    timed = sorted(((one.silent_since(), one) for one in silent), key=lambda each: each[0])  # type: ignore
    best: list[Seen] = []
    first = 0
    for last, (at, _one) in enumerate(timed):
        while at - timed[first][0] > TOGETHER:  # type: ignore[operator]
            first += 1
        if last + 1 - first > len(best):
            best = [one for _at, one in timed[first : last + 1]]
    return best


def _is_silent(station: Seen, patience: timedelta, now: datetime) -> bool:
    if station.is_online:
        return station.has_open_alert and not station.is_settled(now)
    since = station.silent_since()
    if since is None:
        return False
    # One that was told of already is not forgotten for having been back for a moment.
    return station.has_open_alert or now - since >= patience


def _station_finding(station: Seen, severity: str) -> Finding:
    since = station.silent_since()
    assert since is not None
    return Finding(
        cause=f"offline:station:{station.pk}",
        kind="offline",
        severity=severity,
        title=f"{station.name} is offline",
        site_id=station.site_id,
        station_id=station.pk,
        since=since,
    )


def _site_finding(silent: list[Seen], members: int, severity: str) -> Finding:
    first = silent[0]
    how_many = f"all {members}" if len(silent) == members else f"{len(silent)} of {members}"
    return Finding(
        cause=f"offline:site:{first.site_id}",
        kind="offline",
        severity=severity,
        title=f"{first.site_name} is offline: {how_many} chargers",
        site_id=first.site_id,
        station_id=None,
        since=max(one.silent_since() for one in silent),  # type: ignore[type-var]
    )


@dataclass(frozen=True)
class Broken:
    """An EVSE, or a station as a whole, that says that something is wrong with it."""

    station_id: int
    evse_id: int | None
    name: str
    site_id: int
    code: str
    is_faulted: bool
    since: datetime


def fault_findings(places: Iterable[Broken], *, minutes: int, severity: str, now: datetime) -> list[Finding]:
    """Places that have been broken for `minutes`; one that works in spite of its error is a warning."""
    return [
        Finding(
            cause=f"fault:evse:{one.evse_id}" if one.evse_id else f"fault:station:{one.station_id}",
            kind="fault",
            severity=severity if one.is_faulted or severity == "info" else "warning",
            title=f"{one.name}: {one.code}" if one.code else f"{one.name} is faulted",
            site_id=one.site_id,
            station_id=one.station_id,
            since=one.since,
        )
        for one in places
        if now - one.since >= timedelta(minutes=minutes)
    ]


#: OCPP 2.x: 0 danger … 4 error; what is above is no alert.
GRAVEST_EVENT, LEAST_EVENT = 2, 4


@dataclass(frozen=True)
class Told:
    """An event that a station told of, as far as alerts are concerned."""

    station_id: int
    evse_id: int | None
    name: str
    site_id: int
    #: What makes it the same condition the next time: component and variable, or the code.
    what: str
    words: str
    severity: int
    is_cleared: bool
    at: datetime

    @property
    def cause(self) -> str:
        digest = hashlib.sha256(self.what.encode()).hexdigest()[:16]
        return f"event:station:{self.station_id}:{self.evse_id or 0}:{digest}"


def event_finding(told: Told) -> Finding:
    return Finding(
        cause=told.cause,
        kind="event",
        severity="critical" if told.severity <= GRAVEST_EVENT else "warning",
        title=f"{told.name}: {told.words}",
        site_id=told.site_id,
        station_id=told.station_id,
        since=told.at,
    )


#: Of security events OCPP's severities 0 to 3 want somebody at once, 4 soon; the rest is for the log.
CRITICAL, ERROR = 3, 4


def security_finding(
    *,
    kind: str,
    code: str,
    text: str,
    event_severity: int,
    at: datetime,
    station_pk: int,
    station_name: str,
    site_id: int,
    worst: str,
) -> Finding | None:
    """What an event of a charger is worth telling: nothing, a warning, or as bad as the rule has it."""
    if event_severity > ERROR:
        return None
    return Finding(
        cause=f"{kind}:station:{station_pk}:{code}"[:120],
        kind=kind,
        severity=worst if event_severity <= CRITICAL else "warning",
        # One line, whatever the charger wrote: it becomes a mail's subject.
        title=" ".join((f"{station_name}: {code}" + (f" ({text})" if text else "")).split()),
        site_id=site_id,
        station_id=station_pk,
        since=at,
    )
