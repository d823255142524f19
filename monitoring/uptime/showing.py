"""Uptime as pages show it: strips of days, percents, causes in plain words."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.uptime import formulas, reading
from monitoring.uptime.formulas import Figures, Record
from monitoring.uptime.models import Outage

#: Below this a day's bar is not a good day's any more.
GOOD, PART = 99.5, 90.0
NOT_MEASURED = "none"


def percent(value: float | None) -> str:
    """Never rounded up to a promise that was not kept: 99.996 is not 100."""
    if value is None:
        return "–"
    return f"{int(value * 100) / 100:.2f}"


def look(value: float | None) -> str:
    if value is None:
        return NOT_MEASURED
    return "" if value >= GOOD else "part" if value >= PART else "down"


def strip(records: list[Record], until: datetime, zone, days: int) -> list[dict]:
    """One bar for each of the last days, of these EVSEs together; `x` places it."""
    bounds = reading.day_bounds(until, zone, days)
    daily = [formulas.days(record, bounds) for record in records]
    bars = []
    for number, begin in enumerate(bounds[:-1]):
        value = formulas.total(figures[number] for figures in daily).percent
        words = _("not measured") if value is None else f"{percent(value)} %"
        bars.append(
            {"x": number * 10, "day": begin.date(), "percent": value, "look": look(value), "words": words}
        )
    return bars


def strip_text(bars: list[dict]) -> str:
    """What the bars say, for who doesn't see them."""
    bad = [bar for bar in bars if bar["look"] in ("part", "down")]
    if not bad:
        return _("No day with an outage worth mentioning.")
    return ngettext("%(n)s day with outages", "%(n)s days with outages", len(bad)) % {"n": len(bad)}


def evse_strips(evses, until: datetime, zone, days: int = 30) -> list[dict]:
    """For the charger's page: each EVSE's bars and its percent, the same that the report and the API say."""
    since = until - reading.WINDOW
    rows = list(evses.order_by("number"))
    records = reading.records(evses, min(since, reading.day_bounds(until, zone, days)[0]), until)
    found = []
    for evse in rows:
        bars = strip([records[evse.pk]], until, zone, days)
        value = formulas.measure(records[evse.pk], since, until).percent
        found.append(
            {
                "evse": evse,
                "bars": bars,
                "percent": percent(value),
                "text": strip_text(bars),
                "width": days * 10,
            }
        )
    return found


def span(seconds: float) -> str:
    """3 d 4 h, 2 h 5 min, 40 s."""
    length = timedelta(seconds=round(seconds))
    hours, rest = divmod(length.seconds, 3600)
    if length.days:
        return _("%(days)s d %(hours)s h") % {"days": length.days, "hours": hours}
    if hours:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": rest // 60}
    return _("%s min") % (rest // 60) if rest >= 60 else _("%s s") % rest


def causes(figures: Figures) -> str:
    """Offline 2 h 5 min · Faulted 40 min."""
    labels = dict(Outage.Cause.choices)
    parts = sorted(figures.by_cause.items(), key=lambda each: -each[1])
    return " · ".join(f"{labels[cause]} {span(seconds)}" for cause, seconds in parts if seconds >= 1)
