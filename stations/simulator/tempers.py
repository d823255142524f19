"""Tempers: how a station departs from the well-behaved one. They combine freely."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .charger import SimulatedCharger

# (OCPP 1.6 errorCode, the vendor's own code)
FAULTS = (
    ("GroundFailure", "E-RCD-04"),
    ("HighTemperature", "E-TMP-11"),
    ("PowerSwitchFailure", "E-CTR-02"),
    ("ConnectorLockFailure", "E-LCK-07"),
    ("OtherError", "E-INT-99"),
)


@dataclass(frozen=True)
class Temper:
    """Mean times between mishaps, and habits, in demo seconds; None means never."""

    fault_every_s: float | None = None
    fault_lasts_s: tuple[float, float] = (60.0, 600.0)
    drop_every_s: float | None = None
    drop_lasts_s: tuple[float, float] = (20.0, 90.0)
    answer_delay_s: tuple[float, float] | None = None
    clock_offset_s: float = 0.0
    reject_share: float = 0.0
    supports_reservation: bool = True
    # Some stations accept a reservation and then let anyone charge.
    enforces_reservation: bool = True
    auto_plug_after_s: float | None = None

    @classmethod
    def of(cls, tempers: Iterable[str | dict[str, Any]]) -> Temper:
        """From names ("flaky") and options ({"drop_every_s": 300}), later ones winning."""
        temper = cls()
        for item in tempers:
            if isinstance(item, str):
                if item not in NAMED:
                    raise ValueError(f"Unknown temper {item!r}; known are {', '.join(NAMED)}.")
                item = NAMED[item]
            options = {key: tuple(value) if isinstance(value, list) else value for key, value in item.items()}
            temper = replace(temper, **options)
        return temper


NAMED: dict[str, dict[str, Any]] = {
    "reliable": {},
    "faulty": {"fault_every_s": 2700.0},
    "flaky": {"drop_every_s": 900.0},
    "slow": {"answer_delay_s": (2.0, 8.0)},
    "liar": {"clock_offset_s": 600.0},
    "rejecting": {"reject_share": 0.5},
    "no-reservation": {"supports_reservation": False},
    "careless": {"enforces_reservation": False},
    "auto-plug": {"auto_plug_after_s": 5.0},
}


async def misbehave(charger: SimulatedCharger) -> None:
    """Live out the charger's temper until cancelled."""
    async with asyncio.TaskGroup() as group:
        if charger.temper.fault_every_s:
            group.create_task(_break_now_and_then(charger))
        if charger.temper.drop_every_s:
            group.create_task(_drop_now_and_then(charger))


async def _break_now_and_then(charger: SimulatedCharger) -> None:
    temper, rng = charger.temper, charger.rng
    while True:
        await charger.clock.sleep(rng.expovariate(1 / temper.fault_every_s))
        point = rng.choice(charger.points)
        if point.fault_code:
            continue
        point.fault(*rng.choice(FAULTS))
        await charger.clock.sleep(rng.uniform(*temper.fault_lasts_s))
        point.clear_fault()


async def _drop_now_and_then(charger: SimulatedCharger) -> None:
    temper, rng = charger.temper, charger.rng
    while True:
        await charger.clock.sleep(rng.expovariate(1 / temper.drop_every_s))
        if not charger.link.connected:
            continue
        charger.go_offline()
        await charger.clock.sleep(rng.uniform(*temper.drop_lasts_s))
        charger.come_back()
