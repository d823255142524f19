"""What people and machines change: a site's limits and members, its meter, and whether it is managed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext as _

from monitoring.load import news, reading, tree
from monitoring.load.locking import lock
from monitoring.load.models import LoadGroup, LoadMember, LoadSite
from monitoring.load.wishes import LEAST, LEAST_DC, PHASE_VOLTAGE, amps
from stations import abilities, charging_profiles
from stations.charging_profiles import build
from stations.exceptions import Refused
from stations.models import Abilities, Evse, Site

#: A site has more EVSEs than fit into one plan only by mistake.
MOST_EVSES, MOST_GROUPS = 1000, 100
Amps = tree.Amps


class BadLimits(Refused):
    default = "These limits can't be."

    def __init__(self, problems: Sequence[str]):
        super().__init__(" ".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class GroupWish:
    name: str
    limit: Amps
    parent: str = ""


@dataclass(frozen=True)
class MemberWish:
    evse: Evse
    group: str
    safe_default_a: Decimal = Decimal(6)
    priority: int = LoadMember.Priority.NORMAL
    rotation: str = LoadMember.Rotation.RST


@dataclass(frozen=True)
class Settings:
    """All that a site's load is managed by; the fields are `LoadSite`'s."""

    groups: Sequence[GroupWish]
    members: Sequence[MemberWish]
    mode: str = LoadSite.Mode.FAIR
    margin_percent: Decimal = Decimal(5)
    takes_turns: bool = False
    booked_a: Decimal = Decimal(16)
    reserves_booked: bool = False
    has_meter: bool = False
    building_safe: Amps = field(default=(Decimal(0), Decimal(0), Decimal(0)))
    meter_stale_s: int = 120


@transaction.atomic
def configure(*, site: Site, settings: Settings) -> LoadSite:
    """Manage the site by these settings from now on. Raises `BadLimits`, and then changes nothing."""
    _check(site, settings)
    lock(site.pk)
    load_site, _new = LoadSite.objects.update_or_create(
        site=site,
        defaults={
            "is_active": True,
            "mode": settings.mode,
            "margin_percent": settings.margin_percent,
            "takes_turns": settings.takes_turns,
            "booked_a": settings.booked_a,
            "reserves_booked": settings.reserves_booked,
            "has_meter": settings.has_meter,
            "building_safe_l1": settings.building_safe[0],
            "building_safe_l2": settings.building_safe[1],
            "building_safe_l3": settings.building_safe[2],
            "meter_stale_s": settings.meter_stale_s,
        },
    )
    groups = _groups(load_site, settings.groups)
    _members(load_site, settings.members, groups)
    load_site.groups.exclude(pk__in=[group.pk for group in groups.values()]).delete()
    root = next(wish for wish in settings.groups if not wish.parent)
    # Charts, alerts and what cars are answered go by the site's own figure.
    site.grid_limit_w = int(sum(root.limit) * PHASE_VOLTAGE)
    site.save(update_fields=["grid_limit_w"])
    news.after_commit(site.pk, "settings")
    return load_site


def _check(site: Site, settings: Settings) -> None:
    if len(settings.members) > MOST_EVSES or len(settings.groups) > MOST_GROUPS:
        raise BadLimits([_("That is too much for one site.")])
    strangers = [wish.evse for wish in settings.members if wish.evse.station.site_id != site.pk]
    if strangers:
        raise BadLimits([_("%(evse)s is not at this site.") % {"evse": evse} for evse in strangers])
    stations = {wish.evse.station_id for wish in settings.members}
    able = abilities.of_many(Abilities.objects.filter(station__in=stations).select_related("station"))
    unable = {pk for pk, can in able.items() if can.smart_charging is False}
    found = tree.problems(
        tree.Wish(
            limits=[tree.Limit(wish.name, wish.limit, wish.parent) for wish in settings.groups],
            seats=[_seat(wish, unable) for wish in settings.members],
            takes_turns=settings.takes_turns,
            margin=settings.margin_percent,
            building=settings.building_safe if settings.has_meter else (Decimal(0),) * 3,
        )
    )
    if found:
        raise BadLimits(found)


def _seat(wish: MemberWish, unable: set[int]) -> tree.Seat:
    member = LoadMember(evse=wish.evse, rotation=wish.rotation)
    least = amps(min(LEAST_DC if reading.is_dc(member) else LEAST, reading.rating(member)))
    full = amps(reading.rating(member)) if wish.evse.station_id in unable else Decimal(0)
    return tree.Seat(
        evse=wish.evse.public_id,
        group=wish.group,
        safe_default=wish.safe_default_a,
        least=least,
        phases=reading.wired(member),
        reserved=full,
    )


def _groups(load_site: LoadSite, wishes: Sequence[GroupWish]) -> dict[str, LoadGroup]:
    """Rows of the same name stay the same rows, and the root the root. The tree has been checked."""
    known = {group.name: group for group in load_site.groups.all()}
    root = next((group for group in known.values() if group.parent_id is None), None)
    # Two that change names with each other may not meet on the way.
    load_site.groups.update(name=Concat(Value("~"), Cast("pk", CharField())))
    left, made = list(wishes), {}
    while left:
        ready = [wish for wish in left if not wish.parent or wish.parent in made]
        for wish in ready:
            group = root if not wish.parent else known.get(wish.name)
            if group is None or (wish.parent and group == root):
                group = LoadGroup(load_site=load_site)
            group.name, group.parent = wish.name, made.get(wish.parent)
            group.limit_l1, group.limit_l2, group.limit_l3 = wish.limit
            group.save()
            made[wish.name] = group
        left = [wish for wish in left if wish not in ready]
    return made


def _members(load_site: LoadSite, wishes: Sequence[MemberWish], groups: dict[str, LoadGroup]) -> None:
    gone = LoadMember.objects.filter(group__load_site=load_site).exclude(
        evse__in=[wish.evse.pk for wish in wishes]
    )
    for member in gone.select_related("evse__station", "session"):
        _let_go(member)
    gone.delete()
    for wish in wishes:
        LoadMember.objects.update_or_create(
            evse=wish.evse,
            defaults={
                "group": groups[wish.group],
                "safe_default_a": wish.safe_default_a,
                "priority": wish.priority,
                "rotation": wish.rotation,
            },
        )


def _let_go(member: LoadMember) -> None:
    """Its charger is held to nothing any more."""
    if member.session is not None and member.session.is_open:
        charging_profiles.clear_limit(
            session=member.session, stack_level=reading.LEVEL, reason="load no longer managed"
        )
    charging_profiles.clear_limit(
        evse=member.evse,
        purpose=build.TX_DEFAULT,
        stack_level=reading.LEVEL,
        reason="load no longer managed",
    )


@transaction.atomic
def stop(*, load_site: LoadSite) -> None:
    """Manage it no longer: chargers are freed, limits stay written down for the next time."""
    lock(load_site.site_id)
    won = LoadSite.objects.filter(pk=load_site.pk, is_active=True).update(is_active=False)
    if not won:
        return
    members = LoadMember.objects.filter(group__load_site=load_site)
    for member in members.select_related("evse__station", "session"):
        _let_go(member)
    members.update(
        given_a=0, why="", wants_a=0, promised_a=None, told_a=None, told_at=None, told_until=None,
        sent_a=None, profile=None, default_a=None, default_at=None, default_profile=None,
        default_try_at=None, flag="", flag_reason="", flagged_at=None, over_since=None, session=None,
    )  # fmt: skip
    load_site.groups.update(over_since=None, draw=[], allocated=[])


@transaction.atomic
def building_drew(*, load_site: LoadSite, currents: Amps, at: datetime, now: datetime) -> bool:
    """The external meter's word of what else draws there, in A a phase; False for one older than the last.

    Raises `BadLimits` for what no meter can say.
    """
    if any(not current.is_finite() or not 0 <= current <= tree.MOST for current in currents):
        raise BadLimits([_("A current is between 0 and %(most)s A.") % {"most": tree.MOST}])
    if not load_site.has_meter:
        raise BadLimits([_("The settings of this site say that it has no meter for the building.")])
    if at > now:
        # Its clock is ahead; what it says is of now at best.
        at = now
    rows = LoadSite.objects.filter(pk=load_site.pk).exclude(building_at__gt=at)
    before = (load_site.building_l1, load_site.building_l2, load_site.building_l3)
    taken = rows.update(
        building_l1=currents[0], building_l2=currents[1], building_l3=currents[2], building_at=at
    )
    if taken and any(old is None or abs(old - new) >= 1 for old, new in zip(before, currents, strict=True)):
        news.after_commit(load_site.site_id, "meter")
    return bool(taken)
