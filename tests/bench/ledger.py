"""The ledger of what was acknowledged against the database: what is missing, what is doubled."""

from __future__ import annotations

from pathlib import Path

import orjson
import psycopg


def verify(ledger: Path, database_url: str) -> dict[str, int]:
    """{"acknowledged", "missing", "doubled"} over starts, readings and stops; rows of the database decide."""
    lines = [orjson.loads(line) for line in ledger.read_bytes().splitlines()]
    with psycopg.connect(database_url) as database:
        found = {
            "start": _starts(database, lines),
            "meter": _readings(database, lines),
            "stop": _stops(database, lines),
        }
    result = {"acknowledged": len(lines), "missing": 0, "doubled": 0}
    for kind, counts in found.items():
        missing = [line for line, count in zip(_of(lines, kind), counts, strict=True) if count == 0]
        result["missing"] += len(missing)
        result["doubled"] += sum(count > 1 for count in counts)
        if missing:
            print(f"   {ledger.name}: {len(missing)} of kind {kind} are missing, as {missing[:3]}")
    return result


def _of(lines: list[dict], kind: str) -> list[dict]:
    return [line for line in lines if line["kind"] == kind]


def _starts(database, lines: list[dict]) -> list[int]:
    return _counted(
        database,
        """
        SELECT (SELECT count(*) FROM stations_session session JOIN stations_station station
                    ON station.id = session.station_id
                WHERE station.identity = said.station
                    AND (session.transaction_id = said.tx OR session.started_at = said.at))
        FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::numeric[]) WITH ORDINALITY
            AS said (station, tx, at, wh, n)
        ORDER BY n
        """,
        _of(lines, "start"),
    )


def _stops(database, lines: list[dict]) -> list[int]:
    return _counted(
        database,
        """
        SELECT (SELECT count(*) FROM stations_session session JOIN stations_station station
                    ON station.id = session.station_id
                WHERE station.identity = said.station AND session.transaction_id = said.tx
                    AND session.stopped_at = said.at AND session.meter_stop_wh = said.wh)
        FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::numeric[]) WITH ORDINALITY
            AS said (station, tx, at, wh, n)
        ORDER BY n
        """,
        _of(lines, "stop"),
    )


def _readings(database, lines: list[dict]) -> list[int]:
    return _counted(
        database,
        """
        SELECT (SELECT count(*) FROM stations_reading reading
                WHERE reading.evse_id = evse.id AND reading.at = said.at AND reading.phase = ''
                    AND reading.measurand = 'Energy.Active.Import.Register' AND reading.value = said.wh)
        FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::numeric[]) WITH ORDINALITY
            AS said (station, tx, at, wh, n)
        JOIN stations_station station ON station.identity = said.station
        JOIN stations_evse evse ON evse.station_id = station.id AND evse.number = 1
        ORDER BY n
        """,
        _of(lines, "meter"),
    )


def _counted(database, sql: str, lines: list[dict]) -> list[int]:
    rows = database.execute(
        sql,
        [
            [line["station"] for line in lines],
            [str(line["tx"]) for line in lines],
            [line["ts"] for line in lines],
            [line["wh"] for line in lines],
        ],
    )
    return [count for (count,) in rows.fetchall()]
