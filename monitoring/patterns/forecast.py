"""How much will be charged in each hour of the next days: a plain seasonal method. Pure.

A site's demand repeats by the week. The forecast of an hour is the weighted mean of the same hour of the
last weeks, newer ones weighing more, times how the level has moved lately (damped, so that a festival does
not become a boom). It is checked on weeks that it has not seen, beside the naive forecast (the same as a week
before): where it is no better, a reader should see so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WEEK = 168
#: Each week further back weighs so much less.
FADE = 0.7
#: How many weeks are looked at, and how many are needed to say anything.
WEEKS, LEAST_WEEKS = 8, 2
#: The level may move so much from one week to the next, half of which is believed.
MOST_TREND, DAMPING = 0.5, 0.5


@dataclass(frozen=True)
class Error:
    """How far off: `mae` in the values' unit for an hour, `wape` in percent of what there was."""

    mae: float
    wape: float | None


@dataclass(frozen=True)
class Checked:
    """A forecast's error and the naive one's, over the last weeks; None where there were too few."""

    ours: Error
    naive: Error
    weeks: int


def forecast(history: Sequence[float], hours: int = WEEK) -> list[float] | None:
    """The next hours after the history (hour by hour, oldest first); None if it is shorter than two weeks."""
    weeks = min(WEEKS, len(history) // WEEK)
    if weeks < LEAST_WEEKS:
        return None
    recent = list(history[-weeks * WEEK :])
    level = _trend(recent, weeks)
    found = []
    for ahead in range(hours):
        slot = ahead % WEEK
        values = [recent[week * WEEK + slot] for week in range(weeks)]
        weights = [FADE ** (weeks - 1 - week) for week in range(weeks)]
        mean = sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
        found.append(max(0.0, mean * level))
    return found


def _trend(recent: Sequence[float], weeks: int) -> float:
    """How the last week compares with the weighted mean of all: what the forecast's level is moved by."""
    totals = [sum(recent[week * WEEK : (week + 1) * WEEK]) for week in range(weeks)]
    weights = [FADE ** (weeks - 1 - week) for week in range(weeks)]
    mean = sum(total * weight for total, weight in zip(totals, weights, strict=True)) / sum(weights)
    if mean <= 0:
        return 1.0
    moved = max(-MOST_TREND, min(MOST_TREND, totals[-1] / mean - 1))
    return 1 + DAMPING * moved


def naive(history: Sequence[float], hours: int = WEEK) -> list[float] | None:
    """The same hour a week before."""
    if len(history) < WEEK:
        return None
    return [history[-WEEK + ahead % WEEK] for ahead in range(hours)]


def error(predicted: Sequence[float], actual: Sequence[float]) -> Error:
    off = sum(abs(one - other) for one, other in zip(predicted, actual, strict=True))
    there = sum(actual)
    return Error(off / len(actual) if actual else 0.0, off / there * 100 if there > 0 else None)


def check(history: Sequence[float], weeks: int = 4) -> Checked | None:
    """Forecast each of the last weeks from what came before it, and compare."""
    ours: list[float] = []
    plain: list[float] = []
    actual: list[float] = []
    done = 0
    for back in range(weeks, 0, -1):
        before, week = history[: -back * WEEK], history[len(history) - back * WEEK :][:WEEK]
        guess, simple = forecast(before), naive(before)
        if guess is None or simple is None or len(week) < WEEK:
            continue
        ours, plain, actual, done = ours + guess, plain + simple, actual + list(week), done + 1
    return Checked(error(ours, actual), error(plain, actual), done) if done else None
