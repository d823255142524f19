"""The tariff with which a 2.1 station reckons and shows its prices (SetDefaultTariff)."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from stations import commands
from stations.models import Command, Evse, StationTariff

Status = StationTariff.Status


@transaction.atomic
def set_tariff(*, evse: Evse, document: dict, left_out: list[str], by=None) -> StationTariff:
    """Send the station the tariff of one EVSE, once per tariff; `left_out` says what it can't express."""
    known = StationTariff.objects.select_for_update().filter(evse=evse).first()
    if known is not None and known.document == document and known.status != Status.REFUSED and by is None:
        return known
    command = commands.send(
        station=evse.station,
        action="SetDefaultTariff",
        payload={"evseId": evse.number, "tariff": document},
        by=by,
        reason="the price here",
    )
    row, _new = StationTariff.objects.update_or_create(
        evse=evse,
        defaults={
            "tariff_id": document["tariffId"],
            "document": document,
            "left_out": left_out,
            "status": Status.SENDING,
            "error": "",
            "command": command,
            "sent_at": timezone.now(),
        },
    )
    return row


def command_finished(command: Command) -> None:
    if command.action != "SetDefaultTariff":
        return
    answer = command.response or {}
    accepted = command.status == Command.Status.ANSWERED and answer.get("status") == "Accepted"
    why = answer.get("status") or f"{command.error_code} {command.error_description}".strip()
    StationTariff.objects.filter(command=command).update(
        status=Status.SET if accepted else Status.REFUSED, error="" if accepted else str(why)[:255]
    )
