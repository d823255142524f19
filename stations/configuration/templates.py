"""What a station should be set to: its operator's templates, or else what the portal itself needs."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from stations.configuration import builtin, drift, keep, names
from stations.models import ConfigurationTemplate, Setting, Station

OCPP_16, OCPP_2 = ConfigurationTemplate.Protocol.OCPP_16, ConfigurationTemplate.Protocol.OCPP_2
#: What has a way of its own, because the portal must know of it before the station does.
GUARDED = {
    OCPP_16: ("AuthorizationKey", "SecurityProfile"),
    OCPP_2: ("SecurityCtrlr/BasicAuthPassword", "SecurityCtrlr/SecurityProfile"),
}
MOST_VALUES = 200
LONGEST_VALUE = {OCPP_16: 500, OCPP_2: 2500}


def protocol(version: str) -> str:
    return OCPP_16 if names.is_16(version) else OCPP_2


def problem(protocol: str, values) -> str:
    """What is wrong with values that are to be sent, in a sentence; empty if nothing is."""
    if not isinstance(values, dict) or not values:
        return "Give at least one setting and its value."
    if len(values) > MOST_VALUES:
        return f"No more than {MOST_VALUES} settings at once."
    seen = set()
    for path, value in values.items():
        try:
            name = names.parse(protocol, str(path))
        except names.BadName as error:
            return str(error)
        if str(name) in GUARDED[protocol] or keep.is_secret(name):
            return f"{name} has an action of its own (password, security profile, codes on the display)."
        if not isinstance(value, str):
            return f'{name}: the value is written as text, such as "300" or "true".'
        if "\x00" in value or len(value) > LONGEST_VALUE[protocol]:
            return f"{name}: the value is too long or has characters that can't be sent."
        if name in seen:
            return f"{name} is there twice."
        seen.add(name)
    return ""


def normal(protocol: str, values: dict[str, str]) -> dict[str, str]:
    """The same values, each place spelt in the one way."""
    return {str(names.parse(protocol, path)): value for path, value in values.items()}


def fits(template: ConfigurationTemplate, station: Station) -> bool:
    def agrees(wanted: str, reported: str) -> bool:
        return not wanted or wanted.strip().casefold() == reported.strip().casefold()

    return (
        template.is_active
        and template.protocol == protocol(station.ocpp_version)
        and agrees(template.vendor, station.vendor)
        and agrees(template.model, station.model)
        and station.firmware.casefold().startswith(template.firmware.strip().casefold())
    )


def fitting(
    station: Station, templates: Iterable[ConfigurationTemplate] | None = None
) -> list[ConfigurationTemplate]:
    """The station's templates, the first in order first."""
    if templates is None:
        templates = ConfigurationTemplate.objects.filter(operator=station.site.operator_id)
    found = [
        each for each in templates if each.operator_id == station.site.operator_id and fits(each, station)
    ]
    return sorted(found, key=lambda each: (each.position, each.pk))


def wanted(station: Station, templates: Iterable[ConfigurationTemplate] | None = None) -> dict[str, str]:
    """By path. Without any template it is what the portal needs; a template stands in for that entirely."""
    found = fitting(station, templates)
    if not found:
        return builtin.wanted(
            protocol(station.ocpp_version),
            heartbeat_s=settings.OCPP_HEARTBEAT_SECONDS,
            meter_s=settings.OCPP_METER_SECONDS,
        )
    values: dict[str, str] = {}
    for template in found:
        for path, value in normal(template.protocol, template.values).items():
            values.setdefault(path, value)
    return values


def differences(station: Station) -> list[drift.Difference]:
    return drift.compare(wanted(station), keep.kept(station))


def differences_of(stations: Iterable[Station]) -> dict[int, list[drift.Difference]]:
    """For many stations with a fixed number of queries; the stations' sites are loaded."""
    stations = list(stations)
    operators = {station.site.operator_id for station in stations}
    templates = list(ConfigurationTemplate.objects.filter(operator__in=operators, is_active=True))
    should = {station.pk: wanted(station, templates) for station in stations}
    paths = {path for values in should.values() for path in values}
    is_: dict[int, dict] = {station.pk: {} for station in stations}
    for row in Setting.objects.filter(station__in=stations, path__in=paths):
        is_[row.station_id][row.path] = keep.of_row(row)
    return {pk: drift.compare(values, is_[pk]) for pk, values in should.items()}
