"""Sessions whose stop never came: closed as estimated at their last reading; a late stop corrects it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from stations import commands, metering, sequence, signals
from stations.models import Session, State

SILENT = timedelta(hours=24)
#: At most so many of a kind in one round; the next one is a minute away.
BATCH = 200
#: While an EVSE says this, its transaction goes on.
CHARGING = (State.CHARGING, State.SUSPENDED_EV, State.SUSPENDED_EVSE)


@transaction.atomic
def close_estimated(
    *, session: Session, now: datetime, reason: str, until: datetime | None = None
) -> Session | None:
    """End a session without its stop, at its last reading, and no later than `until`."""
    rows = Session.objects.select_for_update(of=["self"]).select_related("evse", "station")
    session = rows.filter(pk=session.pk, stopped_at=None).first()
    if session is None:
        return None
    at = max(session.last_reading_at or session.started_at, session.started_at)
    session.stopped_at = at if until is None else max(min(at, until), session.started_at)
    session.stop_received_at = now
    session.stop_reason = reason[:40]
    session.is_estimated = True
    session.power_w = 0
    metering.settle(session)
    session.save()
    signals.after_commit(signals.session_ended, session=session)
    return session


def end_others(*, session: Session, now: datetime) -> None:
    """An EVSE charges one car at a time: its newer start proves that what went on before is over."""
    older = Session.objects.open().filter(evse=session.evse_id, started_at__lte=session.started_at)
    for other in older.exclude(pk=session.pk).order_by("pk"):
        close_estimated(session=other, now=now, reason="Other", until=session.started_at)


# What the sweep finds


def close_lost(now: datetime) -> None:
    """The EVSE is free again, the station was restarted, a newer session ran, or nothing came for a day."""
    grace = now - timedelta(minutes=settings.LOST_STOP_MINUTES)
    for found, reason in (
        (_freed(grace), "Other"),
        (_overtaken(grace), "Other"),
        (_restarted(grace), "PowerLoss"),
        (_silent(now), "PowerLoss"),
    ):
        for session in found.select_related("station")[:BATCH]:
            if not _may_go_on(session, now):
                close_estimated(session=session, now=now, reason=reason)


def _freed(grace: datetime):
    return Session.objects.open().filter(
        evse__state=State.AVAILABLE,
        evse__state_since__lt=grace,
        start_received_at__lt=F("evse__state_since"),
        station__connection__isnull=False,
    )


def _overtaken(grace: datetime):
    newer = Q(evse__sessions__started_at__gt=F("started_at"), evse__sessions__start_received_at__lt=grace)
    return Session.objects.open().filter(newer, start_received_at__lt=grace).distinct()


def _restarted(grace: datetime):
    """Restarted, back for a while, and neither its state nor its meter says that the charge went on."""
    heard_since = Q(last_reading_at__gte=F("station__booted_at")) | Q(
        evse__state__in=CHARGING, evse__state_at__gte=F("station__booted_at")
    )
    return (
        Session.objects.open()
        .filter(
            station__connection__isnull=False,
            station__booted_at__lt=grace,
            start_received_at__lt=F("station__booted_at"),
        )
        .exclude(heard_since)
    )


def _silent(now: datetime):
    return Session.objects.open().filter(station__connection=None, station__disconnected_at__lt=now - SILENT)


def _may_go_on(session: Session, now: datetime) -> bool:
    """A 2.x station that is there can be asked (E: GetTransactionStatus) before its session is given up."""
    station = session.station
    if not station.is_online or station.ocpp_version in ("", "1.6"):
        return False
    if session.status_command is None or session.status_command.created_at < now - SILENT:
        ask(session=session)
        return True
    command = session.status_command
    if not command.is_final:
        return True
    answer = command.response or {}
    return bool(command.accepted and (answer.get("ongoingIndicator") or answer.get("messagesInQueue")))


def ask(*, session: Session) -> None:
    """Ask a 2.x station whether it still has messages about this transaction."""
    command = commands.send(
        station=session.station,
        action="GetTransactionStatus",
        payload={"transactionId": session.transaction_id},
        reason="messages about this session are missing",
    )
    session.status_command = command
    Session.objects.filter(pk=session.pk).update(status_command=command)


def ask_for_missing(session: Session) -> None:
    """Once an ended session shows a gap: are the messages lost, or still in the station's queue?"""
    if session.status_command_id is None and sequence.gaps(session.seq_nos) and not session.is_open:
        ask(session=session)
