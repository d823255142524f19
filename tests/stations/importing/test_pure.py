"""Station files as people have them: how they are read, and what they would do. No database."""

import io
import time
import zipfile
from decimal import Decimal

import openpyxl
import pytest

from stations.importing import columns, planning, sheet, tables
from stations.importing.planning import CHANGE, CREATE, SAME, TAKEN, Known
from stations.importing.tables import Formula, Unreadable

HEAD = "site;site_name;latitude;longitude;identity;charger;evse;evse_id;max_power_kw;connector;standard"
ROW = "yard;North Yard;52,53;13,38;CP-1;One;1;DE*ABC*E1*1;22;1;Type 2"


def read(text: str | bytes):
    return tables.read(text.encode() if isinstance(text, str) else text, columns.is_known)


def plan(text, **known):
    return planning.plan(read(text), Known(may_make_sites=True, **known))


def said(found):
    return [(problem.row, problem.column, problem.text) for problem in found.problems]


@pytest.mark.parametrize(
    "content",
    [
        f"{HEAD}\r\n{ROW}\r\n".encode(),
        f"\ufeff{HEAD}\n{ROW}".encode(),
        f"{HEAD}\n{ROW}".encode("utf-16"),
        f"sep=;\n{HEAD}\n{ROW}".encode(),
        f"{HEAD}\n{ROW}".replace(";", "\t").encode(),
        f"{HEAD}\n{ROW}".replace(",", ".").replace(";", ",").encode(),
        f"\n{HEAD}\n;;;;\n{ROW}".encode(),
    ],
)
def test_what_spreadsheets_write_is_read(content):
    table = read(content)
    assert table.head.cells[0] == "site"
    assert [cell.replace(",", ".") for cell in table.rows[0].cells[:5]] == [
        "yard",
        "North Yard",
        "52.53",
        "13.38",
        "CP-1",
    ]


def test_letters_of_an_old_windows_are_read():
    table = read(f"{HEAD}\n{ROW}".replace("North", "Süd").encode("cp1252"))
    assert table.rows[0].cells[1] == "Süd Yard" and "Windows-1252" in table.read_as


def test_rows_are_numbered_as_the_spreadsheet_does():
    table = read(f'{HEAD}\n\n"ya\nrd";x\n{ROW}')
    assert [row.number for row in table.rows] == [3, 4]


def xlsx(*rows, before=()) -> bytes:
    book = openpyxl.Workbook()
    for each in before:
        book.create_sheet(each, 0)
    sheet = book["Sheet"]
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_xlsx_is_read_with_numbers_and_formulas_as_they_are():
    table = read(
        xlsx(["identity", "latitude", "max_power_kw", "name"], ["CP-1", 52.53, 22, "=1+1"], before=["Empty"])
    )
    assert table.rows[0].cells == ["CP-1", "52.53", "22", "=1+1"]
    assert isinstance(table.rows[0].cells[3], Formula)


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (tables.MAX_UNPACKED + 1))
    return out.getvalue()


def many_elements() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", b"<si/>" * (tables.MAX_TAGS + 1))
    return out.getvalue()


def test_a_sheet_that_claims_to_be_endless_is_read_in_no_time():
    book = openpyxl.Workbook()
    book.active.append(["identity"])
    book.active.append(["CP-1"])
    # Formatted and empty: as wide and as long as a sheet can be.
    book.active["XFD3"].number_format = "0.00"
    book.active["A1048576"].number_format = "0.00"
    for row in range(4, 2000):
        book.active.cell(row, 16384).number_format = "0.00"
    out = io.BytesIO()
    book.save(out)
    start = time.process_time()
    assert [row.cells for row in read(out.getvalue()).rows] == [["CP-1"]]
    assert time.process_time() - start < 5


def entities() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/workbook.xml", '<!DOCTYPE x [<!ENTITY a "aaa">]><x>&a;</x>'.encode("utf-16"))
    return out.getvalue()


@pytest.mark.parametrize(
    "content, why",
    [
        (b"", "no rows"),
        (HEAD.encode(), "no rows"),
        (b"x" * (tables.MAX_BYTES + 1), "larger than 2 MB"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "neither CSV nor XLSX"),
        (b"\xd0\xcf\x11\xe0rest", "XLS"),
        (b"PK\x03\x04 broken", "damaged"),
        (f'{HEAD}\n"yard;never closed'.encode(), "quotation mark"),
        ((HEAD + "\nyard" * (tables.MAX_ROWS + 1)).encode(), "5000 rows"),
        ((HEAD + "\n" + ";" * 80).encode(), "columns"),
        ((HEAD + "\n" + "x" * 600).encode(), "characters"),
        (bomb(), "too large when it is unpacked"),
        (many_elements(), "too large when it is unpacked"),
        (entities(), "no spreadsheet writes"),
    ],
)
def test_what_is_no_such_file_is_refused_with_a_sentence(content, why):
    with pytest.raises(Unreadable, match=why):
        read(content)


def test_a_whole_file_makes_everything_that_it_names():
    found = plan(f"{HEAD}\n{ROW}\n" + ROW.replace(";1;DE*ABC*E1*1", ";2;DE*ABC*E1*2"))
    assert not said(found)
    assert [(step.level, step.key, step.verb) for step in found.steps] == [
        ("site", ("yard",), CREATE),
        ("station", ("CP-1",), CREATE),
        ("evse", ("CP-1", 1), CREATE),
        ("evse", ("CP-1", 2), CREATE),
        ("connector", ("CP-1", 1, 1), CREATE),
        ("connector", ("CP-1", 2, 1), CREATE),
    ]
    assert found.steps[0].fields["latitude"] == Decimal("52.53")
    assert found.steps[2].fields == {"public_id": "DE*ABC*E1*1", "max_power_w": 22_000}


def test_a_new_charger_has_an_evse_and_a_connector():
    found = plan("Standort;identity\nyard;CP-1", things=there(), **MAY)
    assert [(step.level, step.verb) for step in found.steps] == [
        ("site", SAME),
        ("station", CREATE),
        ("evse", CREATE),
        ("connector", CREATE),
    ]


MAY = {"own_sites": {"yard"}, "sites_for_stations": {"yard"}}


def there():
    return {
        "site": {
            ("yard",): {"name": "North Yard", "latitude": Decimal("52.530000"), "longitude": Decimal("13.38")}
        },
        "station": {("CP-9",): {"name": "Nine", "site": "yard"}},
        "evse": {("CP-9", 1): {"public_id": "DE*ABC*E9*1", "max_power_w": 22_000}},
        "connector": {("CP-9", 1, 1): {"standard": "IEC_62196_T2"}},
    }


def test_what_is_there_is_changed_or_left_alone():
    text = "site;latitude;identity;charger;evse;max_power_kw\nyard;52,53;CP-9;;1;11"
    found = plan(text, things=there(), **MAY)
    assert [(step.level, step.verb, step.changes) for step in found.steps] == [
        ("site", SAME, {}),
        ("station", SAME, {}),
        ("evse", CHANGE, {"max_power_w": (22_000, 11_000)}),
    ]


@pytest.mark.parametrize(
    "cells, column, why",
    [
        ({"latitude": "91"}, "latitude", "between"),
        ({"longitude": "-180,1"}, "longitude", "between"),
        ({"latitude": "52.53.1"}, "latitude", "number"),
        ({"latitude": "1.000,5"}, "latitude", "number"),
        ({"latitude": "north"}, "latitude", "number"),
        ({"latitude": "0", "longitude": "0"}, "latitude", "Atlantic"),
        ({"latitude": ""}, "latitude", "needed"),
        ({"site_name": ""}, "site_name", "needed"),
        ({"site_name": "=1+1"}, "site_name", "formula"),
        ({"site_name": "@SUM(A1)"}, "site_name", "formula"),
        ({"identity": "+cmd|' /C calc'!A0"}, "identity", "formula"),
        ({"identity": "x" * 49}, "identity", "48"),
        ({"identity": "/CP-1"}, "identity", "slash"),
        ({"site": "no slug"}, "site", "letters"),
        ({"evse": "0"}, "evse", "between"),
        ({"evse": "1.5"}, "evse", "whole number"),
        ({"max_power_kw": "-22"}, "max_power_kw", "more than 0"),
        ({"max_power_kw": "0"}, "max_power_kw", "more than 0"),
        ({"standard": "Type 9"}, "standard", "one of"),
        ({"identity": ""}, "charger", "no identity"),
    ],
)
def test_a_bad_cell_is_named_with_its_row_and_column(cells, column, why):
    row = dict(zip(HEAD.split(";"), ROW.split(";"), strict=True)) | cells
    found = plan(f"{HEAD}\n\n{';'.join(row.values())}")
    assert any(p.row == 3 and p.column == column and why in p.text for p in found.problems), said(found)


@pytest.mark.parametrize(
    "second, column, why",
    [
        (ROW, "", "in row 2 already"),
        (ROW.replace(";1;DE*ABC*E1*1", ";2;de*abc*e1*1"), "evse_id", "row 2"),
        (ROW.replace("North", "South").replace(";1;DE*ABC*E1*1", ";2;"), "site_name", "North Yard"),
        (ROW.replace("yard;", "other;").replace(";1;DE*ABC*E1*1", ";2;"), "site", "yard"),
        (ROW.replace(";One;", ";Two;").replace(";1;DE*ABC*E1*1", ";2;"), "charger", "One"),
    ],
)
def test_rows_that_contradict_each_other_are_named(second, column, why):
    found = plan(f"{HEAD}\n{ROW}\n{second}")
    assert any(p.row == 3 and p.column == column and why in p.text for p in found.problems), said(found)


def test_what_is_somebody_elses_is_not_told_from_what_may_not_be_used():
    others = {"refused": {"site": {"yard"}, "station": {"CP-1"}}, "public_ids": {"DE*ABC*E1*1": None}}
    found = plan(f"{HEAD}\n{ROW}", **others)
    assert said(found) == [(2, name, TAKEN) for name in ("evse_id", "identity", "site")]


def test_who_may_not_make_sites_is_told():
    table = read(f"{HEAD}\n{ROW}")
    assert any("not a site where" in p.text for p in planning.plan(table, Known()).problems)
    changed = read("site;site_name;identity\nyard;New name;CP-9")
    found = planning.plan(changed, Known(things=there(), sites_for_stations={"yard"}))
    assert said(found) == [(2, "site_name", "may be changed by a manager only")]


def test_columns_are_known_by_what_people_call_them_and_others_are_named():
    found = plan("Standort;Stadt;Latitud;Länge;Identity\nyard;Bern;1;2;CP-9", things=there(), **MAY)
    assert found.unknown == [("Latitud", "latitude"), ("Länge", "")]
    assert [step.changes for step in found.steps if step.level == "site"] == [{"city": (None, "Bern")}]
    assert "column “site”" in plan("colour\nred").problems[0].text
    assert "same as another" in plan("lat;latitude;site\n1;2;x").problems[0].text


def test_what_the_portal_writes_reads_as_the_same():
    cells = [["-1", "=evil", Decimal("-33.86"), True, None]]
    names = ["site", "site_name", "latitude", "public"]
    for write in (sheet.as_csv, sheet.as_xlsx):
        table = read(write(sheet.example()))
        assert not planning.plan(table, Known(may_make_sites=True)).problems, names
        row = [cells[0][names.index(c.name)] if c.name in names else None for c in columns.COLUMNS]
        table = read(write([row]))
        assert table.rows[0].cells[:2] == ["-1", "=evil"] and "-33.86" in table.rows[0].cells
        assert not any(isinstance(cell, Formula) for cell in table.rows[0].cells)


def test_a_plan_that_would_do_something_else_has_another_digest():
    assert plan(f"{HEAD}\n{ROW}").digest == plan(f"{HEAD}\n{ROW}").digest
    assert plan(f"{HEAD}\n{ROW}").digest != plan(f"{HEAD}\n{ROW.replace('One', 'Two')}").digest
