"""A car as a charger meets it: a battery that takes less and less power as it fills."""

from __future__ import annotations

import random
from dataclasses import dataclass

TAPER_FROM_SOC = 80.0
TRICKLE_SHARE = 0.05


@dataclass
class Car:
    """A battery of `battery_wh` at `soc` percent, taking at most `max_ac_w` or `max_dc_w` watts."""

    battery_wh: float = 60_000.0
    soc: float = 40.0
    max_ac_w: float = 11_000.0
    max_dc_w: float = 120_000.0
    phases: int = 3
    target_soc: float = 100.0

    def __post_init__(self) -> None:
        if self.battery_wh <= 0 or not 0 <= self.soc <= 100 or self.phases not in (1, 2, 3):
            raise ValueError("A car needs a battery above 0 Wh, a SoC of 0 to 100 % and 1 to 3 phases.")

    @property
    def full(self) -> bool:
        return self.room_wh <= 1e-6

    @property
    def room_wh(self) -> float:
        """Energy the car still wants, in Wh."""
        return max(0.0, (self.target_soc - self.soc) / 100 * self.battery_wh)

    def accepts_w(self, *, dc: bool) -> float:
        """The most power the car takes now: all of it up to 80 %, then falling in a line to a trickle."""
        if self.full:
            return 0.0
        most = self.max_dc_w if dc else self.max_ac_w
        if self.soc <= TAPER_FROM_SOC:
            return most
        filled = (self.soc - TAPER_FROM_SOC) / (100 - TAPER_FROM_SOC)
        return most * (1 - (1 - TRICKLE_SHARE) * filled)

    def absorb(self, energy_wh: float) -> None:
        self.soc = min(100.0, self.soc + energy_wh / self.battery_wh * 100)

    @classmethod
    def random(cls, rng: random.Random) -> Car:
        """A plausible car off the street."""
        battery_kwh, ac_kw, dc_kw, phases = rng.choice(
            [(24, 7.4, 46, 1), (40, 11, 80, 3), (52, 22, 130, 3), (60, 11, 120, 3), (77, 11, 170, 3)]
        )
        return cls(
            battery_wh=battery_kwh * 1000,
            soc=round(rng.uniform(10, 75), 1),
            max_ac_w=ac_kw * 1000,
            max_dc_w=dc_kw * 1000,
            phases=phases,
            target_soc=rng.choice([80, 90, 100, 100]),
        )
