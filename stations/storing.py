"""What a batch says, written down in bulk: readings, states of EVSEs, sessions' newest values."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from stations import doubts, metering
from stations.facts import Flow
from stations.meter import ENERGY
from stations.models import Session
from stations.models.station import IN_USE

if TYPE_CHECKING:
    from stations.ingest import Found, Totals


def readings(found: Found) -> None:
    if not found.readings:
        return
    columns = "evse_id, at, measurand, phase, location, context, session_id, received_at, value, unit, flag"
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS incoming (evse_id bigint, at timestamptz, measurand text, "
            "phase text, location text, context text, session_id uuid, received_at timestamptz, "
            "value numeric, unit text, flag text) ON COMMIT DELETE ROWS"
        )
        with cursor.copy(f"COPY incoming ({columns}) FROM STDIN") as copy:
            for row in found.readings.values():
                copy.write_row(row)
        # Sorted, so that two workers never wait for each other in a circle.
        order = "evse_id, at, measurand, phase, location, context"
        insert = f"INSERT INTO stations_reading ({columns}) SELECT {columns} FROM incoming"  # noqa: S608
        cursor.execute(f"{insert} ORDER BY {order} ON CONFLICT DO NOTHING")


def states(found: Found) -> list[int]:
    """Newest by our receive time wins; returns the EVSEs whose state is another one now."""
    if not found.states:
        return []
    rows = sorted(found.states.items())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM stations_evse WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
            [[pk for pk, _f in rows]],
        )
        cursor.execute(
            """
            UPDATE stations_evse AS evse SET
                state_since = CASE WHEN evse.state = new.state THEN evse.state_since ELSE new.at END,
                state = new.state, state_at = new.at,
                -- 2.x tells why in another message than the state itself: that must not wipe it out.
                error_code = CASE WHEN same THEN evse.error_code ELSE new.error_code END,
                vendor_error = CASE WHEN same THEN evse.vendor_error ELSE new.vendor_error END,
                error_info = CASE WHEN same THEN evse.error_info ELSE new.info END
            FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::text[])
                AS new (id, state, at, error_code, vendor_error, info),
                stations_evse AS old,
                LATERAL (
                    SELECT new.state = 'faulted' AND old.state = 'faulted' AND new.error_code = ''
                        AND new.vendor_error = '' AS same
                ) AS fault
            WHERE evse.id = new.id AND old.id = evse.id AND (evse.state_at IS NULL OR evse.state_at <= new.at)
                AND NOT (new.state = 'occupied' AND evse.state = ANY(%s))
            RETURNING evse.id,
                old.state IS DISTINCT FROM new.state OR old.error_code IS DISTINCT FROM evse.error_code
            """,
            [
                [pk for pk, _fact in rows],
                [str(fact.state) for _pk, fact in rows],
                [fact.received_at for _pk, fact in rows],
                [fact.error_code[:60] for _pk, fact in rows],
                [fact.vendor_error[:60] for _pk, fact in rows],
                [fact.info[:120] for _pk, fact in rows],
                [str(state) for state in IN_USE],
            ],
        )
        return [pk for pk, is_other in cursor.fetchall() if is_other]


#: What of a session a batch may change.
NEWEST = [*metering.FIELDS, "meter_start_wh", "power_w", "soc_percent", "charging_state", "last_reading_at"]


def totals(found: Found, *, more_to_come: bool) -> None:
    """Sessions' newest values; an ended session keeps the charger's own final figures."""
    ids = sorted(found.totals.keys() | found.flows.keys())
    if not ids:
        return
    rows = Session.objects.select_for_update(of=["self"]).select_related("evse")
    changed = list(rows.filter(pk__in=ids).order_by("pk"))
    for session in changed:
        _apply(session, found.totals.get(session.pk), found.flows.get(session.pk), more_to_come)
    values = [{"id": session.pk} | {name: getattr(session, name) for name in NEWEST} for session in changed]
    with connection.cursor() as cursor:
        # One statement: a session's row changes with every reading, and saving each by itself would be
        # most of what ingesting costs.
        cursor.execute(
            """
            UPDATE stations_session AS session SET
                meter_start_wh = new.meter_start_wh, energy_wh = new.energy_wh,
                register_wh = new.register_wh, register_at = new.register_at,
                flags = new.flags, review = new.review, is_stale = new.is_stale, power_w = new.power_w,
                soc_percent = new.soc_percent, charging_state = new.charging_state,
                last_reading_at = new.last_reading_at
            FROM jsonb_to_recordset(%s::jsonb) AS new (
                id uuid, meter_start_wh numeric, energy_wh numeric, register_wh numeric,
                register_at timestamptz, flags jsonb, review text, is_stale boolean, power_w numeric,
                soc_percent numeric, charging_state text, last_reading_at timestamptz
            )
            WHERE session.id = new.id
            """,
            [json.dumps(values, cls=Exactly)],
        )


class Exactly(DjangoJSONEncoder):
    """Times to the microsecond: JavaScript's milliseconds would move a reading's own time."""

    def default(self, value):
        return value.isoformat() if isinstance(value, datetime) else super().default(value)


def _begin(session: Session, totals: Totals) -> None:
    """2.x: where the car came after the card, the register at the beginning comes later, too (E02)."""
    if session.meter_start_wh is not None or session.start_is_missing or not session.is_open:
        return
    for sample in totals.energy:
        is_plain = sample.measurand == ENERGY and not sample.phase and sample.location == "Outlet"
        if sample.context == "Transaction.Begin" and is_plain and sample.is_sound:
            session.meter_start_wh = sample.value
            return


def _apply(session: Session, totals: Totals | None, flow: Flow | None, more_to_come: bool) -> None:
    if totals is not None:
        if totals.is_guessed:
            session.flags = sorted({*session.flags, doubts.GUESSED_READINGS})
        if totals.energy:
            _begin(session, totals)
            metering.add(session, totals.energy, more_to_come=more_to_come)
        if totals.last_at is not None and (
            session.last_reading_at is None or totals.last_at >= session.last_reading_at
        ):
            session.last_reading_at = totals.last_at
            if totals.soc is not None:
                session.soc_percent = totals.soc
            if totals.power_w is not None and session.is_open:
                session.power_w = totals.power_w
    if flow is not None and session.is_open:
        session.charging_state = flow.charging_state
        if flow.charging_state != Session.ChargingState.CHARGING:
            session.power_w = 0
