"""What meters say: sampled values of either protocol version → `Sample`s in one set of units.

1.6: §7.43 SampledValue, §7.45 UnitOfMeasure. 2.x: SampledValueType, UnitOfMeasureType with its multiplier.
Pure; times are the charger's where they can be believed (stations/ocpp/wire.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from stations.ocpp import wire

ENERGY, POWER, SOC = "Energy.Active.Import.Register", "Power.Active.Import", "SoC"

#: unit as sent → (unit as kept, factor)
UNITS = {
    "Wh": ("Wh", Decimal(1)),
    "kWh": ("Wh", Decimal(1000)),
    "W": ("W", Decimal(1)),
    "kW": ("W", Decimal(1000)),
    "VA": ("VA", Decimal(1)),
    "kVA": ("VA", Decimal(1000)),
    "var": ("var", Decimal(1)),
    "kvar": ("var", Decimal(1000)),
    "varh": ("varh", Decimal(1)),
    "kvarh": ("varh", Decimal(1000)),
    "A": ("A", Decimal(1)),
    "V": ("V", Decimal(1)),
    "Hz": ("Hz", Decimal(1)),
    "Hertz": ("Hz", Decimal(1)),
    "Percent": ("%", Decimal(1)),
    "Celsius": ("°C", Decimal(1)),
    "Celcius": ("°C", Decimal(1)),
    "K": ("K", Decimal(1)),
}


@dataclass(frozen=True)
class Sample:
    """One value: `value` in `unit`; `flag` says why it is not billed, if it isn't."""

    at: datetime
    measurand: str
    value: Decimal
    unit: str
    phase: str = ""
    location: str = "Outlet"
    context: str = "Sample.Periodic"
    flag: str = ""


def default_unit(measurand: str) -> str:
    """The standard's unit where none is sent: Wh for energy, and the measurand's own otherwise."""
    if measurand.startswith("Energy.Reactive"):
        return "varh"
    if measurand.startswith("Energy"):
        return "Wh"
    if measurand.startswith("Power.Reactive"):
        return "var"
    if measurand.startswith("Power.Factor"):
        return ""
    if measurand.startswith("Power"):
        return "W"
    return {
        "Current": "A",
        "Voltage": "V",
        "SoC": "Percent",
        "Temperature": "Celsius",
        "Frequency": "Hz",
    }.get(measurand.split(".")[0], "")


def samples(meter_values: Iterable[dict], received_at: datetime) -> Iterator[Sample]:
    """The samples of a list of MeterValue objects of either version; what is no number is left out."""
    for meter_value in meter_values:
        if not isinstance(meter_value, dict):
            continue
        at, flag = wire.device_time(meter_value.get("timestamp"), received_at)
        sampled = meter_value.get("sampledValue") or []
        for one in sampled if isinstance(sampled, list) else [sampled]:
            sample = _sample(one, at, flag)
            if sample is not None:
                yield sample


def _sample(one: dict, at: datetime, flag: str) -> Sample | None:
    # A signed value's text is no number; it stays in the frame, untouched, for who verifies it.
    if not isinstance(one, dict) or one.get("format") == "SignedData":
        return None
    value = wire.number(one.get("value"))
    if value is None:
        return None
    measurand = one.get("measurand") or ENERGY
    measure = one.get("unitOfMeasure") or {}
    sent = one.get("unit") or measure.get("unit") or default_unit(measurand)
    unit, factor = UNITS.get(sent, (sent, Decimal(1)))
    value *= factor * Decimal(10) ** int(measure.get("multiplier") or 0)
    if sent in ("Fahrenheit",):
        unit, value = "°C", (value - 32) / Decimal("1.8")
    if abs(value) >= wire.BIGGEST:
        return None
    return Sample(
        at=at,
        measurand=measurand[:40],
        value=value.quantize(Decimal("0.001")),
        unit=unit[:8],
        phase=(one.get("phase") or "")[:8],
        location=(one.get("location") or "Outlet")[:10],
        context=(one.get("context") or "Sample.Periodic")[:24],
        flag=flag or ("negative" if value < 0 and measurand == ENERGY else ""),
    )


def register(found: Iterable[Sample]) -> list[Sample]:
    """The samples of the energy register that may be billed: the whole, at the outlet, sound."""
    return [
        sample
        for sample in found
        if sample.measurand == ENERGY and not sample.phase and sample.location == "Outlet" and not sample.flag
    ]
