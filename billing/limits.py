"""When a running charge has to end: the driver's limits, and the money that is secured. Pure; no Django.

A meter speaks only every so often. Between two of its values the charge is taken to go on as it went, so a
limit that will be reached before the next value is stopped by the clock. The power may rise meanwhile: then
what is too much is less than one interval of the meter gives. For secured money that is not good enough, so
there the charge is taken to go on at the most that the charger gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

#: A meter that has spoken once only is taken to speak so often.
USUAL_INTERVAL = timedelta(minutes=1)
#: A meter's silence of so long, or of three intervals where that is longer, is no pause between two values.
SILENT_AFTER = timedelta(hours=1)
#: What lies farther ahead is looked at again with the next meter value.
FARTHEST = timedelta(days=2)


class Kind(StrEnum):
    """In the words of `SessionWatch.Kind`."""

    ENERGY = "energy"
    MONEY = "money"
    TIME = "time"
    SOC = "soc"
    HOLD = "hold"
    EXPIRY = "expiry"


@dataclass(frozen=True)
class Limits:
    """What the driver wants at most; None: as much as it takes.

    energy in Wh, money with tax, minutes from the start, the battery's state in percent.
    """

    energy_wh: Decimal | None = None
    money: Decimal | None = None
    minutes: int | None = None
    soc_percent: int | None = None

    def __bool__(self) -> bool:
        return any(
            value is not None for value in (self.energy_wh, self.money, self.minutes, self.soc_percent)
        )


NONE = Limits()


@dataclass(frozen=True)
class Seen:
    """A session as its last meter value told it, and how fast it goes on."""

    started_at: datetime
    #: When the meter spoke last; the start, as long as it hasn't.
    at: datetime
    energy_wh: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    soc_percent: Decimal | None = None
    #: Per second, since the last value.
    wh_per_s: Decimal = Decimal(0)
    cost_per_s: Decimal = Decimal(0)
    soc_per_s: Decimal = Decimal(0)


@dataclass(frozen=True)
class Reach:
    """A limit, how much of it is used, and when it is reached if the charge goes on as it went."""

    kind: Kind
    at: datetime | None
    share: Decimal


def reaches(limits: Limits, seen: Seen) -> list[Reach]:
    """Every limit that is set, the one that binds next first."""
    found = []
    if limits.energy_wh is not None:
        found.append(_reach(Kind.ENERGY, seen.energy_wh, limits.energy_wh, seen.wh_per_s, seen.at))
    if limits.money is not None:
        found.append(_reach(Kind.MONEY, seen.cost, limits.money, seen.cost_per_s, seen.at))
    if limits.minutes is not None:
        length = timedelta(minutes=limits.minutes)
        passed = Decimal((seen.at - seen.started_at).total_seconds())
        found.append(
            Reach(Kind.TIME, seen.started_at + length, share(passed, Decimal(length.total_seconds())))
        )
    if limits.soc_percent is not None and seen.soc_percent is not None:
        wanted = Decimal(limits.soc_percent)
        found.append(_reach(Kind.SOC, seen.soc_percent, wanted, seen.soc_per_s, seen.at))
    return in_order(found)


def in_order(found: Sequence[Reach]) -> list[Reach]:
    """The one that binds next first; those that can't be foreseen by how much of them is used."""
    return sorted(found, key=lambda one: (one.at is None, one.at or datetime.min, -one.share))


def _reach(kind: Kind, now: Decimal, limit: Decimal, per_s: Decimal, at: datetime) -> Reach:
    return Reach(kind, reached_at(now, limit, per_s, at), share(now, limit))


def reached_at(now: Decimal, limit: Decimal, per_s: Decimal, at: datetime) -> datetime | None:
    """When something that is `now` at that moment and grows by so much a second comes to the limit."""
    if now >= limit:
        return at
    if per_s <= 0:
        return None
    seconds = (limit - now) / per_s
    return at + timedelta(seconds=float(seconds)) if seconds < FARTHEST.total_seconds() else None


def share(now: Decimal | int, limit: Decimal | int) -> Decimal:
    """How much of it is used, from 0 to 1."""
    if limit <= 0:
        return Decimal(1)
    return min(max(Decimal(now) / limit, Decimal(0)), Decimal(1))


def interval(moments: Sequence[datetime]) -> timedelta:
    """How often the meter speaks, from its last moments in their order."""
    if len(moments) < 2 or moments[-1] <= moments[-2]:
        return USUAL_INTERVAL
    return moments[-1] - moments[-2]


def secured_until(
    *, cost_at: Callable[[datetime], Decimal], secured: Decimal, since: datetime, horizon: datetime
) -> datetime | None:
    """Until when a charge can't cost more than is secured, whatever the car takes; to the second.

    `cost_at`: the most that it can cost by a moment, which never falls. None: until the horizon at least.
    """
    if cost_at(horizon) <= secured:
        return None
    if cost_at(since) >= secured:
        return since
    safe, over = since, horizon
    while over - safe > timedelta(seconds=1):
        middle = safe + (over - safe) / 2
        if cost_at(middle) <= secured:
            safe = middle
        else:
            over = middle
    return safe


def is_silent(at: datetime, every: timedelta, now: datetime) -> bool:
    """The meter has said nothing for so long that the clock tells nothing of the charge any more.

    So it is with a charger that was away and reports late: each value is then judged for its own time.
    """
    return now - at > max(SILENT_AFTER, every * 3)


def energy_bound(limits: Limits, *, battery_wh: Decimal | None) -> Decimal | None:
    """How much energy can be meant by the limits at most, in Wh; None: they don't say."""
    found = [] if limits.energy_wh is None else [limits.energy_wh]
    if limits.soc_percent is not None and battery_wh:
        found.append(battery_wh * limits.soc_percent / 100)
    return min(found, default=None)


def raised_to(
    *, held: Decimal, cost: Decimal, step: Decimal, most: Decimal, wanted: Decimal | None
) -> Decimal | None:
    """What a hold is raised to: by the step it began with, never beyond `most` or the driver's own limit.

    None: it stays, because it is at its end already.
    """
    ceiling = most if wanted is None else min(most, wanted)
    target = min(max(held, cost) + step, ceiling)
    return target if target > held else None


#: The standard has no word for lifting a limit, so one that was told and holds no more is set beyond reach.
BEYOND_REACH = {"maxCost": 1_000_000.0, "maxEnergy": 1e9, "maxTime": 2**31 - 1, "maxSoC": 100}


def transaction_limit(limits: Limits, told: dict, *, knows_tariff: bool) -> dict:
    """As OCPP 2.1 says it (*TransactionLimit*): Wh, seconds, percent, and money where the station reckons.

    `told`: what the station has been told before; empty where there is nothing to say.
    """
    found: dict[str, float | int] = {}
    if limits.money is not None and knows_tariff:
        found["maxCost"] = float(limits.money)
    if limits.energy_wh is not None:
        found["maxEnergy"] = float(limits.energy_wh)
    if limits.minutes is not None:
        found["maxTime"] = limits.minutes * 60
    if limits.soc_percent is not None:
        found["maxSoC"] = limits.soc_percent
    return {name: BEYOND_REACH[name] for name in told if name not in found} | found
