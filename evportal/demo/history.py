"""Some weeks of use from before the demo was started, so that reports have something to show.

Only the tables that reports are made from are filled, by a few statements: nobody was billed for it. The
charges that were billed (books.py) are few beside it, and a look at the sessions shows those and what the
simulated cars really did. The same figures come out each time.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

from monitoring.patterns import rollup
from monitoring.patterns.models import SiteDay
from monitoring.uptime import ledger
from monitoring.uptime.models import ConditionChange

WEEKS = 9
#: How busy an EVSE is in each hour of the day, of ten; weekends begin later.
DAY = (1, 0, 0, 0, 0, 1, 3, 5, 6, 5, 5, 6, 7, 6, 6, 7, 8, 9, 8, 6, 5, 4, 3, 2)
#: What a kWh brings, net.
PRICE = "0.42"

USE = """
WITH hours AS (
    SELECT evse.id AS evse_id, station.site_id, evse.max_power_w, operator.currency, at AS starts_at,
        at AT TIME ZONE site.time_zone AS local,
        -- The same dice each time: a number from 0 to 1 out of the EVSE and the hour.
        (('x' || substr(md5(evse.public_id || at::text), 1, 6))::bit(24)::int / 16777216.0) AS dice,
        (('x' || substr(md5(at::text || evse.public_id), 1, 6))::bit(24)::int / 16777216.0) AS other
    FROM stations_evse evse
    JOIN stations_station station ON station.id = evse.station_id
    JOIN stations_site site ON site.id = station.site_id
    JOIN accounts_operator operator ON operator.id = site.operator_id
    CROSS JOIN generate_series(%(since)s::timestamptz, %(until)s::timestamptz, interval '1 hour') AS at
), used AS (
    SELECT *, (%(day)s::int[])[1 + extract(hour FROM local)::int] / 10.0
        * CASE WHEN extract(isodow FROM local) >= 6 THEN 0.7 ELSE 1 END
        * (0.35 + 0.65 * ((site_id * 37) %% 10) / 10.0) AS busy
    FROM hours
), figured AS (
    SELECT *, (900 + 2400 * other)::int AS occupied,
        (600 + 1800 * other * CASE WHEN max_power_w < 50000 THEN 0.6 ELSE 1 END)::int AS charging
    FROM used WHERE dice < busy
), inserted AS (
    INSERT INTO monitoring_evsehour (evse_id, site_id, starts_at, energy_wh, sessions, failed_starts,
        occupied_s, charging_s, idle_s, peak_w, is_stale)
    SELECT evse_id, site_id, starts_at, round(max_power_w * 0.7 * charging / 3600), 1,
        (other < 0.04)::int, occupied, least(charging, occupied), occupied - least(charging, occupied),
        max_power_w * (0.6 + 0.35 * dice), false
    FROM figured ON CONFLICT DO NOTHING RETURNING evse_id, starts_at, energy_wh
)
INSERT INTO monitoring_evsetakings (evse_id, starts_at, currency, net)
SELECT inserted.evse_id, inserted.starts_at, figured.currency, round(inserted.energy_wh / 1000 * %(price)s, 2)
FROM inserted JOIN figured USING (evse_id, starts_at)
ON CONFLICT DO NOTHING
"""

#: How sessions of such a day spread over the groups of lengths and of energies (patterns/buckets.py).
SPREAD = """
UPDATE monitoring_siteday SET
    lengths = ARRAY[0, 0, sessions / 3, sessions - sessions / 3, 0, 0, 0, 0],
    energies = ARRAY[0, sessions / 8, sessions / 4, sessions - sessions / 8 - sessions / 4 - sessions / 5,
        sessions / 5, 0, 0, 0]
WHERE day < %s AND lengths = '{}'
"""

#: Each EVSE was up all the time but for some hours, on days of its own.
OUTAGES = """
INSERT INTO monitoring_conditionchange (evse_id, at, condition)
SELECT id, %(since)s::timestamptz + step.after, step.condition FROM (
    SELECT id, interval '1 hour' * (200 + (id * 131) %% 900) AS bad,
        interval '1 minute' * (40 + (id * 17) %% 300) AS lasted,
        CASE WHEN id %% 3 = 0 THEN 'faulted' ELSE 'offline' END AS why
    FROM stations_evse
) AS evse, LATERAL (VALUES (interval '0', 'up'), (bad, why), (bad + lasted, 'up')) AS step (after, condition)
ON CONFLICT DO NOTHING
"""


def seed(now: datetime) -> None:
    """Once: where reports have anything to show already, nothing is added."""
    if SiteDay.objects.exists() or ConditionChange.objects.exists():
        return
    until = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    since = until - timedelta(weeks=WEEKS)
    with connection.cursor() as cursor:
        cursor.execute(USE, {"since": since, "until": until, "day": list(DAY), "price": PRICE})
        cursor.execute("SELECT DISTINCT site_id, starts_at FROM monitoring_evsehour")
        hours = set(cursor.fetchall())
        rollup.sites_of_hours(hours)
        cursor.execute(SPREAD, [until.date() + timedelta(days=2)])
        cursor.execute(OUTAGES, {"since": since})
    ledger.rebuild()
