"""Updates of single stations: told, followed by what they say, and proved by what they boot with."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from evportal.accounts.models import ApiKey, User
from stations import commands, events, signals
from stations.exceptions import Refused
from stations.files import tickets
from stations.firmware import states
from stations.firmware.states import UpdateState
from stations.models import Command, Event, FirmwareImage, FirmwareStep, FirmwareUpdate, Station
from stations.ocpp import spelling_maintenance

if TYPE_CHECKING:
    from stations.boot import Booted

log = logging.getLogger(__name__)

#: A station that says Installed is asked to present itself after this, if it has not restarted.
ASK_AFTER = timedelta(minutes=10)
#: So long after its last news an update may still be proved or refuted by a boot.
RECENT = timedelta(days=1)
NO_NEWS = "The charger did not finish in time."
ACTIONS = ("UpdateFirmware", "SignedUpdateFirmware")


class UpdateUnderWay(Refused):
    default = "Another update of this charger is under way."


@transaction.atomic
def start(
    *,
    station: Station,
    image: FirmwareImage,
    retrieve_at: datetime | None = None,
    install_at: datetime | None = None,
    retries: int | None = None,
    retry_interval_s: int | None = None,
    replace: bool = False,
    by: User | ApiKey | None = None,
    reason: str = "",
    keep_for: timedelta | None = None,
) -> FirmwareUpdate:
    """Tell the station to install the image; `replace` gives up one that is under way. Raises `Refused`."""
    now = timezone.now()
    _check(station, image, retrieve_at, install_at, now)
    if replace:
        for former in station.firmware_updates.running().select_for_update():
            _move(former, states.Move(UpdateState.CANCELLED, "A newer update took its place."), now)
    life = max(install_at or now, retrieve_at or now) - now + timedelta(hours=settings.FIRMWARE_HOURS)
    update = FirmwareUpdate(
        station=station,
        image=image,
        from_version=station.firmware,
        state_at=now,
        retrieve_at=retrieve_at or now,
        install_at=install_at,
        retries=retries,
        retry_interval_s=retry_interval_s,
        expires_at=now + (keep_for or timedelta()) + life,
        created_by=by if isinstance(by, User) else None,
        api_key=by if isinstance(by, ApiKey) else None,
    )
    try:
        with transaction.atomic():
            update.save()
    except IntegrityError:
        raise UpdateUnderWay from None
    location = image.url or tickets.for_firmware(
        image=image, station=station, expires_at=update.expires_at, update=update
    )
    action, payload = spelling_maintenance.update_firmware(
        station.ocpp_version,
        update.pk,
        location,
        update.retrieve_at,
        install_at=install_at,
        retries=retries,
        retry_interval_s=retry_interval_s,
        signing_certificate=image.signing_certificate,
        signature=image.signature,
    )
    update.command = commands.send(
        station=station,
        action=action,
        payload=payload,
        by=by,
        reason=reason or f"firmware {image.version}",
        keep_for=keep_for,
    )
    update.save(update_fields=["command"])
    _step(update, "requested", now)
    return update


def _check(station, image, retrieve_at, install_at, now) -> None:
    if image.operator_id != station.site.operator_id or image.is_retired:
        raise Refused("This firmware is not offered for this charger.")
    if station.vendor and station.model and not image.fits(station):
        raise Refused(f"This firmware is for {image.vendor} {image.model_pattern}, not for this charger.")
    if not station.vendor:
        raise Refused("This charger has never said what it is, so no firmware can be chosen for it.")
    if install_at and station.ocpp_version in ("", "1.6") and not image.is_signed:
        raise Refused("A charger of OCPP 1.6 takes a time of installation only with signed firmware.")
    if install_at and install_at < (retrieve_at or now):
        raise Refused("It can't be installed before it is downloaded.")


def _step(update: FirmwareUpdate, status: str, at: datetime, note: str = "") -> None:
    """Keep one word; the same word said again adds nothing."""
    latest = update.steps.order_by("-at", "-pk").first()
    if latest is None or latest.status != status[:40]:
        FirmwareStep.objects.create(update=update, status=status[:40], at=at, note=note[:200])
        signals.after_commit(signals.maintenance_changed, station_id=update.station_id)


def _move(update: FirmwareUpdate, move: states.Move, at: datetime) -> None:
    FirmwareUpdate.objects.filter(pk=update.pk).update(
        state=move.state, state_at=max(at, update.state_at), problem=move.problem[:200]
    )
    if move.state in (UpdateState.DONE, UpdateState.CANCELLED, UpdateState.FAILED):
        _step(update, move.state, at, move.problem)


def _can_run(update: FirmwareUpdate, move: states.Move) -> bool:
    """Whether a failed one may come alive again: not when another has begun meanwhile."""
    if move.state not in states.RUNNING or update.is_running:
        return True
    return not FirmwareUpdate.objects.running().filter(station=update.station_id).exists()


# --- what the station answers --------------------------------------------------------------------


@transaction.atomic
def command_finished(command: Command) -> None:
    if command.action not in ACTIONS:
        return
    update = FirmwareUpdate.objects.select_for_update().filter(command=command).first()
    if update is None:
        return
    now = command.reached_at
    if command.status == Command.Status.ANSWERED:
        # 1.6's plain UpdateFirmware is answered with nothing.
        answer = (command.response or {}).get("status", "Accepted")
        move = states.on_answer(update.state, answer)
        if answer in states.SEVERITIES:
            _record(update.station, answer, now, states.PROBLEMS[answer])
        if move is not None:
            _step(update, answer, now)
        if answer == "AcceptedCanceled":
            _cancel_earlier(update, now)
    else:
        why = command.error_description or str(command.get_status_display())
        move = (
            states.Move(UpdateState.FAILED, why)
            if update.state == UpdateState.REQUESTED
            else None  # It has begun all the same.
        )
    if move is not None:
        _move(update, move, now)


def _cancel_earlier(update: FirmwareUpdate, now: datetime) -> None:
    earlier = FirmwareUpdate.objects.running().filter(station=update.station_id, pk__lt=update.pk)
    for former in earlier:
        _move(former, states.Move(UpdateState.CANCELLED, "The charger gave it up for a newer one."), now)


# --- what the station says on the way ------------------------------------------------------------


@transaction.atomic
def report(
    *, station: Station, status: str, request_id: int | None, received_at: datetime, info: str = ""
) -> None:
    """(Signed)FirmwareStatusNotification: late, repeated and unasked ones are all kept, and harm nothing."""
    update = _meant(station, request_id)
    if update is None:
        if status != "Idle":
            _record(station, status, received_at, info or "Not asked for by the portal.")
        return
    if status == "Idle":
        return
    _step(update, status, received_at, info)
    if status in states.SEVERITIES:
        _record(station, status, received_at, info or states.PROBLEMS.get(status, ""))
    if received_at < update.state_at and status not in ("Installed",):
        return  # The news is older than what we know.
    fresh = Station.objects.values("firmware", "booted_at").get(pk=station.pk)
    move = states.on_status(
        update.state,
        status,
        wanted=update.image.version,
        runs=fresh["firmware"],
        booted_since=fresh["booted_at"] is not None and fresh["booted_at"] > received_at,
    )
    if move is not None and _can_run(update, move):
        _move(update, move, received_at)
        if move.problem and status not in states.SEVERITIES:
            _record(station, "InstallationFailed", received_at, move.problem)


def _meant(station: Station, request_id: int | None) -> FirmwareUpdate | None:
    """The update that a notification is about; without a number (1.6) the newest under way.

    A failed one of the last day is meant where none is under way: it may be a retry.
    """
    mine = FirmwareUpdate.objects.select_for_update(of=["self"]).select_related("image")
    mine = mine.filter(station=station)
    if request_id is not None:
        return mine.filter(pk=request_id).first()
    recent = timezone.now() - RECENT
    return mine.running().first() or mine.filter(state_at__gte=recent).first()


@transaction.atomic
def after_boot(*, booted: list[Booted]) -> None:
    """The stations present themselves; those that have an update of late are looked at."""
    said = {each.boot.station_id: each.boot for each in booted}
    updated = FirmwareUpdate.objects.filter(station__in=said).filter(
        Q(state__in=states.RUNNING) | Q(state_at__gte=timezone.now() - RECENT)
    )
    for station in Station.objects.filter(pk__in=updated.values("station")):
        boot = said[station.pk]
        _booted(station=station, firmware=boot.firmware[:60], at=boot.received_at)


@transaction.atomic
def _booted(*, station: Station, firmware: str, at: datetime) -> None:
    """What it runs proves an update, or refutes it."""
    recent = at - RECENT
    update = (
        FirmwareUpdate.objects.select_for_update(of=["self"])
        .select_related("image")
        .filter(station=station, created_at__lte=at)
        .first()
    )
    if update is None or not (update.is_running or update.state_at >= recent):
        return
    move = states.on_boot(update.state, wanted=update.image.version, runs=firmware, was=update.from_version)
    if move is None or update.state == move.state:
        return
    _step(update, "booted", at, firmware)
    _move(update, move, at)
    if move.state == UpdateState.FAILED:
        _record(station, "InstallationFailed", at, move.problem)


def _record(station: Station, status: str, at: datetime, text: str) -> None:
    events.record(
        [
            Event(
                station=station,
                kind=Event.Kind.FIRMWARE,
                code=f"Firmware.{status}",
                severity=states.SEVERITIES.get(status, states.INFORMATIONAL),
                at=at,
                received_at=at,
                text=text,
            )
        ]
    )


# --- what nobody says ----------------------------------------------------------------------------


def expire(now: datetime) -> int:
    """Updates without an end in their time have failed."""
    count = 0
    for pk in list(
        FirmwareUpdate.objects.running().filter(expires_at__lt=now).values_list("pk", flat=True)[:500]
    ):
        with transaction.atomic():
            update = (
                FirmwareUpdate.objects.running()
                .select_for_update(skip_locked=True, of=["self"])
                .select_related("station")
                .filter(pk=pk, expires_at__lt=now)
                .first()
            )
            if update is None:
                continue
            _move(update, states.Move(UpdateState.FAILED, NO_NEWS), now)
            _record(update.station, "InstallationFailed", now, NO_NEWS)
            count += 1
    return count


def ask_silent(now: datetime) -> int:
    """Stations that said Installed and did not restart are asked what they run."""
    silent = FirmwareUpdate.objects.filter(
        state=UpdateState.INSTALLED, asked_at=None, state_at__lt=now - ASK_AFTER
    ).exclude(station__connection=None)
    count = 0
    for update in silent.select_related("station")[:200]:
        if FirmwareUpdate.objects.filter(pk=update.pk, asked_at=None).update(asked_at=now):
            commands.send(
                station=update.station,
                action="TriggerMessage",
                payload={"requestedMessage": "BootNotification"},
                reason="which firmware runs?",
            )
            count += 1
    return count
