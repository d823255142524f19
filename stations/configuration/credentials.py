"""Which passwords a station may sign in with: its own, and beside it one that is on its way to it."""

from __future__ import annotations

import logging
import re
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from stations.configuration import masking
from stations.exceptions import Refused
from stations.models import Command, ConfigurationRun, Provisioning, Station
from stations.models.configuration import TAKEN

log = logging.getLogger(__name__)

HEX_KEY = re.compile(r"(?:[0-9A-Fa-f]{2}){16,20}")


class UnderWay(Refused):
    default = "A new password is on its way already: the charger has to sign in with it first."


@transaction.atomic
def expect(*, station: Station, password: str, command_id: UUID) -> None:
    """This command is about to give the station a password: take it beside the old one."""
    row = Provisioning.of(station)
    if row.next_password_hash and not _came_to_nothing(station, row):
        raise UnderWay
    row.next_password_hash = Station.hashed(_text(password))
    row.next_password_at, row.next_password_command = timezone.now(), command_id
    row.save(update_fields=["next_password_hash", "next_password_at", "next_password_command"])


def _came_to_nothing(station: Station, row: Provisioning) -> bool:
    """Whether the password on its way was not taken: the station has since signed in with its old one."""
    runs = station.configuration_runs.filter(kind=ConfigurationRun.Kind.PASSWORD)
    last = runs.exclude(status=ConfigurationRun.Status.RUNNING, command=None).first()
    connected_at = Station.objects.values_list("connected_at", flat=True).get(pk=station.pk)
    return (
        last is not None
        and last.status == ConfigurationRun.Status.FAILED
        and connected_at is not None
        and connected_at > row.next_password_at
    )


def _text(password: str) -> str:
    """A 1.6 key in one spelling; any other password as it is."""
    return password.upper() if HEX_KEY.fullmatch(password) else password


def command_finished(command: Command) -> None:
    """The station's answer to a new password. Without one, nobody knows which it has: both count."""
    if masking.new_password(command.payload) is None:
        return
    status = Command.Status
    never_left = command.status in (status.OFFLINE, status.TIMED_OUT) and command.sent_at is None
    refused = command.status == status.ERROR or (command.status == status.ANSWERED and not taken(command))
    if never_left or refused:
        forget(station=command.station, command_id=command.pk)


def taken(command: Command) -> bool:
    response = command.response or {}
    if command.action == "ChangeConfiguration":
        return response.get("status") in TAKEN
    for each in response.get("setVariableResult") or []:
        if each.get("variable", {}).get("name") == masking.VARIABLE:
            return each.get("attributeStatus") in TAKEN
    return False


@transaction.atomic
def forget(*, station: Station, command_id: UUID | None = None) -> None:
    """The station did not take it, or somebody gives up waiting: the old password alone counts again.

    With a command, only where it is the one that was to give it.
    """
    rows = Provisioning.objects.filter(station=station)
    if command_id is not None:
        rows = rows.filter(next_password_command=command_id)
    rows.update(next_password_hash="", next_password_at=None, next_password_command=None)


# At the door


def spellings(password: str, raw: bytes) -> list[str]:
    """What a presented password may mean: itself, a 1.6 key in hex digits, or that key's bytes."""
    found = [password] if password else []
    if HEX_KEY.fullmatch(password):
        found.append(password.upper())
    if 16 <= len(raw) <= 20:
        found += [raw.hex().upper(), raw.hex()]
    return list(dict.fromkeys(found))


def check(station: Station, password: str, raw: bytes) -> str:
    """Which of its passwords the station presents: "current", "next" or none of them."""
    tries = spellings(password, raw)
    if any(station.check_password(each) for each in tries):
        return "current"
    upcoming = getattr(station, "provisioning", None)
    hashed = upcoming.next_password_hash if upcoming is not None else ""
    return "next" if any(Station.matches(each, hashed) for each in tries) else ""


@transaction.atomic
def used(*, station: Station) -> None:
    """The station has signed in with its new password: from now on it alone counts."""
    row = Provisioning.of(station)
    if not row.next_password_hash:
        return
    Station.objects.filter(pk=station.pk).update(password_hash=row.next_password_hash)
    station.password_hash = row.next_password_hash
    forget(station=station)
    log.info("Station %s signs in with its new password", station.pk)
