"""What reports show, read from the hours and days of use: a fixed number of short queries each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import Count

from monitoring.patterns import periods
from monitoring.patterns.buckets import ENERGIES, LENGTHS
from monitoring.patterns.periods import Period
from stations.models import Evse, Site


@dataclass
class Use:
    """Sums. Energy in kWh, times in hours."""

    energy_kwh: float = 0.0
    sessions: int = 0
    failed_starts: int = 0
    occupied_h: float = 0.0
    charging_h: float = 0.0
    idle_h: float = 0.0
    peak_kw: float = 0.0

    @classmethod
    def of(cls, row: Sequence) -> Use:
        energy, sessions, failed, occupied, charging, idle, peak = row
        return cls(
            float(energy or 0) / 1000,
            int(sessions or 0),
            int(failed or 0),
            float(occupied or 0) / 3600,
            float(charging or 0) / 3600,
            float(idle or 0) / 3600,
            float(peak or 0) / 1000,
        )

    def plus(self, other: Use) -> Use:
        mine = {each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(Use)}
        return Use(**(mine | {"peak_kw": max(self.peak_kw, other.peak_kw)}))


_SUMS = (
    "sum(energy_wh), sum(sessions), sum(failed_starts), sum(occupied_s), sum(charging_s), sum(idle_s), "
    "max(peak_w)"
)


@dataclass
class SiteUse:
    """One site's line."""

    site: Site
    evses: int
    use: Use = field(default_factory=Use)
    full_hours: int = 0
    takings: dict[str, Decimal] = field(default_factory=dict)

    def utilisation(self, days: int) -> float:
        whole = self.evses * days * 24
        return self.use.occupied_h / whole * 100 if whole else 0.0


@dataclass(frozen=True)
class Shape:
    """Sessions by their length and by their energy; counts in the groups of `buckets`."""

    lengths: list[int]
    energies: list[int]


def _rows(sql: str, *params) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def by_site(sites: Sequence[Site], period: Period) -> list[SiteUse]:
    """Every site, also one where nothing happened."""
    pks = [site.pk for site in sites]
    evses = dict(
        Evse.objects.filter(station__site__in=pks)
        .order_by()
        .values_list("station__site")
        .annotate(Count("pk"))
    )
    lines = {site.pk: SiteUse(site, evses.get(site.pk, 0)) for site in sites}
    for pk, full_hours, *row in _rows(
        f"SELECT site_id, sum(full_hours), {_SUMS} FROM monitoring_siteday "  # noqa: S608
        "WHERE site_id = ANY(%s) AND day >= %s AND day < %s GROUP BY site_id",
        pks,
        period.since,
        period.until,
    ):
        lines[pk].use, lines[pk].full_hours = Use.of(row), full_hours
    return list(lines.values())


def add_takings(lines: Sequence[SiteUse], period: Period) -> None:
    """For those who may see money; `lines` are the sites where they may."""
    by_pk = {line.site.pk: line for line in lines}
    for pk, currency, net in _rows(
        "SELECT site_id, currency, sum(net) FROM monitoring_sitetakings "
        "WHERE site_id = ANY(%s) AND day >= %s AND day < %s GROUP BY 1, 2 ORDER BY 2",
        list(by_pk),
        period.since,
        period.until,
    ):
        by_pk[pk].takings[currency] = net


def total(lines: Sequence[SiteUse]) -> Use:
    found = Use()
    for line in lines:
        found = found.plus(line.use)
    return found


def total_takings(lines: Sequence[SiteUse]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for line in lines:
        for currency, net in line.takings.items():
            found[currency] = found.get(currency, Decimal(0)) + net
    return dict(sorted(found.items()))


def step_for(period: Period) -> str:
    """Days, weeks or months: what a chart can still show."""
    if period.days <= 62:
        return "day"
    return "week" if period.days <= 400 else "month"


def over_time(sites: Sequence[Site], period: Period, step: str) -> list[tuple[date, Use]]:
    """Each day, week or month of the period, in which nothing happened too."""
    found = {
        start: Use.of(row)
        for start, *row in _rows(
            f"SELECT date_trunc(%s, day::timestamp)::date, {_SUMS} FROM monitoring_siteday "  # noqa: S608
            "WHERE site_id = ANY(%s) AND day >= %s AND day < %s GROUP BY 1",
            step,
            [site.pk for site in sites],
            period.since,
            period.until,
        )
    }
    return [(start, found.get(start, Use())) for start in _starts(period, step)]


def takings_over_time(sites: Sequence[Site], period: Period, step: str) -> dict[str, dict[date, Decimal]]:
    """By currency, then by the beginning of the day, week or month."""
    found: dict[str, dict[date, Decimal]] = {}
    for start, currency, net in _rows(
        "SELECT date_trunc(%s, day::timestamp)::date, currency, sum(net) FROM monitoring_sitetakings "
        "WHERE site_id = ANY(%s) AND day >= %s AND day < %s GROUP BY 1, 2 ORDER BY 2, 1",
        step,
        [site.pk for site in sites],
        period.since,
        period.until,
    ):
        found.setdefault(currency, {})[start] = net
    return found


def _starts(period: Period, step: str) -> list[date]:
    at = period.since
    if step == "week":
        at -= timedelta(days=at.weekday())
    if step == "month":
        at = at.replace(day=1)
    found = []
    while at < period.until:
        found.append(at)
        if step == "month":
            at = (at + timedelta(days=32)).replace(day=1)
        else:
            at += timedelta(days=7 if step == "week" else 1)
    return found


def heat(sites: Sequence[Site], period: Period, evses: int) -> list[float]:
    """Of each hour of the week, Monday 0:00 first: the percent of all EVSEs' time that a car was there."""
    found = [0.0] * 168
    hours = ", ".join(f"sum(by_hour[{hour}])" for hour in range(1, 25))
    for weekday, *sums in _rows(
        f"SELECT extract(isodow FROM day)::int, {hours} FROM monitoring_siteday "  # noqa: S608
        "WHERE site_id = ANY(%s) AND day >= %s AND day < %s GROUP BY 1",
        [site.pk for site in sites],
        period.since,
        period.until,
    ):
        found[(weekday - 1) * 24 : weekday * 24] = [float(seconds or 0) for seconds in sums]
    whole = periods.slots(period)
    return [
        min(100.0, occupied / (count * evses * 3600) * 100) if count and evses else 0.0
        for occupied, count in zip(found, whole, strict=True)
    ]


def shape(sites: Sequence[Site], period: Period) -> Shape:
    columns = [f"sum(lengths[{number}])" for number in range(1, len(LENGTHS) + 2)]
    columns += [f"sum(energies[{number}])" for number in range(1, len(ENERGIES) + 2)]
    (row,) = _rows(
        f"SELECT {', '.join(columns)} FROM monitoring_siteday "  # noqa: S608
        "WHERE site_id = ANY(%s) AND day >= %s AND day < %s",
        [site.pk for site in sites],
        period.since,
        period.until,
    )
    counts = [int(value or 0) for value in row]
    return Shape(counts[: len(LENGTHS) + 1], counts[len(LENGTHS) + 1 :])


def demand(site: Site, now: datetime, weeks: int) -> list[float]:
    """kWh of each of the site's hours, up to the last whole one; oldest first."""
    until = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    since = until - timedelta(weeks=weeks)
    found = dict(
        _rows(
            "SELECT starts_at, energy_wh FROM monitoring_sitehour "
            "WHERE site_id = %s AND starts_at >= %s AND starts_at < %s",
            site.pk,
            since,
            until,
        )
    )
    if not found:
        return []
    # Before its first hour the site may not have been there: those are not zeros.
    first = min(found)
    hours = int((until - max(first, since)).total_seconds() // 3600)
    return [float(found.get(until - timedelta(hours=back), 0)) / 1000 for back in range(hours, 0, -1)]
