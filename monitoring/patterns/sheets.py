"""Tables as CSV and XLSX: the same rows, each number a number, and no text that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import xlsxwriter

from evportal.spreadsheets import plain, safe

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"


@dataclass(frozen=True)
class Table:
    """`name` is for addresses and file names, `title` for people."""

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence]


def as_csv(table: Table, about: str) -> bytes:
    """What it is about in the first line, then the head, then the rows."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([safe(f"{table.title}: {about}")])
    writer.writerow([safe(str(column)) for column in table.columns])
    for row in table.rows:
        writer.writerow([plain(value) for value in row])
    # A byte order mark, without which spreadsheets take the file for their own alphabet.
    return ("\ufeff" + out.getvalue()).encode()


def as_xlsx(tables: Sequence[Table], about: str) -> bytes:
    """One sheet for each table."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        bold = book.add_format({"bold": True})
        for table in tables:
            sheet = book.add_worksheet(_sheet_name(table.title))
            sheet.write_string(0, 0, f"{table.title}: {about}", bold)
            for column, label in enumerate(table.columns):
                sheet.write_string(1, column, str(label), bold)
            for number, row in enumerate(table.rows, start=2):
                for column, value in enumerate(row):
                    if isinstance(value, int | float | Decimal):
                        sheet.write_number(number, column, value)
                    elif value not in (None, ""):
                        sheet.write_string(number, column, str(value))
            sheet.freeze_panes(2, 1)
            sheet.set_column(0, 0, 28)
            sheet.set_column(1, max(1, len(table.columns) - 1), 16)
    return out.getvalue()


def _sheet_name(title: str) -> str:
    """At most 31 characters, without those that a sheet's name may not have."""
    return "".join(" " if letter in "[]:*?/\\" else letter for letter in title)[:31].strip("' ") or "Table"
