"""One plan of one site at a time: look, share, write down, and tell the chargers; lower limits first."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from monitoring.load import reading, release, wishes
from monitoring.load.locking import lock
from monitoring.load.models import LoadGroup, LoadMember, LoadSample, LoadSite
from monitoring.load.reading import Look
from monitoring.load.share import Fixed, Grant, Shared, share
from monitoring.load.wishes import Point, amps, on, tenths
from stations import abilities, charging_profiles
from stations.charging_profiles import answers, build
from stations.exceptions import Refused
from stations.models import Command, InstalledProfile

#: A charger that hears nothing for so long falls back to its safe default; it is told anew in half the time.
LAPSE = timedelta(minutes=15)
#: Messages in one plan; what is beyond goes out with the next one.
MOST = 50
#: Less than this isn't worth a raise (tenths), nor a raise so soon after the last.
WORTH, SPACED = 10, timedelta(seconds=10)
#: So many meter intervals a charger may exceed what it was told before it counts as not following.
INTERVALS = 3
#: When a charger that refused is asked again.
AGAIN = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 30)]
#: A safe default that was refused is offered again.
DEFAULT_AGAIN = timedelta(hours=1)
REASON = "load plan"
State, Flag = InstalledProfile.State, LoadMember.Flag


@transaction.atomic
def plan(*, site_id: int, now: datetime, cause: str = "") -> LoadSite | None:
    """Plan the site anew and tell the chargers what has changed; None where its load isn't managed.

    Under the site's lock: whoever comes meanwhile waits, and then sees what this plan wrote.
    """
    lock(site_id)
    load_site = LoadSite.objects.select_related("site").filter(site=site_id, is_active=True).first()
    if load_site is None:
        return None
    seen = reading.look(load_site, now, for_change=True)
    if not seen.groups:
        return None
    before = [_written(member) for member in seen.members]
    for member in seen.members:
        _absorb(seen, member, now)
    points = {member.pk: reading.point(seen, member, now) for member in seen.members}
    stands = {pk: found for pk, point in points.items() if (found := wishes.fixed(point))}
    others = seen.others()
    fixed = [*others, *[found for found, _why in stands.values()]]
    demands = [wishes.demand(point) for pk, point in points.items() if pk not in stands]
    shared = share(seen.tree(), demands, fixed)
    wanted = {each.key: each.wants for each in demands}
    for member in seen.members:
        _write(member, points[member.pk], stands.get(member.pk), shared, wanted, now)
    _tell(seen, points, stands, others, now)
    changed = [member for member, was in zip(seen.members, before, strict=True) if _written(member) != was]
    _store(LoadMember, changed, WRITTEN)
    _sum_up(seen, points, shared, now)
    load_site.planned_at, load_site.planned_for = now, cause or load_site.planned_for
    load_site.save(update_fields=["planned_at", "planned_for"])
    return load_site


WRITTEN = [
    "given_a", "why", "bound_by", "wants_a", "promised_a", "draw", "used_phases", "flag", "flagged_at",
    "flag_reason", "try_at", "tries", "over_since", "idle_since", "waiting_since", "served_since",
    "session", "told_a", "told_at", "told_until", "sent_a", "profile", "default_a", "default_at",
    "default_profile", "default_try_at", "raised_at",
]  # fmt: skip


def _written(member: LoadMember) -> list:
    return [getattr(member, LoadMember._meta.get_field(name).attname) for name in WRITTEN]


def _store(model, rows: list, fields: list[str]) -> None:
    """Rows that are there, and locked: in one statement, where bulk_update takes a second for hundreds."""
    if rows:
        model.objects.bulk_create(rows, update_conflicts=True, unique_fields=["id"], update_fields=fields)


# --- what has become of what was told --------------------------------------------------------------


def _absorb(seen: Look, member: LoadMember, now: datetime) -> None:
    session = seen.sessions.get(member.evse_id)
    if member.session_id != (session.pk if session else None):
        _begin(member, session)
    _default_answered(member, now)
    _answered(member, now)
    if member.told_until and member.told_until <= now:
        member.told_a = member.told_at = member.told_until = None
    _says_it_can(seen, member, now)
    drawn = seen.measured.get(member.pk)
    member.draw = list(drawn.draw) if drawn else []
    if session is None:
        return
    if drawn and drawn.used:
        _phases(member, set(drawn.used), now)
    _idle(seen, member, session, now)
    _follows(seen, member, now)


def _begin(member: LoadMember, session) -> None:
    """Another car, or none: nothing that was told or seen before is about it."""
    member.session = session
    member.told_a = member.told_at = member.told_until = member.sent_a = member.profile = None
    member.flag, member.flag_reason, member.flagged_at, member.tries, member.try_at = "", "", None, 0, None
    member.over_since = member.idle_since = member.waiting_since = member.served_since = None
    member.used_phases, member.raised_at = "", None


def _says_it_can(seen: Look, member: LoadMember, now: datetime) -> None:
    """A station that says that it can't be limited is told nothing: nobody has to learn it by refusals."""
    if member.evse.station_id in seen.unable:
        if member.flag != Flag.UNABLE:
            member.flag, member.flag_reason, member.flagged_at = Flag.UNABLE, "", now
            member.try_at, member.tries = None, 0
    elif member.flag == Flag.UNABLE:
        member.flag, member.flag_reason, member.flagged_at = "", "", None


def _answered(member: LoadMember, now: datetime) -> None:
    row = member.profile
    if row is None or member.sent_a is None:
        return
    if row.state == State.ACCEPTED:
        member.told_a, member.told_at, member.told_until = member.sent_a, row.installed_at, row.until
        member.sent_a = None
        if member.flag == Flag.REJECTED:
            member.flag, member.flag_reason, member.flagged_at, member.tries = "", "", None, 0
    elif row.state == State.REJECTED:
        # The plan decides when and what to ask again: an old limit must not come back by itself.
        InstalledProfile.objects.filter(pk=row.pk).update(retry_at=None)
        member.sent_a = None
        # Who was just leaving has refused nothing.
        if row.command is None or row.command.status != Command.Status.OFFLINE:
            _refused(member, row.reason, now)
    elif row.state == State.CLEARED:
        member.sent_a = None


def _refused(member: LoadMember, reason: str, now: datetime) -> None:
    if not member.flag:
        member.flagged_at = now
    member.flag, member.flag_reason = Flag.REJECTED, reason[:200]
    _put_off(member, now)


def _put_off(member: LoadMember, now: datetime) -> None:
    member.try_at = now + AGAIN[min(member.tries, len(AGAIN) - 1)]
    member.tries = min(member.tries + 1, 100)


def _default_answered(member: LoadMember, now: datetime) -> None:
    row = member.default_profile
    if row is None:
        return
    if row.state == State.ACCEPTED and member.default_at != row.installed_at:
        member.default_a, member.default_at = _told_by(member, row), row.installed_at
    elif row.state == State.REJECTED:
        InstalledProfile.objects.filter(pk=row.pk).update(retry_at=None)
        member.default_a, member.default_profile = None, None
        member.default_try_at = None if row.reason == answers.GONE else now + DEFAULT_AGAIN
    elif row.state == State.CLEARED:
        # Somebody has taken it away.
        member.default_a = member.default_profile = None


def _told_by(member: LoadMember, row: InstalledProfile):
    """What a default row says in amperes a phase: the wish may have changed since it was sent."""
    watts = row.limit_w or 0
    return amps(_amps_of_default(member, watts))


def _amps_of_default(member: LoadMember, watts) -> int:
    if reading.is_dc(member):
        return wishes.dc_draw(watts)
    return round(watts / build.PHASE_VOLTAGE / len(reading.wired(member)) * 10)


def _phases(member: LoadMember, used: set[int], now: datetime) -> None:
    """Which phases the car uses: another one counts at once, fewer only when it has had time to begin."""
    known = {int(phase) for phase in member.used_phases}
    if known:
        used = used | known
    elif member.told_at is None or now - member.told_at < reading.settle():
        return
    member.used_phases = "".join(str(phase) for phase in sorted(used))


def _idle(seen: Look, member: LoadMember, session, now: datetime) -> None:
    """Since when it takes next to nothing; what it can't take, it doesn't refuse."""
    drawn = seen.measured.get(member.pk)
    may = (tenths(member.told_a) or 0) >= wishes.LEAST_DC
    if drawn is not None and max(drawn.draw) >= wishes.NOTHING:
        member.idle_since = None
    elif may and member.idle_since is None and (drawn is not None or reading.says_full(session, member)):
        settled = member.told_at is not None and now - member.told_at >= reading.settle()
        member.idle_since = now if settled else None


def _follows(seen: Look, member: LoadMember, now: datetime) -> None:
    """A charger that draws more than it accepted, for several readings, doesn't follow."""
    point = reading.point(seen, member, now)
    if not wishes.exceeds(point):
        member.over_since = None
        shown = point.told is not None and point.draw is not None and point.told_s >= point.settle_s
        if member.flag == Flag.IGNORED and shown:
            member.flag, member.flag_reason, member.flagged_at, member.tries = "", "", None, 0
        return
    member.over_since = member.over_since or now
    if not member.flag and now - member.over_since >= INTERVALS * reading.meter_every():
        member.flag, member.flagged_at = Flag.IGNORED, now
        member.flag_reason = f"{amps(max(point.draw))} A > {member.told_a} A"
        _put_off(member, now)


# --- what the plan says ----------------------------------------------------------------------------


def _write(
    member: LoadMember,
    point: Point,
    stand: tuple[Fixed, str] | None,
    shared: Shared,
    wanted: dict,
    now: datetime,
) -> None:
    if stand is not None:
        found, why = stand
        grant = Grant(max(found.currents), why)
        member.wants_a = amps(grant.amps)
    else:
        grant = shared.grants[member.pk]
        member.wants_a = amps(wanted[member.pk])
        if point.is_awaited:
            grant = Grant(grant.amps, "awaited" if grant.amps else "awaited_none", grant.bound_by)
    member.given_a, member.why, member.bound_by_id = amps(grant.amps), grant.why, grant.bound_by
    member.promised_a = amps(point.promised) if point.promised else None
    if grant.why == "waits":
        member.waiting_since, member.served_since = member.waiting_since or now, None
    elif grant.amps and point.has_session:
        member.served_since, member.waiting_since = member.served_since or now, None
    else:
        member.served_since = member.waiting_since = None


def _sum_up(seen: Look, points: dict[int, Point], shared: Shared, now: datetime) -> None:
    """What is drawn and given away in each group, and since when it is too much."""
    above = release.paths(seen.tree())
    drawn = {group.pk: [0, 0, 0] for group in seen.groups}
    given = {group.pk: [0, 0, 0] for group in seen.groups}

    def add(sums: dict, group, currents) -> None:
        for key in above[group]:
            for phase in range(3):
                sums[key][phase] += currents[phase]

    for member in seen.members:
        add(drawn, member.group_id, member.draw or (0, 0, 0))
        stand = wishes.fixed(points[member.pk])
        currents = stand[0].currents if stand else on(points[member.pk].phases, tenths(member.given_a))
        add(given, member.group_id, currents)
    for each in seen.others():
        add(drawn, each.group, each.currents)
        add(given, each.group, each.currents)
    for group in seen.groups:
        group.draw, group.allocated = drawn[group.pk], given[group.pk]
        limit = [tenths(one) for one in group.limit]
        is_over = any(drawn[group.pk][phase] > limit[phase] for phase in range(3))
        group.over_since = (group.over_since or now) if is_over else None
    _store(LoadGroup, seen.groups, ["draw", "allocated", "over_since"])
    root = next(group for group in seen.groups if group.parent_id is None)
    _sample(seen, root, now)


def _sample(seen: Look, root: LoadGroup, now: datetime) -> None:
    """One point of the day's chart for each minute: the phase on which least is left."""
    limit = [tenths(one) for one in root.limit]
    phase = min(range(3), key=lambda each: limit[each] - root.draw[each])
    sample = LoadSample(
        site_id=seen.load_site.site_id,
        at=now.replace(second=0, microsecond=0),
        draw_a=amps(root.draw[phase]),
        building_a=amps(seen.building[phase]),
        given_a=amps(root.allocated[phase]),
        limit_a=amps(limit[phase]),
    )
    LoadSample.objects.bulk_create([sample], ignore_conflicts=True)


# --- what chargers are told --------------------------------------------------------------------------


def _tell(seen: Look, points: dict[int, Point], stands: dict, others: list[Fixed], now: datetime) -> None:
    budget = MOST
    stations = {member.evse.station_id: member.evse.station for member in seen.members}
    unknown = abilities.awaited(seen.abilities, stations.values(), now)
    for member in seen.members:
        if member.evse.station_id in unknown:
            continue
        if budget and _wants_default(member, points[member.pk], now):
            _send_default(member, now)
            budget -= 1
    ready = [
        member
        for member in seen.members
        if points[member.pk].is_online
        # What it was told before it left may run on; the first word waits for its answer.
        and (member.evse.station_id not in unknown or member.told_a is not None)
        and points[member.pk].is_smart
        and points[member.pk].has_session
        and member.sent_a is None
    ]
    lower, raises, again = _sorted(ready, points, stands, now)
    for member, target in lower[:budget]:
        _send(seen, member, target, now)
    budget -= min(budget, len(lower))
    fixed = [*others, *[found for pk, (found, _why) in stands.items()]]
    held = {pk: wishes.held(point) for pk, point in points.items() if pk not in stands}
    # Sent before in this plan: until they are accepted, what was held still is.
    wished = {member.pk: on(points[member.pk].phases, target) for member, target in raises}
    granted = release.may_rise(
        seen.tree(), {member.pk: member.group_id for member in seen.members}, held, wished, fixed
    )
    again += [
        (member, tenths(member.told_a))
        for member, _t in raises
        if member.pk not in granted and _due(member, now)
    ]
    for member, target in [pair for pair in raises if pair[0].pk in granted][:budget]:
        _send(seen, member, target, now)
        member.raised_at = now
        budget -= 1
    for member, target in again[:budget]:
        _send(seen, member, target, now)


def _sorted(ready: list[LoadMember], points: dict[int, Point], stands: dict, now: datetime):
    """([lower], [raises], [told again]), each (member, tenths); who waited longest is raised first."""
    lower, raises, again = [], [], []
    for member in ready:
        point, target = points[member.pk], tenths(member.given_a) or 0
        if member.flag:
            if member.try_at is not None and member.try_at <= now:
                # No more than it takes anyway: should it follow now, nothing becomes too much.
                most = min(target, point.rating)
                lower.append((member, most))
                _put_off(member, now)
            continue
        if member.pk in stands:
            continue
        told = point.told
        before = max(wishes.held(point))
        if told is None or target < told:
            (lower if target <= before else raises).append((member, target))
        elif target > told and _is_worth(member, point, target, now):
            raises.append((member, target))
        elif _due(member, now):
            again.append((member, min(target, told)))
    raises.sort(key=lambda pair: -points[pair[0].pk].waiting_s)
    return lower, raises, again


def _is_worth(member: LoadMember, point: Point, target: int, now: datetime) -> bool:
    if (point.told or 0) < point.least:
        return True
    is_spaced = member.raised_at is None or now - member.raised_at >= SPACED
    return is_spaced and target - (point.told or 0) >= WORTH


def _due(member: LoadMember, now: datetime) -> bool:
    """Half of its time is over, or the charger has started anew since."""
    if member.told_until is None or member.told_at is None:
        return False
    booted = member.evse.station.booted_at
    return member.told_until - now < LAPSE / 2 or bool(booted and booted > member.told_at)


def _send(seen: Look, member: LoadMember, target: int, now: datetime) -> None:
    words: dict = {"amps": amps(target), "phases": len(reading.wired(member))}
    if reading.is_dc(member):
        words = {"watts": wishes.dc_watts(target)}
    elif seen.units.get(member.evse.station_id, "") == "W":
        # Watts are of all phases together: told for three, a car on one would take three times as much.
        words["phases"] = len(member.used_phases) or len(reading.wired(member))
    try:
        member.profile = charging_profiles.set_limit(
            session=seen.sessions[member.evse_id],
            until=now + LAPSE,
            stack_level=reading.LEVEL,
            reason=REASON,
            **words,
        )
    except Refused as refusal:
        _refused(member, str(refusal), now)
        return
    member.sent_a = amps(target)


def _wants_default(member: LoadMember, point: Point, now: datetime) -> bool:
    """The safe default goes to the charger before it is needed, once; anew after a restart."""
    if not point.is_online or not point.is_smart:
        return False
    if member.default_try_at is not None and member.default_try_at > now:
        # Unless it has come back since: then it may only have been leaving.
        connected = member.evse.station.connected_at
        if connected is None or connected <= member.default_try_at - DEFAULT_AGAIN:
            return False
    row = member.default_profile
    if row is not None and row.state == State.SENT:
        return False
    booted = member.evse.station.booted_at
    if row is not None and booted and row.installed_at and booted > row.installed_at:
        return True
    return row is None or member.default_a is None or tenths(member.default_a) != point.safe_default


def _send_default(member: LoadMember, now: datetime) -> None:
    words: dict = {"amps": member.safe_default_a, "phases": len(reading.wired(member))}
    if reading.is_dc(member):
        words = {"watts": wishes.dc_watts(tenths(member.safe_default_a) or 0)}
    try:
        member.default_profile = charging_profiles.set_limit(
            evse=member.evse,
            purpose=build.TX_DEFAULT,
            stack_level=reading.LEVEL,
            reason=REASON,
            **words,
        )
    except Refused:
        member.default_try_at = now + DEFAULT_AGAIN
