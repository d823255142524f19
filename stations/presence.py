"""Which socket speaks for which station, and which process holds it; many at once, because they come at once.

The connection's id is the fencing token: a socket takes over by writing its own, and only who still has its
own there may mark the station offline.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from stations import security_events, signals
from stations.models import Node, Station

#: A station that was heard within this time is written down as heard; the others have been already.
RECENT = timedelta(seconds=10)


@dataclass(frozen=True)
class Arrival:
    """A socket that was let in."""

    station_id: int
    connection: UUID
    version: str
    address: str | None = None
    #: It comes and goes all the time, and nobody was told lately.
    often: bool = False


@dataclass(frozen=True)
class Before:
    """What the row said: the process that held the station, or "", and its registration."""

    node: str = ""
    registration: str = ""
    address: str | None = None


@dataclass(frozen=True)
class Departure:
    station_id: int
    connection: UUID
    last_seen: datetime


@transaction.atomic
def come(*, arrivals: list[Arrival], channel: str, now: datetime) -> list[Before]:
    """These sockets speak for their stations from now on; returns what each one's row said before."""
    # Two sockets of one station may come together: the later one is the one that counts.
    last = {arrival.station_id: arrival for arrival in arrivals}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH new AS (
                SELECT * FROM unnest(%s::bigint[], %s::uuid[], %s::text[], %s::inet[])
                    AS new (id, connection, version, address)
            ), old AS (
                SELECT station.id, CASE WHEN station.connection IS NULL THEN '' ELSE station.node END AS node,
                    station.address
                FROM stations_station station JOIN new USING (id) ORDER BY station.id FOR UPDATE OF station
            )
            UPDATE stations_station station SET
                connection = new.connection, node = %s, ocpp_version = new.version,
                connected_at = %s, last_seen_at = %s, address = coalesce(new.address, station.address)
            FROM new JOIN old USING (id) WHERE station.id = new.id
            RETURNING station.id, old.node, station.registration, host(old.address)
            """,
            [
                list(last),
                [arrival.connection for arrival in last.values()],
                [arrival.version for arrival in last.values()],
                [arrival.address for arrival in last.values()],
                channel,
                now,
                now,
            ],
        )
        before = {pk: Before(*rest) for pk, *rest in cursor.fetchall()}
    signals.after_commit(signals.stations_changed, station_ids=sorted(before))
    _note_oddities(last, before, now)
    return [before.get(arrival.station_id, Before()) for arrival in arrivals]


def _note_oddities(last: dict[int, Arrival], before: dict[int, Before], now: datetime) -> None:
    """One that comes from elsewhere, or all the time, may not be the station: a security event."""
    for pk, arrival in last.items():
        known = before.get(pk, Before()).address
        if known and arrival.address and known != arrival.address:
            moved = f"From {known} to {arrival.address}."
            security_events.record(station=Station(pk=pk), code="AddressChanged", text=moved, at=now)
        if arrival.often:
            often = "It connects and goes again all the time."
            security_events.record(station=Station(pk=pk), code="ConnectionFlapping", text=often, at=now)


@transaction.atomic
def go(*, departures: list[Departure], now: datetime) -> list[int]:
    """These sockets are closed; returns the stations that are offline by it, where no newer one took over."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH gone AS (
                SELECT * FROM unnest(%s::bigint[], %s::uuid[], %s::timestamptz[])
                    AS gone (id, connection, seen_at)
            ), mine AS (
                SELECT station.id FROM stations_station station JOIN gone USING (id)
                ORDER BY station.id FOR UPDATE OF station
            )
            UPDATE stations_station station SET
                connection = NULL, node = '', disconnected_at = %s, last_seen_at = gone.seen_at
            FROM gone JOIN mine USING (id)
            WHERE station.id = gone.id AND station.connection = gone.connection
            RETURNING station.id
            """,
            [
                [one.station_id for one in departures],
                [one.connection for one in departures],
                [one.last_seen for one in departures],
                now,
            ],
        )
        offline = sorted(pk for (pk,) in cursor.fetchall())
    if offline:
        signals.after_commit(signals.stations_changed, station_ids=offline)
    return offline


@transaction.atomic
def beat(*, channel: str, seen: dict[int, tuple[UUID, datetime]], now: datetime) -> list[int]:
    """This process lives and heard its stations then; returns those it had been given up for lost with."""
    Node.objects.update_or_create(
        channel=channel, defaults={"seen_at": now}, create_defaults={"seen_at": now, "started_at": now}
    )
    heard = sorted((pk, at) for pk, (_connection, at) in seen.items() if at > now - RECENT)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH heard AS (SELECT * FROM unnest(%s::bigint[], %s::timestamptz[]) AS heard (id, seen_at)),
            mine AS (
                SELECT station.id FROM stations_station station JOIN heard USING (id)
                ORDER BY station.id FOR UPDATE OF station
            )
            UPDATE stations_station station SET last_seen_at = heard.seen_at
            FROM heard JOIN mine USING (id) WHERE station.id = heard.id
            """,
            [[pk for pk, _at in heard], [at for _pk, at in heard]],
        )
    lost = sorted(Station.objects.filter(connection=None, pk__in=seen).values_list("pk", flat=True))
    for pk in lost:
        Station.objects.filter(pk=pk, connection=None).update(connection=seen[pk][0], node=channel)
    if lost:
        signals.after_commit(signals.stations_changed, station_ids=lost)
    return lost


def not_accepted(channel: str) -> dict[int, str]:
    """Stations of this process that may not work yet, with their registration."""
    here = Station.objects.filter(node=channel).exclude(registration=Station.Registration.ACCEPTED)
    return dict(here.values_list("pk", "registration"))


@transaction.atomic
def end(*, channel: str, now: datetime) -> None:
    """The process ends, and with it whatever socket its stations still had."""
    left = Station.objects.filter(node=channel).exclude(connection=None)
    offline = sorted(left.values_list("pk", flat=True))
    left.update(connection=None, node="", disconnected_at=now)
    Node.objects.filter(channel=channel).delete()
    if offline:
        signals.after_commit(signals.stations_changed, station_ids=offline)
