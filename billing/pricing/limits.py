"""Minimum and maximum price over several tax rates, exactly (OCPI 2.3.0, mod_tariffs: min_price, max_price).

Both sides of a limit hold at once, before and after tax. What is added or taken away stays taxed at a real
rate, so that the bill's tax is always the tax of its parts.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

R = TypeVar("R", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Limit:
    before: Fraction
    after: Fraction | None


def raised(nets: Mapping[R, Fraction], rates: Mapping[R, Fraction], least: Limit) -> dict[R, Fraction]:
    """The nets, in the same proportion, so that neither total is below its limit."""
    wanted = dict(nets)
    if _total(wanted) < least.before:
        wanted = _scaled(wanted, _total(wanted), least.before)
    if least.after is not None and _gross(wanted, rates) < least.after:
        wanted = _scaled(wanted, _gross(wanted, rates), least.after)
        if _gross(wanted, rates) != least.after:
            # Nothing was used, so one rate starts from nothing.
            wanted = {rate: net / (1 + rates[rate]) for rate, net in wanted.items()}
    return wanted


def lowered(nets: Mapping[R, Fraction], rates: Mapping[R, Fraction], most: Limit) -> dict[R, Fraction]:
    """The nets so that neither total is above its limit, and both are reached where that can be.

    The standard's example, 0.50 at 20 % and 12.50 at 10 % under 10.00/11.00, reaches both: 10.00 at 10 %. So
    where the net limit holds, what is left is moved to lower rates before any of it is given up.
    """
    wanted = dict(nets)
    capped = _total(wanted) > most.before
    if capped:
        wanted = _scaled(wanted, _total(wanted), most.before)
    if most.after is None or _gross(wanted, rates) <= most.after:
        return wanted
    if capped:
        _move_to_lower_rates(wanted, nets, rates, most.after)
    if _gross(wanted, rates) > most.after:
        wanted = _scaled(wanted, _gross(wanted, rates), most.after)
    return wanted


def _move_to_lower_rates(
    wanted: dict[R, Fraction], used: Mapping[R, Fraction], rates: Mapping[R, Fraction], most: Fraction
) -> None:
    upwards = sorted(wanted, key=lambda rate: rates[rate])
    for high in reversed(upwards):
        for low in upwards:
            excess, gap = _gross(wanted, rates) - most, rates[high] - rates[low]
            if excess <= 0 or gap <= 0:
                break
            # Never more at a rate than was used at it.
            moved = min(wanted[high], used[low] - wanted[low], excess / gap)
            wanted[high] -= moved
            wanted[low] += moved


def _total(nets: Mapping[R, Fraction]) -> Fraction:
    return sum(nets.values(), Fraction(0))


def _gross(nets: Mapping[R, Fraction], rates: Mapping[R, Fraction]) -> Fraction:
    return sum((net * (1 + rates[rate]) for rate, net in nets.items()), Fraction(0))


def _scaled(nets: Mapping[R, Fraction], now: Fraction, wanted: Fraction) -> dict[R, Fraction]:
    if not now:
        # In proportion to nothing: all of it at the first rate.
        return {rate: wanted if index == 0 else Fraction(0) for index, rate in enumerate(nets)}
    return {rate: net * wanted / now for rate, net in nets.items()}
