"""The physical station: outlets, contactors and meters, without any protocol."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .car import Car
from .clock import Clock

PHASE_VOLTAGE_V = 230.0
# IEC 61851 knows no AC current between 0 and 6 A: below it the car is paused.
MIN_PHASE_CURRENT_A = 6.0
# The car's curve is followed in steps this long, so a late look at the meter changes nothing noticeable.
STEP_S = 10.0

CHARGING = "Charging"
SUSPENDED_EV = "SuspendedEV"
SUSPENDED_EVSE = "SuspendedEVSE"


@dataclass
class Connector:
    """A physical outlet; `standard` is OCPI's name for it."""

    number: int
    standard: str = "IEC_62196_T2"
    plugged: bool = False
    locked: bool = False


@dataclass(frozen=True)
class Reading:
    """What the meter shows at one moment. `phases` holds (name, volts, amperes); DC has one, unnamed."""

    energy_wh: float
    power_w: float
    phases: tuple[tuple[str, float, float], ...]
    soc: float | None


class Evse:
    """Charges one car at a time. Its register counts Wh and never resets."""

    def __init__(
        self,
        number: int,
        *,
        clock: Clock,
        connectors: Iterable[Connector] = (),
        max_power_w: float = 22_000.0,
        dc: bool = False,
        register_wh: float = 0.0,
        rng: random.Random | None = None,
    ) -> None:
        self.number = number
        self.connectors = list(connectors) or [Connector(1)]
        self.max_power_w = max_power_w
        self.dc = dc
        self.car: Car | None = None
        self.contactor_closed = False
        # Watts allowed from outside, asked anew at every step; None means no limit.
        self.allowance_w: Callable[[], float | None] = lambda: None
        self._clock = clock
        self._rng = rng or random.Random(number)
        self._register_wh = register_wh
        self._integrated_until_s = clock.seconds()

    @property
    def plugged(self) -> Connector | None:
        return next((connector for connector in self.connectors if connector.plugged), None)

    @property
    def phases(self) -> int:
        """Phases a charge uses here."""
        return 1 if self.dc else (self.car.phases if self.car else 3)

    @property
    def voltage_v(self) -> float:
        """Per phase for AC; for DC the pack's voltage, which rises as it fills."""
        if not self.dc:
            return PHASE_VOLTAGE_V
        return 360.0 + (self.car.soc * 0.6 if self.car else 0.0)

    @property
    def register_wh(self) -> float:
        self.advance()
        return self._register_wh

    @property
    def power_w(self) -> float:
        """Power that flows now, in W."""
        if not (self.contactor_closed and self.car):
            return 0.0
        power_w = min(self.max_power_w, self.car.accepts_w(dc=self.dc))
        allowed_w = self.allowance_w()
        if allowed_w is not None and allowed_w < power_w:
            return allowed_w if allowed_w >= self._least_w else 0.0
        return power_w

    @property
    def flow(self) -> str:
        """Charging, or whose fault it is that it pauses (OCPP's words)."""
        if self.power_w > 0:
            return CHARGING
        return SUSPENDED_EV if self.car is None or self.car.full else SUSPENDED_EVSE

    def plug_in(self, car: Car, connector: int | None = None) -> Connector:
        """Put the cable of `connector` (the first, when not said) into `car`."""
        if self.car:
            raise ValueError("A car is already plugged in here.")
        outlet = next((c for c in self.connectors if connector in (None, c.number)), None)
        if outlet is None:
            raise ValueError(f"There is no connector {connector} here.")
        self.advance()
        self.car, outlet.plugged = car, True
        return outlet

    def unplug(self) -> None:
        self.open_contactor()
        self.car = None
        for connector in self.connectors:
            connector.plugged = False

    def close_contactor(self) -> None:
        """Lock the cable and let power flow."""
        self.advance()
        self.contactor_closed = True
        for connector in self.connectors:
            connector.locked = connector.plugged

    def open_contactor(self) -> None:
        self.advance()
        self.contactor_closed = False
        for connector in self.connectors:
            connector.locked = False

    def advance(self) -> None:
        """Bring register and battery up to the present."""
        until_s = self._clock.seconds()
        while (left_s := until_s - self._integrated_until_s) > 0:
            power_w = self.power_w
            if power_w == 0:
                self._integrated_until_s = until_s
                return
            step_s = min(left_s, STEP_S)
            energy_wh = min(power_w * step_s / 3600, self.car.room_wh)
            self._register_wh += energy_wh
            self.car.absorb(energy_wh)
            self._integrated_until_s += step_s

    def read(self) -> Reading:
        """The meter's display now."""
        self.advance()
        power_w = self.power_w
        if self.dc:
            phases = (("", self.voltage_v, power_w / self.voltage_v),)
        else:
            # The grid is never exactly 230 V; current follows so that volts times amperes stay the power.
            volts = [PHASE_VOLTAGE_V + self._rng.uniform(-2, 2) for _ in range(3)]
            used = self.phases
            phases = tuple(
                (f"L{i + 1}", v, power_w / used / v if i < used else 0.0) for i, v in enumerate(volts)
            )
        soc = self.car.soc if self.dc and self.car else None
        return Reading(self._register_wh, power_w, phases, soc)

    @property
    def _least_w(self) -> float:
        return 0.0 if self.dc else MIN_PHASE_CURRENT_A * PHASE_VOLTAGE_V * self.phases


@dataclass
class Station:
    """The housing: what is printed on it, and its EVSEs."""

    identity: str
    vendor: str
    model: str
    firmware: str
    evses: list[Evse]
    serial: str = ""
