"""Set, clear and read back what limits a station; each is a row first, then a call."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from stations import commands, profiles
from stations.charging_profiles import build, spelling
from stations.exceptions import Refused
from stations.models import (
    ChargingProfile,
    Command,
    Connector,
    Evse,
    InstalledProfile,
    Session,
    SmartCharging,
    Station,
)
from stations.ocpp import schemas

#: Named profiles go by their own small numbers; limits by these, one for each place, purpose and stack level,
#: so that a new limit replaces the one before it at the charger itself.
LIMITS_FROM = 1_000_000_000
NUMBERS = {purpose: n for n, purpose in enumerate(build.PURPOSES["2.1"])}
State = InstalledProfile.State


class NoSuchLimit(Refused):
    default = "This charger can't be limited like that."


def abilities(station: Station) -> build.Abilities:
    row = SmartCharging.objects.filter(station=station).first()
    if row is None:
        return build.Abilities()
    return build.Abilities(row.rate_units, row.max_stack_level, row.max_periods)


@transaction.atomic
def set_limit(
    *,
    station: Station | None = None,
    evse: Evse | None = None,
    session: Session | None = None,
    watts: Decimal | int | None = None,
    amps: Decimal | int | None = None,
    phases: int = 3,
    until: datetime | None = None,
    purpose: str = "",
    stack_level: int = 0,
    is_dynamic: bool = False,
    by=None,
    reason: str = "",
    keep_for: timedelta | None = None,
) -> InstalledProfile:
    """Hold a session, an EVSE or a whole station to so many watts (or amperes a phase), from now until then.

    A session's limit ends with it; an EVSE's holds for whoever charges there; a station's is shared by its
    EVSEs. A new limit at the same place and `stack_level` replaces the old one. Raises `NoSuchLimit`.
    """
    evse = evse or (session.evse if session else None)
    station = station or evse.station
    if session is not None and not session.is_open:
        raise NoSuchLimit("This session has ended.")
    if purpose == "":
        purpose = build.TX if session else build.TX_DEFAULT if evse else build.STATION_MAX
    if purpose in (build.STATION_MAX, build.LOCAL):
        evse = None
    now = timezone.now()
    is_dc = evse is not None and evse.connectors.filter(power_type=Connector.PowerType.DC).exists()
    try:
        profile = build.limit(
            version_of(station),
            purpose,
            number=limit_number(evse, purpose, stack_level),
            watts=None if watts is None else Decimal(watts),
            amps=None if amps is None else Decimal(amps),
            phases=phases,
            is_dc=is_dc,
            starts_at=now,
            until=until,
            stack_level=stack_level,
            transaction_id=session.transaction_id if session else "",
            is_dynamic=is_dynamic,
            abilities=abilities(station),
        )
    except build.UnbuildableLimit as problem:
        raise NoSuchLimit(str(problem)) from problem
    wished = Decimal(watts) if watts is not None else Decimal(amps) * build.PHASE_VOLTAGE * phases
    running = _dynamic_at(station, build.profile_number(profile)) if is_dynamic else None
    if running is not None:
        return update_dynamic(row=running, watts=wished, by=by, reason=reason)
    return _send(
        station=station,
        evse=evse,
        session=session,
        profile=profile,
        limit_w=wished,
        until=until,
        by=by,
        reason=reason,
        keep_for=keep_for,
    )


@transaction.atomic
def install(
    *,
    profile: dict | ChargingProfile,
    station: Station,
    evse: Evse | None = None,
    session: Session | None = None,
    by=None,
    reason: str = "",
    keep_for: timedelta | None = None,
) -> InstalledProfile:
    """Send a profile, named or made elsewhere; refuses what the standard or the station forbids."""
    named = profile if isinstance(profile, ChargingProfile) else None
    words = profiles.numbered(named.profile, named.pk) if named else dict(profile)
    version = version_of(station)
    if version not in profiles.versions(words):
        raise NoSuchLimit(f"This profile isn't one that OCPP {version} knows.")
    evse = evse or (session.evse if session else None)
    if wrong := build.problem(
        version,
        words,
        evse_number=evse.number if evse else 0,
        has_session=session is not None and session.is_open,
        abilities=abilities(station),
    ):
        raise NoSuchLimit(wrong)
    if build.neutral(words["chargingProfilePurpose"]) == build.TX:
        words["transactionId"] = int(session.transaction_id) if version == "1.6" else session.transaction_id
    else:
        # A transaction's id belongs to a TxProfile alone.
        words.pop("transactionId", None)
        session = None
    return _send(
        station=station,
        evse=evse,
        session=session,
        profile=words,
        named=named,
        by=by,
        reason=reason,
        keep_for=keep_for,
    )


def _send(
    *,
    station: Station,
    evse: Evse | None,
    session: Session | None,
    profile: dict,
    limit_w: Decimal | None = None,
    until: datetime | None = None,
    named: ChargingProfile | None = None,
    by=None,
    reason: str = "",
    keep_for: timedelta | None = None,
) -> InstalledProfile:
    number = build.profile_number(profile)
    # What was refused at this place and waits to be tried again is overtaken.
    InstalledProfile.objects.filter(station=station, profile_id=number, state=State.REJECTED).update(
        state=State.CLEARED, reason="replaced", ended_at=timezone.now(), retry_at=None
    )
    action, payload = spelling.set_profile(version_of(station), evse.number if evse else 0, profile)
    command = commands.send(
        station=station, action=action, payload=payload, by=by, reason=reason, keep_for=keep_for
    )
    return InstalledProfile.objects.create(
        station=station,
        evse=evse,
        session=session if build.neutral(profile["chargingProfilePurpose"]) == build.TX else None,
        profile_id=number,
        purpose=build.neutral(profile["chargingProfilePurpose"]),
        kind=profile["chargingProfileKind"],
        stack_level=profile["stackLevel"],
        profile=profile,
        limit_w=limit_w,
        until=until,
        named=named,
        command=command,
    )


@transaction.atomic
def send_again(*, row: InstalledProfile) -> None:
    """Once more what was refused, made anew in case the station has meanwhile said what it takes."""
    profile = row.profile
    if row.limit_w is not None:
        is_dc = (
            row.evse is not None and row.evse.connectors.filter(power_type=Connector.PowerType.DC).exists()
        )
        try:
            profile = build.limit(
                version_of(row.station),
                row.purpose,
                number=row.profile_id,
                watts=row.limit_w,
                phases=build.phases(row.profile),
                is_dc=is_dc,
                starts_at=timezone.now(),
                until=row.until,
                stack_level=row.stack_level,
                transaction_id=row.session.transaction_id if row.session else "",
                is_dynamic=row.kind == "Dynamic",
                abilities=abilities(row.station),
            )
        except build.UnbuildableLimit as problem:
            row.retry_at, row.reason = None, str(problem)[:200]
            row.save(update_fields=["retry_at", "reason"])
            return
    number = row.evse.number if row.evse else 0
    action, payload = spelling.set_profile(version_of(row.station), number, profile)
    row.command = commands.send(station=row.station, action=action, payload=payload, reason="limit again")
    row.state, row.retry_at, row.profile = State.SENT, None, profile
    row.attempts += 1
    row.save(update_fields=["command", "state", "retry_at", "profile", "attempts"])


@transaction.atomic
def clear(*, row: InstalledProfile, by=None, reason: str = "") -> Command:
    """Ask the station to drop one profile; the row ends when it answers."""
    InstalledProfile.objects.filter(pk=row.pk).update(retry_at=None)
    action, payload = spelling.clear(version_of(row.station), number=row.profile_id)
    return commands.send(station=row.station, action=action, payload=payload, by=by, reason=reason)


@transaction.atomic
def clear_limit(
    *,
    station: Station | None = None,
    evse: Evse | None = None,
    session: Session | None = None,
    purpose: str = "",
    stack_level: int = 0,
    by=None,
    reason: str = "",
) -> Command | None:
    """Take away what `set_limit` set at this place; None where nothing is known of one."""
    evse = evse or (session.evse if session else None)
    station = station or evse.station
    if purpose == "":
        purpose = build.TX if session else build.TX_DEFAULT if evse else build.STATION_MAX
    if purpose in (build.STATION_MAX, build.LOCAL):
        evse = None
    rows = InstalledProfile.objects.filter(
        station=station, profile_id=limit_number(evse, purpose, stack_level)
    )
    if session is not None:
        rows = rows.filter(session=session)
    row = rows.filter(Q(state__in=InstalledProfile.HELD) | Q(retry_at__isnull=False)).first()
    return clear(row=row, by=by, reason=reason) if row else None


@transaction.atomic
def clear_all(*, station: Station, purpose: str = "", by=None, reason: str = "") -> Command:
    """Everything that the operator set there, or all of one purpose."""
    InstalledProfile.objects.filter(station=station).update(retry_at=None)
    action, payload = spelling.clear(version_of(station), purpose=purpose)
    return commands.send(station=station, action=action, payload=payload, by=by, reason=reason)


@transaction.atomic
def read_back(*, station: Station, evse: Evse | None = None, by=None, reason: str = "") -> Command:
    """Ask a 2.x station for every profile that it holds; ReportChargingProfiles follow."""
    if version_of(station) == "1.6":
        raise NoSuchLimit("OCPP 1.6 can't list profiles; ask for the resulting schedule instead.")
    payload: dict = {"requestId": secrets.randbelow(2**31 - 1) + 1, "chargingProfile": {}}
    if evse:
        payload["evseId"] = evse.number
    return commands.send(station=station, action="GetChargingProfiles", payload=payload, by=by, reason=reason)


@transaction.atomic
def ask_composite(
    *, station: Station, evse: Evse | None = None, hours: int = 24, unit: str = "", by=None
) -> Command:
    """Ask what all profiles together allow; the answer stays on the command's row."""
    action, payload = spelling.composite(version_of(station), evse.number if evse else 0, hours * 3600, unit)
    return commands.send(station=station, action=action, payload=payload, by=by)


@transaction.atomic
def update_dynamic(*, row: InstalledProfile, watts: Decimal, by=None, reason: str = "") -> InstalledProfile:
    """2.1: change a dynamic profile's limit; nothing goes out while it is still what it was."""
    if row.limit_w == watts:
        return row
    row.limit_w = watts
    row.profile = with_limit(row, watts)
    row.command = commands.send(
        station=row.station,
        action="UpdateDynamicSchedule",
        payload={"chargingProfileId": row.profile_id, "scheduleUpdate": {"limit": dynamic_limit(row)}},
        by=by,
        reason=reason,
    )
    row.save(update_fields=["limit_w", "profile", "command"])
    return row


def with_limit(row: InstalledProfile, watts: Decimal) -> dict:
    """The dynamic profile with another limit, in the unit that it is in."""
    [schedule] = build.schedules(row.profile)
    per = Decimal(1)
    if schedule["chargingRateUnit"] == "A":
        per = build.PHASE_VOLTAGE * build.phases(row.profile)
    period = schedule["chargingSchedulePeriod"][0] | {"limit": round(float(watts / per), 1)}
    return row.profile | {"chargingSchedule": [schedule | {"chargingSchedulePeriod": [period]}]}


def dynamic_limit(row: InstalledProfile) -> float:
    return build.first_limit(row.profile)[0]


def _dynamic_at(station: Station, number: int) -> InstalledProfile | None:
    return InstalledProfile.objects.filter(
        station=station, profile_id=number, kind="Dynamic", state=State.ACCEPTED
    ).first()


def limit_number(evse: Evse | None, purpose: str, stack_level: int) -> int:
    return LIMITS_FROM + (evse.number if evse else 0) * 10_000 + NUMBERS[purpose] * 1000 + stack_level % 1000


def held_limit_w(evse: Evse, now: datetime) -> Decimal | None:
    """The lowest limit that the portal set for this EVSE or its whole station and that holds now."""
    rows = InstalledProfile.objects.held().filter(
        Q(evse=evse) | Q(evse=None), Q(until=None) | Q(until__gt=now), station=evse.station
    )
    return min((row.limit_w for row in rows if row.limit_w is not None), default=None)


def version_of(station: Station) -> str:
    return station.ocpp_version if station.ocpp_version in schemas.VERSIONS else "1.6"
