"""A simulated charger: station, points, protocol and socket brought together."""

from __future__ import annotations

import asyncio
import logging
import random
import re
import uuid
from collections.abc import Awaitable, Coroutine, Hashable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from . import maintenance, tempers, v16, v21, v201, visitors
from .certificates import Keyring
from .clock import Clock
from .dialect import BootReply
from .monitoring import WATCHABLE, Monitors
from .point import Point
from .profiles import Profile, Profiles
from .reservations import Reservations
from .screen import Screen
from .settings import Settings
from .signing import SigningMeter
from .station import Connector, Evse, Station
from .tempers import Temper
from .tokens import ACCEPTED, Token, TokenMemory, Verdict
from .transactions import Reason, Transaction
from .transport import Answer, Backoff, CallFailed, CallRefused, Link, Offline

if TYPE_CHECKING:
    from .config import StationConfig

logger = logging.getLogger("stations.simulator")

DIALECTS = {"1.6": v16.Dialect, "2.0.1": v201.Dialect, "2.1": v21.Dialect}
# Demo seconds a station takes to start, and the pause a portal gets that names no interval.
STARTUP_S = 8.0
RETRY_BOOT_S = 60.0


class _Prefixed(logging.LoggerAdapter):
    def process(self, msg, kwargs):
        return f"{self.extra['identity']}: {msg}", kwargs


class SimulatedCharger:
    """One charger of the fleet; `evse(n)` is where cars and cards come."""

    def __init__(
        self,
        config: StationConfig,
        *,
        url: str,
        clock: Clock,
        seed: int = 0,
        first_backoff_s: float = 1.0,
        call_timeout_s: float = 30.0,
    ) -> None:
        self.identity = config.identity
        self.version = config.version
        self.clock = clock
        self.rng = random.Random(f"{seed}:{config.identity}")
        self.log = _Prefixed(logger, {"identity": config.identity})
        self.temper = Temper.of(config.tempers)
        self.settings = Settings(password=config.password, connector_count=len(config.evses))
        if not self.temper.supports_reservation:
            self.settings.feature_profiles = self.settings.feature_profiles.replace("Reservation,", "")
        for name, value in config.settings.items():
            if not hasattr(self.settings, name):
                raise ValueError(f"{config.identity}: unknown setting {name!r}.")
            setattr(self.settings, name, value)
        self.station = Station(
            config.identity,
            config.vendor,
            config.model,
            config.firmware,
            [
                Evse(
                    evse.number,
                    clock=clock,
                    connectors=[Connector(c.number, c.standard) for c in evse.connectors],
                    max_power_w=evse.max_power_w,
                    dc=evse.dc,
                    register_wh=float(self.rng.randrange(1_000_000)),
                    rng=self.rng,
                )
                for evse in config.evses
            ],
            serial=f"SIM{self.rng.randrange(10**9):09d}",
        )
        self.meters = (
            {each.number: SigningMeter(config.identity, each.number, config.model) for each in config.evses}
            if config.signs
            else {}
        )
        self.tokens = TokenMemory()
        self.profiles = Profiles()
        self.keyring = Keyring()
        self.monitors = Monitors(self._value_of)
        self.reservations = Reservations()
        self.screen = Screen()
        self.operative = True
        self.booted = False
        self.reported: Hashable = None
        self.firmware_status = "Idle"
        self.log_status = "Idle"
        self.log_request: int | None = None
        # After an update's restart: the request it belongs to (1.6 has no number for it).
        self.pending_firmware: tuple[int | None] | None = None
        self.points = [
            Point(self, evse, visitors=cfg.visitors)
            for evse, cfg in zip(self.station.evses, config.evses, strict=True)
        ]
        self.dialect = DIALECTS[config.version](self)
        self.link = Link(
            url=url,
            identity=config.identity,
            password=self._password,
            subprotocol=self.dialect.subprotocol,
            answer=self._answer,
            on_connect=self._connected,
            on_disconnect=self._disconnected,
            retry_after_s=self._retry_after_s,
            backoff=Backoff(self.rng, first_backoff_s),
            log=self.log,
            call_timeout_s=call_timeout_s,
            ping_interval_s=lambda: self.settings.ping_interval,
        )
        self._visitors = config.visitors
        self._boot_reason = "PowerUp"
        # Inoperative once the last transaction has ended.
        self.closing = False
        self._on_idle: str | None = None
        self._heartbeats: asyncio.Task | None = None
        self._greeting: asyncio.Task | None = None
        self._tasks: set[asyncio.Task] = set()

    def _password(self) -> bytes:
        """As it goes into the header: of a 1.6 key in hex digits, the bytes that they stand for."""
        password = self.settings.password
        is_key = self.version == "1.6" and re.fullmatch(r"(?:[0-9A-Fa-f]{2}){16,20}", password)
        return bytes.fromhex(password) if is_key else password.encode()

    def evse(self, number: int) -> Point:
        """The EVSE with this number; KeyError when there is none."""
        for point in self.points:
            if point.number == number:
                return point
        raise KeyError(number)

    def now(self) -> datetime:
        """The time this charger believes it is."""
        return self.clock.now() + timedelta(seconds=self.temper.clock_offset_s)

    def new_transaction_id(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    @property
    def drawing(self) -> int:
        """EVSEs among which a limit of the station is shared."""
        return sum(evse.contactor_closed for evse in self.station.evses)

    # Life

    def start(self, *, delay_s: float = 0.0) -> None:
        """Switch on; connects after `delay_s` real seconds."""
        self.spawn(self.link.run(delay_s=delay_s))
        self.spawn(tempers.misbehave(self))
        if self._visitors:
            self.spawn(visitors.street(self, self._visitors))

    async def stop(self) -> None:
        """Switch the simulation off, at once and without a word to the portal."""
        for point in self.points:
            point.shut_down()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def spawn(self, coroutine: Coroutine) -> asyncio.Task:
        """Run something beside the charger's life. Being offline or refused is no event worth a traceback."""
        task = asyncio.create_task(_quietly(coroutine))
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def go_offline(self) -> None:
        """Lose the network; charging goes on and is reported later."""
        self.log.info("goes offline")
        self.link.hang_up()

    def come_back(self) -> None:
        self.link.come_back()

    async def reboot(self, reason: str, ending: Reason, *, graceful: bool = True, off_s: float = STARTUP_S):
        """Stop what runs, disconnect, start again after `off_s` demo seconds and boot with 2.x's `reason`."""
        self.log.info("restarts (%s)", reason)
        self._on_idle = None
        for point in self.points:
            point.stop(ending)
        if graceful and self.booted:
            await self.link.drained(timeout_s=5.0)
        self.booted = False
        self._boot_reason = reason
        self.link.close_gate()
        self.link.hang_up()
        await self.clock.sleep(off_s)
        self.link.come_back()

    async def lose_power(self, seconds: float = 30.0) -> None:
        """A power cut of that many demo seconds: transactions end, and the portal hears of it afterwards."""
        await self.reboot("PowerUp", Reason.POWER_LOSS, graceful=False, off_s=seconds)

    def transaction_over(self) -> None:
        """Catch up on what waited for the last transaction to end."""
        if any(point.transaction for point in self.points):
            return
        if self.closing:
            self.closing, self.operative = False, False
            self.announce_all()
        if self._on_idle:
            self.spawn(self.reboot(self._on_idle, Reason.SOFT_RESET))

    # Reports

    def announce(self, point: Point | None) -> None:
        """Tell the portal a status it does not know yet; offline, it is told after the reconnect."""
        if not (self.booted and self.link.connected):
            return
        subject, condition = point or self, self.dialect.condition(point)
        if subject.reported != condition:
            subject.reported = condition
            self.spawn(self._deliver(subject, self.dialect.status(point)))

    async def _deliver(self, subject: Point | SimulatedCharger, answered: Awaitable) -> None:
        try:
            await answered
        except Offline:
            subject.reported = None

    def announce_all(self) -> None:
        self.announce(None)
        for point in self.points:
            self.announce(point)

    @property
    def status(self) -> str:
        return "Available" if self.operative else "Unavailable"

    async def judge(self, token: Token) -> Verdict:
        """Whether a token may charge: the local list, the portal, or offline what we remember."""
        known = self.tokens.recall(token, self.now())
        settings = self.settings
        if known and known.accepted and settings.local_pre_authorize:
            return known
        try:
            verdict = await self.dialect.authorize(token)
        except CallFailed:
            return Verdict("Invalid")
        except Offline:
            if settings.local_authorize_offline and known:
                return known
            return Verdict(ACCEPTED if settings.allow_offline_for_unknown else "Unknown")
        if settings.cache_enabled:
            self.tokens.remember(token, verdict)
        return verdict

    # What the portal may ask for

    def install_profile(self, profile: Profile) -> None:
        """Follow a profile from now on."""
        for point in self.points:
            # What has flowed so far flowed under the old limit.
            point.evse.advance()
        self.profiles.install(profile)
        self.look()

    def look(self) -> None:
        for point in self.points:
            point.look()

    def _value_of(self, component: str, variable: str, evse: int | None) -> str | None:
        """What a monitor of this variable sees now; None where there is no such variable to be watched."""
        point = next((one for one in self.points if one.number == evse), None)
        if point is None or (component, variable) not in WATCHABLE:
            return None
        if variable == "Power":
            return f"{point.evse.power_w:.0f}"
        return str(bool(point.fault_code)).lower() if variable == "Problem" else point.status

    def reset_when_idle(self, reason: str) -> bool:
        """True when it had to be put off until the last transaction ends."""
        if any(point.transaction for point in self.points):
            self._on_idle = reason
            return True
        return False

    def heed_verdict(self, tx: Transaction, verdict: Verdict) -> None:
        """The portal has judged a running transaction's token."""
        if verdict.accepted or not self.settings.stop_on_invalid_id:
            return
        point = self.evse(tx.evse)
        if point.transaction is tx:
            self.log.info("EVSE %d: token refused afterwards: %s", tx.evse, verdict.status)
            point.stop(Reason.DEAUTHORIZED)

    def setting_changed(self, name: str) -> None:
        """Some settings act at once."""
        if name == "heartbeat_interval":
            self.set_heartbeat(self.settings.heartbeat_interval)
        elif name == "password":
            # Spoken at the next connect, which a charger makes at once to prove the new password.
            self.spawn(self._reconnect())

    async def _reconnect(self) -> None:
        await self.link.drained(timeout_s=5.0)
        self.link.hang_up()
        self.link.come_back()

    def rejects_by_mood(self) -> bool:
        return self.rng.random() < self.temper.reject_share

    def set_heartbeat(self, interval_s: float) -> None:
        self.settings.heartbeat_interval = max(1, int(interval_s))
        if self._heartbeats:
            self._heartbeats.cancel()
        self._heartbeats = self.spawn(self._beat())

    async def boot(self) -> None:
        """Greet the portal until it accepts us."""
        while self.link.connected:
            try:
                reply = await self.dialect.boot(self._boot_reason)
            except CallFailed:
                await self.clock.sleep(RETRY_BOOT_S)
                continue
            if self.heed_boot(reply):
                return
            await self.clock.sleep(reply.interval_s or RETRY_BOOT_S)

    def heed_boot(self, reply: BootReply) -> bool:
        """Take the portal's answer to a boot; True when it lets us work."""
        self.log.info("boot: %s", reply.status)
        if reply.status != ACCEPTED:
            return False
        if self.booted:
            self.set_heartbeat(reply.interval_s)
        else:
            self._booted(reply.interval_s)
        return True

    def _booted(self, interval_s: int) -> None:
        self.booted = True
        self.reported = None
        for point in self.points:
            point.reported = None
        self.link.open_gate()
        self.announce_all()
        self.set_heartbeat(interval_s or self.settings.heartbeat_interval)
        self.spawn(maintenance.finish_firmware(self))

    def _connected(self) -> None:
        if self.booted:
            self.link.open_gate()
            self.announce_all()
        else:
            self._greeting = self.spawn(self.boot())

    def _disconnected(self) -> None:
        if self._greeting:
            self._greeting.cancel()

    async def _beat(self) -> None:
        while True:
            await self.clock.sleep(self.settings.heartbeat_interval)
            try:
                await self.dialect.heartbeat()
            except (Offline, CallFailed):
                continue

    async def _answer(self, action: str, payload: dict) -> dict | Answer:
        if self.temper.answer_delay_s:
            # Real seconds: slowness is about the portal's patience.
            await asyncio.sleep(self.rng.uniform(*self.temper.answer_delay_s))
        handler = self.dialect.answers.get(action)
        if handler is None:
            raise CallRefused("NotImplemented", f"{action} is not known here.")
        self.log.debug("portal asks: %s", action)
        try:
            return await handler(payload)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as problem:
            raise CallRefused(self.dialect.malformed, f"{type(problem).__name__}: {problem}") from problem

    def _retry_after_s(self, attempts: int) -> float | None:
        """OCPP: wait longer after each failed attempt, and give up after the configured number."""
        if attempts >= self.settings.message_attempts:
            return None
        return self.settings.message_retry_interval * attempts / self.clock.speed

    def _done(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            self.log.error("internal error", exc_info=task.exception())


async def _quietly(coroutine: Coroutine) -> None:
    try:
        await coroutine
    except (Offline, CallFailed):
        pass
