"""What to change where: plain rules over a site's figures, each with the figures that say so. Pure."""

from __future__ import annotations

from dataclasses import dataclass

POWER, TARIFF, SLOTS, REPAIR, PROMOTE = "power", "tariff", "slots", "repair", "promote"

#: Fewer hours of data than this say nothing.
LEAST_HOURS = 14 * 24
LEAST_SESSIONS = 20
BUSY_PERCENT, FULL_HOURS_A_WEEK = 40.0, 7.0
IDLE_PERCENT, IDLE_MINUTES = 30.0, 30.0
QUIET_PERCENT = 3.0
FAILED_PERCENT = 10.0
NO_SHOW_PERCENT, BOOKINGS = 15.0, 10
BOOKED_PERCENT = 40.0
REFUSED, REFUSED_PERCENT = 10, 25.0


@dataclass(frozen=True)
class SiteFigures:
    """One site's use over a period."""

    name: str
    hours: float
    evses: int
    occupied_h: float
    idle_h: float
    sessions: int
    failed_starts: int
    #: Hours in which nine tenths of all its EVSEs' time was taken: who came then had to wait.
    full_hours: int
    bookings: int = 0
    no_shows: int = 0
    booked_h: float = 0.0
    used_h: float = 0.0
    refused: int = 0

    @property
    def utilisation(self) -> float:
        whole = self.hours * self.evses
        return self.occupied_h / whole * 100 if whole > 0 else 0.0

    @property
    def idle_percent(self) -> float:
        return self.idle_h / self.occupied_h * 100 if self.occupied_h > 0 else 0.0


@dataclass(frozen=True)
class Advice:
    """`what` is one of the words above; `figures` fill its sentence in; `weight` sorts."""

    site: str
    what: str
    figures: dict[str, str]
    weight: float


def advise(site: SiteFigures) -> list[Advice]:
    if site.hours < LEAST_HOURS or site.evses == 0:
        return []
    rules = (_idle, _full, _no_shows, _failing, _quiet)
    return [found for rule in rules if (found := rule(site)) is not None]


def advise_all(sites: list[SiteFigures]) -> list[Advice]:
    """The heaviest first."""
    found = [advice for site in sites for advice in advise(site)]
    return sorted(found, key=lambda advice: (-advice.weight, advice.site, advice.what))


def _full(site: SiteFigures) -> Advice | None:
    """Full too often though cars do charge while they stand there: more places or faster ones."""
    weekly = site.full_hours / site.hours * 168
    if weekly < FULL_HOURS_A_WEEK and not (site.utilisation >= BUSY_PERCENT):
        return None
    if site.idle_percent >= IDLE_PERCENT:
        return None  # The cars that are full are in the way: first the tariff.
    figures = {"utilisation": f"{site.utilisation:.0f}", "full": f"{weekly:.0f}", "evses": str(site.evses)}
    return Advice(site.name, POWER, figures, site.utilisation + weekly)


def _idle(site: SiteFigures) -> Advice | None:
    """Cars stay when they are full."""
    if site.sessions < LEAST_SESSIONS or site.idle_percent < IDLE_PERCENT:
        return None
    minutes = site.idle_h * 60 / site.sessions
    if minutes < IDLE_MINUTES:
        return None
    figures = {"idle": f"{site.idle_percent:.0f}", "minutes": f"{minutes:.0f}"}
    return Advice(site.name, TARIFF, figures, site.idle_percent + site.utilisation)


def _no_shows(site: SiteFigures) -> Advice | None:
    """Slots that nobody comes to, or that are asked for and not there."""
    if site.bookings >= BOOKINGS and site.no_shows / site.bookings * 100 >= NO_SHOW_PERCENT:
        percent = site.no_shows / site.bookings * 100
        figures = {"no_shows": f"{percent:.0f}", "bookings": str(site.bookings)}
        return Advice(site.name, SLOTS, figures, percent)
    if site.refused >= REFUSED and site.refused >= site.bookings * REFUSED_PERCENT / 100:
        figures = {"refused": str(site.refused), "bookings": str(site.bookings)}
        return Advice(site.name, SLOTS, figures, min(100.0, site.refused / max(1, site.bookings) * 100))
    if site.booked_h > 0 and site.bookings >= BOOKINGS and site.used_h / site.booked_h * 100 < BOOKED_PERCENT:
        figures = {"used": f"{site.used_h / site.booked_h * 100:.0f}", "bookings": str(site.bookings)}
        return Advice(site.name, SLOTS, figures, 100 - site.used_h / site.booked_h * 100)
    return None


def _failing(site: SiteFigures) -> Advice | None:
    tried = site.sessions + site.failed_starts
    if tried < LEAST_SESSIONS or site.failed_starts / tried * 100 < FAILED_PERCENT:
        return None
    percent = site.failed_starts / tried * 100
    return Advice(site.name, REPAIR, {"failed": f"{percent:.0f}", "tried": str(tried)}, percent)


def _quiet(site: SiteFigures) -> Advice | None:
    if site.utilisation >= QUIET_PERCENT:
        return None
    return Advice(
        site.name, PROMOTE, {"utilisation": f"{site.utilisation:.1f}"}, QUIET_PERCENT - site.utilisation
    )
