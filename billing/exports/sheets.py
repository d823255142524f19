"""Tables as CSV and XLSX: cells that can't run, numbers that stay numbers, and the same bytes each time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import BinaryIO

import xlsxwriter

from evportal.spreadsheets import plain

#: Rows of one sheet, its head included; a longer table goes on in the next one.
SHEET_ROWS = 1_048_576
#: A day that stands for the time at which a workbook was made.
MADE = datetime(2020, 1, 1)
#: What XLSX can't carry in a cell.
_UNPRINTABLE = {n: None for n in range(32) if n not in (9, 10, 13)}

Cell = str | int | Decimal | date | None


def write_csv(out: BinaryIO, head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    # A byte order mark, without which spreadsheets take the file for their own alphabet.
    text = io.TextIOWrapper(out, encoding="utf-8-sig", errors="replace", newline="", write_through=False)
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([plain(cell) for cell in row] for row in rows)
    text.flush()
    text.detach()


def write_xlsx(
    out: BinaryIO,
    title: str,
    head: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    sheet_rows: int = SHEET_ROWS,
) -> None:
    """Written row by row to temporary files, so that a year needs no more memory than a day."""
    book = xlsxwriter.Workbook(
        out, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    book.set_properties({"title": title, "created": MADE})
    bold = book.add_format({"bold": True})
    amount = book.add_format({"num_format": "#,##0.00##"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for number, piece in enumerate(_sheets(rows, sheet_rows - 1), start=1):
        sheet = book.add_worksheet(title[:25] if number == 1 else f"{title[:25]} {number}")
        sheet.freeze_panes(1, 1)
        sheet.set_column(0, len(head) - 1, 16)
        sheet.write_row(0, 0, head, bold)
        for at, row in enumerate(piece, start=1):
            for column, cell in enumerate(row):
                if cell is None or cell == "":
                    continue
                if isinstance(cell, str):
                    sheet.write_string(at, column, cell.translate(_UNPRINTABLE)[:32767])
                elif isinstance(cell, date):
                    sheet.write_datetime(at, column, cell, day)
                else:
                    sheet.write_number(at, column, cell, amount if isinstance(cell, Decimal) else None)
    book.close()


def _sheets(rows: Iterable[Sequence[Cell]], size: int) -> Iterator[Iterator[Sequence[Cell]]]:
    """Pieces of at most `size` rows, each to be read to its end before the next; one at least."""
    found = iter(rows)
    first = next(found, None)
    if first is None:
        yield iter(())
        return
    while first is not None:

        def piece(first=first):
            yield first
            for _n in range(size - 1):
                row = next(found, None)
                if row is None:
                    return
                yield row

        yield piece()
        first = next(found, None)
