"""One EVSE's wits: what happens when a cable, a card or the portal arrives."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import TYPE_CHECKING

from .car import Car
from .profiles import Profile
from .station import Evse
from .tokens import Token
from .transactions import Reason, Transaction

if TYPE_CHECKING:
    from .charger import SimulatedCharger

# OCPP 1.6's; 2.x tells them as text.
ERROR_CODES = {
    "ConnectorLockFailure",
    "EVCommunicationError",
    "GroundFailure",
    "HighTemperature",
    "InternalError",
    "LocalListConflict",
    "OtherError",
    "OverCurrentFailure",
    "OverVoltage",
    "PowerMeterFailure",
    "PowerSwitchFailure",
    "ReaderFailure",
    "ResetFailure",
    "UnderVoltage",
    "WeakSignal",
}
# How often a charging EVSE looks whether the car has had enough, in demo seconds.
LOOK_S = 5.0
# How long a car that came by itself stays after its charge.
AUTO_UNPLUG_S = 20.0


class Point:
    """An EVSE with its transaction. Statuses use OCPP 1.6's words, the finer of the two vocabularies."""

    def __init__(self, charger: SimulatedCharger, evse: Evse, *, visitors: bool = True) -> None:
        self.charger = charger
        self.evse = evse
        self.visitors = visitors
        self.transaction: Transaction | None = None
        self.fault_code: str | None = None
        self.vendor_code: str | None = None
        self.operative = True
        # Inoperative once the running transaction has ended.
        self.closing = False
        self.reported: Hashable = None
        self._finishing = False
        self._tasks: set[asyncio.Task] = set()
        self._log = charger.log
        evse.allowance_w = self._allowance_w

    @property
    def number(self) -> int:
        return self.evse.number

    @property
    def status(self) -> str:
        if self.fault_code:
            return "Faulted"
        if self.transaction and self.transaction.energised_at:
            return self.transaction.state
        if self.transaction:
            return "Preparing"
        if not self.operative or not self.charger.operative:
            return "Unavailable"
        if self.evse.car:
            return "Finishing" if self._finishing else "Preparing"
        return "Reserved" if self.charger.reservations.holding(self.number) else "Available"

    @property
    def usable(self) -> bool:
        return not self.fault_code and self.operative and self.charger.operative

    # By a human's hand

    def plug_in(self, car: Car | None = None, connector: int | None = None) -> None:
        """Put the cable into a car; ValueError when there is one already or no such connector."""
        outlet = self.evse.plug_in(car or Car(), connector)
        self._finishing = False
        self._log.info("EVSE %d: car plugged in", self.number)
        self.charger.announce(self)
        if self.transaction and self.usable:
            self.transaction.connector, self.transaction.state = outlet.number, "EVConnected"
            self.charger.dialect.plugged(self.transaction)
            self._energise(self.transaction)

    def unplug(self) -> None:
        """The cable leaves the car, which ends a transaction (EVDisconnected)."""
        if not self.evse.car:
            return
        # The meter is read while the car is still there.
        self.stop(Reason.EV_DISCONNECTED)
        self.evse.unplug()
        self._finishing = False
        self._log.info("EVSE %d: unplugged", self.number)
        self.charger.announce(self)

    async def swipe(self, token: Token | str) -> str:
        """Hold a card to the reader: "started", "stopped", "waiting" (for a cable) or "refused: …"."""
        token = token if isinstance(token, Token) else Token(token)
        outcome = await self._swiped(token)
        self._log.info("EVSE %d: card %s: %s", self.number, token.value, outcome)
        return outcome

    def fault(self, code: str = "OtherError", vendor_code: str = "E-SIM-01") -> None:
        """Break down with a 1.6 errorCode and a code of the vendor's; ValueError for an unknown errorCode."""
        if code not in ERROR_CODES:
            raise ValueError(f"{code} is no error code; known are {', '.join(sorted(ERROR_CODES))}.")
        self.stop(Reason.FAULT)
        self.fault_code, self.vendor_code = code, vendor_code
        self._log.info("EVSE %d: fault %s (%s)", self.number, code, vendor_code)
        self.charger.announce(self)
        self.charger.spawn(self.charger.dialect.fault_notice(self, cleared=False))

    def clear_fault(self) -> None:
        if not self.fault_code:
            return
        self.charger.spawn(self.charger.dialect.fault_notice(self, cleared=True))
        self.fault_code = self.vendor_code = None
        self._log.info("EVSE %d: fault cleared", self.number)
        self.charger.announce(self)

    # By the portal

    def may_start_remotely(self, token: Token) -> bool:
        return self.usable and not self.transaction and not self.reserved_for_another(token)

    def reserved_for_another(self, token: Token, group: Token | None = None) -> bool:
        held = self.charger.reservations.holding(self.number)
        return bool(held and self.charger.temper.enforces_reservation and not held.admits(token, group))

    async def start_remotely(
        self, token: Token, *, remote_start_id: int | None = None, profile: Profile | None = None
    ) -> None:
        """Follow up on an accepted remote start."""
        if self.charger.settings.authorize_remote:
            verdict = await self.charger.judge(token)
            if not verdict.accepted:
                self._log.info("EVSE %d: remote start refused: %s", self.number, verdict.status)
                return
        if self.may_start_remotely(token):
            if profile:
                self.charger.profiles.install(profile)
            self._open(token, "RemoteStart", remote_start_id=remote_start_id)
            if not self.evse.car and self.charger.temper.auto_plug_after_s is not None:
                self._spawn(self._auto_plug(self.charger.temper.auto_plug_after_s))

    def stop(self, reason: Reason, token: Token | None = None) -> None:
        """End the running transaction, if any."""
        tx = self.transaction
        if not tx:
            return
        # Opened before the meter is read, and read before it closes: no energy escapes the transaction.
        self.evse.open_contactor()
        tx.last = self.evse.read()
        tx.ended_at = self.charger.now()
        tx.reason, tx.stop_token, tx.state = reason, token, "EVConnected" if self.evse.car else "Idle"
        self.transaction = None
        self._finishing = self.evse.car is not None
        self._cancel_tasks()
        self.charger.profiles.forget_transaction(self.number)
        self._log.info("EVSE %d: transaction ended (%s)", self.number, reason.name)
        self.charger.dialect.ended(tx)
        if self.closing:
            self.operative, self.closing = False, False
        self.charger.announce(self)
        self.charger.transaction_over()

    def look(self) -> None:
        """Bring the meter up to date and tell when the flow has started, paused or resumed."""
        self.evse.advance()
        tx = self.transaction
        if not (tx and tx.energised_at) or tx.state == self.evse.flow:
            return
        tx.state = self.evse.flow
        self._log.info("EVSE %d: %s", self.number, tx.state)
        self.charger.dialect.flow_changed(tx, self.charger.now())
        self.charger.announce(self)

    def shut_down(self) -> None:
        self._cancel_tasks()

    async def _swiped(self, token: Token) -> str:
        tx = self.transaction
        if tx:
            if token.same_as(tx.token):
                self.stop(Reason.LOCAL, token)
                return "stopped"
            verdict = await self.charger.judge(token)
            if verdict.accepted and tx.group and tx.group.same_as(verdict.group):
                self.stop(Reason.LOCAL, token)
                return "stopped"
            return "refused: in use"
        if not self.usable:
            return "refused: out of order"
        held = self.charger.reservations.holding(self.number)
        # A group can only be known by asking; without one the reservation decides on the spot.
        if held and not held.group and self.reserved_for_another(token):
            return "refused: reserved"
        verdict = await self.charger.judge(token)
        if not verdict.accepted:
            return f"refused: {verdict.status}"
        if self.transaction or not self.usable or self.reserved_for_another(token, verdict.group):
            return "refused: in use or reserved"
        self._open(token, "Authorized", group=verdict.group)
        return "started" if self.evse.car else "waiting"

    def _open(
        self,
        token: Token,
        trigger: str,
        *,
        group: Token | None = None,
        remote_start_id: int | None = None,
    ) -> None:
        held = self.charger.reservations.redeem(self.number, token, group)
        plugged = self.evse.plugged
        tx = self.transaction = Transaction(
            id=self.charger.new_transaction_id(),
            evse=self.number,
            token=token,
            group=group,
            opened_at=self.charger.now(),
            trigger=trigger,
            remote_start_id=remote_start_id,
            reservation_id=held.id if held else None,
            connector=plugged.number if plugged else None,
            state="EVConnected" if plugged else "Idle",
        )
        self._finishing = False
        self._log.info("EVSE %d: %s for %s", self.number, trigger, token.value)
        self.charger.dialect.opened(tx, self.evse.read())
        if plugged:
            self._energise(tx)
        else:
            self.charger.announce(self)
            self._spawn(self._give_up_waiting(tx))

    def _energise(self, tx: Transaction) -> None:
        self._cancel_tasks()
        tx.first = self.evse.read()
        self.evse.close_contactor()
        tx.energised_at = self.charger.now()
        self.charger.dialect.energised(tx)
        tx.state = self.evse.flow
        self.charger.dialect.flow_changed(tx, tx.energised_at)
        self.charger.announce(self)
        self._spawn(self._charge(tx))

    async def _charge(self, tx: Transaction) -> None:
        clock = self.charger.clock
        next_sample_s = clock.seconds()
        while tx is self.transaction:
            interval_s = self.charger.settings.sample_interval
            if interval_s and clock.seconds() >= next_sample_s + interval_s:
                # Kept on the grid, so that samples do not drift by the time it takes to send them.
                next_sample_s += (clock.seconds() - next_sample_s) // interval_s * interval_s
                self.charger.dialect.sampled(tx, self.evse.read(), self.charger.now())
            rest_s = next_sample_s + interval_s - clock.seconds() if interval_s else LOOK_S
            await clock.sleep(min(LOOK_S, max(rest_s, 0.1)))
            self.look()

    async def _give_up_waiting(self, tx: Transaction) -> None:
        await self.charger.clock.sleep(self.charger.settings.connection_timeout)
        if tx is self.transaction and not self.evse.car:
            self.stop(Reason.CONNECT_TIMEOUT)

    async def _auto_plug(self, seconds: float) -> None:
        await self.charger.clock.sleep(seconds)
        if not self.transaction or self.evse.car:
            return
        car = Car.random(self.charger.rng)
        self.plug_in(car)
        while self.transaction:
            await self.charger.clock.sleep(LOOK_S)
        # Who came by themselves also leave by themselves, or the place would be taken for ever.
        await self.charger.clock.sleep(AUTO_UNPLUG_S)
        if self.evse.car is car and not self.transaction:
            self.unplug()

    def _allowance_w(self) -> float | None:
        tx = self.transaction
        return self.charger.profiles.limit_w(
            self.number,
            self.charger.now(),
            tx_started=tx.energised_at if tx else None,
            voltage_v=self.evse.voltage_v,
            phases=self.evse.phases,
            sharing=self.charger.drawing,
        )

    def _spawn(self, coroutine) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _cancel_tasks(self) -> None:
        # A task may end its own transaction and must live to finish doing so.
        for task in self._tasks - {asyncio.current_task()}:
            task.cancel()
