"""Keep an EVSE for one driver for a time, and tell the station where it can be told."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from evportal.accounts.models import User
from stations import abilities, access, authorising, commands, events, keeping
from stations.keeping import Trouble
from stations.models import Command, Event, Evse, IdToken, Reservation, State, Station
from stations.ocpp import spelling

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
    if _end(reservation, Status.CANCELLED) and _may_know(reservation):
        _untell(reservation, reason or "reservation cancelled")


@transaction.atomic
def use(*, reservation: Reservation, station_knows: bool = False) -> None:
    """The one it was kept for has come; a station that didn't notice by itself is told to let go."""
    if _end(reservation, Status.USED) and _may_know(reservation) and not station_knows:
        _untell(reservation, "reservation used")


def _end(reservation: Reservation, status: str) -> bool:
    """Whether it was us who ended it; `reservation` then says how it stood before."""
    won = Reservation.objects.filter(pk=reservation.pk, status__in=Reservation.KEEPING)
    before = won.select_for_update(of=("self",)).values_list("status", "trouble").first()
    if before is None:
        return False
    reservation.status, reservation.trouble = before
    return bool(won.update(status=status))


def _may_know(reservation: Reservation) -> bool:
    """Whether the station keeps it, or may: one that is silent may have heard all the same.

    While a call is under way its answer decides (`command_finished`).
    """
    return reservation.status == Status.TOLD or reservation.trouble == Trouble.SILENT


def _untell(reservation: Reservation, reason: str) -> None:
    """Have the station let go of an EVSE that it keeps; one that is away, as soon as it is back."""
    station = reservation.evse.station
    left = reservation.ends_at - timezone.now()
    action, payload = spelling.cancel_reservation(station.ocpp_version, reservation.pk)
    commands.send(
        station=station,
        action=action,
        payload=payload,
        reason=reason,
        keep_for=left if left > timedelta(0) else None,
    )


def start_token(evse: Evse, user: User, now: datetime) -> IdToken | None:
    """With which token the portal starts this driver's session on an EVSE that is kept for them.

    The very token that the station was told, where it is theirs; else one of theirs that the place is kept
    for, as a card of the group's. None: the place isn't kept for them.
    """
    for row in Reservation.objects.keeping(evse, now).select_related("id_token"):
        if row.id_token.user_id == user.pk:
            return row.id_token
        place = authorising.keeping(row)
        theirs = IdToken.objects.filter(
            user=user, operator=row.id_token.operator_id, status=IdToken.Status.ACCEPTED
        ).with_places()
        for token in theirs.order_by("pk"):
            known = authorising.facts(token)
            if place.is_for(known) and access.may_charge(known, now=now).allowed:
                return token
    return None


@transaction.atomic
def dropped(*, station: Station, number: int, status: str, received_at: datetime) -> None:
    """The station let go of a reservation by itself (2.x H04: Expired, Removed; 2.1 also NoTransaction).

    From then on the portal alone refuses other tokens. Where its time is over, nothing is lost.
    """
    mine = Reservation.objects.filter(pk=number, evse__station=station, status=Status.TOLD)
    if mine.filter(ends_at__gt=received_at).update(
        status=Status.PORTAL_ONLY, trouble=Trouble.DROPPED, said=status[:40]
    ):
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
    """Tell the stations of reservations whose time has come, and again those that may have forgotten."""
    running = Q(starts_at__lte=now, ends_at__gt=now)
    fresh = Q(status=Status.SCHEDULED, command=None)
    asked = Q(command__isnull=False, evse__station__connection__isnull=False)
    rows = Reservation.objects.filter(running, fresh | asked, status__in=Reservation.KEEPING)
    count = 0
    for row in rows.select_related("evse__station", "id_token", "command").order_by("starts_at")[:500]:
        count += _is_due(row, now) and _tell(row)
    return count


def _is_due(row: Reservation, now: datetime) -> bool:
    if row.command is None:
        return row.status == Status.SCHEDULED
    if not row.command.is_final:
        return False
    station, evse = row.evse.station, row.evse
    return keeping.tell_again(
        trouble=row.trouble,
        asked_at=row.command.created_at,
        answered_at=row.command.answered_at,
        connected_at=station.connected_at,
        booted_at=station.booted_at,
        free_since=evse.state_since if evse.state == State.AVAILABLE else None,
        now=now,
    )


@transaction.atomic
def _tell(row: Reservation) -> bool:
    """Have the station keep an EVSE for one driver, and again where it may have forgotten.

    False where a parallel run was faster, or where the station can't.
    """
    mine = Reservation.objects.filter(pk=row.pk, status__in=Reservation.KEEPING, command=row.command)
    if not mine.select_for_update(skip_locked=True, of=("self",)).exists():
        return False
    station = row.evse.station
    if abilities.of(station).reservations is False:
        # Nothing to ask, now or later: `command` stays as it is.
        return bool(
            mine.exclude(trouble=Trouble.UNABLE).update(
                status=Status.PORTAL_ONLY, trouble=Trouble.UNABLE, said=""
            )
        )
    action, payload = spelling.reserve(
        station.ocpp_version,
        row.pk,
        row.evse.number,
        row.id_token.token,
        row.id_token.type,
        row.wire_group,
        row.ends_at,
    )
    command = commands.send(station=station, action=action, payload=payload, reason="slot begins")
    mine.update(command=command)
    if command.is_final:
        _note(command)
    return True


def end_due(now: datetime) -> int:
    return Reservation.objects.filter(status__in=Reservation.KEEPING, ends_at__lte=now).update(
        status=Status.EXPIRED
    )


def command_finished(command: Command) -> None:
    """What the station said to ReserveNow; a refusal leaves the portal to keep the place."""
    if command.action == "ReserveNow":
        _note(command)


@transaction.atomic
def _note(command: Command) -> None:
    found = keeping.outcome(status=command.status, response=command.response, error_code=command.error_code)
    status = Status.PORTAL_ONLY if found.trouble else Status.TOLD
    mine = Reservation.objects.filter(command=command)
    kept = mine.filter(status__in=Reservation.KEEPING)
    if kept.update(status=status, trouble=found.trouble, said=found.said if found.trouble else ""):
        return
    if found.trouble in (Trouble.NONE, Trouble.SILENT):
        # It ended while the call was under way.
        ended = mine.filter(status__in=[Status.CANCELLED, Status.USED]).select_related("evse__station")
        for row in ended:
            _untell(row, "reservation ended")
