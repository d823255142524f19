"""The state of stations as a whole: 1.6's connector 0, 2.x's component ChargingStation."""

from __future__ import annotations

from django.db import connection

from stations import signals
from stations.facts import Reported
from stations.models import Station


def store(states: dict[int, Reported]) -> list[Station]:
    """Newest by our receive time wins; returns the stations whose state or error is another one now."""
    if not states:
        return []
    facts = states.values()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH new AS (
                SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::text[],
                    %s::text[]) AS new (id, state, at, error, vendor_error, info)
            ), old AS (
                SELECT station.id, station.state, station.error_code, station.vendor_error
                FROM stations_station station JOIN new USING (id)
                WHERE station.state_at IS NULL OR station.state_at <= new.at
                ORDER BY station.id FOR UPDATE OF station
            )
            UPDATE stations_station station SET
                state_since = CASE WHEN old.state = new.state THEN station.state_since ELSE new.at END,
                state = new.state, state_at = new.at, error_code = new.error,
                vendor_error = new.vendor_error, error_info = new.info
            FROM new JOIN old USING (id) WHERE station.id = new.id
            RETURNING station.id,
                (old.state, old.error_code, old.vendor_error) <> (new.state, new.error, new.vendor_error)
            """,
            [
                list(states),
                [str(fact.state) for fact in facts],
                [fact.received_at for fact in facts],
                [fact.error_code[:60] for fact in facts],
                [fact.vendor_error[:60] for fact in facts],
                [fact.info[:120] for fact in facts],
            ],
        )
        changed = sorted(pk for pk, differs in cursor.fetchall() if differs)
    if not changed:
        return []
    signals.after_commit(signals.stations_changed, station_ids=changed)
    return list(Station.objects.select_related("site").filter(pk__in=changed).order_by("pk"))
