"""Uptime as the law counts it. Pure: an EVSE's record in, figures out.

NEVI, 23 CFR 680.116(b): a port is up when its hardware and software are online and available or in use, and
it dispenses as it should. µ = (525,600 − (T_outage − T_excluded)) ÷ 525,600 × 100, over the last twelve
months, in minutes; more than 97 % is required. Excluded are: utility outages, faults of the vehicle,
scheduled maintenance, vandalism, natural disasters, and hours outside the station's hours of operation.

United Kingdom, SI 2023/1168 regulation 7: a network of rapid charge points (50 kW and above) is on average
reliable for 99 % of each calendar year. Reliable are the OCPI states AVAILABLE, CHARGING, RESERVED, and as
“ineligible for measurement” UNKNOWN and BLOCKED; INOPERATIVE and OUTOFORDER are not. A charger that is not
connected is UNKNOWN in OCPI's words, so lost contact does not count there, whatever else it says about it.
Only the hours of access count. The regulation knows no other exclusions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitoring.uptime.spans import Span, clip, common, seconds, union, without

NEVI_YEAR = timedelta(minutes=525_600)
NEVI_PERCENT = 97.0
UK_PERCENT = 99.0
UK_RAPID_W = 50_000

OFFLINE, FAULTED, OUT_OF_SERVICE, REPORTED = "offline", "faulted", "out_of_service", "reported"
CAUSES = (OFFLINE, FAULTED, OUT_OF_SERVICE, REPORTED)

UTILITY, VEHICLE, MAINTENANCE, VANDALISM, DISASTER = (
    "utility",
    "vehicle",
    "maintenance",
    "vandalism",
    "disaster",
)
#: 23 CFR 680.116(b)(3).
EXCLUSIONS = (UTILITY, VEHICLE, MAINTENANCE, VANDALISM, DISASTER)


@dataclass(frozen=True)
class Down:
    """One stretch in which nobody could charge there; still going on without an end."""

    begins_at: datetime
    ends_at: datetime | None
    cause: str


@dataclass(frozen=True)
class Record:
    """All that is known of one EVSE's time."""

    #: From when on it counts: first seen online; None: never yet.
    commissioned_at: datetime | None
    downs: tuple[Down, ...] = ()
    #: What the law lets be taken off an outage, wherever it lies; it is clipped to the outages.
    excluded: tuple[Span, ...] = ()
    #: Outside the opening hours.
    closed: tuple[Span, ...] = ()
    #: The portal itself did not listen: lost contact then says nothing about the charger.
    unwatched: tuple[Span, ...] = ()
    max_power_w: int = 0


@dataclass(frozen=True)
class Figures:
    """Seconds. `period_s` is what counts as the whole; `outage_s` includes what is excluded."""

    period_s: float = 0
    outage_s: float = 0
    excluded_s: float = 0
    unwatched_s: float = 0
    by_cause: dict[str, float] = field(default_factory=dict)

    @property
    def percent(self) -> float | None:
        """None where nothing was measured."""
        if self.period_s <= 0:
            return None
        return max(0.0, (self.period_s - (self.outage_s - self.excluded_s)) / self.period_s * 100)


def total(figures: Iterable[Figures]) -> Figures:
    """Of several EVSEs or days: their seconds, so that each counts by its time."""
    found = list(figures)
    causes = {cause for one in found for cause in one.by_cause}
    return Figures(
        sum(one.period_s for one in found),
        sum(one.outage_s for one in found),
        sum(one.excluded_s for one in found),
        sum(one.unwatched_s for one in found),
        {cause: sum(one.by_cause.get(cause, 0) for one in found) for cause in causes},
    )


def measure(record: Record, since: datetime, until: datetime) -> Figures:
    """Outages and exclusions in a window: what pages, reports and the API show, and NEVI's terms.

    Time outside the opening hours is an exclusion like any other: it is taken off outages, not off the whole.
    """
    begin = _begin(record, since, until)
    if begin is None:
        return Figures()
    by_cause = _outages(record, begin, until)
    unwatched = common(by_cause.get(OFFLINE, []), clip(record.unwatched, begin, until))
    by_cause = {cause: without(spans, unwatched) for cause, spans in by_cause.items()}
    outages = union(span for spans in by_cause.values() for span in spans)
    # Lost contact while nobody listened, where nothing else was wrong meanwhile, was not measured at all.
    unseen = without(unwatched, outages)
    excluded = common(outages, [*record.excluded, *record.closed])
    return Figures(
        (until - begin).total_seconds() - seconds(unseen),
        seconds(outages),
        seconds(excluded),
        seconds(unseen),
        {cause: seconds(spans) for cause, spans in by_cause.items() if spans},
    )


def nevi(record: Record, until: datetime) -> float | None:
    """µ of one port over the twelve months before `until`; the year has 525,600 minutes, leap or not.

    One that was commissioned within them is counted from then on.
    """
    since = until - NEVI_YEAR
    return measure(record, since, until).percent


def uk_reliability(records: Iterable[Record], since: datetime, until: datetime) -> float | None:
    """Percent of the time, on average over the network's rapid charge points, within the hours of access."""
    open_s = bad_s = 0.0
    for record in records:
        begin = _begin(record, since, until)
        if record.max_power_w < UK_RAPID_W or begin is None:
            continue
        opened = without([(begin, until)], record.closed)
        by_cause = _outages(record, begin, until)
        bad = [span for cause, spans in by_cause.items() if cause != OFFLINE for span in spans]
        open_s += seconds(opened)
        bad_s += seconds(common(bad, opened))
    return None if open_s <= 0 else (open_s - bad_s) / open_s * 100


def days(record: Record, bounds: list[datetime]) -> list[Figures]:
    """One for each stretch between two bounds: the bars of a strip."""
    if not record.downs:
        # Most EVSEs on most days: nothing to be clipped.
        return [_whole(record, begin, end) for begin, end in zip(bounds, bounds[1:], strict=False)]
    return [measure(record, begin, end) for begin, end in zip(bounds, bounds[1:], strict=False)]


def _whole(record: Record, since: datetime, until: datetime) -> Figures:
    begin = _begin(record, since, until)
    return Figures() if begin is None else Figures((until - begin).total_seconds())


def _begin(record: Record, since: datetime, until: datetime) -> datetime | None:
    if record.commissioned_at is None:
        return None
    begin = max(since, record.commissioned_at)
    return begin if begin < until else None


def _outages(record: Record, begin: datetime, until: datetime) -> dict[str, list[Span]]:
    by_cause: dict[str, list[Span]] = {}
    for down in record.downs:
        if down.begins_at < until and (down.ends_at is None or down.ends_at > begin):
            by_cause.setdefault(down.cause, []).append((down.begins_at, down.ends_at or until))
    return {cause: clip(spans, begin, until) for cause, spans in by_cause.items()}
