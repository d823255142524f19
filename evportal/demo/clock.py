"""A past that the demo lives through before it is opened: both clocks stand where its seed puts them.

Only the demo's seed does this. What bills and books asks `timezone.now()` for the day, and so does the
payment simulator its own clock; here both are led from one moment of the past to the next, and on to today.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
from django.utils import timezone


class Clock:
    """Goes on from where it was last put, as real time does."""

    def __init__(self, at: datetime) -> None:
        self.put(at)

    def put(self, at: datetime) -> None:
        self._at, self._since = at, time.monotonic()

    def now(self) -> datetime:
        return self._at + timedelta(seconds=time.monotonic() - self._since)


@contextmanager
def moved(at: datetime) -> Iterator[Clock]:
    """Meanwhile, in this process, `timezone.now()` is what the clock says."""
    clock, real = Clock(at), timezone.now
    timezone.now = clock.now
    try:
        yield clock
    finally:
        timezone.now = real


class Provider:
    """The payment simulator's own controls (billing/simulator/control.py)."""

    def __init__(self, url: str) -> None:
        # Proxy settings of the environment are for the internet, not for loopback.
        self._client = httpx.Client(base_url=f"{url}/_test/", timeout=20, trust_env=False)
        self._clock: Clock | None = None

    def now(self) -> datetime | None:
        """None: what answers there is no simulator."""
        try:
            answer = self._client.get("clock")
        except httpx.HTTPError:
            return None
        return datetime.fromtimestamp(answer.json()["now"], UTC) if answer.is_success else None

    def put(self, at: datetime) -> None:
        """Move on to this moment; it never goes back."""
        if self._clock is None:
            now = self.now()
            if now is None:
                return
            self._clock = Clock(now)
        seconds = int((at - self._clock.now()).total_seconds())
        if seconds > 0:
            now = self.do("clock/advance", seconds=seconds)["now"]
            self._clock.put(datetime.fromtimestamp(now, UTC))

    def do(self, what: str, **body: object) -> dict:
        answer = self._client.post(what, json=body)
        answer.raise_for_status()
        return answer.json()

    def close(self) -> None:
        self._client.close()
