"""Codes that change on a station's display: set up on the station, checked when somebody scans one."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from stations import commands
from stations.exceptions import Refused
from stations.models import Command, Evse, Station, WebPayments
from stations.models.paying import new_code
from stations.paying import totp

Status = WebPayments.Status
#: How long a station keeps the place for somebody who is paying on the phone.
PAYING_S = 300
NEEDED = ("URLTemplate", "SharedSecret")


def template(row: WebPayments) -> str:
    """The address that the station makes its codes of; words in braces are the standard's."""
    return f"{settings.PUBLIC_URL}/q/{row.code}/{{evse}}/{{totp}}/?v={{version}}"


@transaction.atomic
def switch_on(*, station: Station, validity_s: int = 60, length: int = 8, by=None) -> WebPayments:
    """Give the station a fresh secret and the form of its codes; codes of before are worth nothing then."""
    if station.ocpp_version != "2.1":
        raise Refused("Only OCPP 2.1 chargers show codes that change.")
    if not (6 <= validity_s <= 3600 and 6 <= length <= 64):
        raise Refused("A code is valid for 6 to 3600 seconds, and its password has 6 to 64 characters.")
    row, _new = WebPayments.objects.get_or_create(station=station)
    row.nonce, row.validity_s, row.length = new_code(), validity_s, length
    row.status, row.error = Status.SENDING, ""
    values = {
        "URLTemplate": template(row),
        "TOTPVersion": totp.VERSION,
        "ValidityTime": str(validity_s),
        "Length": str(length),
        "SharedSecret": row.secret,
        "Enabled": "true",
    }
    row.command = _set(station, values, by)
    row.save()
    return row


@transaction.atomic
def switch_off(*, station: Station, by=None) -> None:
    if WebPayments.objects.filter(station=station).update(status=Status.OFF, error=""):
        _set(station, {"Enabled": "false"}, by)


def _set(station: Station, values: dict[str, str], by) -> Command:
    data = [
        {"component": {"name": "WebPaymentsCtrlr"}, "variable": {"name": name}, "attributeValue": value}
        for name, value in values.items()
    ]
    return commands.send(
        station=station,
        action="SetVariables",
        payload={"setVariableData": data},
        by=by,
        reason="codes on the display",
    )


def command_finished(command: Command) -> None:
    """A station may lack some of it; without an address and a secret there is no code."""
    if command.action != "SetVariables":
        return
    row = WebPayments.objects.filter(command=command, status=Status.SENDING).first()
    if row is None:
        return
    results = {
        result["variable"]["name"]: result["attributeStatus"]
        for result in (command.response or {}).get("setVariableResult") or []
    }
    refused = [name for name in NEEDED if results.get(name) not in ("Accepted", "RebootRequired")]
    row.status = Status.REFUSED if refused else Status.ON
    row.error = ", ".join(f"{name}: {results.get(name, command.error_code)}" for name in refused)[:255]
    row.save(update_fields=["status", "error"])


def scanned(*, code: str, evse_number: int, said: str, now: datetime) -> Evse | None:
    """The EVSE of a code that somebody scanned; None where it has run out or never was one of ours."""
    row = WebPayments.objects.filter(code=code).exclude(status=Status.OFF).first()
    if row is None or not totp.is_valid(said, row.secret, now, validity_s=row.validity_s, length=row.length):
        return None
    return Evse.objects.public().filter(station=row.station_id, number=evse_number).first()


def payment_started(*, evse: Evse, timeout_s: int = PAYING_S) -> Command | None:
    """Somebody is paying on the phone: the station starts nobody else there meanwhile."""
    station = evse.station
    on = WebPayments.objects.filter(station=station, status=Status.ON).exists()
    if not on or not station.is_online or station.ocpp_version != "2.1":
        return None
    return commands.send(
        station=station,
        action="NotifyWebPaymentStarted",
        payload={"evseId": evse.number, "timeout": timeout_s},
        reason="somebody is paying",
    )
