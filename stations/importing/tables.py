"""A file that somebody uploads → rows of text, as spreadsheets number them. Pure.

CSV in whatever a spreadsheet writes: UTF-8 with or without its mark, UTF-16 with it, Windows-1252; separated
by semicolons, commas, tabs or bars. XLSX: its first sheet that isn't empty. Nothing is evaluated.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

import openpyxl

from evportal.spreadsheets import RISKY

MAX_BYTES = 2 * 1024 * 1024
MAX_ROWS = 5_000
MAX_COLUMNS = 60
MAX_CELL = 500
#: What an XLSX may hold when it is unpacked: a file of a few kilobytes can say that it is gigabytes.
MAX_UNPACKED = 16 * 1024 * 1024
MAX_PARTS = 500
#: Elements in all of them: a full sheet has two thirds of so many, and each costs time.
MAX_TAGS = 1_500_000
DELIMITERS = (";", ",", "\t", "|")


class Unreadable(Exception):
    """The file as a whole can't be taken; the message says why."""


class Formula(str):
    """What stands in a cell that is to be reckoned: kept apart from text, and never reckoned."""


@dataclass(frozen=True)
class Row:
    """`number` is the one at its left in the spreadsheet."""

    number: int
    cells: list[str]


@dataclass(frozen=True)
class Table:
    head: Row
    rows: list[Row]
    #: How it was read, for people: “CSV, separated by semicolons, Windows-1252”.
    read_as: str = field(default="", compare=False)


def read(content: bytes, known: Callable[[str], bool]) -> Table:
    """The table of a CSV or XLSX file; `known` says whether a heading is one. Raises `Unreadable`."""
    if len(content) > MAX_BYTES:
        raise Unreadable(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB.")
    if content[:4] == b"PK\x03\x04":
        return _table(_xlsx(content), "XLSX")
    if content[:4] == b"\xd0\xcf\x11\xe0":
        raise Unreadable("This is an old XLS file. Save it as XLSX or CSV.")
    text, encoding = decoded(content)
    first = next((line for line in text.splitlines() if line.strip()), "")
    marked = first.lower().startswith("sep=") and len(first) == 5
    delimiter = first[4] if marked else separator(first, known)
    try:
        rows = list(_bounded(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)))
    except csv.Error:
        raise Unreadable("The file is not proper CSV: a quotation mark is opened and never closed.") from None
    if marked:
        rows = [row for row in rows if row[1] != [first] and row[1] != ["sep=", ""]]
    name = {";": "semicolons", ",": "commas", "\t": "tabs", "|": "bars"}.get(delimiter, delimiter)
    return _table(rows, f"CSV, separated by {name}, {encoding}")


def decoded(content: bytes) -> tuple[str, str]:
    """The text and what it was written in; a file that is no text is refused."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        tries = [("utf-16", "UTF-16")]
    else:
        tries = [("utf-8-sig", "UTF-8"), ("cp1252", "Windows-1252")]
    for codec, name in tries:
        try:
            text = content.decode(codec)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text, name
    raise Unreadable("This is neither CSV nor XLSX.")


def separator(first_line: str, known: Callable[[str], bool]) -> str:
    """The one by which most headings are known; the one that splits most, where none is."""

    def worth(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([first_line], delimiter=delimiter), [])
        return sum(known(cell) for cell in cells), len(cells)

    return max(DELIMITERS, key=worth)


def _bounded(rows: Iterable[list[str]]) -> Iterable[tuple[int, list[str]]]:
    for number, cells in enumerate(rows, start=1):
        if number > MAX_ROWS + 1:
            raise Unreadable(f"The file has more than {MAX_ROWS} rows. Split it.")
        if len(cells) > MAX_COLUMNS:
            raise Unreadable(f"Row {number} has more than {MAX_COLUMNS} columns.")
        if any(len(cell) > MAX_CELL for cell in cells):
            raise Unreadable(f"A cell in row {number} has more than {MAX_CELL} characters.")
        yield number, [_cell(cell) for cell in cells]


def _cell(text: str) -> str:
    """Text without the spaces around it; what a spreadsheet would reckon is marked, numbers are not."""
    if isinstance(text, Formula):
        return text
    text = text.strip(" \u00a0\t\r\n")
    if text.startswith("'") and text[1:].startswith(RISKY):
        # As exports write text that must not run.
        return text[1:]
    if text.startswith(RISKY) and not is_number(text):
        return Formula(text)
    return text


def is_number(text: str) -> bool:
    digits = text.lstrip("+-").replace(",", ".", 1)
    return digits.replace(".", "", 1).isdecimal() and digits.isascii() and len(text) - len(digits) <= 1


def _table(rows: Iterable[tuple[int, list[str]]], read_as: str) -> Table:
    filled = [Row(number, cells) for number, cells in rows if any(cells)]
    if len(filled) < 2:
        raise Unreadable("The file has no rows below its headings.")
    return Table(filled[0], filled[1:], read_as)


def _xlsx(content: bytes) -> list[tuple[int, list[str]]]:
    _check_archive(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        for sheet in book.worksheets:
            # What it says of its own size may be wrong, and would be believed.
            sheet.reset_dimensions()
            rows = list(_bounded(_texts(sheet)))
            if any(any(cells) for _number, cells in rows):
                return rows
        return []
    except Unreadable:
        raise
    except Exception:
        # openpyxl raises whatever broke inside: KeyError, ValueError, ParseError, BadZipFile, …
        raise Unreadable("This XLSX file is damaged.") from None


def _check_archive(content: bytes) -> None:
    """Unpack it once without keeping it, so that nothing else unpacks more than it may."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if len(parts) > MAX_PARTS:
                raise Unreadable("This XLSX file has too many parts.")
            left, tags = MAX_UNPACKED, MAX_TAGS
            for part in parts:
                with archive.open(part) as stream:
                    before = b""
                    while piece := stream.read(64 * 1024):
                        left -= len(piece)
                        tags -= piece.count(b"<")
                        if left < 0 or tags < 0:
                            raise Unreadable("This XLSX file is too large when it is unpacked.")
                        # Also where it is written in UTF-16, or across the end of a piece.
                        letters = (before + piece).replace(b"\x00", b"")
                        if b"<!DOCTYPE" in letters or b"<!ENTITY" in letters:
                            raise Unreadable("This XLSX file holds what no spreadsheet writes.")
                        before = piece[-32:]
    except Unreadable:
        raise
    except Exception:
        # A broken archive breaks in many ways: BadZipFile, NotImplementedError, zlib.error, RuntimeError, …
        raise Unreadable("This XLSX file is damaged.") from None


def _texts(sheet) -> Iterable[list[str]]:
    # A cell far to the right would make every row that wide.
    for number, row in enumerate(sheet.iter_rows(max_col=4 * MAX_COLUMNS), start=1):
        if number > MAX_ROWS + 1 and not any(cell.value is not None for cell in row):
            # A sheet may say that a million empty rows belong to it.
            if number > 2 * MAX_ROWS:
                return
            continue
        cells = [_text(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        yield cells


def _text(cell) -> str:
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        return Formula(str(value)[:MAX_CELL])
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{Decimal(repr(value)).normalize():f}"
    return str(value)
