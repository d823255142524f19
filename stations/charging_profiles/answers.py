"""What stations say of profiles: their answers to our calls, their reports, and limits that others set."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from stations import events
from stations.charging_profiles import actions, build, spelling
from stations.models import Command, Event, Evse, InstalledProfile, Session, Station

log = logging.getLogger(__name__)
State = InstalledProfile.State
GONE = "no longer at the charger"

#: A station that has just come is busy with other things.
SETTLED = timedelta(seconds=20)
#: How long to wait after the first refusal, the second, …; after the last one somebody has to look.
BACKOFF = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60, 60)]


@transaction.atomic
def command_finished(command: Command) -> None:
    """Keep the rows true, also for calls that people sent by hand."""
    answered = {
        "SetChargingProfile": _set,
        "ClearChargingProfile": _cleared,
        "GetChargingProfiles": _asked,
        "UpdateDynamicSchedule": _updated,
    }.get(command.action)
    if answered is not None:
        answered(command)


def _set(command: Command) -> None:
    row = InstalledProfile.objects.select_for_update().filter(command=command, state=State.SENT).first()
    if command.accepted:
        apply(row or _by_hand(command), now=timezone.now())
    elif row is not None:
        refused(row, why(command), now=timezone.now())


def why(command: Command) -> str:
    """Why a call had no effect, in a few words."""
    response = command.response or {}
    if command.status == Command.Status.ANSWERED:
        info = response.get("statusInfo") or {}
        words = [response.get("status", ""), info.get("reasonCode", ""), info.get("additionalInfo", "")]
    else:
        words = [command.get_status_display(), command.error_code, command.error_description]
    return " · ".join(str(word) for word in words if word)[:200]


def _by_hand(command: Command) -> InstalledProfile:
    number, profile = spelling.profile_of(command.payload)
    return _row(command.station, number, profile)


def _row(station: Station, evse_number: int, profile: dict) -> InstalledProfile:
    """A profile that no row tells of yet, not stored."""
    purpose = build.neutral(profile["chargingProfilePurpose"])
    transaction_id = str(profile.get("transactionId") or "")
    session = Session.objects.filter(station=station, transaction_id=transaction_id).first()
    return InstalledProfile(
        station=station,
        evse=Evse.objects.filter(station=station, number=evse_number).first(),
        session=session if transaction_id and purpose == build.TX else None,
        profile_id=build.profile_number(profile),
        purpose=purpose,
        kind=profile["chargingProfileKind"],
        stack_level=profile["stackLevel"],
        profile=profile,
    )


def apply(row: InstalledProfile, *, now: datetime) -> None:
    """The station holds it now; what it replaced there is gone (1.6 §5.16.2, 2.x K01.FR.05)."""
    rivals = InstalledProfile.objects.filter(station=row.station, state=State.ACCEPTED).exclude(pk=row.pk)
    same_place = Q(evse=row.evse, purpose=row.purpose, stack_level=row.stack_level, session=row.session)
    end(rivals.filter(Q(profile_id=row.profile_id) | same_place), "replaced", now=now)
    row.state, row.reason, row.retry_at, row.installed_at = State.ACCEPTED, "", None, now
    row.save()


def refused(row: InstalledProfile, reason: str, *, now: datetime) -> None:
    """Not applied: said so, and tried again later and later while the wish still stands."""
    row.state, row.reason = State.REJECTED, reason
    is_worth_it = row.attempts <= len(BACKOFF) and (row.until is None or row.until > now)
    row.retry_at = now + BACKOFF[row.attempts - 1] if is_worth_it else None
    row.save(update_fields=["state", "reason", "retry_at"])


def end(rows: QuerySet[InstalledProfile], reason: str, *, now: datetime) -> int:
    return rows.update(state=State.CLEARED, reason=reason, ended_at=now, retry_at=None)


def _cleared(command: Command) -> None:
    """“Unknown” means that the station has no such profile: then it isn't there either."""
    status = (command.response or {}).get("status")
    if command.status != Command.Status.ANSWERED or status not in ("Accepted", "Unknown"):
        return
    wanted = spelling.cleared_by(command.payload)
    rows = InstalledProfile.objects.filter(station=command.station, sent_at__lte=command.created_at)
    rows = rows.exclude(state=State.CLEARED).exclude(purpose=build.EXTERNAL)
    if "number" in wanted:
        rows = rows.filter(profile_id=wanted["number"])
    if "evse_number" in wanted:
        rows = (
            rows.filter(evse__number=wanted["evse_number"])
            if wanted["evse_number"]
            else rows.filter(evse=None)
        )
    if "purpose" in wanted:
        rows = rows.filter(purpose=wanted["purpose"])
    if "stack_level" in wanted:
        rows = rows.filter(stack_level=wanted["stack_level"])
    end(rows, "cleared" if status == "Accepted" else "unknown to the charger", now=timezone.now())


def _asked(command: Command) -> None:
    if (command.response or {}).get("status") == "NoProfiles":
        _missing(_asked_for(command), now=timezone.now())


def _missing(rows: QuerySet[InstalledProfile], *, now: datetime) -> None:
    """The station lost them, perhaps in a restart: limits that still should hold are sent anew."""
    lasting = Q(until=None) | Q(until__gt=now)
    wanted = rows.filter(lasting, limit_w__isnull=False, source="CSO").exclude(purpose=build.TX)
    wanted.update(state=State.REJECTED, reason=GONE, retry_at=now, attempts=1)
    end(rows, GONE, now=now)


def _asked_for(command: Command) -> QuerySet[InstalledProfile]:
    """The rows that a GetChargingProfiles asks about, as far as they were there when it was sent."""
    criteria, payload = command.payload.get("chargingProfile") or {}, command.payload
    rows = InstalledProfile.objects.filter(
        station=command.station, state=State.ACCEPTED, installed_at__lte=command.sent_at or command.created_at
    )
    if (number := payload.get("evseId")) is not None:
        rows = rows.filter(evse__number=number) if number else rows.filter(evse=None)
    if purpose := criteria.get("chargingProfilePurpose"):
        rows = rows.filter(purpose=purpose)
    if (stack_level := criteria.get("stackLevel")) is not None:
        rows = rows.filter(stack_level=stack_level)
    if numbers := criteria.get("chargingProfileId"):
        rows = rows.filter(profile_id__in=numbers)
    if sources := criteria.get("chargingLimitSource"):
        rows = rows.filter(source__in=sources)
    return rows


def _updated(command: Command) -> None:
    """A refused update leaves the profile as it was before; the wish is sent as a new profile."""
    row = InstalledProfile.objects.select_for_update().filter(command=command, state=State.ACCEPTED).first()
    if row is not None and not command.accepted:
        refused(row, why(command), now=timezone.now())


@transaction.atomic
def reported(*, station: Station, payload: dict, now: datetime) -> None:
    """One part of a ReportChargingProfiles; with the last one, what wasn't named is known to be gone."""
    request_id = payload["requestId"]
    for profile in payload["chargingProfile"]:
        number = build.profile_number(profile)
        row = (
            InstalledProfile.objects.select_for_update()
            .filter(station=station, profile_id=number, state__in=InstalledProfile.HELD)
            .first()
        )
        row = row or _row(station, payload["evseId"], profile)
        row.source, row.reported_in = payload["chargingLimitSource"], request_id
        if row.state != State.ACCEPTED or row.pk is None:
            apply(row, now=now)
        else:
            row.profile = profile
            row.save(update_fields=["source", "reported_in", "profile"])
    if payload.get("tbc"):
        return
    command = Command.objects.filter(
        station=station, action="GetChargingProfiles", payload__requestId=request_id
    ).first()
    if command is not None:
        _missing(_asked_for(command).exclude(reported_in=request_id), now=now)


@transaction.atomic
def limited_by_others(*, station: Station, payload: dict, now: datetime) -> None:
    """NotifyChargingLimit: an energy manager or the grid limits the station or one EVSE (K11, K12)."""
    evse = Evse.objects.filter(station=station, number=payload.get("evseId") or 0).first()
    source = payload["chargingLimit"]["chargingLimitSource"]
    others = InstalledProfile.objects.filter(
        station=station, evse=evse, purpose=build.EXTERNAL, source=source, state=State.ACCEPTED
    )
    end(others, "replaced", now=now)
    words = []
    for n, schedule in enumerate(payload.get("chargingSchedule") or []):
        value, unit = build.first_limit({"chargingSchedule": schedule})
        words.append(f"{value:g} {unit}" if value is not None else unit)
        InstalledProfile.objects.create(
            station=station,
            evse=evse,
            # The station doesn't say its number; a negative one is never used on the wire.
            profile_id=_unused_number(station) - n,
            purpose=build.EXTERNAL,
            kind="Absolute",
            profile={"chargingSchedule": [schedule]},
            limit_w=_watts(value, unit, schedule),
            source=source,
            state=State.ACCEPTED,
            installed_at=now,
        )
    is_critical = bool(payload["chargingLimit"].get("isGridCritical"))
    _record(station, evse, source, ", ".join(words) or "limited", 5 if is_critical else 8, now)


def _watts(value: float | None, unit: str, schedule: dict) -> Decimal | None:
    if value is None:
        return None
    phases = schedule["chargingSchedulePeriod"][0].get("numberPhases") or 3
    return Decimal(str(value)) * (build.PHASE_VOLTAGE * phases if unit == "A" else 1)


def _unused_number(station: Station) -> int:
    numbers = InstalledProfile.objects.filter(station=station, profile_id__lt=0)
    return min(numbers.order_by("profile_id").values_list("profile_id", flat=True).first() or 0, 0) - 1


@transaction.atomic
def freed_by_others(*, station: Station, payload: dict, now: datetime) -> None:
    """ClearedChargingLimit (K13)."""
    evse = Evse.objects.filter(station=station, number=payload.get("evseId") or 0).first()
    source = payload["chargingLimitSource"]
    rows = InstalledProfile.objects.filter(
        station=station, purpose=build.EXTERNAL, source=source, state=State.ACCEPTED
    )
    end(rows.filter(evse=evse) if evse else rows, "lifted by its source", now=now)
    _record(station, evse, source, "lifted", 8, now, is_cleared=True)


def _record(
    station: Station, evse: Evse | None, source: str, text: str, severity: int, now, *, is_cleared=False
) -> None:
    events.record(
        [
            Event(
                station=station,
                evse=evse,
                kind=Event.Kind.CHARGING_LIMIT,
                code=source,
                text=text,
                severity=severity,
                at=now,
                received_at=now,
                is_cleared=is_cleared,
            )
        ]
    )


def session_ended(session: Session) -> None:
    """A TxProfile lives no longer than its transaction."""
    rows = InstalledProfile.objects.filter(session=session).exclude(state=State.CLEARED)
    end(rows, "its session ended", now=timezone.now())


def retry_due(now: datetime) -> int:
    """Profiles that were refused and whose time to be tried again has come."""
    due = InstalledProfile.objects.filter(retry_at__lte=now, state=State.REJECTED)
    count = 0
    for row_id in due.values_list("pk", flat=True)[:200]:
        with transaction.atomic():
            row = (
                InstalledProfile.objects.select_for_update(skip_locked=True, of=("self",))
                .select_related("station", "evse", "session")
                .filter(pk=row_id, retry_at__lte=now, state=State.REJECTED)
                .first()
            )
            if row is None:
                continue
            if (row.until and row.until <= now) or (row.session and not row.session.is_open):
                end(InstalledProfile.objects.filter(pk=row.pk), "no longer wanted", now=now)
            elif not row.station.is_online:
                # It is tried when it is back; asking in vain would use up the attempts.
                InstalledProfile.objects.filter(pk=row.pk).update(retry_at=now + BACKOFF[0])
            else:
                actions.send_again(row=row)
                count += 1
    return count


def read_back_due(now: datetime) -> int:
    """After a restart, 2.x stations are asked whether they still hold what they should."""
    asked = Command.objects.filter(
        station=OuterRef("pk"), action="GetChargingProfiles", created_at__gt=OuterRef("booted_at")
    )
    held = InstalledProfile.objects.filter(
        station=OuterRef("pk"), state=State.ACCEPTED, source="CSO", installed_at__lt=OuterRef("booted_at")
    )
    stations = Station.objects.filter(
        Exists(held),
        ~Exists(asked),
        connection__isnull=False,
        registration=Station.Registration.ACCEPTED,
        ocpp_version__startswith="2",
        booted_at__lt=now - SETTLED,
    )[:50]
    for station in stations:
        actions.read_back(station=station, reason="after a restart")
    return len(stations)


def end_due(now: datetime) -> int:
    """Limits whose time is over hold no longer, whether or not the station drops them by itself."""
    return end(InstalledProfile.objects.held().filter(until__lte=now), "its time is over", now=now)


def pulled(*, station: Station, number: int) -> dict:
    """The answer to PullDynamicScheduleUpdate: the limit that holds now (2.1 K28)."""
    row = InstalledProfile.objects.held().filter(station=station, profile_id=number, kind="Dynamic").first()
    if row is None:
        info = {"reasonCode": "NotFound", "additionalInfo": "No dynamic profile of this number is known."}
        return {"status": "Rejected", "statusInfo": info}
    return {"scheduleUpdate": {"limit": actions.dynamic_limit(row)}, "status": "Accepted"}
