"""Messages on stations' displays (OCPP 2.x block O)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max

from evportal.accounts.models import User
from stations import abilities, commands
from stations.display import spelling
from stations.exceptions import Refused
from stations.models import Command, DisplayMessage, Site, Station
from stations.ocpp import wire
from stations.ocpp.routing import Incoming

Status = DisplayMessage.Status
#: A message may wait so long for a station that is away.
KEEP = timedelta(days=7)


class NoDisplay(Refused):
    default = "This charger can't be given messages: its protocol, OCPP 1.6, has none for its display."


def check(station: Station, texts: Sequence[dict], priority: str, state: str) -> None:
    """Refuse what the station is known not to take, before anything is sent."""
    if station.ocpp_version in ("", "1.6"):
        raise NoDisplay
    if not texts or not texts[0].get("content", "").strip():
        raise Refused("A message needs a text.")
    able = abilities.of(station)
    for text in texts:
        if "\x00" in text["content"]:
            raise Refused("The text has a character that no display can show.")
        if able.formats and text["format"] not in able.formats:
            raise Refused(f"This charger shows {', '.join(able.formats)}, not {text['format']}.")
        if len(text["content"]) > spelling.longest(station.ocpp_version):
            raise Refused(f"At most {spelling.longest(station.ocpp_version)} characters fit into a message.")
        if text["format"] == "QRCODE" and station.ocpp_version != "2.1":
            raise Refused("Only OCPP 2.1 chargers show a QR code.")
    if able.priorities and priority not in able.priorities:
        raise Refused(f"This charger knows the priorities {', '.join(able.priorities)}.")
    if state in ("Suspended", "Discharging") and station.ocpp_version != "2.1":
        raise Refused("Only OCPP 2.1 chargers know this state.")


@transaction.atomic
def show(
    *,
    station: Station,
    texts: Sequence[dict],
    priority: str = DisplayMessage.Priority.NORMAL_CYCLE,
    state: str = "",
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    transaction_id: str = "",
    by=None,
) -> DisplayMessage:
    """Put a message on the station's display; a station that is away gets it when it is back."""
    check(station, texts, priority, state)
    Station.objects.select_for_update().get(pk=station.pk)
    highest = DisplayMessage.objects.filter(station=station).aggregate(Max("number"))["number__max"]
    row = DisplayMessage(
        station=station,
        number=(highest or 0) + 1,
        priority=priority,
        state=state,
        starts_at=starts_at,
        ends_at=ends_at,
        transaction_id=transaction_id,
        texts=list(texts),
        created_by=by if isinstance(by, User) else None,
    )
    info = spelling.message(
        station.ocpp_version,
        number=row.number,
        priority=priority,
        state=state,
        texts=row.texts,
        starts_at=starts_at,
        ends_at=ends_at,
        transaction_id=transaction_id,
    )
    row.command = commands.send(
        station=station,
        action="SetDisplayMessage",
        payload={"message": info},
        by=by,
        reason="message for the display",
        keep_for=KEEP,
    )
    row.save()
    return row


def show_at_site(*, site: Site, by=None, **message) -> list[DisplayMessage]:
    """The same message on every charger of the site that has a display for it; raises if none has."""
    stations = site.stations.exclude(ocpp_version__in=["", "1.6"]).select_related("site")
    having = [station for station in stations if abilities.of(station).messages]
    if not having:
        raise Refused("No charger of this site has a display that takes messages.")
    with transaction.atomic():
        return [show(station=station, by=by, **message) for station in having]


@transaction.atomic
def clear(*, message: DisplayMessage, by=None) -> DisplayMessage:
    """Take a message down; harmless when it already is."""
    row = DisplayMessage.objects.select_for_update(of=("self",)).select_related("station").get(pk=message.pk)
    if row.status in (Status.CLEARED, Status.GONE, Status.REFUSED):
        return row
    if row.station.ocpp_version in ("", "1.6"):
        # It spoke 2.x when the message went up.
        raise NoDisplay
    row.clearing = commands.send(
        station=row.station,
        action="ClearDisplayMessage",
        payload={"id": row.number},
        by=by,
        reason="message for the display",
        keep_for=KEEP,
    )
    row.save(update_fields=["clearing"])
    return row


def ask(*, station: Station, by=None) -> Command:
    """Ask for all messages that the station has; they come in NotifyDisplayMessages."""
    if station.ocpp_version in ("", "1.6"):
        raise NoDisplay
    payload = {"requestId": secrets.randbelow(2**31 - 1) + 1}
    return commands.send(station=station, action="GetDisplayMessages", payload=payload, by=by)


def reported(incoming: Incoming) -> None:
    """NotifyDisplayMessages: what the station really has; what isn't in the whole report is gone."""
    payload = incoming.payload
    request = payload["requestId"]
    for info in payload.get("messageInfo") or []:
        _keep(incoming, info, request)
    if payload.get("tbc"):
        return
    asked = Command.objects.filter(
        station=incoming.station, action="GetDisplayMessages", payload={"requestId": request}
    ).first()
    if asked is not None:
        # Only what was up already when everything was asked for.
        mine = DisplayMessage.objects.filter(station=incoming.station, status=Status.SHOWN)
        mine.filter(created_at__lt=asked.created_at).exclude(reported_in=request).update(status=Status.GONE)


def _keep(incoming: Incoming, info: dict, request: int) -> None:
    texts = [info["message"], *(info.get("messageExtra") or [])]
    fields = {
        "priority": info["priority"],
        "state": info.get("state") or "",
        "starts_at": _time(info.get("startDateTime"), incoming),
        "ends_at": _time(info.get("endDateTime"), incoming),
        "transaction_id": info.get("transactionId") or "",
        "texts": [
            {
                "language": text.get("language", ""),
                "format": text["format"],
                "content": text["content"].replace("\x00", ""),
            }
            for text in texts
        ],
        "status": Status.SHOWN,
        "reported_in": request,
    }
    DisplayMessage.objects.update_or_create(
        station=incoming.station,
        number=info["id"],
        defaults=fields,
        create_defaults={**fields, "is_foreign": True},
    )


def _time(text: str | None, incoming: Incoming) -> datetime | None:
    if not text:
        return None
    try:
        return wire.parse_time(text)[0]
    except (ValueError, OverflowError):
        return None


def command_finished(command: Command) -> None:
    """What the station said to a message, to its clearing, or to being asked for all of them."""
    said = str((command.response or {}).get("status", ""))
    answered = command.status == Command.Status.ANSWERED
    if command.action == "SetDisplayMessage":
        why = said if answered else f"{command.error_code} {command.error_description}".strip()
        status = Status.SHOWN if answered and said == "Accepted" else Status.REFUSED
        DisplayMessage.objects.filter(command=command, status=Status.SENDING).update(
            status=status, error="" if status == Status.SHOWN else why[:255]
        )
    elif command.action == "ClearDisplayMessage" and answered and said in ("Accepted", "Unknown"):
        DisplayMessage.objects.filter(clearing=command).update(status=Status.CLEARED)
    elif (
        command.action == "GetDisplayMessages" and said == "Unknown" and set(command.payload) == {"requestId"}
    ):
        # It was asked for all of them, and has none.
        shown = DisplayMessage.objects.filter(station=command.station, status=Status.SHOWN)
        shown.filter(created_at__lt=command.created_at).update(status=Status.GONE)
