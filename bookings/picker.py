"""The slot picker's page: which days, lengths and slots it shows, each with its address."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings import availability, rules
from bookings.availability import EvseSlots, SiteTimes, Slot
from bookings.forms import LookForm, slot_value
from bookings.models import Booking
from bookings.rules import SlotState
from stations.models import Site
from stations.naming import evse_name, plugs

#: Two rows of a week each.
STRIP_DAYS = 14

WORDS = {
    SlotState.TAKEN: gettext_lazy("taken"),
    SlotState.CLOSED: gettext_lazy("closed"),
    SlotState.PAST: gettext_lazy("too soon"),
    SlotState.WALK_IN: gettext_lazy("no booking"),
}


@dataclass(frozen=True)
class Look:
    """What of the site's times the page shows."""

    day: date
    minutes: int
    standard: str
    min_kw: int
    path: str
    #: Nobody has asked for this day: the first on which something is free will do.
    any_day: bool = False

    def url(self, **other) -> str:
        """This page with something else chosen."""
        query = {
            "day": self.day.isoformat(),
            "minutes": self.minutes,
            "standard": self.standard,
            "min_kw": self.min_kw,
        }
        return f"{self.path}?{urlencode({key: value for key, value in (query | other).items() if value})}"

    @property
    def waitlist_url(self) -> str:
        """The waitlist, for the day and the length that were looked for."""
        waitlist = f"{self.path.removesuffix('book/')}waitlist/"
        return waitlist + self.url().removeprefix(self.path)


def look(request, site: Site, now: datetime) -> tuple[Look, rules.Policy]:
    policy = availability.policies_of([site])[site.pk]
    chosen = LookForm(request.GET).chosen(site, policy, now)
    return Look(**chosen, path=request.path, any_day="day" not in request.GET), policy


def most_weeks(policy: rules.Policy) -> int:
    """How many times a slot can be had week after week, as far ahead as can be booked."""
    return min(policy.horizon_days // 7 + 1, 12)


def page(
    site: Site, policy, look: Look, *, chosen: str, now: datetime, moving: Booking | None = None
) -> dict:
    """The template's context; read with the same few queries whatever is shown."""
    days = _strip(site, policy, look, now)
    times = availability.of_days(
        site,
        days,
        look.minutes,
        now=now,
        standard=look.standard,
        min_kw=look.min_kw,
        moving=moving,
    )
    free = {day: times.free_times(day) for day in days}
    if look.any_day and not moving and not free[look.day] and any(free.values()):
        look = replace(look, day=next(day for day in days if free[day]))
    rows = times.slots(look.day)
    with_free = [row for row in rows if any(slot.is_free for slot in row.slots)]
    if not chosen and with_free:
        # The soonest is what most come for; so that it takes one tap less.
        soonest = min(
            (slot for row in with_free for slot in row.slots if slot.is_free), key=lambda slot: slot.starts_at
        )
        chosen = slot_value(soonest.evse, soonest.starts_at)
    return {
        "site": site,
        "look": look,
        "days": [
            {
                "url": look.url(day=day.isoformat()),
                "date": day,
                "free": free[day],
                "current": day == look.day,
            }
            for day in days
        ],
        "earlier_url": look.url(day=(days[0] - timedelta(days=1)).isoformat())
        if days[0] > _today(site, now)
        else "",
        "later_url": (
            look.url(day=(days[-1] + timedelta(days=1)).isoformat())
            if days[-1] < _today(site, now) + timedelta(days=policy.horizon_days)
            else ""
        ),
        "durations": [
            {"label": length(minutes), "url": look.url(minutes=minutes), "current": minutes == look.minutes}
            for minutes in rules.durations(policy)
        ],
        "standards": _standards(times, look),
        "evses": times.evses,
        "times": _heads(with_free, site),
        "rows": [_row(row, site, chosen) for row in with_free],
        # One line says as much as a row of hatched boxes, which on a phone would be a page of them.
        "full": [{"evse": row.evse, "why": _why_full(row)} for row in rows if row not in with_free],
        "zone_name": now.astimezone(site.zone).tzname(),
    }


def next_times(site: Site, now: datetime, count: int = 4) -> list[dict]:
    """The site's next free times, one slot each: {starts_at, url}."""
    policy = availability.policies_of([site])[site.pk]
    if not policy.bookable:
        return []
    chosen = LookForm({}).chosen(site, policy, now)
    days = [_today(site, now) + timedelta(days=offset) for offset in range(availability.SOON_DAYS)]
    times = availability.of_days(site, days, chosen["minutes"], now=now)
    found: dict[datetime, Slot] = {}
    for day in days:
        free = [slot for row in times.slots(day) for slot in row.slots if slot.is_free]
        for slot in sorted(free, key=lambda slot: slot.starts_at):
            found.setdefault(slot.starts_at, slot)
        if len(found) >= count:
            break
    page = Look(**chosen, path=reverse("bookings:book", args=[site.slug]))
    return [
        {
            "starts_at": at,
            "url": page.url(day=at.astimezone(site.zone).date().isoformat(), slot=slot_value(slot.evse, at)),
        }
        for at, slot in list(found.items())[:count]
    ]


def length(minutes: int) -> str:
    """30 min, 1 h, 1 h 30 min."""
    hours, rest = divmod(minutes, 60)
    parts = [_("%(hours)s h") % {"hours": hours}] if hours else []
    return " ".join(parts + ([_("%(minutes)s min") % {"minutes": rest}] if rest or not hours else []))


def slot_words(evse, starts_at: datetime, ends_at: datetime, site: Site) -> str:
    """A slot in full: “Charger 3, connector 2, CCS 150 kW, 14:00–14:30”."""
    start, end = rules.wall_clock(starts_at, site.zone), rules.wall_clock(ends_at, site.zone)
    return f"{evse_name(evse)}, {plugs(evse)}, {start}–{end}"


def _today(site: Site, now: datetime) -> date:
    return now.astimezone(site.zone).date()


def _strip(site: Site, policy, look: Look, now: datetime) -> list[date]:
    """The days around the chosen one, in blocks, so that the strip doesn't shift under the finger."""
    today = _today(site, now)
    first = (look.day - today).days // STRIP_DAYS * STRIP_DAYS
    last = min(first + STRIP_DAYS - 1, policy.horizon_days)
    return [today + timedelta(days=offset) for offset in range(first, last + 1)]


def _heads(rows: list[EvseSlots], site: Site) -> list[str]:
    return [rules.wall_clock(slot.starts_at, site.zone) for slot in rows[0].slots] if rows else []


def _row(row: EvseSlots, site: Site, chosen: str) -> dict:
    return {
        "id": row.evse.pk,
        "label": evse_name(row.evse),
        "meta": _fragment("bookings/_evse_meta.html", evse=row.evse),
        "cells": [_cell(slot, site, chosen) for slot in row.slots],
    }


def _cell(slot: Slot, site: Site, chosen: str) -> dict:
    time = rules.wall_clock(slot.starts_at, site.zone)
    value = slot_value(slot.evse, slot.starts_at)
    if not slot.is_free:
        return {"time": time, "taken": WORDS[slot.state]}
    price = _fragment("bookings/_slot_price.html", slot=slot)
    words = slot_words(slot.evse, slot.starts_at, slot.ends_at, site)
    return {
        "value": value,
        "time": time,
        "price": price,
        "label": format_lazy("{}, {}", words, price),
        "checked": value == chosen,
    }


def _fragment(template: str, **context):
    """A piece of the page that is billing's to say; made when it is written, after the tariffs are read."""
    return SimpleLazyObject(lambda: SafeString(render_to_string(template, context).strip()))


def _why_full(row: EvseSlots) -> str:
    states = {slot.state for slot in row.slots} - {SlotState.PAST}
    if states == {SlotState.WALK_IN}:
        return _("kept for drivers without a booking")
    if states == {SlotState.CLOSED}:
        return _("closed")
    return _("nothing free for this long")


def _standards(times: SiteTimes, look: Look) -> list[dict]:
    """A choice only where there is one; with a filter on, the way back to all."""
    kinds = {
        connector.standard: connector.get_standard_display()
        for evse in times.evses
        for connector in evse.connectors.all()
    }
    if not look.standard and len(kinds) < 2:
        return []
    everything = {"label": _("Any connector"), "url": look.url(standard=""), "current": not look.standard}
    return [everything] + [
        {"label": words, "url": look.url(standard=standard), "current": standard == look.standard}
        for standard, words in sorted(kinds.items(), key=lambda kind: kind[1])
    ]
