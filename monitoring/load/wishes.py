"""What an EVSE would use, and what it may be drawing already: from what is known of it. Pure.

Currents are whole tenths of an ampere per phase, as in `share`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from monitoring.load.share import LEAST, TURN_S, Demand, Fixed, Key, Phases

PHASE_VOLTAGE = Decimal(230)
#: What a DC charger loses between grid and car, at worst: current at the grid follows from power at the car.
DC_EFFICIENCY = Decimal("0.92")
#: A DC charger goes as low as this; rectifiers have no six-ampere rule.
LEAST_DC = 10
#: Meters and cars are not exact: so much more than told is still following it, in tenths and in percent.
TOLERANCE, TOLERANCE_PERCENT = 10, 5
#: A car that takes less than it may is given this much on top of what it takes, so that it can ask for more.
HEADROOM = 20
#: Taking less than this is taking nothing.
NOTHING = 5
#: So long a car must take nothing before its share is lent to others.
IDLE_S = 5 * 60
#: Behind every priority: cars that are full or paused.
IDLE_RANK = 9
#: Whole amperes: what cars take moves all the time, and each change is a message.
GRAIN = 10


@dataclass(frozen=True)
class Point:
    """One EVSE, as it is known now. `None`: nobody knows."""

    key: Key
    group: Key
    #: Grid phases (0, 1, 2) at its own L1, L2, L3; one for a single-phase EVSE.
    wired: tuple[int, ...]
    rating: int
    is_dc: bool = False
    has_met: bool = True
    is_online: bool = True
    #: False: it said that it can't be told a limit.
    is_smart: bool = True
    has_session: bool = False
    #: How long it has had it.
    session_s: float = 0
    #: Measured lately, on the grid's phases; and what a car on a single phase would be taking, at most.
    draw: Phases | None = None
    draw_at_most: int | None = None
    #: Which phases the car uses, where currents tell.
    used: tuple[int, ...] | None = None
    idle_s: float = 0
    flag: str = ""
    told: int | None = None
    told_s: float = 0
    sent: int | None = None
    default: int | None = None
    safe_default: int = 0
    promised: int = 0
    rank: int = 0
    waiting_s: float = 0
    served_s: float = 0
    #: Limits that others set there, and what the car says that it can take.
    cap: int | None = None
    #: What the last plan took for its wish.
    wanted: int = 0
    #: How long readings need to show what it was told.
    settle_s: float = 60

    @property
    def phases(self) -> tuple[int, ...]:
        return self.used or self.wired

    @property
    def is_awaited(self) -> bool:
        """Booked, its car not here yet, and its promise kept for it."""
        return not self.has_session and self.promised > 0

    @property
    def least(self) -> int:
        return min(LEAST_DC if self.is_dc else LEAST, self.rating)


def on(phases: tuple[int, ...], amps: int) -> Phases:
    return tuple(amps if phase in phases else 0 for phase in range(3))


def upper(*several: Phases) -> Phases:
    return tuple(max(each) for each in zip(*several, strict=True))


def fixed(point: Point) -> tuple[Fixed, str] | None:
    """What it may take whatever anybody says, and the word for why; None where it can be told."""

    def said(currents: Phases, why: str) -> tuple[Fixed, str]:
        return Fixed(point.group, currents, point.key), why

    if not point.has_met:
        return said((0, 0, 0), "unknown")
    if not point.is_smart:
        # Whoever comes there takes what they like; what a car takes shows once it has had time to begin.
        shown = point.has_session and point.draw and point.session_s >= point.settle_s
        return said(point.draw if shown else on(point.wired, point.rating), "unmanaged")
    if not point.is_online:
        default = point.rating if point.default is None else point.default
        told = max((amps for amps in (point.told, point.sent) if amps is not None), default=0)
        currents = on(point.wired, max(default, told))
        if default == point.rating and point.default is None:
            return said(currents, "lost_unset")
        return said(currents, "lost_told" if told > default else "lost")
    if point.has_session and point.flag:
        return said(point.draw or on(point.wired, point.rating), point.flag)
    if not point.has_session and point.draw and max(point.draw) > TOLERANCE:
        return said(point.draw, "no_session")
    return None


def demand(point: Point) -> Demand:
    """What it would use. Unknown means all that it is rated for."""
    wants = _wants(point) if point.has_session else _kept(point)
    # Who has been let in again gets some minutes in which to wake.
    is_due = 0 < point.served_s < IDLE_S or point.waiting_s >= TURN_S
    is_idle = wants and point.idle_s >= IDLE_S and not is_due
    return Demand(
        key=point.key,
        group=point.group,
        phases=point.phases,
        wants=wants,
        least=point.least,
        promised=0 if is_idle else point.promised,
        rank=IDLE_RANK if is_idle else point.rank,
        waiting_s=point.waiting_s,
        served_s=point.served_s,
    )


def _wants(point: Point) -> int:
    most = point.rating if point.cap is None else min(point.rating, point.cap)
    if most < point.least:
        return 0
    if point.idle_s >= IDLE_S:
        # Enough to be noticed when it wakes.
        return point.least
    if point.told is None or point.draw_at_most is None or point.told_s < point.settle_s:
        return most
    if point.told < point.least:
        return most
    if point.draw_at_most + TOLERANCE >= min(point.told, most):
        return most
    takes = min(most, max(point.least, _grain(point.draw_at_most + HEADROOM)))
    # A wish that still fits what it takes stays as it is: small changes are no news.
    if takes <= point.wanted <= min(most, takes + HEADROOM):
        return point.wanted
    return takes


def _kept(point: Point) -> int:
    """For a car that is awaited: its promise, as far as the place can give it."""
    most = point.rating if point.cap is None else min(point.rating, point.cap)
    return min(point.promised, most) if point.is_awaited and most >= point.least else 0


def _grain(amps: int) -> int:
    return -(-amps // GRAIN) * GRAIN


def held(point: Point) -> Phases:
    """What it may draw by what it was told, until it has accepted something lower."""
    if stands := fixed(point):
        return stands[0].currents
    if not point.has_session:
        return (0, 0, 0)
    by_default = point.rating if point.default is None else point.default
    own = by_default if point.told is None else point.told
    return on(point.phases, max(own, point.sent or 0))


def exceeds(point: Point) -> bool:
    """It draws more than it was told, by more than meters err."""
    if point.told is None or point.draw is None or point.told_s < point.settle_s:
        return False
    may = max(point.told, point.sent or 0)
    return max(point.draw) > may + max(TOLERANCE, may * TOLERANCE_PERCENT // 100)


# --- units -------------------------------------------------------------------------------------------


def tenths(amps: Decimal | None) -> int | None:
    return None if amps is None else int((amps * 10).to_integral_value(ROUND_FLOOR))


def amps(tenths: int) -> Decimal:
    return Decimal(tenths) / 10


def rating(*, max_power_w: int, phases: int, is_dc: bool) -> int:
    """What it takes from each phase of the grid at most: whole amperes, in tenths."""
    if is_dc:
        whole = (Decimal(max_power_w) / DC_EFFICIENCY / PHASE_VOLTAGE / 3).to_integral_value(ROUND_CEILING)
    else:
        whole = (Decimal(max_power_w) / PHASE_VOLTAGE / phases).to_integral_value(ROUND_HALF_UP)
    return int(whole) * 10


def dc_watts(tenths: int) -> int:
    """What a DC charger may give the car for so much from each phase."""
    return int(Decimal(tenths) / 10 * PHASE_VOLTAGE * 3 * DC_EFFICIENCY)


def dc_draw(watts: Decimal) -> int:
    return int((watts / DC_EFFICIENCY / PHASE_VOLTAGE / 3 * 10).to_integral_value(ROUND_CEILING))
