"""Stops and meter values that name no session of their station: guessed where one can be meant, else kept.

A station repeats what is refused for ever, so all of it is acknowledged; none of it ever bills anybody before
a person has looked, and nothing that one station says ever touches another's session.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evportal.accounts.models import User
from stations import doubts, events, metering, registers, sessions
from stations.exceptions import Refused
from stations.models import Event, Orphan, Reading, Session, Station

#: Clocks differ a little.
SLACK = timedelta(minutes=5)


class Settled(Refused):
    default = _("Somebody has dealt with this already.")


class WrongStation(Refused):
    default = _("That session is another charger's.")


class CannotAttach(Refused):
    default = _("That session has a stop of its own.")


@dataclass(frozen=True)
class Why:
    """Whose the transaction id is, in words for the operator."""

    words: str
    is_foreign: bool = False


def whose(station: Station, transaction_id: str) -> Why:
    if Session.objects.filter(transaction_id=transaction_id).exclude(station=station).exists():
        return Why("The transaction belongs to another charger.", True)
    if not transaction_id.isdigit() or int(transaction_id) <= 0:
        return Why("No transaction has this number.")
    return Why("No transaction of this charger has this number.")


@transaction.atomic
def stopped(*, station: Station, report: sessions.Stop, payload: dict) -> Session | None:
    """A stop whose transaction nobody knows: that of the one session it can mean, else an orphan."""
    why = whose(station, report.transaction_id)
    session = None if why.is_foreign else _meant(station, report)
    if session is not None:
        _tell(station, report.received_at, "GuessedStop", _guess(session, report), session.evse_id)
        return sessions.end(session=session, report=report, flag=doubts.GUESSED_STOP)
    if _is_known(station, report.transaction_id, payload):
        return None
    Orphan.objects.create(
        station=station,
        kind=Orphan.Kind.STOP,
        transaction_id=report.transaction_id[:40],
        problem=why.words,
        payload=payload,
        at=report.stopped_at,
        meter_wh=report.meter_stop_wh,
        reason=report.reason[:40],
        token=report.token.replace("\x00", "")[:255],
        first_received_at=report.received_at,
        received_at=report.received_at,
    )
    text = f"Stop of transaction {report.transaction_id}: {why.words}"
    _tell(station, report.received_at, "UnknownTransaction", text, severity=3 if why.is_foreign else 5)
    return None


def _guess(session: Session, report: sessions.Stop) -> str:
    return f"Stop of transaction {report.transaction_id}, taken as that of {session.transaction_id}."


def _meant(station: Station, report: sessions.Stop) -> Session | None:
    """The one session that runs there, if it began before this stop and its meter fits."""
    open_ones = Session.objects.select_for_update(of=["self"]).select_related("evse", "station")
    found = list(open_ones.filter(station=station, stopped_at=None).order_by("pk")[:2])
    if len(found) != 1:
        return None
    session = found[0]
    if session.started_at > report.stopped_at + SLACK:
        return None
    if report.token and session.token and report.token.upper() != session.token.upper():
        return None
    known_wh, meter = session.register_wh, report.meter_stop_wh
    if known_wh is not None and meter is not None:
        since = session.register_at or session.started_at
        limit = registers.most(session.evse.max_power_w, since, max(report.stopped_at, since))
        if not -registers.NOISE_WH <= meter - known_wh <= limit:
            return None
    return session


def _is_known(station: Station, transaction_id: str, payload: dict) -> bool:
    """A repeat of what is kept already, or of what was guessed before: no second row, no second session."""
    same = Orphan.objects.filter(
        station=station, kind=Orphan.Kind.STOP, transaction_id=transaction_id[:40], payload=payload
    )
    if same.update(count=F("count") + 1):
        return True
    meter = Decimal(str(payload.get("meterStop", -1)))
    recent = Session.objects.filter(
        station=station, meter_stop_wh=meter, flags__contains=[doubts.GUESSED_STOP]
    )
    return recent.filter(stop_received_at__gte=timezone.now() - timedelta(days=7)).exists()


def metered(*, station: Station, transaction_id: str, payload: dict, received_at: datetime) -> None:
    """Meter values under a number that means none of this station's sessions; once per number."""
    why = whose(station, transaction_id)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO stations_orphan (station_id, kind, transaction_id, problem, payload, count,
                first_received_at, received_at, resolution, reason, token)
            VALUES (%s, 'meter', %s, %s, %s, 1, %s, %s, '', '', '')
            ON CONFLICT (station_id, kind, transaction_id) WHERE resolved_at IS NULL AND kind = 'meter'
            DO UPDATE SET count = stations_orphan.count + 1, received_at = EXCLUDED.received_at
            RETURNING count
            """,
            [
                station.pk,
                transaction_id[:40],
                why.words,
                Orphan._meta.get_field("payload").get_db_prep_value(payload, connection),
                received_at,
                received_at,
            ],
        )
        is_first = cursor.fetchone()[0] == 1
    if is_first:
        text = f"Meter values of transaction {transaction_id}: {why.words}"
        _tell(station, received_at, "UnknownTransaction", text, severity=3 if why.is_foreign else 6)


def _tell(station, at, code, text, evse_id=None, *, severity=5) -> None:
    events.record(
        [
            Event(
                station_id=station.pk,
                evse_id=evse_id,
                kind=Event.Kind.PROTOCOL,
                code=code,
                severity=severity,
                at=at,
                received_at=at,
                text=text,
            )
        ]
    )


# What a person decides


def candidates(orphan: Orphan) -> list[Session]:
    """The sessions of its charger that it may belong to, the likeliest first."""
    rows = Session.objects.filter(station=orphan.station, started_at__lte=orphan.received_at + SLACK)
    if orphan.kind == Orphan.Kind.STOP:
        rows = rows.filter(stopped_at=None) | rows.filter(is_estimated=True)
    return list(rows.select_related("evse", "station__site").order_by("-started_at")[:20])


@transaction.atomic
def attach(*, orphan: Orphan, session: Session, by: User) -> Session:
    """It belongs to this session: end it, or count its readings; what was billed is corrected."""
    _settle(orphan, Orphan.Resolution.ATTACHED, by, session)
    mine = Session.objects.select_for_update(of=["self"]).select_related("evse", "station")
    session = mine.get(pk=session.pk)
    if session.station_id != orphan.station_id:
        raise WrongStation
    if orphan.kind == Orphan.Kind.STOP:
        if not session.is_open and not session.is_estimated:
            raise CannotAttach
        # A person has looked, so it is no guess any more.
        report = replace(stop_of(orphan), transaction_id=session.transaction_id)
        return sessions.end(session=session, report=report)
    _attach_readings(orphan, session)
    if session.is_open:
        metering.refresh(session)
    else:
        metering.reckon_anew(session)
    session.save(update_fields=metering.FIELDS)
    return session


def _attach_readings(orphan: Orphan, session: Session) -> None:
    until = session.stopped_at or timezone.now()
    Reading.objects.filter(
        evse=session.evse_id,
        session=None,
        at__range=(session.started_at, until),
        received_at__range=(orphan.first_received_at, orphan.received_at),
    ).update(session=session)


@transaction.atomic
def dismiss(*, orphan: Orphan, by: User) -> Orphan:
    _settle(orphan, Orphan.Resolution.DISMISSED, by, None)
    return orphan


def _settle(orphan: Orphan, resolution: str, by: User, session: Session | None) -> None:
    won = Orphan.objects.filter(pk=orphan.pk, resolved_at=None).update(
        resolved_at=timezone.now(), resolution=resolution, resolved_by=by, session=session
    )
    if not won:
        raise Settled
    orphan.refresh_from_db()


def stop_of(orphan: Orphan) -> sessions.Stop:
    return sessions.Stop(
        transaction_id=orphan.transaction_id,
        stopped_at=orphan.at,
        received_at=orphan.received_at,
        meter_stop_wh=orphan.meter_wh,
        reason=orphan.reason,
        token=orphan.token,
    )
