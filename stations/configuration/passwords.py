"""A new password for a station, by the protocol: the old one counts too until the new one was used."""

from __future__ import annotations

import secrets
import string

from django.db import transaction

from stations.configuration import masking, names, runs
from stations.exceptions import ChargerOffline, Refused
from stations.models import ConfigurationRun, Station

LETTERS = string.ascii_letters + string.digits
#: 1.6 takes 20 bytes at most, 2.x 40 characters.
LENGTH_16, LENGTH_2X = 20, 32


class NoPassword(Refused):
    default = "This charger doesn't sign in with a password."


def generate(version: str) -> tuple[str, dict]:
    """(action, payload) that gives a station of this version a new password."""
    if names.is_16(version):
        # The key is bytes, written in hex. Printable ones, because chargers disagree on what goes into
        # the header then: the bytes, as the standard has it, or the hex digits.
        key = "".join(secrets.choice(LETTERS) for _i in range(LENGTH_16)).encode().hex().upper()
        return "ChangeConfiguration", {"key": masking.KEY_16, "value": key}
    password = "".join(secrets.choice(LETTERS) for _i in range(LENGTH_2X))
    name = names.Name(component=masking.COMPONENT, variable=masking.VARIABLE)
    return "SetVariables", {"setVariableData": [{**names.to_wire(name), "attributeValue": password}]}


@transaction.atomic
def rotate(*, station: Station, **more) -> ConfigurationRun:
    """Send a new password; nobody but the station ever sees it. `more` is what any run takes."""
    if station.security_profile not in (1, 2):
        raise NoPassword
    if not Station.objects.exclude(connection=None).filter(pk=station.pk).exists():
        raise ChargerOffline
    place = names.Name(masking.VARIABLE, component=masking.COMPONENT)
    path = masking.KEY_16 if names.is_16(station.ocpp_version) else str(place)
    return runs.begin(
        station=station,
        kind=ConfigurationRun.Kind.PASSWORD,
        to_send=[generate(station.ocpp_version)],
        results={path: {"wanted": masking.MASK, "status": ""}},
        **more,
    )
