"""Times and numbers as chargers write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?\s*([Zz]|[+-]\d\d:?\d\d)?")
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
BIGGEST = Decimal(10) ** 14

NO_ZONE, BAD_CLOCK = "no_zone", "bad_clock"


def time_text(at: datetime) -> str:
    """As every version takes it: UTC, milliseconds, Z."""
    at = at.astimezone(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


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


def device_time(text: str | None, received_at: datetime) -> tuple[datetime, str]:
    """When the charger says it happened; our receive time where its clock can't be believed at all."""
    if text is None:
        return received_at, BAD_CLOCK
    try:
        moment, flag = parse_time(text)
    except (ValueError, OverflowError):
        return received_at, BAD_CLOCK
    if not EARLIEST <= moment <= received_at + AHEAD:
        return received_at, BAD_CLOCK
    return moment, flag


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
