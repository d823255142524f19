"""Keep the hours and days of use: what is late makes its hour stale, and stale hours are reckoned anew.

Every step can be repeated: an hour's row is worked out from what is stored now, never added to. One round
runs at a time (an advisory lock), so what it reads and what it writes belong together.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from billing import takings
from monitoring.effects import STARTS
from monitoring.patterns.buckets import ENERGIES, LENGTHS
from monitoring.patterns.models import EvseHour, EvseTakings, Mark
from stations import series

BATCH = 2000
#: Commits may come later than the times in them say.
OVERLAP = timedelta(minutes=10)
#: A session that ended with less than this never really charged.
NOTHING_WH = 50
HOUR = timedelta(hours=1)
#: An hour in which so much of all EVSEs' time was taken: who came had to wait.
FULL = 0.9


def touch(hours: Iterable[tuple[int, datetime]]) -> None:
    """Something about these (EVSE's id, hour) is news."""
    rows = sorted({(evse_id, series.hour_of(at)) for evse_id, at in hours})
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO monitoring_evsehour (evse_id, site_id, starts_at, energy_wh, sessions, "
            "failed_starts, occupied_s, charging_s, idle_s, peak_w, is_stale) "
            "SELECT evse.id, station.site_id, touched.starts_at, 0, 0, 0, 0, 0, 0, 0, true "
            "FROM unnest(%s::bigint[], %s::timestamptz[]) AS touched (evse_id, starts_at) "
            "JOIN stations_evse evse ON evse.id = touched.evse_id "
            "JOIN stations_station station ON station.id = evse.station_id ORDER BY 1, 3 "
            "ON CONFLICT (evse_id, starts_at) DO UPDATE SET is_stale = true, site_id = EXCLUDED.site_id",
            [[evse_id for evse_id, _at in rows], [at for _evse_id, at in rows]],
        )


@transaction.atomic
def roll_up(*, now: datetime | None = None, limit: int = BATCH, ask_sources: bool = True) -> int:
    """Take over what is new, and reckon the oldest stale hours; returns how many there were.

    What the sources told lately they tell again, so whoever goes on until nothing is left asks them once.
    """
    now = now or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('evportal.patterns'))")
        if not cursor.fetchone()[0]:
            return 0
    touch(series.take_reckoned(limit))
    if ask_sources:
        _from("invoices", now, takings.hours_since)
        _from("commands", now, _refused_starts_since)
    hours = list(
        EvseHour.objects.filter(is_stale=True)
        .order_by("starts_at", "evse_id")[:limit]
        .values_list("pk", "evse_id", "site_id", "starts_at")
    )
    if hours:
        _reckon([pk for pk, *_rest in hours])
        _take([(evse_id, at) for _pk, evse_id, _site, at in hours])
        sites_of_hours({(site_id, at) for _pk, _evse, site_id, at in hours})
    return len(hours)


def _from(source: str, now: datetime, changed_since) -> None:
    """Hours that a source says something new about since it was read last."""
    mark, is_new = Mark.objects.get_or_create(
        source=source, defaults={"at": datetime(2000, 1, 1, tzinfo=now.tzinfo)}
    )
    touch(changed_since(mark.at if is_new else mark.at - OVERLAP))
    Mark.objects.filter(pk=source).update(at=now)


#: Which EVSE a start was for: 1.6's connectorId or 2.x's evseId; one that names none was for the first.
_EVSE_OF_START = """
    JOIN stations_evse evse ON evse.station_id = command.station_id AND evse.number = greatest(1, CASE
        WHEN coalesce(command.payload->>'evseId', command.payload->>'connectorId') ~ '^[0-9]{1,4}$'
        THEN coalesce(command.payload->>'evseId', command.payload->>'connectorId')::int ELSE 1 END)
"""
_REFUSED_START = """
    command.action = ANY(%(starts)s) AND (command.status IN ('error', 'timed_out')
        OR (command.status = 'answered' AND command.response->>'status' IS DISTINCT FROM 'Accepted'))
"""


def _refused_starts_since(at: datetime) -> list[tuple[int, datetime]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT evse.id, date_trunc('hour', command.created_at) FROM stations_command command "  # noqa: S608
            f"{_EVSE_OF_START} WHERE {_REFUSED_START} "
            "AND (command.answered_at >= %(at)s OR command.expires_at >= %(at)s)",
            {"starts": list(STARTS), "at": at},
        )
        return cursor.fetchall()


def _reckon(pks: list[int]) -> None:
    """Each hour's figures, from the hour of the meter, the sessions and the refused starts."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH chosen AS (SELECT id, evse_id, starts_at FROM monitoring_evsehour WHERE id = ANY(%(pks)s)),
            begun AS (
                SELECT chosen.id, count(*) AS sessions,
                    count(*) FILTER (WHERE stopped_at IS NOT NULL AND energy_wh < %(nothing)s) AS failed
                FROM chosen JOIN stations_session session ON session.evse_id = chosen.evse_id
                    AND session.started_at >= chosen.starts_at
                    AND session.started_at < chosen.starts_at + interval '1 hour'
                GROUP BY chosen.id
            ), refused AS (
                SELECT chosen.id, count(*) AS failed
                FROM chosen JOIN stations_evse evse0 ON evse0.id = chosen.evse_id
                JOIN stations_command command ON command.station_id = evse0.station_id
                    AND command.created_at >= chosen.starts_at
                    AND command.created_at < chosen.starts_at + interval '1 hour'
                {_EVSE_OF_START} AND evse.id = chosen.evse_id
                WHERE {_REFUSED_START}
                GROUP BY chosen.id
            )
            UPDATE monitoring_evsehour AS hour SET
                energy_wh = coalesce(metered.energy_wh, 0),
                peak_w = coalesce(metered.max_power_w, 0),
                occupied_s = coalesce(metered.busy_s, 0),
                charging_s = coalesce(metered.charging_s, 0),
                idle_s = greatest(0, coalesce(metered.busy_s, 0) - coalesce(metered.charging_s, 0)),
                sessions = coalesce(begun.sessions, 0),
                failed_starts = coalesce(begun.failed, 0) + coalesce(refused.failed, 0),
                is_stale = false
            FROM chosen
            LEFT JOIN stations_hour metered
                ON metered.evse_id = chosen.evse_id AND metered.starts_at = chosen.starts_at
            LEFT JOIN begun ON begun.id = chosen.id
            LEFT JOIN refused ON refused.id = chosen.id
            WHERE hour.id = chosen.id
            """,  # noqa: S608
            {"pks": pks, "nothing": NOTHING_WH, "starts": list(STARTS)},
        )


def _take(hours: list[tuple[int, datetime]]) -> None:
    """The hours' takings, as billing tells them."""
    first, last = min(at for _evse, at in hours), max(at for _evse, at in hours) + HOUR
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM monitoring_evsetakings AS old USING unnest(%s::bigint[], %s::timestamptz[]) "
            "AS hour (evse_id, starts_at) "
            "WHERE old.evse_id = hour.evse_id AND old.starts_at = hour.starts_at",
            [[evse_id for evse_id, _at in hours], [at for _evse_id, at in hours]],
        )
    EvseTakings.objects.bulk_create(
        EvseTakings(evse_id=one.evse_id, starts_at=one.starts_at, currency=one.currency, net=one.net)
        for one in takings.by_hour(hours, first, last)
    )


# --- sites -----------------------------------------------------------------------------------------

_SUMS = ", ".join(
    f"sum(hour.{name}) AS {name}"
    for name in ("energy_wh", "sessions", "failed_starts", "occupied_s", "charging_s", "idle_s", "peak_w")
)
_NAMES = "energy_wh, sessions, failed_starts, occupied_s, charging_s, idle_s, peak_w"
_BY_HOUR = ", ".join(
    f"coalesce(sum(hour.occupied_s) FILTER (WHERE hour.slot %% 24 = {hour}), 0)" for hour in range(24)
)
_BY_HOUR = f"ARRAY[{_BY_HOUR}]::int[]"
_NEW = ", ".join(f"{name} = EXCLUDED.{name}" for name in _NAMES.split(", "))


def sites_of_hours(hours: set[tuple[int, datetime]]) -> None:
    """The sites' hours, and then the days that these lie in."""
    chosen = sorted(hours)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO monitoring_sitehour (site_id, starts_at, slot, {_NAMES})
            SELECT site.id, chosen.starts_at,
                (extract(isodow FROM chosen.starts_at AT TIME ZONE site.time_zone)::int - 1) * 24
                    + extract(hour FROM chosen.starts_at AT TIME ZONE site.time_zone)::int,
                {_SUMS}
            FROM unnest(%s::bigint[], %s::timestamptz[]) AS chosen (site_id, starts_at)
            JOIN stations_site site ON site.id = chosen.site_id
            JOIN monitoring_evsehour hour ON hour.site_id = site.id AND hour.starts_at = chosen.starts_at
            GROUP BY site.id, chosen.starts_at
            ON CONFLICT (site_id, starts_at) DO UPDATE SET slot = EXCLUDED.slot, {_NEW}
            RETURNING site_id, starts_at
            """,  # noqa: S608
            [[site_id for site_id, _at in chosen], [at for _site_id, at in chosen]],
        )
        cursor.execute(
            "SELECT DISTINCT site.id, (chosen.starts_at AT TIME ZONE site.time_zone)::date "
            "FROM unnest(%s::bigint[], %s::timestamptz[]) AS chosen (site_id, starts_at) "
            "JOIN stations_site site ON site.id = chosen.site_id ORDER BY 1, 2",
            [[site_id for site_id, _at in chosen], [at for _site_id, at in chosen]],
        )
        _days(cursor.fetchall())


def _days(days: list[tuple[int, date]]) -> None:
    keys = [[site_id for site_id, _day in days], [day for _site_id, day in days]]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH chosen AS (
                SELECT site.id, chosen.day,
                    chosen.day::timestamp AT TIME ZONE site.time_zone AS since,
                    (chosen.day + 1)::timestamp AT TIME ZONE site.time_zone AS until
                FROM unnest(%s::bigint[], %s::date[]) AS chosen (site_id, day)
                JOIN stations_site site ON site.id = chosen.site_id
            ), ended AS (
                SELECT chosen.id, chosen.day,
                    extract(epoch FROM session.stopped_at - session.started_at) / 60 AS minutes,
                    session.energy_wh / 1000 AS kwh
                FROM chosen JOIN stations_station station ON station.site_id = chosen.id
                JOIN stations_session session ON session.station_id = station.id
                    -- With its hour, which may begin before the day where a zone is off by half an hour.
                    AND session.started_at >= chosen.since
                    AND session.started_at < chosen.until + interval '1 hour'
                    AND date_trunc('hour', session.started_at) >= chosen.since
                    AND date_trunc('hour', session.started_at) < chosen.until
                WHERE session.stopped_at IS NOT NULL
            ), spread AS (
                SELECT id, day, {_histogram("minutes", LENGTHS)} AS lengths,
                    {_histogram("kwh", ENERGIES)} AS energies
                FROM ended GROUP BY id, day
            ), there AS (
                SELECT station.site_id, count(*) AS evses FROM stations_evse evse
                JOIN stations_station station ON station.id = evse.station_id
                WHERE station.site_id IN (SELECT id FROM chosen) GROUP BY 1
            )
            INSERT INTO monitoring_siteday (site_id, day, {_NAMES}, lengths, energies, by_hour, full_hours)
            SELECT chosen.id, chosen.day, {_SUMS.replace("sum(hour.peak_w)", "max(hour.peak_w)")},
                coalesce(spread.lengths, '{{}}'), coalesce(spread.energies, '{{}}'), {_BY_HOUR},
                count(*) FILTER (WHERE hour.occupied_s >= greatest(1, there.evses * 3600 * {FULL}))
            FROM chosen
            JOIN monitoring_sitehour hour ON hour.site_id = chosen.id
                AND hour.starts_at >= chosen.since AND hour.starts_at < chosen.until
            LEFT JOIN there ON there.site_id = chosen.id
            LEFT JOIN spread ON spread.id = chosen.id AND spread.day = chosen.day
            GROUP BY chosen.id, chosen.day, spread.lengths, spread.energies
            ON CONFLICT (site_id, day) DO UPDATE SET
                lengths = EXCLUDED.lengths, energies = EXCLUDED.energies, by_hour = EXCLUDED.by_hour,
                full_hours = EXCLUDED.full_hours, {_NEW}
            """,  # noqa: S608
            keys,
        )
        cursor.execute(
            "DELETE FROM monitoring_sitetakings AS old USING unnest(%s::bigint[], %s::date[]) "
            "AS chosen (site_id, day) WHERE old.site_id = chosen.site_id AND old.day = chosen.day",
            keys,
        )
        cursor.execute(
            """
            INSERT INTO monitoring_sitetakings (site_id, day, currency, net)
            SELECT site.id, chosen.day, taken.currency, sum(taken.net)
            FROM unnest(%s::bigint[], %s::date[]) AS chosen (site_id, day)
            JOIN stations_site site ON site.id = chosen.site_id
            JOIN stations_station station ON station.site_id = site.id
            JOIN stations_evse evse ON evse.station_id = station.id
            JOIN monitoring_evsetakings taken ON taken.evse_id = evse.id
                AND taken.starts_at >= chosen.day::timestamp AT TIME ZONE site.time_zone
                AND taken.starts_at < (chosen.day + 1)::timestamp AT TIME ZONE site.time_zone
            GROUP BY site.id, chosen.day, taken.currency
            """,
            keys,
        )


def _histogram(column: str, ends: tuple[int, ...]) -> str:
    bounds = [None, *ends, None]
    parts = []
    for low, high in zip(bounds, bounds[1:], strict=False):
        limits = [f"{column} >= {low}"] * (low is not None) + [f"{column} < {high}"] * (high is not None)
        parts.append(f"count(*) FILTER (WHERE {' AND '.join(limits)})")
    return f"ARRAY[{', '.join(parts)}]::int[]"


def roll_up_all(*, until: float | None = None, limit: int = BATCH) -> None:
    """Until nothing is left, or that moment of the monotonic clock has come."""
    count = roll_up(limit=limit)
    while count and (until is None or time.monotonic() < until):
        count = roll_up(limit=limit, ask_sources=False)


def rebuild(*, since: datetime, until: datetime) -> int:
    """Have every hour of the stretch with a session or a reading reckoned anew; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT evse_id, starts_at FROM stations_hour WHERE starts_at >= %s AND starts_at < %s "
            "UNION SELECT evse_id, date_trunc('hour', started_at) FROM stations_session "
            "WHERE started_at >= %s AND started_at < %s",
            [since, until, since, until],
        )
        hours = cursor.fetchall()
    by_month: dict[tuple[int, int], list] = defaultdict(list)
    for evse_id, at in hours:
        by_month[at.year, at.month].append((evse_id, at))
    for month in sorted(by_month):
        touch(by_month[month])
    return len(hours)
