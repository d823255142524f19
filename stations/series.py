"""Series for charts: an EVSE's hours, summed until they are few enough to be drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Max, Sum
from django.db.models.functions import Trunc

from stations.models import Hour, Session

HOUR = timedelta(hours=1)
STEPS = {"hour": HOUR, "day": timedelta(days=1), "week": timedelta(weeks=1), "month": timedelta(days=30)}
POINTS = 400


def hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def touch(moments: Iterable[tuple[int, datetime]]) -> None:
    """Something was reported about these (EVSE's id, moment): their hours have to be reckoned anew."""
    hours = sorted({(evse_id, hour_of(at)) for evse_id, at in moments})
    if not hours:
        return
    with connection.cursor() as cursor:
        # In order, so that two workers never wait for each other in a circle. The row is locked even where
        # nothing changes: who reckons it meanwhile must not take it for done without what we are storing.
        cursor.execute(
            "INSERT INTO stations_hour "
            "(evse_id, starts_at, energy_wh, busy_s, charging_s, is_stale, is_news) "
            "SELECT evse_id, starts_at, 0, 0, 0, true, false FROM unnest(%s::bigint[], %s::timestamptz[]) "
            "AS touched (evse_id, starts_at) ORDER BY 1, 2 "
            "ON CONFLICT (evse_id, starts_at) DO UPDATE SET is_stale = true WHERE NOT stations_hour.is_stale",
            [[evse_id for evse_id, _at in hours], [at for _evse_id, at in hours]],
        )


#: A session whose clock went wrong must not fill a century with hours.
LONGEST = timedelta(days=31)


def touch_session(session: Session) -> None:
    """All hours of a session whose end or figures are news."""
    end = min(session.stopped_at or session.started_at, session.started_at + LONGEST)
    at, moments = hour_of(session.started_at), []
    while at <= end:
        moments.append((session.evse_id, at))
        at += HOUR
    touch(moments)


# Drawing


@dataclass(frozen=True)
class Bucket:
    starts_at: datetime
    energy_wh: Decimal = Decimal(0)
    max_power_w: Decimal | None = None
    busy_s: int = 0


def step_for(since: datetime, until: datetime, points: int) -> str:
    """The finest step that makes no more than so many points."""
    fitting = [step for step, length in STEPS.items() if (until - since) / length <= points]
    return fitting[0] if fitting else "month"


def buckets(
    hours, *, since: datetime, until: datetime, zone: ZoneInfo, points: int = POINTS, step: str = ""
) -> tuple[str, list[Bucket]]:
    """(step, buckets) of a queryset of hours, without holes: a day on which nothing was charged is a zero."""
    step = step or step_for(since, until, points)
    rows = (
        hours.filter(starts_at__gte=hour_of(since), starts_at__lt=until)
        .annotate(bucket=Trunc("starts_at", step, tzinfo=zone))
        .order_by()
        .values("bucket")
        .annotate(energy=Sum("energy_wh"), power=Max("max_power_w"), busy=Sum("busy_s"))
    )
    found = {
        row["bucket"].astimezone(UTC): Bucket(row["bucket"], row["energy"], row["power"], row["busy"])
        for row in rows
    }
    starts = _starts(since.astimezone(zone), until, step)
    return step, [found.get(at.astimezone(UTC), Bucket(at)) for at in starts]


def _starts(since: datetime, until: datetime, step: str) -> list[datetime]:
    at = since.replace(minute=0, second=0, microsecond=0)
    if step != "hour":
        at = at.replace(hour=0)
    if step == "week":
        at -= timedelta(days=at.weekday())
    if step == "month":
        at = at.replace(day=1)
    found = []
    while at < until:
        found.append(at)
        if step == "hour":
            # Counted in UTC: local hours may come twice or not at all.
            at = (at.astimezone(UTC) + HOUR).astimezone(since.tzinfo)
        elif step == "month":
            at = (at.replace(day=1) + timedelta(days=32)).replace(day=1)
        else:
            at += STEPS[step]
    return found


def stale():
    return Hour.objects.filter(is_stale=True)


def take_reckoned(limit: int) -> list[tuple[int, datetime]]:
    """(EVSE's id, hour) of what was reckoned since the last time; within the taker's transaction, so that
    what it does with them and their being taken are one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH news AS (SELECT id FROM stations_hour WHERE is_news ORDER BY starts_at LIMIT %s "
            "FOR UPDATE SKIP LOCKED) "
            "UPDATE stations_hour AS hour SET is_news = false FROM news WHERE hour.id = news.id "
            "RETURNING hour.evse_id, hour.starts_at",
            [limit],
        )
        return cursor.fetchall()
