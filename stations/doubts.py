"""Why a person must look at a session before it is billed. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from stations import registers

#: About reports rather than the meter; kept on the session beside the meter's flags.
GUESSED_STOP, SECOND_STOP, NO_CONNECTOR = "guessed_stop", "second_stop", "no_connector"
#: Readings that named no transaction, taken as its own because it ran at their EVSE.
GUESSED_READINGS = "guessed_readings"
#: Worth telling, and no reason to hold the bill.
OTHER_TOKEN, SKEWED = "other_token", "clock_skew"

#: In the order in which they matter; the first one is shown.
WORDS = {
    NO_CONNECTOR: "The charger did not say at which of its connectors.",
    GUESSED_STOP: "Its stop came under an unknown transaction id.",
    SECOND_STOP: "Two stops with different meter values were reported; the first one counts.",
    registers.BACKWARDS: "The meter ran backwards.",
    registers.RESET: "The meter was reset during the session.",
    registers.JUMP: "More energy than this charger can give in that time.",
    registers.MISMATCH: "The readings on the way do not fit the start and the stop.",
}
#: A start without its meter value matters once more than so much may have flowed before the first reading.
UNSEEN = timedelta(minutes=5)
#: What power readings say, against the register: a thousand is kWh written as Wh, so half that is enough.
FAR_OFF, ENOUGH_WH = 20, Decimal(1000)


def doubt(
    *,
    started_at: datetime,
    stopped_at: datetime,
    start_is_missing: bool,
    has_gaps: bool,
    flags: Iterable[str],
    energy_wh: Decimal,
    max_power_w: int,
    first_reading_at: datetime | None,
    has_stop_wh: bool,
    is_estimated: bool = False,
    by_power_wh: Decimal | None = None,
) -> str:
    """The first reason to hold an ended session; empty if nothing is odd."""
    found = set(flags)
    if start_is_missing:
        return "Its start was never reported."
    if stopped_at < started_at:
        return "It ended before it started, by the charger's clock."
    word = next((words for flag, words in WORDS.items() if flag in found), "")
    if word:
        return word
    if is_estimated and GUESSED_READINGS in found:
        # They may be of a next car, whose start was lost together with this one's stop.
        return "Its stop never came, and its readings named no transaction."
    if energy_wh > registers.most(max_power_w, started_at, stopped_at):
        return WORDS[registers.JUMP]
    if registers.NO_START in found and (first_reading_at is None or first_reading_at - started_at > UNSEEN):
        return "The meter's value at the start is not known."
    if has_gaps and (registers.NO_START in found or not has_stop_wh):
        return "Messages about it are missing."
    if by_power_wh is not None and by_power_wh > ENOUGH_WH and energy_wh * FAR_OFF < by_power_wh:
        return "Far less energy than the power it reported: the meter's unit may be wrong."
    return ""
