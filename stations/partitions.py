"""Partitions of the two tables that grow with every message: made ahead, dropped when their time is up."""

from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction

MESSAGES, READINGS = "stations_message", "stations_reading"
#: Readings of chargers whose clocks are anywhere.
DEFAULT = "stations_reading_default"
AHEAD_DAYS, AHEAD_MONTHS = 7, 2


def _day(at: date) -> tuple[date, date]:
    return at, at + timedelta(days=1)


def _month(at: date) -> tuple[date, date]:
    start = at.replace(day=1)
    return start, (start + timedelta(days=32)).replace(day=1)


def _make(cursor, table: str, start: date, end: date) -> None:
    name = f"{table}_{start:%Y%m%d}"
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
    if cursor.fetchone()[0]:
        return
    limits = [_midnight(start), _midnight(end)]
    if table == READINGS:
        # What came before its month had a table lies in the default one, in the new one's way.
        cursor.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        cursor.execute(
            f"WITH moved AS (DELETE FROM {DEFAULT} WHERE at >= %s AND at < %s RETURNING *) "  # noqa: S608
            f"INSERT INTO {name} SELECT * FROM moved",
            limits,
        )
        cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)", limits)
        return
    cursor.execute(
        f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table} FOR VALUES FROM (%s) TO (%s)", limits
    )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@transaction.atomic
def make_ahead(now: datetime) -> None:
    """Make the partitions of the days and months to come; harmless when they exist."""
    today = now.astimezone(UTC).date()
    with connection.cursor() as cursor:
        # Two workers must not make the same table at once.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('evportal.partitions'))")
        for days in range(-1, AHEAD_DAYS + 1):
            _make(cursor, MESSAGES, *_day(today + timedelta(days=days)))
        start = _month(today)[0]
        start = _month(start - timedelta(days=1))[0]
        for _i in range(AHEAD_MONTHS + 2):
            _make(cursor, READINGS, *_month(start))
            start = _month(start)[1]


@transaction.atomic
def drop_old(now: datetime, *, keep_days: int, keep_months: int) -> list[str]:
    """Drop partitions whose last moment is older than the retention; returns their names."""
    today = now.astimezone(UTC).date()
    oldest_day = today - timedelta(days=keep_days)
    oldest_month = _month(today)[0]
    for _i in range(keep_months):
        oldest_month = _month(oldest_month - timedelta(days=1))[0]
    dropped = []
    with connection.cursor() as cursor:
        for table, oldest in ((MESSAGES, oldest_day), (READINGS, oldest_month)):
            cursor.execute(
                "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid "
                "WHERE inhparent = %s::regclass AND child.relname ~ '_[0-9]{8}$' ORDER BY 1",
                [table],
            )
            for (name,) in cursor.fetchall():
                if datetime.strptime(name[-8:], "%Y%m%d").date() < oldest:
                    cursor.execute(f"DROP TABLE {name}")
                    dropped.append(name)
        cursor.execute(f"DELETE FROM {DEFAULT} WHERE at < %s", [_midnight(oldest_month)])  # noqa: S608
    return dropped
