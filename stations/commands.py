"""Ask a charger to do something: a row first, then a message to the process that holds its socket."""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Iterable
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
from stations.exceptions import AlreadySent, ChargerOffline
from stations.models import Command, Evse, IdToken, Session, Station
from stations.ocpp import registering, schemas, spelling

TOKEN_LETTERS = string.ascii_uppercase + string.digits


#: How long a call may wait for a charger at most, and unless told otherwise.
LONGEST_WAIT, USUAL_WAIT = timedelta(days=30), timedelta(hours=24)


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
    schemas.check_call(station.ocpp_version or "1.6", action, payload)
    command = draft(
        station=station,
        action=action,
        payload=payload,
        by=by,
        reason=reason,
        timeout=timeout,
        keep_for=keep_for,
    )
    node, registration = Station.objects.values_list("node", "registration").get(pk=station.pk)
    if node and (why := registering.refusal(registration, action, payload)):
        refuse(command, why)
    elif not node and not command.waits:
        give_up(command)
    elif (password := masking.new_password(payload)) is not None:
        credentials.expect(station=station, password=password, command_id=command.pk)
    command.save()
    if command.is_final:
        signals.after_commit(signals.command_finished, command=command)
    elif node and not settle:
        hand_over([(node, command)])
    # Else: whoever gets the station's next socket, or sees it settled, sends what waits (hub.send_waiting).
    return command


def draft(
    *,
    station: Station,
    action: str,
    payload: dict,
    by: User | ApiKey | None = None,
    reason: str = "",
    timeout: float | None = None,
    keep_for: timedelta | None = None,
) -> Command:
    """The row of a call to come, not saved yet."""
    seconds = timeout or settings.OCPP_CALL_TIMEOUT
    shown, found = masking.take(payload)
    return Command(
        station=station,
        action=action,
        payload=shown,
        secrets=masking.sealed(found),
        reason=reason,
        created_by=by if isinstance(by, User) else None,
        api_key=by if isinstance(by, ApiKey) else None,
        expires_at=timezone.now() + (keep_for or timedelta(seconds=seconds)),
        timeout_s=max(1, round(seconds)),
        waits=bool(keep_for),
    )


def refuse(command: Command, why: str) -> None:
    """It may not be sent while the station is not accepted."""
    command.status, command.secrets = Command.Status.ERROR, ""
    command.answered_at = timezone.now()
    command.error_code, command.error_description = "SecurityError", why


def give_up(command: Command) -> None:
    """The charger is away and the call doesn't wait."""
    command.status, command.secrets = Command.Status.OFFLINE, ""
    command.answered_at = timezone.now()
    command.error_description = "The charger is not connected."


def hand_over(calls: Iterable[tuple[str, Command]]) -> None:
    """Once this is committed, tell the processes that hold the sockets: (their channel, the call)."""
    messages = [
        (node, {"type": "ocpp.command", "command": str(command.pk), "station": command.station_id})
        for node, command in calls
    ]

    async def tell():
        layer = get_channel_layer()
        for node, message in messages:
            await layer.send(node, message)

    transaction.on_commit(async_to_sync(tell))


def cancel(*, command: Command, by: User | ApiKey | None = None) -> Command:
    """Take back a call that is still waiting; raises `AlreadySent` for one on its way or over."""
    won = Command.objects.filter(pk=command.pk, status=Command.Status.QUEUED).update(
        status=Command.Status.CANCELLED,
        secrets="",
        answered_at=timezone.now(),
        error_description=f"Cancelled by {by}."[:255] if by else "Cancelled.",
    )
    if not won:
        raise AlreadySent
    command.refresh_from_db()
    signals.after_commit(signals.command_finished, command=command)
    return command


def disconnect(*, station: Station) -> None:
    """Close the station's socket after the commit, wherever it is held; it then knocks anew."""
    node = Station.objects.filter(pk=station.pk).values_list("node", flat=True).first()
    if node:
        message = {"type": "ocpp.superseded", "station": station.pk, "by": ""}
        transaction.on_commit(lambda: async_to_sync(get_channel_layer().send)(node, message), robust=True)


def not_here(command_id: UUID, channel: str) -> None:
    """The process on this channel doesn't hold the station's socket: pass the call on, or let it wait."""
    command = Command.objects.select_related("station").filter(pk=command_id).first()
    if command is None or command.status != Command.Status.QUEUED:
        return
    station = command.station
    if station.is_online and station.node and station.node != channel:
        hand_over([(station.node, command)])
    elif not command.waits:
        finish(command_id, status=Command.Status.OFFLINE, error_description="The charger is not connected.")


def waiting(station_ids: list[int]) -> list[list[UUID]]:
    """For each station the calls that wait for it to be there, the oldest first."""
    found: dict[int, list[UUID]] = {pk: [] for pk in station_ids}
    rows = Command.objects.filter(
        station__in=found, status=Command.Status.QUEUED, expires_at__gt=timezone.now()
    )
    for station_id, pk in rows.order_by("created_at").values_list("station", "pk"):
        found[station_id].append(pk)
    return [found[pk] for pk in station_ids]


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
            label="Guest" if user.is_guest else "App",
        )
    return token


def remote_start(
    *,
    evse: Evse,
    id_token: IdToken,
    by=None,
    reason: str = "",
    remote_start_id: int = 0,
    profile: dict | None = None,
    group: str = "",
) -> Command:
    """Ask the station to start charging for this token; raises `ChargerOffline`.

    `profile` is a TxProfile as the station's version writes it; `group` the token's group, 2.x only.
    """
    station = _online(evse.station)
    remote_start_id = remote_start_id or secrets.randbelow(2**31 - 1) + 1
    action, payload = spelling.remote_start(
        station.ocpp_version, evse.number, id_token.token, id_token.type, remote_start_id
    )
    payload |= spelling.start_options(station.ocpp_version, profile, group)
    return send(station=station, action=action, payload=payload, by=by, reason=reason)


def remote_stop(*, session: Session, by=None, reason: str = "") -> Command:
    """Ask the station to stop this session; raises `ChargerOffline`."""
    station = _online(session.station)
    action, payload = spelling.remote_stop(station.ocpp_version, session.transaction_id)
    return send(station=station, action=action, payload=payload, by=by, reason=reason)


def reset(
    *,
    station: Station,
    hard: bool = False,
    resume: bool = False,
    evse: Evse | None = None,
    by=None,
    reason: str = "",
    keep_for: timedelta | None = None,
) -> Command:
    """Restart it: `hard` at once, else when it is idle (1.6: in an orderly way). `evse`: that one only, 2.x.

    `resume` (2.1): at once, and what was charging goes on afterwards.
    """
    station = _online(station, keep_for)
    action, payload = spelling.reset(station.ocpp_version, hard, evse.number if evse else None, resume)
    return send(station=station, action=action, payload=payload, by=by, reason=reason, keep_for=keep_for)


def unlock(*, evse: Evse, connector_number: int = 1, by=None, reason: str = "") -> Command:
    """Let go of the plug of one connector; raises `ChargerOffline`."""
    station = _online(evse.station)
    action, payload = spelling.unlock(station.ocpp_version, evse.number, connector_number)
    return send(station=station, action=action, payload=payload, by=by, reason=reason)


def change_availability(
    *,
    station: Station,
    evse: Evse | None = None,
    connector_number: int | None = None,
    operative: bool,
    by=None,
    reason: str = "",
    keep_for: timedelta | None = None,
) -> Command:
    """In or out of service: the whole station, an EVSE, or (2.x) one of its connectors."""
    station = _online(station, keep_for)
    action, payload = spelling.change_availability(
        station.ocpp_version, evse.number if evse else None, operative, connector_number
    )
    return send(station=station, action=action, payload=payload, by=by, reason=reason, keep_for=keep_for)


def trigger(
    *,
    station: Station,
    message: str,
    evse: Evse | None = None,
    connector_number: int | None = None,
    custom: str = "",
    by=None,
    reason: str = "",
) -> Command:
    """Have the station send a message now; raises `UnknownAction` where its version can't be asked for it."""
    station = _online(station)
    action, payload = spelling.trigger(
        station.ocpp_version, message, evse.number if evse else None, connector_number, custom
    )
    return send(station=station, action=action, payload=payload, by=by, reason=reason)


def transaction_status(*, session: Session, by=None, reason: str = "") -> Command:
    """Ask a 2.x station whether it still charges, and whether it has messages left to send of it."""
    station = _online(session.station)
    return send(
        station=station,
        action="GetTransactionStatus",
        payload={"transactionId": session.transaction_id},
        by=by,
        reason=reason,
    )


def _online(station: Station, keep_for: timedelta | None = None) -> Station:
    station.refresh_from_db(fields=["connection", "node", "ocpp_version"])
    if not station.is_online and not keep_for:
        raise ChargerOffline
    return station
