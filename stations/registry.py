"""Enter chargers, change what is entered, take them out again."""

from __future__ import annotations

from django.db import transaction
from django.db.models import ProtectedError

from evportal.accounts.models import ApiKey, User
from stations import registration as registering
from stations.configuration import credentials
from stations.exceptions import Refused
from stations.models import Connector, Evse, PendingStation, Site, Station


class StillNeeded(Refused):
    default = "Sessions or bookings refer to it, and those are kept: it can't be deleted."


@transaction.atomic
def add(
    *,
    site: Site,
    identity: str,
    name: str = "",
    password: str = "",
    security_profile: int = 1,
    registration: str = Station.Registration.ACCEPTED,
    evses: list[dict],
) -> Station:
    """A new station with its EVSEs: [{"number", "public_id", "max_power_w", "connectors": [{…}]}]."""
    station = Station(
        site=site,
        # Drivers read it on the charger: never the identity, which is between the charger and us.
        name=name or f"Charger {site.stations.count() + 1}",
        identity=identity,
        security_profile=security_profile,
        registration=registration,
    )
    station.set_password(password)
    station.save()
    for each in evses:
        add_evse(station=station, **each)
    # It may have called before anybody had entered it.
    PendingStation.objects.filter(identity=identity).delete()
    return station


@transaction.atomic
def add_evse(
    *, station: Station, number: int, connectors: list[dict], public_id: str = "", max_power_w: int = 22_000
) -> Evse:
    evse = Evse.objects.create(
        station=station,
        number=number,
        public_id=public_id or new_public_id(station, number),
        max_power_w=max_power_w,
    )
    Connector.objects.bulk_create([Connector(evse=evse, **each) for each in connectors])
    return evse


def new_public_id(station: Station, number: int) -> str:
    """eMI3: country, operator, E, a number of ours, the EVSE's number; nothing of the identity in it."""
    operator = station.site.operator
    return f"{station.site.country}*{operator.party_id or operator.pk}*E{station.pk:05d}*{number}"


@transaction.atomic
def change(
    *, station: Station, password: str | None = None, by: User | ApiKey | None = None, **fields
) -> Station:
    """New values for its fields; a new password counts from the charger's next connection.

    A password that was on its way to it is forgotten: whoever gives one by hand knows what it has now.
    """
    was = Station.objects.values_list("registration", flat=True).get(pk=station.pk)
    for name, value in fields.items():
        setattr(station, name, value)
    changed = list(fields)
    if password is not None:
        station.set_password(password)
        credentials.forget(station=station)
        changed.append("password_hash")
    station.save(update_fields=changed)
    if station.registration != was:
        registering.tell(station=station, by=by)
    return station


@transaction.atomic
def remove(*, row: Station | Site) -> None:
    """Delete a station or a site that nothing rests on; raises `StillNeeded`."""
    try:
        row.delete()
    except ProtectedError:
        raise StillNeeded from None
