"""What meters say: sampled values of either protocol version → `Sample`s in one set of units.

1.6: §7.43 SampledValue, §7.45 UnitOfMeasure. 2.x: SampledValueType, UnitOfMeasureType with its multiplier.
Pure; times are the charger's where they can be believed (stations/ocpp/wire.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from stations import ocmf
from stations.ocpp import wire

ENERGY, POWER, SOC = "Energy.Active.Import.Register", "Power.Active.Import", "SoC"
NEGATIVE, IMPLAUSIBLE, WRONG_UNIT = "negative", "implausible", "unit"
#: Said of a value's time, not of the value: it still counts.
TIME_FLAGS = ("", wire.NO_ZONE, wire.BAD_CLOCK, wire.SKEW)
#: measurand's first word → what can be measured at a car, in the unit as kept.
RANGES = {
    "SoC": (Decimal(0), Decimal(100)),
    "Voltage": (Decimal(-2000), Decimal(2000)),
    "Frequency": (Decimal(0), Decimal(1000)),
    "Temperature": (Decimal(-100), Decimal(1000)),
}
MAX_MULTIPLIER = 12

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
    "%": ("%", Decimal(1)),
    "Celsius": ("°C", Decimal(1)),
    # So spelt in the first edition of 1.6.
    "Celcius": ("°C", Decimal(1)),
    "Fahrenheit": ("°C", Decimal(1)),
    "K": ("°C", Decimal(1)),
    "RPM": ("RPM", Decimal(1)),
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
    #: Whether the station named the unit, or the standard's was taken.
    has_unit: bool = True

    @property
    def is_sound(self) -> bool:
        """Whether the value may be billed; a clock that is off says nothing against it."""
        return self.flag in TIME_FLAGS


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
    values = [each for each in meter_values if isinstance(each, dict)]
    times = [wire.device_time(each.get("timestamp"), received_at) for each in values]
    ahead = wire.ahead([each.get("timestamp") for each in values], received_at)
    for index, (meter_value, (at, flag)) in enumerate(zip(values, times, strict=True)):
        if ahead:
            # The newest can't be from the future: so far the whole message is ahead.
            at, flag = wire.device_time(meter_value.get("timestamp"), received_at, -ahead)
        elif flag == wire.BAD_CLOCK:
            # Without a clock their order is all that is known, and each needs a moment of its own.
            at -= timedelta(milliseconds=len(values) - 1 - index)
        sampled = meter_value.get("sampledValue") or []
        sampled = sampled if isinstance(sampled, list) else [sampled]
        found = [sample for one in sampled if (sample := _sample(one, at, flag)) is not None]
        yield from found
        if not any(sample.measurand == ENERGY for sample in found):
            yield from _from_signed(sampled, at, flag)


def _from_signed(sampled: list, at: datetime, flag: str) -> Iterator[Sample]:
    """The register in a signed value, where the station sends no plain one beside it."""
    for one in sampled:
        data = signed_text(one)
        reading = ocmf.last_register(data) if data else None
        if reading is not None:
            yield Sample(at, ENERGY, reading, "Wh", context=_context(one), flag=flag)
            return


def signed_text(one: object) -> str:
    """What a sampled value carries as signed data, untouched; empty where it is not signed."""
    if not isinstance(one, dict):
        return ""
    if one.get("format") == "SignedData":
        return str(one.get("value") or "")
    signed = one.get("signedMeterValue")
    return str(signed.get("signedMeterData") or "") if isinstance(signed, dict) else ""


def _context(one: dict) -> str:
    return str(one.get("context") or "Sample.Periodic")[:24]


def _sample(one: object, at: datetime, flag: str) -> Sample | None:
    # A signed value's text is no number; it is kept untouched beside the readings.
    if not isinstance(one, dict) or one.get("format") == "SignedData":
        return None
    value = wire.number(one.get("value"))
    if value is None:
        return None
    measurand = one.get("measurand") or ENERGY
    measure = one.get("unitOfMeasure") or {}
    sent = one.get("unit") or measure.get("unit")
    multiplier = int(measure.get("multiplier") or 0)
    if abs(multiplier) > MAX_MULTIPLIER:
        return None
    sample = Sample(
        at=at,
        measurand=measurand[:40],
        value=value * Decimal(10) ** multiplier,
        unit="",
        phase=(one.get("phase") or "")[:8],
        location=(one.get("location") or "Outlet")[:10],
        context=_context(one),
        flag=flag,
        has_unit=bool(sent),
    )
    return in_unit(sample, sent or default_unit(measurand))


def in_unit(sample: Sample, sent: str) -> Sample | None:
    """The sample whose value is in the unit `sent`, in the unit that is kept; None where it is absurd."""
    unit, factor = UNITS.get(sent, (sent, Decimal(1)))
    value = sample.value * factor
    if sent == "Fahrenheit":
        value = (value - 32) / Decimal("1.8")
    elif sent == "K":
        value -= Decimal("273.15")
    if abs(value) >= wire.BIGGEST:
        return None
    value = value.quantize(Decimal("0.001"))
    flag = (
        sample.flag
        if sample.flag not in TIME_FLAGS
        else (_doubt(sample.measurand, value, unit) or sample.flag)
    )
    return replace(sample, value=value, unit=unit[:8], flag=flag)


def _doubt(measurand: str, value: Decimal, unit: str) -> str:
    expected = UNITS.get(default_unit(measurand), ("", Decimal(1)))[0]
    if expected and unit != expected:
        return WRONG_UNIT
    if value < 0 and measurand.startswith("Energy.Active"):
        return NEGATIVE
    low, high = RANGES.get(measurand.split(".")[0], (None, None))
    return IMPLAUSIBLE if low is not None and not low <= value <= high else ""
