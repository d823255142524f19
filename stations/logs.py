"""Logs of stations: asked for, left by them under a one-time address, kept for a while."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from evportal.accounts.models import ApiKey, User
from stations import commands, events, signals
from stations.exceptions import Refused
from stations.files import tickets
from stations.files.streams import Incoming, Measured
from stations.models import Command, Event, FileTicket, LogRequest, Station
from stations.ocpp import spelling_maintenance

log = logging.getLogger(__name__)
Kind, State = LogRequest.Kind, LogRequest.State

#: (Log|Diagnostics)StatusNotification, in every version's words. `Idle` says that nothing is under way.
SAID = {
    "Uploading": State.UPLOADING,
    "Uploaded": State.UPLOADED,
    "UploadFailed": State.FAILED,
    "UploadFailure": State.FAILED,
    "BadMessage": State.FAILED,
    "NotSupportedOperation": State.FAILED,
    "PermissionDenied": State.FAILED,
    "AcceptedCanceled": State.CANCELLED,
}
NOTHING_CAME = "The charger says it has uploaded the file, but none arrived."
NO_NEWS = "The charger did not send the file in time."


class NotWanted(Refused):
    default = "This log is not awaited any more."


class Empty(Refused):
    default = "The file is empty."


def kinds(version: str) -> list[Kind]:
    """The logs that a station of this version can be asked for."""
    return [Kind.DIAGNOSTICS, Kind.SECURITY, *([Kind.DATA_COLLECTOR] if version == "2.1" else [])]


@transaction.atomic
def request(
    *,
    station: Station,
    kind: str = Kind.DIAGNOSTICS,
    oldest: datetime | None = None,
    latest: datetime | None = None,
    retries: int = 2,
    by: User | ApiKey | None = None,
    reason: str = "",
    keep_for: timedelta | None = None,
) -> LogRequest:
    """Ask the station for a log; its file arrives by itself. Raises `Refused` where that can't be asked."""
    if kind not in kinds(station.ocpp_version or "1.6"):
        raise Refused("A charger of this version has no such log.")
    if oldest and latest and oldest >= latest:
        raise Refused("The end lies before the beginning.")
    now = timezone.now()
    expires_at = now + (keep_for or timedelta()) + timedelta(hours=settings.LOG_HOURS)
    wanted = LogRequest.objects.create(
        station=station,
        kind=kind,
        oldest=oldest,
        latest=latest,
        retries=retries,
        state_at=now,
        expires_at=expires_at,
        created_by=by if isinstance(by, User) else None,
        api_key=by if isinstance(by, ApiKey) else None,
    )
    action, payload = spelling_maintenance.get_log(
        station.ocpp_version,
        wanted.pk,
        kind,
        tickets.for_upload(request=wanted, expires_at=expires_at),
        oldest,
        latest,
        retries,
    )
    wanted.command = commands.send(
        station=station,
        action=action,
        payload=payload,
        by=by,
        reason=reason or "log requested",
        keep_for=keep_for,
    )
    wanted.save(update_fields=["command"])
    return wanted


def command_finished(command: Command) -> None:
    """What the station answered; an offline or silent one will not send a file."""
    if command.action not in ("GetDiagnostics", "GetLog"):
        return
    wanted = LogRequest.objects.filter(command=command).first()
    if wanted is None:
        return
    response, at = command.response or {}, command.reached_at
    name = str(response.get("fileName") or response.get("filename") or "")
    if command.status != Command.Status.ANSWERED:
        why = command.error_description or command.get_status_display()
        _move(wanted, State.FAILED, at=at, problem=str(why), only=[State.REQUESTED])
        return
    answer = response.get("status", "Accepted")
    if answer not in ("Accepted", "AcceptedCanceled"):
        _move(
            wanted, State.FAILED, at=at, status=answer, problem="The charger refused.", only=[State.REQUESTED]
        )
        return
    if command.action == "GetDiagnostics" and not name:
        # 1.6: an answer without a name says that there is nothing to send.
        _move(wanted, State.FAILED, at=at, problem="The charger has nothing to send.", only=[State.REQUESTED])
        return
    if name:
        LogRequest.objects.filter(pk=wanted.pk, name="").update(name=tickets.safe_name(name))
    _move(wanted, State.ACCEPTED, at=at, only=[State.REQUESTED])
    if answer == "AcceptedCanceled":
        for earlier in LogRequest.objects.running().filter(station=wanted.station_id, pk__lt=wanted.pk):
            _move(earlier, State.CANCELLED, at=at, problem="A newer request took its place.")


def _move(
    wanted: LogRequest, state: str, *, at: datetime, status: str = "", problem: str = "", only=None
) -> bool:
    changed = LogRequest.objects.filter(pk=wanted.pk)
    if only is not None:
        changed = changed.filter(state__in=only)
    extra = {"status": status[:40]} if status else {}
    signals.after_commit(signals.maintenance_changed, station_id=wanted.station_id)
    return bool(changed.update(state=state, state_at=at, problem=problem[:200], **extra))


@transaction.atomic
def report(
    *, station: Station, status: str, request_id: int | None, received_at: datetime, info: str = ""
) -> None:
    """The station said how its upload goes; without a number (1.6) it means the newest that is under way."""
    mine = LogRequest.objects.select_for_update().filter(station=station)
    if request_id is not None:
        wanted = mine.filter(pk=request_id).first()
    else:
        # Its file may have been here before this word.
        recent = mine.filter(state_at__gte=received_at - timedelta(days=1))
        wanted = mine.running().first() or recent.first()
    state = SAID.get(status)
    if state is None or wanted is None:
        if status != "Idle":
            events.record([_event(station, status, received_at, info)])
        return
    if state == State.UPLOADED and not wanted.file:
        state, info = State.FAILED, NOTHING_CAME
    if wanted.file:
        # Here it is, whatever the station thinks of its further tries.
        LogRequest.objects.filter(pk=wanted.pk).update(status=status)
        return
    if wanted.state == State.CANCELLED or received_at < wanted.state_at:
        return
    _move(wanted, state, at=received_at, status=status, problem=info or _problem(status))
    if state == State.FAILED:
        events.record([_event(station, status, received_at, info or _problem(status), severity=4)])


def _problem(status: str) -> str:
    return {
        "UploadFailed": "The charger could not upload it.",
        "UploadFailure": "The charger could not upload it.",
        "BadMessage": "The charger did not understand the request.",
        "NotSupportedOperation": "The charger can't upload that way.",
        "PermissionDenied": "The charger was not allowed to upload.",
    }.get(status, "")


def _event(station: Station, status: str, at: datetime, text: str, severity: int = 8) -> Event:
    return Event(
        station=station,
        kind=Event.Kind.DIAGNOSTICS,
        code=f"Log.{status}",
        severity=severity,
        at=at,
        received_at=at,
        text=text,
    )


def store(*, request: LogRequest, ticket: FileTicket, pieces: Iterable[bytes], name: str) -> LogRequest:
    """Keep what a station leaves; raises `NotWanted`, `Empty` or `TooLarge`, and then nothing changed.

    The file is written first and named in the row afterwards: a row never promises what isn't there.
    """
    if not LogRequest.objects.filter(pk=request.pk).exclude(state=State.CANCELLED).exists():
        raise NotWanted
    measured = Measured(pieces, settings.LOG_MAX_MB * 1024 * 1024)
    field = LogRequest._meta.get_field("file")
    storage = field.storage
    written = storage.generate_filename(field.generate_filename(request, "log"))
    try:
        written = storage.save(written, Incoming(measured))
    except BaseException:
        storage.delete(written)
        raise
    try:
        if not measured.size:
            raise Empty
        with transaction.atomic():
            row = LogRequest.objects.select_for_update().get(pk=request.pk)
            if row.state == State.CANCELLED:
                raise NotWanted
            former, row.file = row.file.name, written
            row.name = tickets.safe_name(name) if name else (row.name or f"log-{row.pk}.bin")
            row.size, row.sha256 = measured.size, measured.sha256
            row.received_at = row.state_at = timezone.now()
            row.state, row.problem = State.UPLOADED, ""
            row.save()
            tickets.add_bytes(ticket.pk, measured.size)
            signals.after_commit(signals.maintenance_changed, station_id=row.station_id)
            if former:
                transaction.on_commit(lambda: storage.delete(former))
    except BaseException:
        storage.delete(written)
        raise
    return row


def expire(now: datetime) -> int:
    """Requests whose station never sent anything."""
    return (
        LogRequest.objects.running()
        .filter(expires_at__lt=now)
        .update(state=State.FAILED, state_at=now, problem=NO_NEWS)
    )


def purge(now: datetime) -> int:
    """Delete files whose time of keeping is over; the row still tells that there was one."""
    old = LogRequest.objects.exclude(file="").filter(
        received_at__lt=now - timedelta(days=settings.LOG_KEEP_DAYS)
    )
    count = 0
    for row in old[:1000]:
        name = row.file.name
        if LogRequest.objects.filter(pk=row.pk, file=name).update(file=""):
            row.file.storage.delete(name)
            count += 1
    FileTicket.objects.filter(expires_at__lt=now - timedelta(days=30)).delete()
    return count
