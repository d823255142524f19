"""What pages and the API say of a site's plan, in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from monitoring import zones
from monitoring.charts import Chart, Series
from monitoring.load import reading
from monitoring.load.models import LoadGroup, LoadMember, LoadSample, LoadSite
from monitoring.load.share import TURN_S
from stations.models import Site

#: A plan this old is no plan: the workers that make it are not running.
STALE = timedelta(minutes=3)
PHASES = ("L1", "L2", "L3")
#: Where a booking's promise is part of why.
PROMISES = ("all", "shared", "promised", "awaited", "awaited_none", "waits")


def number(amps) -> str:
    return f"{Decimal(amps).quantize(Decimal('0.1')).normalize():f}"


def why(member: LoadMember, now: datetime) -> str:
    """Why the EVSE has what it has, in a sentence."""
    bound = member.bound_by.name if member.bound_by else ""
    minutes = int((now - member.waiting_since).total_seconds() // 60) if member.waiting_since else 0
    drawn = Decimal(max(member.draw, default=0)) / 10
    words = {
        "": _("not planned yet"),
        "nothing": _("no car, or one that wants nothing"),
        "all": _("all that it wants"),
        "shared": _("its fair share: “%(group)s” has no more"),
        "promised": _("what its booking was promised; “%(group)s” has no more"),
        "awaited": _("kept for its booking, whose car isn't here yet"),
        "awaited_none": _("its booking begins, and “%(group)s” has nothing to keep for it"),
        "waits": _("waits for %(minutes)s min: what is left in “%(group)s” is less than a car needs")
        + (_(", and its turn comes next") if minutes * 60 >= TURN_S else ""),
        "unknown": _("never connected: nothing is reserved"),
        "unmanaged": _("says that it can't be told a limit: what it draws is reserved")
        if member.session_id and member.given_a == drawn
        else _("says that it can't be told a limit: its full rating is reserved until a car draws"),
        "lost": _("no contact: its safe default is reserved"),
        "lost_told": _("no contact: what it was told last is reserved until that has run out"),
        "lost_unset": _("no contact, and no safe default was accepted: its full rating is reserved"),
        "rejected": _("refused its limit (%(reason)s): what it draws is reserved"),
        "ignored": _("draws more than its limit (%(reason)s): what it draws is reserved"),
        "no_session": _("draws without a session: that is reserved"),
    }
    text = words.get(member.why, member.why)
    if member.given_a and not member.bound_by_id and member.why in ("shared", "promised"):
        text = _("its fair share")
    if member.promised_a and member.why in PROMISES:
        text += _("; its booking is promised %(promised)s A")
    return text % {
        "group": bound,
        "minutes": minutes,
        "reason": member.flag_reason or "–",
        "promised": number(member.promised_a or 0),
    }


def told(member: LoadMember) -> str:
    """What the charger has been told, and whether it agreed."""
    if member.sent_a is not None:
        return _("being told %(amps)s A") % {"amps": number(member.sent_a)}
    if member.told_a is not None:
        return _("told %(amps)s A") % {"amps": number(member.told_a)}
    if member.default_a is not None and member.session_id:
        return _("at its safe default, %(amps)s A") % {"amps": number(member.default_a)}
    return ""


def look_of(member: LoadMember) -> str:
    """A state's name, for its colour and icon."""
    if member.flag or member.why in ("unmanaged", "lost_unset", "no_session"):
        return "attention"
    if not member.evse.station.is_online:
        return "offline"
    if member.why in ("waits", "awaited", "awaited_none"):
        return "reserved"
    return "charging" if member.given_a else "available"


def members(load_site: LoadSite) -> QuerySet:
    return LoadMember.objects.filter(group__load_site=load_site).select_related(
        "evse__station", "group", "bound_by", "session"
    )


def rows(load_site: LoadSite, now: datetime) -> list[dict]:
    found = []
    for member in members(load_site):
        drawn = [Decimal(amps) / 10 for amps in member.draw]
        found.append(
            {
                "member": member,
                "name": f"{member.evse.station.name} / {member.evse.number}",
                "url": reverse("ops:charger_profiles", args=[member.evse.station_id]),
                "state": look_of(member),
                "draw": number(max(drawn)) if drawn else "–",
                "wants": number(member.wants_a),
                "given": number(member.given_a),
                "told": told(member),
                "why": why(member, now),
                "default": number(member.safe_default_a),
                "default_is_set": member.default_a is not None and member.default_a <= member.safe_default_a,
            }
        )
    return found


def groups(load_site: LoadSite) -> list[dict]:
    """The groups as a list in the order of the tree, with what each phase has."""
    all_groups = list(load_site.groups.all())
    children: dict[int | None, list[LoadGroup]] = {}
    for group in all_groups:
        children.setdefault(group.parent_id, []).append(group)
    found: list[dict] = []

    def add(group: LoadGroup, depth: int) -> None:
        found.append({"group": group, "levels": range(depth), "phases": phases(group)})
        for child in children.get(group.pk, []):
            add(child, depth + 1)

    for root in children.get(None, []):
        add(root, 0)
    return found


def phases(group: LoadGroup) -> list[dict]:
    keep = (100 - group.load_site.margin_percent) / 100
    drawn = group.draw or [0, 0, 0]
    given = group.allocated or [0, 0, 0]
    found = []
    for index, limit in enumerate(group.limit):
        draw, allocated = Decimal(drawn[index]) / 10, Decimal(given[index]) / 10
        found.append(
            {
                "name": PHASES[index],
                "limit": number(limit),
                "draw": number(draw),
                "allocated": number(allocated),
                "headroom": number(max(Decimal(0), limit * keep - allocated)),
                "is_over": draw > limit,
                # A bar of 100 units: drawn, and given beyond that.
                "drawn_bar": _part(draw, limit),
                "given_bar": _part(allocated, limit),
            }
        )
    return found


def _part(amps: Decimal, limit: Decimal) -> int:
    return min(100, int(100 * amps / limit)) if limit else (100 if amps else 0)


def kpis(load_site: LoadSite, now: datetime) -> list[dict]:
    root = next(iter(groups(load_site)), None)
    if root is None:
        return []
    tight = min(root["phases"], key=lambda phase: Decimal(phase["headroom"]))
    most = max(root["phases"], key=lambda phase: Decimal(phase["draw"]))
    waiting = members(load_site).filter(why="waits").count()
    flagged = members(load_site).exclude(flag="").count()
    building, is_stale = reading.building_now(load_site, now)
    found = [
        {
            "label": _("Limit"),
            # One figure where all phases have the same.
            "value": root["phases"][0]["limit"]
            if len({phase["limit"] for phase in root["phases"]}) == 1
            else " / ".join(phase["limit"] for phase in root["phases"]),
            "unit": "A",
            "note": _("a phase; %(margin)s %% of it are kept back")
            % {"margin": number(load_site.margin_percent)},
        },
        {
            "label": _("Draw now"),
            "value": " / ".join(phase["draw"] for phase in root["phases"]),
            "unit": "A",
            "tone": "bad" if most["is_over"] else "",
            "note": _("on L1, L2 and L3"),
        },
        {
            "label": _("Headroom"),
            "value": tight["headroom"],
            "unit": "A",
            "note": _("not given away, on %(phase)s") % {"phase": tight["name"]},
        },
        {
            "label": _("Waiting"),
            "value": waiting,
            "tone": "warn" if waiting else "",
            "note": _("cars at zero until there is room"),
        },
        {
            "label": _("Not following"),
            "value": flagged,
            "tone": "bad" if flagged else "",
            "note": _("chargers that can't be told, refuse or exceed their limit"),
        },
    ]
    if load_site.has_meter:
        found.append(
            {
                "label": _("Building"),
                "value": " / ".join(number(Decimal(amps) / 10) for amps in building),
                "unit": "A",
                "tone": "warn" if is_stale else "",
                "note": _("assumed: its meter is silent") if is_stale else _("by its meter"),
            }
        )
    return found


def day(site: Site, now: datetime) -> dict | None:
    """Today's draw against the limit, on the phase with least left; as templates/_chart.html wants it."""
    since = zones.midnight(now, site.zone)
    samples = list(LoadSample.objects.filter(site=site, at__gte=since).order_by("at"))
    if len(samples) < 2:
        # One point is no line yet.
        return None
    columns = [
        Series(_("Draw"), "A", "charging", [float(one.draw_a) for one in samples]),
        Series(_("Limit"), "A", "faulted", [float(one.limit_a) for one in samples]),
        Series(_("Given"), "A", "available", [float(one.given_a) for one in samples]),
    ]
    if any(one.building_a for one in samples):
        columns.append(Series(_("Building"), "A", "reserved", [float(one.building_a) for one in samples]))
    chart = Chart([one.at for one in samples], columns)
    every = max(1, len(samples) // 48)
    return {
        "id": f"load-{site.pk}",
        "data_id": f"load-{site.pk}-data",
        "caption": _("Today, on the phase that has least left"),
        "data": chart.data,
        "columns": [_("Time"), *[f"{one.label} (A)" for one in columns]],
        "rows": [
            [f"{one.at.astimezone(site.zone):%H:%M}", *[series.values[index] for series in columns]]
            for index, one in list(enumerate(samples))[::-every][:60]
        ],
    }


def is_stale(load_site: LoadSite, now: datetime) -> bool:
    return load_site.planned_at is None or now - load_site.planned_at > STALE


def cause(load_site: LoadSite) -> str:
    words = {
        "started": _("a car began to charge"),
        "ended": _("a car left"),
        "readings": _("the draw has changed"),
        "contact": _("a charger came or went"),
        "answered": _("a charger has answered"),
        "needs": _("a car said what it needs"),
        "settings": _("the settings were changed"),
        "meter": _("the building's draw has changed"),
        "round": _("it was time"),
    }
    return words.get(load_site.planned_for, "")
