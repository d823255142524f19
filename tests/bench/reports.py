"""The reports' figures: a year of 1,000 EVSEs out of rollups, a session's chart out of many readings.

    python -m tests.bench.reports                       # 5 million readings
    python -m tests.bench.reports --readings 50000000   # as in the issue; takes some 15 GB and half an hour

The database seeds itself (generate_series), on an embedded server with its usual durability.
The median of several tries is printed; the exit status is 1 where a bound is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from evportal.embedded import Embedded, environment

TRIES = 7
SITES, EVSES_PER_SITE = 100, 10
#: What a session reports: as many values each ten seconds for half an hour.
MEASURANDS, SAMPLES = ("Energy.Active.Import.Register", "Power.Active.Import", "SoC"), 180

USE = """
INSERT INTO monitoring_sitehour (site_id, starts_at, slot, energy_wh, sessions, failed_starts, occupied_s,
    charging_s, idle_s, peak_w)
SELECT site.id, at, (extract(isodow FROM at AT TIME ZONE 'Europe/Berlin')::int - 1) * 24
        + extract(hour FROM at AT TIME ZONE 'Europe/Berlin')::int,
    40000 + (site.id * 131 + extract(hour FROM at)::int * 977) %% 30000, 4, 0, 9000, 7000, 2000, 90000
FROM stations_site site
CROSS JOIN generate_series(%(since)s::timestamptz, %(until)s, interval '1 hour') AS at;
INSERT INTO monitoring_siteday (site_id, day, energy_wh, sessions, failed_starts, occupied_s, charging_s,
    idle_s, peak_w, lengths, energies, by_hour, full_hours)
SELECT site_id, (starts_at AT TIME ZONE 'Europe/Berlin')::date AS day, sum(energy_wh), sum(sessions),
    sum(failed_starts), sum(occupied_s), sum(charging_s), sum(idle_s), max(peak_w),
    ARRAY[1, 4, 20, 40, 20, 8, 2, 1], ARRAY[2, 8, 20, 30, 20, 10, 4, 2],
    array_fill(9000, ARRAY[24]), 0
FROM monitoring_sitehour GROUP BY site_id, day;
INSERT INTO monitoring_sitetakings (site_id, day, currency, net)
SELECT site_id, day, 'EUR', energy_wh / 1000 * 0.42 FROM monitoring_siteday;
ANALYZE
"""

READINGS = """
INSERT INTO stations_reading (evse_id, at, measurand, phase, location, context, session_id, received_at,
    value, unit, flag)
SELECT evse.id, %(since)s::timestamptz + batch.n * interval '1 hour' + sample.n * interval '10 seconds',
    measurand, '', 'Outlet', 'Sample.Periodic', md5(evse.id || ':' || batch.n)::uuid, %(since)s,
    sample.n * 100, 'Wh', ''
FROM (SELECT id FROM stations_evse ORDER BY id) AS evse
CROSS JOIN generate_series(%(first)s, %(last)s) AS batch (n)
CROSS JOIN generate_series(1, %(samples)s) AS sample (n)
CROSS JOIN unnest(%(measurands)s::text[]) AS measurand
"""


def timed(what: Callable[[], object]) -> float:
    """The median of the tries, in milliseconds; the first, which warms up, doesn't count."""
    what()
    found = []
    for _turn in range(TRIES):
        began = time.perf_counter()
        what()
        found.append((time.perf_counter() - began) * 1000)
    return statistics.median(found)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--readings", type=int, default=5_000_000)
    parser.add_argument("--json", action="store_true", help="for `make bench`")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="evp-bench-") as folder:
        data = Path(folder)
        with Embedded(data, tied=True):
            os.environ |= environment(data) | {"DATA": folder, "DJANGO_SETTINGS_MODULE": "evportal.settings"}
            os.environ.setdefault("SECRET_KEY", "for the bench only, and long enough to be one")
            os.environ.setdefault("LOG_LEVEL", "WARNING")
            import django

            django.setup()
            return measure(asked.readings, asked.json)


def measure(readings: int, as_json: bool) -> int:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    figures = [*_reports(), _chart(readings)]
    if as_json:
        print(json.dumps([vars(figure) for figure in figures]))
    else:
        print("\n".join(figure.line() for figure in figures))
    return 0 if all(figure.is_met for figure in figures) else 1


def _reports() -> list:
    from datetime import timedelta

    from django.db import connection
    from django.utils import timezone

    from evportal.accounts.access import Access
    from monitoring.patterns import figures, forecast, periods, report
    from stations.models import Connector, Site
    from tests import make
    from tests.bench.__main__ import Figure

    operator = make.operator()
    for _number in range(SITES):
        station = make.station(site=make.site(operator=operator))
        for number in range(1, EVSES_PER_SITE + 1):
            make.evse(station=station, number=number)
    assert Connector.objects.count() == SITES * EVSES_PER_SITE
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(USE, {"since": now - timedelta(days=800), "until": now})
    sites, access = list(Site.objects.all()), Access(everything=True)
    period = periods.chosen((now - timedelta(days=365)).date(), (now - timedelta(days=1)).date(), now.date())
    whole = timed(lambda: report.tables(report.make(access, sites, period)))
    heat = timed(lambda: figures.heat(sites, period, SITES * EVSES_PER_SITE))

    def foretell():
        history = figures.demand(sites[0], now, 12)
        return forecast.forecast(history), forecast.check(history)

    rows = f"{SITES * 365 * 24:,} hours of sites"
    return [
        Figure("report over 12 months of 1,000 EVSEs, compared twice", whole, "ms", 300, note=rows),
        Figure("… of that the heatmap", heat, "ms", 300),
        Figure("forecast of a site, and its error", timed(foretell), "ms", 300),
    ]


def _chart(readings: int):
    """The readings of sessions of all EVSEs, spread over a year; the chart of one of them."""
    import uuid
    from datetime import timedelta

    from django.db import connection
    from django.utils import timezone

    from monitoring import overview
    from stations.models import Evse, Session
    from tests import make
    from tests.bench.__main__ import Figure

    evses = list(Evse.objects.order_by("pk"))
    per_batch = len(evses) * SAMPLES * len(MEASURANDS)
    batches = max(1, round(readings / per_batch))
    since = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=batches + 1)
    with connection.cursor() as cursor:
        for first in range(0, batches, 4):
            span = {"first": first, "last": min(first + 3, batches - 1), "since": since}
            cursor.execute(READINGS, span | {"samples": SAMPLES, "measurands": list(MEASURANDS)})
        cursor.execute("SET max_parallel_maintenance_workers = 0; ANALYZE stations_reading")
        cursor.execute("SELECT count(*) FROM stations_reading")
        count = cursor.fetchone()[0]
        cursor.execute(
            "SELECT session_id, min(at) FROM stations_reading WHERE evse_id = %s AND at < %s "
            "GROUP BY session_id LIMIT 1",
            [evses[len(evses) // 2].pk, since + timedelta(hours=1)],
        )
        key, started_at = cursor.fetchone()
    session = make.session(
        evse=evses[len(evses) // 2],
        started_at=started_at,
        minutes=31,
        energy_wh=18_000,
        id=uuid.UUID(str(key)),
    )
    found = Session.objects.get(pk=session.pk)
    assert len(overview.session_chart(found).times) > 100
    milliseconds = timed(lambda: overview.session_chart(found))
    return Figure("a session's chart out of all readings", milliseconds, "ms", 50, note=f"{count:,} readings")


if __name__ == "__main__":
    sys.exit(main())
