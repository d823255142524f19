"""Guessing passwords is slow and costs little; the right key is never kept waiting for it."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import secrets
import time
from collections import OrderedDict, deque
from contextlib import AbstractAsyncContextManager, nullcontext

#: What is remembered of addresses, identities and keys at most; the oldest is forgotten first.
MOST = 20_000


class Misses:
    """Wrong tries by address or by identity, forgotten after a quiet time."""

    FORGET_AFTER = 300.0

    def __init__(self):
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def count(self, who: str, now: float) -> int:
        count, last = self._counts.get(who, (0, now))
        return 0 if now - last > self.FORGET_AFTER else count

    def add(self, who: str, now: float) -> int:
        """One more; returns how many there were before."""
        before = self.count(who, now)
        self._counts[who] = (before + 1, now)
        self._counts.move_to_end(who)
        while len(self._counts) > MOST:
            self._counts.popitem(last=False)
        return before


class Rate:
    """How much came within the second that has begun."""

    def __init__(self, most: int):
        self._most = most
        self._began, self._count = 0.0, 0

    def is_reached(self, now: float) -> bool:
        if now - self._began >= 1:
            self._began, self._count = now, 0
        return self._count >= self._most

    def add(self, now: float) -> float:
        """One more; returns for how many seconds it has to wait."""
        wait = self._began + 1 - now if self.is_reached(now) else 0.0
        self._count += 1
        return wait


class Limits:
    """Of one process, for its event loop.

    After misses from an address or for an identity, further tries there are checked few at a time, so that
    stretching wrong passwords never takes all decision threads, and each miss is answered later than the
    one before. Nobody is refused unchecked. A key that was right before goes past the queue: a charger
    that comes back is let in at once, though thousands guess its password.
    """

    LONGEST = 5.0
    #: Of the threads that decide for chargers, how many may check suspects.
    SUSPECTS_AT_A_TIME = 2
    #: Refusals that are being delayed; beyond that a flood is answered at once rather than kept.
    MOST_WAITING = 2_000

    def __init__(self):
        self._by_address, self._by_identity = Misses(), Misses()
        self._narrow = asyncio.Semaphore(self.SUSPECTS_AT_A_TIME)
        self._secret = secrets.token_bytes(32)
        self._right: OrderedDict[str, bytes] = OrderedDict()
        self._waiting = 0

    def lane(self, knock) -> AbstractAsyncContextManager:
        """To be held while the knock is checked."""
        if not self._is_suspect(knock) or self._was_right(knock):
            return nullcontext()
        return self._narrow

    def right(self, knock) -> None:
        if knock.password:
            self._right[knock.identity] = self._digest(knock)
            self._right.move_to_end(knock.identity)
            while len(self._right) > MOST:
                self._right.popitem(last=False)

    async def wrong(self, knock) -> None:
        """Count a miss, and return when it may be answered."""
        now = time.monotonic()
        before = max(
            self._by_address.add(_network(knock.address), now), self._by_identity.add(knock.identity, now)
        )
        if not before or self._waiting >= self.MOST_WAITING:
            return
        self._waiting += 1
        try:
            await asyncio.sleep(min(0.05 * 2 ** min(before, 10), self.LONGEST))
        finally:
            self._waiting -= 1

    def _is_suspect(self, knock) -> bool:
        now = time.monotonic()
        return bool(
            self._by_address.count(_network(knock.address), now)
            or self._by_identity.count(knock.identity, now)
        )

    def _was_right(self, knock) -> bool:
        """Only a hint which queue to take: the key is checked all the same."""
        known = self._right.get(knock.identity)
        return known is not None and hmac.compare_digest(known, self._digest(knock))

    def _digest(self, knock) -> bytes:
        return hmac.digest(self._secret, f"{knock.identity}\0{knock.password}".encode(), "sha256")


def _network(address: str | None) -> str:
    """Who has one IPv6 address has a whole /64 of them."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address or ""
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network(f"{parsed}/64", strict=False))
    return str(parsed)


class Comings:
    """Stations that come and go all the time, told once in a while each."""

    WITHIN, TIMES, TELL_AGAIN_AFTER = 300.0, 8, 3600.0

    def __init__(self):
        self._times: OrderedDict[int, deque[float]] = OrderedDict()
        self._told: dict[int, float] = {}

    def is_flapping(self, station_id: int) -> bool:
        """Note that it comes now; true when that has become too often and was not told lately."""
        now = time.monotonic()
        times = self._times.setdefault(station_id, deque(maxlen=self.TIMES))
        self._times.move_to_end(station_id)
        times.append(now)
        while len(self._times) > MOST:
            gone, _times = self._times.popitem(last=False)
            self._told.pop(gone, None)
        if len(times) < self.TIMES or now - times[0] > self.WITHIN:
            return False
        if now - self._told.get(station_id, -self.TELL_AGAIN_AFTER) < self.TELL_AGAIN_AFTER:
            return False
        self._told[station_id] = now
        return True
