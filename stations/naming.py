"""What people call an EVSE: what is written on it, and what it offers."""

from __future__ import annotations

from decimal import Decimal

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from stations import hours
from stations.models import Evse, Site

#: What people see of an EVSE's state, in the design system's words; some states look alike to a driver.
LOOKS = {
    "available": "available",
    "preparing": "preparing",
    "charging": "charging",
    "suspended_ev": "charging",
    "suspended_evse": "charging",
    "finishing": "charging",
    "occupied": "charging",
    "reserved": "reserved",
    "unavailable": "offline",
    "faulted": "faulted",
    "offline": "offline",
}


def evse_name(evse: Evse) -> str:
    return _("%(charger)s, connector %(number)s") % {"charger": evse.station.name, "number": evse.number}


def kilowatts(watts: int) -> str:
    """22 kW, 3.7 kW: no zeros that say nothing."""
    kw = (Decimal(watts) / 1000).normalize()
    return f"{number_format(kw.quantize(Decimal(1)) if kw == kw.to_integral() else round(kw, 1))} kW"


def standards(evse: Evse) -> str:
    """The outlets by name, each once: “CCS, CHAdeMO”."""
    return ", ".join(dict.fromkeys(connector.get_standard_display() for connector in evse.connectors.all()))


def plugs(evse: Evse) -> str:
    return f"{standards(evse)} {kilowatts(evse.max_power_w)}".strip()


def opening_words(site: Site) -> str:
    """“Mon–Fri 06:00–22:00, Sat 08:00–20:00”; days on which it is closed are left out."""
    if site.opening_hours and site.week.is_always and site.opening_hours != "24/7":
        return site.opening_hours  # In words that nobody but people can read.
    if site.week.is_always:
        return _("Day and night")
    parts = []
    for first, last, spans in hours.lines(site.week):
        if spans:
            days = str(WEEKDAYS_ABBR[first]) + (f"–{WEEKDAYS_ABBR[last]}" if last > first else "")
            times = " ".join(f"{hours.clock(start)}–{hours.clock(end)}" for start, end in spans)
            parts.append(f"{days} {times}")
    return ", ".join(parts) or _("Closed")
