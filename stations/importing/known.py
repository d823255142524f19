"""What is there already of what a file names, and may be changed by whom: read in a handful of queries."""

from __future__ import annotations

from django.conf import settings
from django.db.models.functions import Upper

from evportal.accounts.access import Access
from evportal.accounts.models import Operator
from stations.importing import columns
from stations.importing.columns import COLUMNS, CONNECTOR, EVSE, SITE, STATION
from stations.importing.planning import Known
from stations.importing.tables import Table
from stations.models import Connector, Evse, Site, Station

FIELDS = {
    level: [column.field for column in COLUMNS if column.level == level]
    for level in (SITE, STATION, EVSE, CONNECTOR)
}


def read(table: Table, operator: Operator, access: Access) -> Known:
    slugs, identities, ids = (_named(table, name) for name in ("site", "identity", "evse_id"))
    known = Known(
        may_make_sites=access.everything or operator.pk in access.operator_ids("manage_sites"),
        allow_no_password=settings.DEBUG,
    )
    own = Site.objects.filter(operator=operator).visible_to(access, "manage_stations")
    known.sites_for_stations = set(own.values_list("slug", flat=True))
    managed = Site.objects.filter(operator=operator).visible_to(access, "manage_sites")
    known.own_sites = set(managed.values_list("slug", flat=True))

    for site in own.filter(slug__in=slugs):
        known.things[SITE][(site.slug,)] = {name: getattr(site, name) for name in FIELDS[SITE]}
    stations = Station.objects.filter(site__in=own, identity__in=identities).select_related("site")
    for station in stations:
        fields = {name: getattr(station, name) for name in FIELDS[STATION]}
        known.things[STATION][(station.identity,)] = fields | {"site": station.site.slug}
    evses = Evse.objects.filter(station__in=stations).select_related("station")
    for evse in evses:
        known.things[EVSE][(evse.station.identity, evse.number)] = {
            name: getattr(evse, name) for name in FIELDS[EVSE]
        }
    for row in Connector.objects.filter(evse__in=evses).select_related("evse__station"):
        key = (row.evse.station.identity, row.evse.number, row.number)
        known.things[CONNECTOR][key] = {name: getattr(row, name) for name in FIELDS[CONNECTOR]}

    taken = Site.objects.filter(slug__in=slugs).values_list("slug", flat=True)
    known.refused[SITE] = {slug for slug in taken if (slug,) not in known.things[SITE]}
    taken = Station.objects.filter(identity__in=identities).values_list("identity", flat=True)
    known.refused[STATION] = {name for name in taken if (name,) not in known.things[STATION]}
    letters = {each.upper() for each in ids}
    named = Evse.objects.annotate(letters=Upper("public_id")).filter(letters__in=letters)
    for spelled, identity, number in named.values_list("letters", "station__identity", "number"):
        known.public_ids[spelled] = (identity, number) if (identity,) in known.things[STATION] else None
    return known


def _named(table: Table, name: str) -> set[str]:
    """Every word that stands in a column, whether it can be taken or not."""
    positions = [
        position
        for position, heading in enumerate(table.head.cells)
        if (column := columns.column_of(heading)) and column.name == name
    ]
    return {row.cells[at] for row in table.rows for at in positions if at < len(row.cells) and row.cells[at]}
