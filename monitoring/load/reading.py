"""What is known of a site at this moment, in a fixed number of queries, whatever its size."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from django.conf import settings
from django.db.models import F, Q

from monitoring.load import promises, wishes
from monitoring.load.measuring import CURRENT, POWER, Measured, Sample, measured
from monitoring.load.models import LoadGroup, LoadMember, LoadSite
from monitoring.load.promises import Promise
from monitoring.load.share import Fixed, Group, Phases
from monitoring.load.wishes import Point, tenths
from stations import abilities, charging_needs
from stations.charging_profiles import actions as profile_actions
from stations.charging_profiles import build
from stations.models import (
    Abilities,
    ChargingNeeds,
    Connector,
    InstalledProfile,
    Reading,
    Session,
    SmartCharging,
)

#: Above every other app's and every person's profile: what they limit is respected by the plan itself.
LEVEL = 7
#: A charger that has gone for ever would otherwise be measured by its last word.
READINGS = timedelta(minutes=3)
#: By OCPP's word: charging or not, the car has said that it wants nothing now.
SUSPENDED = (Session.ChargingState.SUSPENDED_EV, "suspended_ev")
PHASE_OF = {"R": 0, "S": 1, "T": 2}


@dataclass(frozen=True)
class Look:
    """A site as it is: its rows, and what the pure rules are asked about."""

    load_site: LoadSite
    groups: list[LoadGroup]
    members: list[LoadMember]
    sessions: dict[int, Session]
    measured: dict[int, Measured]
    promises: dict[int, Promise]
    caps: dict[int, int]
    unable: frozenset[int]
    abilities: dict[int, Abilities]
    units: dict[int, str]
    building: Phases
    building_is_stale: bool

    def tree(self) -> list[Group]:
        """Limits with the margin taken off, in tenths."""
        keep = (100 - self.load_site.margin_percent) / 100
        return [
            Group(group.pk, _three(tenths(amps * keep) or 0 for amps in group.limit), group.parent_id)
            for group in self.groups
        ]

    def others(self) -> list[Fixed]:
        root = next(group for group in self.groups if group.parent_id is None)
        return [Fixed(root.pk, self.building)]


def _three(amps) -> Phases:
    first, second, third = amps
    return first, second, third


def meter_every() -> timedelta:
    return timedelta(seconds=settings.OCPP_METER_SECONDS)


def settle() -> timedelta:
    """So long it takes until readings show what a charger was told."""
    return max(2 * meter_every(), timedelta(seconds=20))


def look(load_site: LoadSite, now: datetime, *, for_change: bool = False) -> Look:
    groups = list(load_site.groups.all())
    rows = LoadMember.objects.filter(group__load_site=load_site)
    members = list(
        (rows.select_for_update(of=("self",)) if for_change else rows)
        .select_related("evse__station", "profile", "default_profile")
        .defer("profile__profile", "default_profile__profile")
        .prefetch_related("evse__connectors")
    )
    evses = [member.evse_id for member in members]
    stations = {member.evse.station_id for member in members}
    sessions = {
        session.evse_id: session
        for session in Session.objects.open().filter(evse__in=evses).order_by("started_at")
    }
    told = {
        row.station_id: row
        for row in Abilities.objects.filter(station__in=stations).select_related("station")
    }
    able = abilities.of_many(told.values())
    building, is_stale = building_now(load_site, now)
    return Look(
        load_site=load_site,
        groups=groups,
        members=members,
        sessions=sessions,
        measured=_measured(members, sessions, now),
        promises=promises.standing(evses, sessions, now),
        caps=_caps(members, sessions, now),
        abilities=told,
        unable=frozenset(pk for pk, can in able.items() if can.smart_charging is False),
        units=dict(SmartCharging.objects.filter(station__in=stations).values_list("station", "rate_units")),
        building=building,
        building_is_stale=is_stale,
    )


def building_now(load_site: LoadSite, now: datetime) -> tuple[Phases, bool]:
    """What else draws there, in whole amperes (as tenths), and whether that is only assumed."""
    if not load_site.has_meter:
        return (0, 0, 0), False
    safe = (load_site.building_safe_l1, load_site.building_safe_l2, load_site.building_safe_l3)
    told = (load_site.building_l1, load_site.building_l2, load_site.building_l3)
    fresh = load_site.building_at is not None and now - load_site.building_at <= timedelta(
        seconds=load_site.meter_stale_s
    )
    currents = told if fresh else safe
    # Up to whole amperes: what hums along in a building changes all the time.
    return _three(-(-(tenths(amps or Decimal(0)) or 0) // 10) * 10 for amps in currents), not fresh


def kinds(member: LoadMember) -> set[str]:
    """The power types of its connectors; asked for many times in one plan."""
    if "kinds" not in member.__dict__:
        member.__dict__["kinds"] = {one.power_type for one in member.evse.connectors.all()}
    return member.__dict__["kinds"]


def wired(member: LoadMember) -> tuple[int, ...]:
    """The grid's phases at its L1, L2, L3."""
    grid = tuple(PHASE_OF[letter] for letter in member.rotation)
    return grid[:1] if kinds(member) == {Connector.PowerType.AC_1_PHASE} else grid


def is_dc(member: LoadMember) -> bool:
    return Connector.PowerType.DC in kinds(member)


def rating(member: LoadMember) -> int:
    return wishes.rating(max_power_w=member.evse.max_power_w, phases=len(wired(member)), is_dc=is_dc(member))


def _measured(members, sessions, now: datetime) -> dict[int, Measured]:
    window = max(READINGS, 4 * meter_every())
    rows = (
        Reading.objects.filter(
            evse__in=[member.evse_id for member in members],
            measurand__in=(CURRENT, POWER),
            at__gt=now - window,
            at__lte=now + timedelta(minutes=5),
        )
        .order_by("evse_id", "measurand", "phase", "-at")
        .distinct("evse_id", "measurand", "phase")
        .values_list("evse_id", "session", "at", "measurand", "phase", "value")
    )
    samples: dict[int, list[Sample]] = {}
    for evse_id, session_id, *sample in rows:
        # What the car before drew is no matter any more.
        if session_id is None or (evse_id in sessions and sessions[evse_id].pk == session_id):
            samples.setdefault(evse_id, []).append(Sample(*sample))
    found = {}
    for member in members:
        mine = samples.get(member.evse_id, [])
        session = sessions.get(member.evse_id)
        if session is not None:
            mine = [each for each in mine if each.at >= session.started_at]
        if not mine and session is not None and session.power_w is not None:
            at = session.last_reading_at
            mine = [Sample(at, POWER, "", session.power_w)] if at and at > now - window else []
        one = measured(mine, wired=wired(member), is_dc=is_dc(member))
        if one is not None:
            found[member.pk] = one
    return found


def _caps(members, sessions, now: datetime) -> dict[int, int]:
    """What others allow there, by member: limits of people and apps, and what the car says it can take.

    Our own profiles stand above theirs, so theirs are kept by the plan.
    """
    by_station: dict[int, list[InstalledProfile]] = {}
    rows = (
        InstalledProfile.objects.held()
        .filter(Q(until=None) | Q(until__gt=now), limit_w__isnull=False)
        .filter(station__in={member.evse.station_id for member in members})
        # What the portal answers a car's needs with follows from all other limits.
        .exclude(command__reason=charging_needs.REASON)
        .annotate(level=F("profile_id") % 1000)
        .exclude(profile_id__gte=profile_actions.LIMITS_FROM, level=LEVEL)
        .only("station", "evse", "session", "limit_w")
    )
    for row in rows:
        by_station.setdefault(row.station_id, []).append(row)
    needs = {
        one.session_id: one.max_power_w
        for one in ChargingNeeds.objects.filter(
            session__in=[session.pk for session in sessions.values()], max_power_w__gt=0
        )
    }
    found = {}
    for member in members:
        session = sessions.get(member.evse_id)
        limits = [
            row.limit_w
            for row in by_station.get(member.evse.station_id, [])
            if row.evse_id in (None, member.evse_id) and row.session_id in (None, session and session.pk)
        ]
        if session is not None and session.pk in needs:
            limits.append(needs[session.pk])
        if limits:
            found[member.pk] = grid_amps(member, min(limits))
    return found


def grid_amps(member: LoadMember, watts: Decimal) -> int:
    """A power at the EVSE as current on each phase that it uses, in tenths."""
    if is_dc(member):
        return wishes.dc_draw(watts)
    phases = len(member.used_phases) or len(wired(member))
    return int(watts / build.PHASE_VOLTAGE / phases * 10)


def point(seen: Look, member: LoadMember, now: datetime) -> Point:
    """The member as the pure rules see it."""
    station = member.evse.station
    session = seen.sessions.get(member.evse_id)
    drawn = seen.measured.get(member.pk)
    told = tenths(member.told_a) if member.told_until and member.told_until > now else None
    default = tenths(member.default_a)
    restarted = bool(station.booted_at and member.told_at and station.booted_at > member.told_at)
    if told is not None and restarted:
        # It may have forgotten what it was told, and be back at its default.
        told = max(told, rating(member) if default is None else default)

    def since(at: datetime | None) -> float:
        return (now - at).total_seconds() if at else 0

    return Point(
        key=member.pk,
        group=member.group_id,
        wired=wired(member),
        rating=rating(member),
        is_dc=is_dc(member),
        has_met=station.connected_at is not None,
        is_online=station.is_online,
        is_smart=station.pk not in seen.unable,
        has_session=session is not None,
        session_s=since(session.started_at if session else None),
        draw=drawn.draw if drawn else None,
        draw_at_most=drawn.at_most if drawn else None,
        used=tuple(int(phase) for phase in member.used_phases) or None,
        idle_s=since(member.idle_since),
        flag=member.flag,
        told=told,
        told_s=since(member.told_at),
        sent=tenths(member.sent_a),
        default=default,
        safe_default=tenths(member.safe_default_a) or 0,
        promised=_promised(seen, member),
        rank=member.priority if seen.load_site.mode == LoadSite.Mode.PRIORITY else 0,
        waiting_s=since(member.waiting_since),
        served_s=since(member.served_since),
        cap=seen.caps.get(member.pk),
        wanted=tenths(member.wants_a) or 0,
        settle_s=settle().total_seconds(),
    )


def _promised(seen: Look, member: LoadMember) -> int:
    """What its booking is promised on each phase, in tenths; nothing for an awaited car unless it is kept."""
    promise = seen.promises.get(member.evse_id)
    if promise is None or (promise.is_awaited and not seen.load_site.reserves_booked):
        return 0
    if promise.watts is None:
        return tenths(seen.load_site.booked_a) or 0
    watts = Decimal(promise.watts)
    if is_dc(member):
        return min(rating(member), wishes.dc_draw(watts))
    phases = len(member.used_phases) or len(wired(member))
    # Up: a promise of 11 kW is not kept by 10.97.
    tenths_up = (watts / build.PHASE_VOLTAGE / phases * 10).to_integral_value(ROUND_CEILING)
    return min(rating(member), int(tenths_up))


def says_full(session: Session, member: LoadMember) -> bool:
    return session.charging_state in SUSPENDED or member.evse.state in SUSPENDED
