"""Times and numbers as chargers write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?\s*([Zz]|[+-]\d\d:?\d\d)?")
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
BIGGEST = Decimal(10) ** 14

NO_ZONE, BAD_CLOCK, SKEW = "no_zone", "bad_clock", "clock_skew"
#: Clocks may differ by so much before anything is said or corrected.
SKEW_ALLOWED = timedelta(minutes=5)


def time_text(at: datetime, *, fractions: bool = True) -> str:
    """As every version takes it: UTC, milliseconds, Z; some stations can't read fractions."""
    at = at.astimezone(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S") + (f".{at.microsecond // 1000:03d}Z" if fractions else "Z")


def parse_time(text: str) -> tuple[datetime, str]:
    """(moment, flag) of an RFC 3339 time; a missing zone is taken as UTC and flagged. Raises ValueError."""
    found = RFC3339.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"not an RFC 3339 time: {text[:40]!r}")
    day, clock, fraction, zone = found.groups()
    micros = (fraction or ".0")[:7]
    suffix = "+00:00" if zone is None or zone in "Zz" else zone
    moment = datetime.fromisoformat(f"{day}T{clock}{micros}{suffix}").astimezone(UTC)
    return moment, "" if zone else NO_ZONE


def device_time(
    text: str | None, received_at: datetime, offset: timedelta = timedelta()
) -> tuple[datetime, str]:
    """When the charger says it happened; our receive time where its clock can't be believed at all.

    `offset` corrects a clock that is known to be off (stations/clocks.py). What claims to come from the
    future has happened by now at the latest.
    """
    if text is None:
        return received_at, BAD_CLOCK
    try:
        moment, flag = parse_time(text)
        moment += offset
    except (ValueError, OverflowError):
        return received_at, BAD_CLOCK
    if not EARLIEST <= moment <= received_at + AHEAD:
        return received_at, BAD_CLOCK
    if moment > received_at + SKEW_ALLOWED:
        return received_at, SKEW
    return moment, SKEW if offset else flag


def ahead(texts: list[str | None], received_at: datetime) -> timedelta:
    """By how much the newest of these times lies in our future, if by more than clocks may differ."""
    newest = timedelta()
    for text in texts:
        try:
            moment, _flag = parse_time(text or "")
        except (ValueError, OverflowError):
            continue
        if moment <= received_at + AHEAD:
            newest = max(newest, moment - received_at)
    return newest if newest > SKEW_ALLOWED else timedelta()


def same_moment(text: str | None) -> str:
    """A time as a key: the same however it is written, and whether or not it can be believed."""
    try:
        return parse_time(text or "")[0].isoformat()
    except (ValueError, OverflowError):
        return (text or "")[:40]


def number(value: object) -> Decimal | None:
    """A measured value, or None for what is none: NaN, infinities, “1,5”, absurd sizes."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        parsed = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not parsed.is_finite() or abs(parsed) >= BIGGEST:
        return None
    return parsed
