"""Images that local controllers fetch once and offer to the stations behind them (2.x)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from evportal.accounts.models import ApiKey, User
from stations import commands, events
from stations.exceptions import Refused
from stations.files import tickets
from stations.firmware import states
from stations.models import Command, Event, FirmwareImage, Publication, Station
from stations.ocpp import spelling_maintenance

State = Publication.State


@transaction.atomic
def publish(
    *, station: Station, image: FirmwareImage, by: User | ApiKey | None = None, reason: str = ""
) -> Publication:
    """Have a local controller fetch the image and offer it. Raises `Refused`."""
    if station.ocpp_version in ("", "1.6"):
        raise Refused("Only local controllers of OCPP 2.x publish firmware.")
    if image.operator_id != station.site.operator_id or image.is_retired:
        raise Refused("This firmware is not offered here.")
    if len(image.md5) != 32:
        raise Refused("Say the file's MD5 checksum first: the controller checks what it fetches by it.")
    now = timezone.now()
    publication = Publication.objects.create(station=station, image=image, state_at=now)
    expires_at = now + timedelta(hours=settings.FIRMWARE_HOURS)
    location = image.url or tickets.for_firmware(image=image, station=station, expires_at=expires_at)
    action, payload = spelling_maintenance.publish_firmware(publication.pk, location, image.md5, 2, 120)
    publication.command = commands.send(
        station=station, action=action, payload=payload, by=by, reason=reason or f"publish {image.version}"
    )
    publication.save(update_fields=["command"])
    return publication


@transaction.atomic
def unpublish(*, publication: Publication, by: User | ApiKey | None = None) -> Command:
    """Have the controller offer it no longer; its answer decides."""
    if publication.state not in (State.PUBLISHED, State.RUNNING):
        raise Refused("It is not published.")
    action, payload = spelling_maintenance.unpublish_firmware(publication.image.md5)
    command = commands.send(
        station=publication.station, action=action, payload=payload, by=by, reason="withdraw firmware"
    )
    Publication.objects.filter(pk=publication.pk).update(withdrawal=command)
    return command


def command_finished(command: Command) -> None:
    answered = command.status == Command.Status.ANSWERED
    answer = (command.response or {}).get("status", "") if answered else ""
    now = command.reached_at
    if command.action == "PublishFirmware":
        mine = Publication.objects.filter(command=command, state=State.REQUESTED)
        if answer == "Accepted":
            mine.update(state=State.RUNNING, state_at=now)
        else:
            why = command.error_description or answer or str(command.get_status_display())
            mine.update(state=State.FAILED, state_at=now, problem=why[:200])
    elif command.action == "UnpublishFirmware":
        mine = Publication.objects.filter(withdrawal=command)
        if answer in ("Unpublished", "NoFirmware"):
            mine.update(state=State.UNPUBLISHED, state_at=now, problem="", locations=[])
        else:
            why = {"DownloadOngoing": "A charger is downloading it from there just now."}.get(
                answer, command.error_description or answer or str(command.get_status_display())
            )
            mine.update(problem=why[:200])


@transaction.atomic
def report(
    *,
    station: Station,
    status: str,
    request_id: int | None,
    locations: list[str],
    received_at: datetime,
    info: str = "",
) -> None:
    """PublishFirmwareStatusNotification; the newest one wins, by when we received it."""
    mine = Publication.objects.select_for_update().filter(station=station)
    found = mine.filter(pk=request_id).first() if request_id is not None else mine.first()
    state = states.PUBLICATION.get(status)
    if found is None or state is None:
        return
    if state == State.FAILED:
        events.record(
            [
                Event(
                    station=station,
                    kind=Event.Kind.FIRMWARE,
                    code=f"PublishFirmware.{status}",
                    severity=4,
                    at=received_at,
                    received_at=received_at,
                    text=info,
                )
            ]
        )
    if received_at < found.state_at or found.state == State.UNPUBLISHED:
        return
    Publication.objects.filter(pk=found.pk).update(
        state=state,
        state_at=received_at,
        status=status,
        problem=info[:200] if state == State.FAILED else "",
        locations=[str(each)[:2000] for each in locations[:20]] if state == State.PUBLISHED else [],
    )
