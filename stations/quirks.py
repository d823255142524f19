"""What is known of a charger that reads the standard in its own way, and what it changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from stations.meter import IMPLAUSIBLE, POWER, Sample, default_unit, in_unit
from stations.models import Evse, Quirk, Station
from stations.ocpp import wire


@dataclass(frozen=True)
class Quirks:
    energy_unit: str = ""
    power_unit: str = ""
    whole_seconds: bool = False
    fallback: str = ""


NONE = Quirks()
#: A power reading beyond so many times what the EVSE can give is no measurement.
FAR_TOO_MUCH = 10


def of(station: Station) -> Quirks:
    """What applies to this station: its own rows before its model's, those before its vendor's."""
    return for_stations([station]).get(station.pk, NONE)


def for_stations(stations: Iterable[Station]) -> dict[int, Quirks]:
    """Only those stations that have any."""
    stations = list(stations)
    rows = list(Quirk.objects.filter(operator__in={station.site.operator_id for station in stations}))
    found = {}
    for station in stations if rows else []:
        mine = [row for row in rows if _applies(row, station)]
        if mine:
            found[station.pk] = _merged(mine)
    return found


def _applies(row: Quirk, station: Station) -> bool:
    if row.operator_id != station.site.operator_id:
        return False
    if row.station_id is not None:
        return row.station_id == station.pk
    is_vendor = row.vendor.casefold() == station.vendor.casefold()
    return is_vendor and (not row.model or row.model.casefold() == station.model.casefold())


def _merged(rows: list[Quirk]) -> Quirks:
    merged = NONE
    for row in sorted(rows, key=lambda each: (each.station_id is not None, bool(each.model))):
        said = {name: getattr(row, name) for name in vars(NONE) if getattr(row, name)}
        merged = replace(merged, **said)
    return merged


def time_text(station: Station, at) -> str:
    """A time for this station, as it can read it."""
    known = getattr(station, "quirks_known", None)
    return wire.time_text(at, fractions=not (known or NONE).whole_seconds)


def remember(stations: Iterable[Station]) -> None:
    """Put the stations' quirks on their rows in memory, for answers that are given at once."""
    stations = list(stations)
    known = for_stations(stations)
    for station in stations:
        station.quirks_known = known.get(station.pk, NONE)


def read(sample: Sample, station: Station, evse: Evse, quirks: Quirks) -> Sample | None:
    """The sample as this station means it: unit, time, and whether it can be at all."""
    if not sample.has_unit and quirks is not NONE:
        unit = quirks.energy_unit if sample.measurand.startswith("Energy.Active") else ""
        unit = quirks.power_unit if sample.measurand.startswith("Power.Active") else unit
        if unit and unit != default_unit(sample.measurand):
            found = in_unit(sample, unit)
            if found is None:
                return None
            sample = found
    if station.clock_offset_s and sample.flag in ("", wire.NO_ZONE):
        sample = replace(
            sample, at=sample.at + timedelta(seconds=station.clock_offset_s), flag=sample.flag or wire.SKEW
        )
    if sample.measurand == POWER and sample.value > FAR_TOO_MUCH * evse.max_power_w:
        sample = replace(sample, flag=IMPLAUSIBLE)
    return sample
