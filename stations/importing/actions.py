"""Look at a station file, apply what was shown, hand out the new chargers' passwords once."""

from __future__ import annotations

import csv
import io
import secrets
from collections import Counter
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from evportal.accounts.access import Access
from evportal.accounts.models import Operator, User
from evportal.outbox import sealing
from evportal.spreadsheets import plain
from stations import registry
from stations.exceptions import Refused
from stations.importing import columns, known, planning, tables
from stations.importing.columns import CONNECTOR, EVSE, SITE, STATION
from stations.importing.planning import CHANGE, CREATE, Plan
from stations.importing.tables import Row, Table
from stations.models import Connector, Evse, PendingStation, Site, Station, StationImport

#: How long what was shown may be applied, and passwords be taken.
KEPT = timedelta(hours=1)


class NotAsShown(Refused):
    default = "Something has changed since this was shown. Nothing was entered: look at the file again."


class RunOut(Refused):
    default = "This is over, or was applied already. Upload the file again."


class HasErrors(Refused):
    default = "The file has errors. Nothing was entered."


class Taken(Refused):
    default = "The passwords were taken already, or their time is over. They can't be shown again."


def look(
    *, content: bytes, name: str, operator: Operator, access: Access, by: User, now: datetime
) -> tuple[StationImport, Plan]:
    """Reads the file and keeps it as it was read; raises `tables.Unreadable`. Nothing else is changed."""
    table = tables.read(content, columns.is_known)
    plan = planning.plan(table, known.read(table, operator, access))
    row = StationImport.objects.create(
        operator=operator,
        created_by=by,
        created_at=now,
        expires_at=now + KEPT,
        name=name[:200],
        table={
            "head": [table.head.number, table.head.cells],
            "rows": [_stored(row) for row in table.rows],
            "read_as": table.read_as,
        },
        digest=plan.digest,
    )
    return row, plan


def planned(row: StationImport, access: Access) -> Plan:
    """What applying it now would do."""
    table = kept(row)
    return planning.plan(table, known.read(table, row.operator, access))


def _stored(row: Row) -> list:
    # That a cell is a formula is part of what was read.
    formulas = [at for at, cell in enumerate(row.cells) if isinstance(cell, tables.Formula)]
    return [row.number, row.cells, formulas]


def kept(row: StationImport) -> Table:
    def opened(number: int, cells: list[str], formulas: list[int] = ()) -> Row:
        return Row(number, [tables.Formula(c) if at in formulas else c for at, c in enumerate(cells)])

    return Table(
        opened(*row.table["head"]), [opened(*each) for each in row.table["rows"]], row.table["read_as"]
    )


def apply(*, row: StationImport, access: Access, digest: str, now: datetime) -> StationImport:
    """All of what was shown, or nothing: raises `NotAsShown`, `HasErrors` or `RunOut`.

    `digest` is that of the page on which somebody agreed. New chargers with a password get one each, which
    `take_passwords` hands out once.
    """
    try:
        with transaction.atomic():
            # The second of two clicks waits here, and then finds it applied.
            row = StationImport.objects.select_for_update().get(pk=row.pk)
            if row.applied_at or row.expires_at <= now:
                raise RunOut
            plan = planned(row, access)
            if plan.problems:
                raise HasErrors
            if not (plan.digest == row.digest == digest):
                raise NotAsShown
            passwords = enter(plan, row.operator)
            row.applied_at = now
            row.outcome = {verb: dict(_counted(plan, verb)) for verb in (CREATE, CHANGE)}
            row.secrets = sealing.sealed(passwords) if passwords else ""
            row.expires_at = now + KEPT
            row.save()
    except IntegrityError:
        # Somebody entered the same between the look and the commit.
        raise NotAsShown from None
    return row


def _counted(plan: Plan, verb: str) -> Counter:
    return Counter(step.level for step in plan.steps if step.verb == verb)


@transaction.atomic
def enter(plan: Plan, operator: Operator) -> list[list[str]]:
    """Does what the plan says; (identity, password) of the chargers that are new and sign in with one."""
    steps = {level: [step for step in plan.steps if step.level == level] for level in planning.LEVELS}
    sites = {site.slug: site for site in Site.objects.filter(operator=operator).select_related("operator")}
    for step in steps[SITE]:
        if step.verb == CREATE:
            sites[step.key[0]] = Site.objects.create(operator=operator, slug=step.key[0], **step.fields)
        elif step.verb == CHANGE:
            _change(sites[step.key[0]], step)

    named = [step.key[0] for step in steps[STATION]]
    stations = {
        each.identity: each
        for each in Station.objects.filter(site__operator=operator, identity__in=named).select_related(
            "site__operator"
        )
    }
    passwords, new = [], []
    counts = Counter(Station.objects.filter(site__operator=operator).values_list("site__slug", flat=True))
    for step in steps[STATION]:
        fields = step.fields | ({"site": sites[step.fields["site"]]} if "site" in step.fields else {})
        if step.verb == CREATE:
            site = fields["site"]
            counts[site.slug] += 1
            # Drivers read the name: never the identity.
            fields = {"name": f"Charger {counts[site.slug]}", **fields}
            station = Station(identity=step.key[0], **fields)
            if station.security_profile in (1, 2):
                password = secrets.token_urlsafe(24)
                station.set_password(password)
                passwords.append([site.name, station.name, station.identity, password])
            new.append(station)
            stations[station.identity] = station
        elif step.verb == CHANGE:
            _change(stations[step.key[0]], step, fields)
    Station.objects.bulk_create(new)
    # They may have called before anybody had entered them.
    PendingStation.objects.filter(identity__in=[station.identity for station in new]).delete()

    evses = {
        (each.station.identity, each.number): each
        for each in Evse.objects.filter(station__in=[each.pk for each in stations.values()]).select_related(
            "station"
        )
    }
    new_evses = []
    for step in steps[EVSE]:
        identity, number = step.key
        if step.verb == CREATE:
            station = stations[identity]
            fields = {"public_id": registry.new_public_id(station, number), **step.fields}
            evses[step.key] = Evse(station=station, number=number, **fields)
            new_evses.append(evses[step.key])
        elif step.verb == CHANGE:
            _change(evses[step.key], step)
    Evse.objects.bulk_create(new_evses)

    connectors = {
        (each.evse_id, each.number): each
        for each in Connector.objects.filter(evse__in=[each.pk for each in evses.values()])
    }
    new_connectors = []
    for step in steps[CONNECTOR]:
        identity, evse_number, number = step.key
        evse = evses[identity, evse_number]
        if step.verb == CREATE:
            new_connectors.append(Connector(evse=evse, number=number, **step.fields))
        elif step.verb == CHANGE:
            _change(connectors[evse.pk, number], step)
    Connector.objects.bulk_create(new_connectors)
    return passwords


def _change(row, step, fields: dict | None = None) -> None:
    for name in step.changes:
        setattr(row, name, (fields or step.fields)[name])
    row.save(update_fields=list(step.changes))


@transaction.atomic
def take_passwords(*, row: StationImport, now: datetime) -> bytes:
    """The new chargers' passwords as CSV; they are gone from the portal then. Raises `Taken`."""
    row = StationImport.objects.select_for_update().get(pk=row.pk)
    if not row.secrets or row.expires_at <= now:
        raise Taken
    rows = sealing.opened(row.secrets)
    StationImport.objects.filter(pk=row.pk).update(secrets="")
    return passwords_as_csv(rows)


def passwords_as_csv(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["site", "charger", "identity", "password"])
    # A password may begin with a hyphen: an apostrophe before it would be taken for part of it.
    writer.writerows([*(plain(cell) for cell in cells[:3]), cells[3]] for cells in rows)
    return ("\ufeff" + out.getvalue()).encode()


def purge(now: datetime) -> int:
    """What nobody applied, and passwords that nobody took, are forgotten."""
    StationImport.objects.filter(expires_at__lte=now).exclude(secrets="").update(secrets="")
    count, _by_model = StationImport.objects.filter(expires_at__lte=now - timedelta(days=1)).delete()
    return count
