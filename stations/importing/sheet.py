"""Station files that the portal writes: what is there, and one to begin with; both can be read again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from decimal import Decimal

import xlsxwriter

from evportal.spreadsheets import safe
from stations.importing.columns import COLUMNS, CONNECTOR, EVSE, SITE, STATION
from stations.importing.planning import shown
from stations.models import Site

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"


def rows_of(sites: Iterable[Site]) -> Iterable[list]:
    """One a connector; a charger without EVSEs and a site without chargers have a row each.

    `sites` with `stations__evses__connectors` read ahead.
    """
    for site in sites:
        stations = list(site.stations.all())
        if not stations:
            yield _row({SITE: site})
        for station in stations:
            evses = list(station.evses.all())
            if not evses:
                yield _row({SITE: site, STATION: station})
            for evse in evses:
                for connector in list(evse.connectors.all()) or [None]:
                    yield _row({SITE: site, STATION: station, EVSE: evse, CONNECTOR: connector})


def example() -> list[list]:
    return [[column.example for column in COLUMNS]]


def _row(things: dict) -> list:
    cells = []
    for column in COLUMNS:
        thing = things.get(column.level)
        value = None if thing is None else getattr(thing, column.field)
        cells.append(_in_file(column.field, value))
    return cells


def _in_file(field: str, value):
    return Decimal(value) / 1000 if field == "max_power_w" and value is not None else value


def cell(field: str, value) -> str:
    """A field's value as a file says it."""
    return _said(_in_file(field, value))


def heading(level: str, field: str) -> str:
    """What a file calls a field; a charger's site is that of its row."""
    return next((c.name for c in COLUMNS if c.level == level and c.field == field), field)


def _said(value) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else shown(value)


def as_csv(rows: Iterable[list]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([column.name for column in COLUMNS])
    for cells in rows:
        # Negative numbers stay numbers; text that a spreadsheet would run doesn't.
        writer.writerow([_said(c) if isinstance(c, Decimal | int) else safe(_said(c)) for c in cells])
    return ("\ufeff" + out.getvalue()).encode()


def as_xlsx(rows: Iterable[list]) -> bytes:
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        bold = book.add_format({"bold": True})
        sheet = book.add_worksheet("Chargers")
        for at, column in enumerate(COLUMNS):
            sheet.write_string(0, at, column.name, bold)
        for number, cells in enumerate(rows, start=1):
            for at, cell in enumerate(cells):
                if isinstance(cell, Decimal | int) and not isinstance(cell, bool):
                    sheet.write_number(number, at, cell)
                elif cell not in (None, ""):
                    # As in CSV, so that what is written is read as the same text.
                    sheet.write_string(number, at, safe(_said(cell)))
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(COLUMNS) - 1, 15)
    return out.getvalue()
