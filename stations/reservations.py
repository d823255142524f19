"""Keep an EVSE for one driver for a time, and tell the station where it can be told."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from evportal.accounts.models import User
from stations import commands, events
from stations.models import Command, Event, Evse, IdToken, Reservation, Station
from stations.ocpp import spelling

log = logging.getLogger(__name__)
Status = Reservation.Status


@transaction.atomic
def reserve(
    *, evse: Evse, id_token: IdToken, starts_at: datetime, ends_at: datetime, user: User | None = None
) -> Reservation:
    """Keep the EVSE; from `starts_at` the portal refuses other tokens, and the station is told then."""
    return Reservation.objects.create(
        evse=evse, id_token=id_token, user=user, starts_at=starts_at, ends_at=ends_at
    )


@transaction.atomic
def cancel(*, reservation: Reservation, reason: str = "") -> None:
    """Give the EVSE free again; harmless when it already is."""
    was_told = Reservation.objects.filter(pk=reservation.pk, status=Status.TOLD).exists()
    won = Reservation.objects.filter(pk=reservation.pk, status__in=Reservation.KEEPING).update(
        status=Status.CANCELLED
    )
    if won and was_told:
        _untell(reservation, reason or "reservation cancelled")


def _untell(reservation: Reservation, reason: str) -> None:
    """Have the station let go of an EVSE that it keeps."""
    station = reservation.evse.station
    action, payload = spelling.cancel_reservation(station.ocpp_version, reservation.pk)
    commands.send(station=station, action=action, payload=payload, reason=reason)


@transaction.atomic
def dropped(*, station: Station, number: int, status: str, received_at: datetime) -> None:
    """The station let go of a reservation by itself (2.x H04: Expired, Removed; 2.1 also NoTransaction).

    From then on the portal alone refuses other tokens. Where its time is over, nothing is lost.
    """
    mine = Reservation.objects.filter(pk=number, evse__station=station, status=Status.TOLD)
    if mine.filter(ends_at__gt=received_at).update(status=Status.PORTAL_ONLY):
        events.record(
            [
                Event(
                    station=station,
                    evse=Reservation.objects.select_related("evse").get(pk=number).evse,
                    kind=Event.Kind.OTHER,
                    code=f"Reservation.{status}",
                    severity=6,
                    at=received_at,
                    received_at=received_at,
                    text="The charger let go of the place before its time was over; the portal keeps it.",
                )
            ]
        )


def begin_due(now: datetime) -> int:
    """Tell the stations of reservations whose time has come; an offline one is kept by the portal alone."""
    due = Reservation.objects.filter(
        status=Status.SCHEDULED, command=None, starts_at__lte=now, ends_at__gt=now
    ).select_related("evse__station", "id_token")
    count = 0
    for reservation in due[:500]:
        with transaction.atomic():
            if not Reservation.objects.select_for_update(skip_locked=True).filter(
                pk=reservation.pk, status=Status.SCHEDULED, command=None
            ):
                continue
            station = reservation.evse.station
            action, payload = spelling.reserve(
                station.ocpp_version,
                reservation.pk,
                reservation.evse.number,
                reservation.id_token.token,
                reservation.id_token.type,
                reservation.id_token.group,
                reservation.ends_at,
            )
            command = commands.send(station=station, action=action, payload=payload, reason="slot begins")
            Reservation.objects.filter(pk=reservation.pk).update(command=command)
            if command.status == Command.Status.OFFLINE:
                Reservation.objects.filter(pk=reservation.pk).update(status=Status.PORTAL_ONLY)
            count += 1
    return count


def end_due(now: datetime) -> int:
    return Reservation.objects.filter(status__in=Reservation.KEEPING, ends_at__lte=now).update(
        status=Status.EXPIRED
    )


def command_finished(command: Command) -> None:
    """What the station said to ReserveNow; a refusal leaves the portal to keep the place."""
    if command.action == "ReserveNow":
        told = (
            command.status == Command.Status.ANSWERED and (command.response or {}).get("status") == "Accepted"
        )
        Reservation.objects.filter(command=command, status=Status.SCHEDULED).update(
            status=Status.TOLD if told else Status.PORTAL_ONLY
        )
