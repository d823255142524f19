"""Ask a charger to do something: a row first, then a message to the process that holds its socket."""

from __future__ import annotations

import secrets
import string
import time
from datetime import timedelta
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connection, transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Value
from django.utils import timezone

from evportal.accounts.models import ApiKey, Operator, User
from stations import signals
from stations.configuration import credentials, masking
from stations.exceptions import ChargerOffline
from stations.models import Command, Evse, IdToken, Session, Station
from stations.ocpp import registering, schemas, spelling

TOKEN_LETTERS = string.ascii_uppercase + string.digits


@transaction.atomic
def send(
    *,
    station: Station,
    action: str,
    payload: dict,
    by: User | ApiKey | None = None,
    reason: str = "",
    timeout: float | None = None,
    keep_for: timedelta | None = None,
    settle: bool = False,
) -> Command:
    """Queue one call, as the station's version spells it; the row tells what became of it.

    Raises `UnknownAction` or `InvalidPayload` before anything is stored. An offline station makes the row
    `offline` at once, because a late restart or start helps nobody; with `keep_for`, the call waits that
    long for the station to come back; with `settle` also for one that is just booting to come to rest.
    Passwords in the payload are kept apart, encrypted, until the call has left.
    """
    version = station.ocpp_version or "1.6"
    schemas.check_call(version, action, payload)
    now = timezone.now()
    shown, found = masking.take(payload)
    command = Command(
        station=station,
        action=action,
        payload=shown,
        secrets=masking.sealed(found),
        reason=reason,
        created_by=by if isinstance(by, User) else None,
        api_key=by if isinstance(by, ApiKey) else None,
        expires_at=now + (keep_for or timedelta(seconds=timeout or settings.OCPP_CALL_TIMEOUT)),
        timeout_s=max(1, round(timeout or settings.OCPP_CALL_TIMEOUT)),
    )
    row = Station.objects.only("connection", "node", "registration").get(pk=station.pk)
    node = row.node if row.is_online else ""
    if node and (why := registering.refusal(row.registration, action, payload)):
        command.status, command.secrets = Command.Status.ERROR, ""
        command.answered_at = now
        command.error_code, command.error_description = "SecurityError", why
        command.save()
        signals.after_commit(signals.command_finished, command=command)
        return command
    if (node or keep_for) and (password := masking.new_password(payload)) is not None:
        credentials.expect(station=station, password=password, command_id=command.pk)
    if keep_for and (settle or not node):
        # Whoever gets the station's next socket sends what waits for it (hub.send_waiting).
        command.save()
        return command
    if not node:
        command.status, command.secrets = Command.Status.OFFLINE, ""
        command.answered_at = now
        command.error_description = "The charger is not connected."
        command.save()
        signals.after_commit(signals.command_finished, command=command)
        return command
    command.save()
    message = {"type": "ocpp.command", "command": str(command.pk), "station": station.pk}
    transaction.on_commit(lambda: async_to_sync(get_channel_layer().send)(node, message))
    return command


def waiting(station_id: int) -> list[UUID]:
    """Calls that wait for this station to be there, the oldest first."""
    rows = Command.objects.filter(
        station=station_id, status=Command.Status.QUEUED, expires_at__gt=timezone.now()
    )
    return list(rows.order_by("created_at").values_list("pk", flat=True))


def claim(command_id: UUID) -> Command | None:
    """Mark the command as sent; None where it is not ours to send any more. From now its time runs."""
    now = timezone.now()
    mine = Command.objects.filter(pk=command_id, status=Command.Status.QUEUED, expires_at__gt=now)
    won = mine.update(
        status=Command.Status.SENT,
        sent_at=now,
        expires_at=ExpressionWrapper(
            Value(now) + F("timeout_s") * Value(timedelta(seconds=1)), output_field=DateTimeField()
        ),
    )
    return Command.objects.get(pk=command_id) if won else None


def real_payload(command: Command) -> dict:
    """What goes over the wire: with the passwords that the row shows masked."""
    return masking.give_back(command.payload, masking.opened(command.secrets))


def finish(
    command_id, *, status: str, response=None, error_code: str = "", error_description: str = ""
) -> None:
    """Write a command's end on its row, once: the first end wins."""
    won = Command.objects.filter(
        pk=command_id, status__in=[Command.Status.QUEUED, Command.Status.SENT]
    ).update(
        status=status,
        response=masking.masked(response) if response else response,
        error_code=error_code[:60],
        error_description=error_description[:255],
        answered_at=timezone.now(),
        secrets="",
    )
    if won:
        command = Command.objects.select_related("station").get(pk=command_id)
        signals.after_commit(signals.command_finished, command=command)


def wait(command: Command, seconds: float) -> Command:
    """Hold on until the command has ended, or for so long; the row tells which."""
    until, pause = time.monotonic() + seconds, 0.05
    while not command.is_final and (left := until - time.monotonic()) > 0:
        if not connection.in_atomic_block:
            # Web processes share a pool of connections: who waits must not keep one from those who work.
            connection.close()
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, 0.5)
        command.refresh_from_db()
    return command


def app_token(user: User, operator: Operator) -> IdToken:
    """The token with which the portal starts this driver's sessions; made on first use.

    Twenty characters, because a 1.6 charger takes no more.
    """
    token = IdToken.objects.filter(
        user=user, operator=operator, type=IdToken.Type.CENTRAL, status=IdToken.Status.ACCEPTED
    ).first()
    if token is None:
        token = IdToken.objects.create(
            user=user,
            operator=operator,
            type=IdToken.Type.CENTRAL,
            token="".join(secrets.choice(TOKEN_LETTERS) for _i in range(20)),
            label="App",
        )
    return token


def remote_start(
    *, evse: Evse, id_token: IdToken, by=None, reason: str = "", remote_start_id: int = 0
) -> Command:
    """Ask the station to start charging for this token; raises `ChargerOffline`."""
    station = _online(evse.station)
    remote_start_id = remote_start_id or secrets.randbelow(2**31 - 1) + 1
    action, payload = spelling.remote_start(
        station.ocpp_version, evse.number, id_token.token, id_token.type, remote_start_id
    )
    return send(station=station, action=action, payload=payload, by=by, reason=reason)


def remote_stop(*, session: Session, by=None, reason: str = "") -> Command:
    """Ask the station to stop this session; raises `ChargerOffline`."""
    station = _online(session.station)
    action, payload = spelling.remote_stop(station.ocpp_version, session.transaction_id)
    return send(station=station, action=action, payload=payload, by=by, reason=reason)


def reset(*, station: Station, hard: bool = False, by=None, reason: str = "") -> Command:
    station = _online(station)
    action, payload = spelling.reset(station.ocpp_version, hard)
    return send(station=station, action=action, payload=payload, by=by, reason=reason)


def unlock(*, evse: Evse, connector_number: int = 1, by=None, reason: str = "") -> Command:
    station = _online(evse.station)
    action, payload = spelling.unlock(station.ocpp_version, evse.number, connector_number)
    return send(station=station, action=action, payload=payload, by=by, reason=reason)


def change_availability(
    *, station: Station, evse: Evse | None = None, operative: bool, by=None, reason: str = ""
) -> Command:
    station = _online(station)
    action, payload = spelling.change_availability(
        station.ocpp_version, evse.number if evse else None, operative
    )
    return send(station=station, action=action, payload=payload, by=by, reason=reason)


def _online(station: Station) -> Station:
    station.refresh_from_db(fields=["connection", "node", "ocpp_version"])
    if not station.is_online:
        raise ChargerOffline
    return station
