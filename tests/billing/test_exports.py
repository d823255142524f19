"""Accountants' files: what they say, that the same one is the same bytes, and what nobody can slip in."""

import csv
import hashlib
import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import openpyxl
import pytest
from django.utils import timezone

from billing import actions
from billing.actions import books as bookkeeping
from billing.exceptions import ExportRefused
from billing.exports import datev, making, sheets
from billing.models import Export, Invoice, RevenueAccount
from tests import make
from tests.billing import money

MONTH = date(2026, 6, 1)
ACCOUNTS = {("DE", "S", Decimal(19)): ("8400", ""), ("FR", "AE", Decimal(0)): ("8337", "94")}
SETTINGS = datev.Settings("1001", "1", "1410")
MADE = datetime(2026, 7, 1, 8, 30, tzinfo=UTC)


def posting(**fields) -> datev.Posting:
    defaults = {
        "number": "ABC-2026-000001", "booked_on": date(2026, 6, 15), "supplied_on": date(2026, 6, 14),
        "gross": Decimal("4.90"), "treatment": ("DE", "S", Decimal(19)),
        "text": "Jürgen; \"Ladesäule\"\n=1+1 ☃",
    }  # fmt: skip
    return datev.Posting(**(defaults | fields))


def test_datev_is_as_datev_reads_it():
    """The header and the records to the letter, as the format's description has them."""
    lines = list(
        datev.lines(
            SETTINGS,
            ACCOUNTS,
            MONTH,
            [
                posting(),
                posting(gross=Decimal("-1200.5")),
                posting(treatment=("FR", "AE", Decimal(0)), vat_id="FR1"),
            ],
            made_at=MADE,
        )
    )
    text = [line.decode("cp1252") for line in lines]
    assert text[0] == (
        '"EXTF";700;21;"Buchungsstapel";13;20260701083000000;;"RE";"evportal";"";1001;1;20260101;4;20260601;'
        '20260630;"evportal 06/2026";"";1;0;0;"EUR";;"";;;"";;;"";""\r\n'
    )
    assert text[1].startswith("Umsatz (ohne Soll/Haben-Kz);Soll/Haben-Kennzeichen;WKZ Umsatz;")
    assert text[2].startswith(
        '4,90;"S";"EUR";;;"";1410;8400;"";1506;"ABC-2026-000001";;;"Jürgen; ""Ladesäule"" =1+1 ?";'
    )
    assert text[3].startswith('1200,50;"H";"EUR";')
    rows = list(csv.reader(io.StringIO("".join(text[1:])), delimiter=";"))
    assert {len(row) for row in rows} == {125}
    assert rows[0][113:115] == ["Festschreibung", "Leistungsdatum"]
    assert rows[1][113:115] == ["0", "14062026"]
    assert (rows[3][8], rows[3][39]) == ("94", "FR1")


@pytest.mark.parametrize(
    ("settings", "treatments", "currencies", "says"),
    [
        (datev.Settings("", "1", "1410"), [], ["EUR"], "consultant"),
        (datev.Settings("1001", "", "1410"), [], ["EUR"], "client"),
        (datev.Settings("1001", "1", ""), [], ["EUR"], "receivables account is missing"),
        (datev.Settings("1001", "1", "141"), [], ["EUR"], "141 has not 4"),
        (SETTINGS, [("DE", "S", Decimal(7))], ["EUR"], "DE, VAT category S, 7 %"),
        (SETTINGS, [], ["EUR", "CHF"], "CHF"),
    ],
)
def test_what_datev_would_refuse_is_said_before(settings, treatments, currencies, says):
    found = datev.problems(settings, treatments, ACCOUNTS, currencies)
    assert len(found) == 1
    assert says in found[0]


def test_datev_with_everything_set_has_no_problem():
    assert datev.problems(SETTINGS, [("DE", "S", Decimal(19))], ACCOUNTS, ["EUR"]) == []


def test_the_fiscal_year_may_begin_in_any_month():
    assert datev.fiscal_year_start(date(2026, 3, 1), 7) == date(2025, 7, 1)
    assert datev.fiscal_year_start(date(2026, 7, 1), 7) == date(2026, 7, 1)


@pytest.mark.parametrize("text", ["=1+1", "+49", "-2", "@x", "\tx", "\rx", '=HYPERLINK("http://x")'])
def test_cells_do_not_run(text):
    out = io.BytesIO()
    sheets.write_csv(out, ["a"], [(text,)])
    assert (
        next(csv.reader(io.StringIO(out.getvalue().decode("utf-8-sig").split("\r\n", 1)[1])))[0] == f"'{text}"
    )
    out = io.BytesIO()
    sheets.write_xlsx(out, "t", ["a"], [(text, Decimal("-1.50"))])
    cells = list(openpyxl.load_workbook(out).active.iter_rows(min_row=2))[0]
    assert cells[0].data_type == "s"
    assert (cells[1].data_type, cells[1].value) == ("n", -1.5)


def test_a_long_table_goes_on_in_the_next_sheet():
    out = io.BytesIO()
    sheets.write_xlsx(out, "t", ["n"], ((n,) for n in range(7)), sheet_rows=4)
    book = openpyxl.load_workbook(out)
    assert [sheet.max_row for sheet in book] == [4, 4, 2]
    assert [row[0] for sheet in book for row in sheet.iter_rows(min_row=2, values_only=True)] == list(
        range(7)
    )


def test_nothing_makes_an_empty_sheet():
    out = io.BytesIO()
    sheets.write_xlsx(out, "t", ["n"], [])
    assert openpyxl.load_workbook(out).active.max_row == 1


@pytest.fixture
def books(provider):
    """An invoice and a credit note of one operator, and settings that DATEV can use."""
    evse = money.place()
    cdr = money.charged(user=make.user(name="=Ada"), evse=evse)
    actions.refund(payment=cdr.session.payments.get(), amount=Decimal("1.00"), reason="Slow", by=None)
    operator = evse.station.site.operator
    kept = bookkeeping.books_of(operator)
    kept.consultant, kept.client, kept.receivables = "1001", "1", "1410"
    kept.save()
    RevenueAccount.objects.create(books=kept, country="DE", category="S", vat_percent=19, account="8400")
    return operator


def export(operator, kind: str, format: str, **params) -> Export:
    row = making.create(operator=operator, kind=kind, format=format, params=params, by=None)
    making.make(export_id=row.pk)
    row.refresh_from_db()
    assert row.state == "done", row.problems
    return row


def content(row: Export) -> bytes:
    with row.file.open("rb") as file:
        found = file.read()
    assert hashlib.sha256(found).hexdigest() == row.sha256
    assert len(found) == row.size
    return found


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "format"), [(k, f) for k, formats in making.KINDS.items() for f in formats])
def test_the_same_export_twice_is_the_same_bytes(books, kind, format):
    first = export(books, kind, format)
    Invoice.objects.first().events.create(kind="resent", at=timezone.now())
    second = export(books, kind, format)
    assert content(first) == content(second)
    assert first.totals == {"EUR": {"documents": 2, "net": "3.28", "tax": "0.62", "gross": "3.90"}}
    assert (first.done, first.of) == (2, 2)
    assert Invoice.objects.first().events.filter(kind="exported").count() == 2


@pytest.mark.django_db
def test_the_tables_agree_with_each_other(books):
    def table(kind):
        text = content(export(books, kind, "csv")).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))

    rows = table("invoices")
    assert [row["gross"] for row in rows] == ["4.90", "-1.00", "3.90"]
    assert rows[0]["buyer"] == "'=Ada"
    entries = table("journal")
    debits, credits = (sum(Decimal(row[side] or 0) for row in entries) for side in ("debit", "credit"))
    assert debits == credits == Decimal("5.90")
    assert [(row["vat_country"], row["vat_percent"], row["gross"]) for row in table("vat")] == [
        ("DE", "19.00", "3.90")
    ]
    revenue = table("revenue")
    assert (revenue[0]["energy_kwh"], revenue[0]["net"]) == ("10.000", "3.28")


@pytest.mark.django_db
def test_archives_hold_each_document(books):
    numbers = sorted(Invoice.objects.values_list("number", flat=True))
    for kind, ending in (("pdf", "pdf"), ("ubl", "xml")):
        archive = zipfile.ZipFile(io.BytesIO(content(export(books, kind, "zip"))))
        assert archive.testzip() is None
        assert sorted(name.split("/")[1] for name in archive.namelist()) == [f"{n}.{ending}" for n in numbers]
    archive = zipfile.ZipFile(io.BytesIO(content(export(books, "datev", "zip"))))
    assert archive.read(archive.namelist()[0]).count(b"\r\n") == 4


@pytest.mark.django_db
def test_datev_without_settings_is_no_file(books):
    RevenueAccount.objects.all().delete()
    row = making.create(operator=books, kind="datev", format="zip", params={}, by=None)
    assert row.state == "failed"
    assert "No revenue account for DE" in row.problems[0]
    assert not row.file


@pytest.mark.django_db
def test_what_is_issued_later_is_not_in_it(books, provider):
    row = making.create(operator=books, kind="invoices", format="csv", params={}, by=None)
    site = books.sites.get()
    money.charged(evse=site.stations.get().evses.get())
    making.make(export_id=row.pk)
    row.refresh_from_db()
    assert row.totals["EUR"]["documents"] == 2


@pytest.mark.django_db
def test_a_dead_workers_export_is_begun_anew(books):
    row = making.create(operator=books, kind="vat", format="csv", params={}, by=None)
    Export.objects.filter(pk=row.pk).update(state="running", claimed_at=timezone.now())
    making.make(export_id=row.pk)
    row.refresh_from_db()
    assert row.state == "running"
    Export.objects.filter(pk=row.pk).update(claimed_at=timezone.now() - timedelta(hours=1))
    making.make(export_id=row.pk)
    row.refresh_from_db()
    assert row.state == "done"


@pytest.mark.django_db
def test_files_are_deleted_when_their_time_is_up(books):
    row = export(books, "vat", "csv")
    name, storage = row.file.name, row.file.storage
    making.sweep(row.expires_at + timedelta(seconds=1))
    row.refresh_from_db()
    assert (row.state, row.sha256 != "", storage.exists(name)) == ("expired", True, False)


@pytest.mark.django_db
def test_an_unknown_format_is_refused(books):
    with pytest.raises(ExportRefused):
        making.create(operator=books, kind="datev", format="csv", params={}, by=None)


@pytest.mark.django_db
class TestPages:
    @pytest.fixture
    def client(self, client, books):
        client.force_login(make.member(operator=books, role="accountant"))
        return client

    def test_from_the_filter_to_the_file(
        self, client, books, eager, django_capture_on_commit_callbacks, settings
    ):
        settings.STAFF_MFA_REQUIRED = False
        assert client.get("/fin/invoices/?kind=381&status=").status_code == 200
        with django_capture_on_commit_callbacks(execute=True):
            asked = {"operator": books.slug, "what": "invoices.csv", "kind": "381"}
            assert client.post("/fin/exports/new/", asked).status_code == 302
        row = Export.objects.get()
        assert row.totals["EUR"]["gross"] == "-1.00"
        page = client.get("/fin/exports/").content.decode()
        assert row.sha256 in page
        assert "-€1.00" in page
        response = client.get(f"/fin/exports/{row.pk}/file/")
        assert hashlib.sha256(b"".join(response.streaming_content)).hexdigest() == row.sha256

    @pytest.mark.parametrize(
        ("since", "until", "says"),
        [
            ("2026-06-30", "2026-06-01", "before the first"),
            ("2010-01-01", "2026-06-01", "10 years"),
            ("nonsense", "2026-06-01", "valid date"),
        ],
    )
    def test_a_period_that_can_not_be_meant(self, client, books, since, until, says, settings):
        settings.STAFF_MFA_REQUIRED = False
        asked = {"operator": books.slug, "what": "vat.csv", "since": since, "until": until}
        response = client.post("/fin/exports/new/", asked)
        assert response.status_code == 422
        assert says in response.content.decode()
        assert not Export.objects.exists()
        assert client.get(f"/fin/invoices/?since={since}&until={until}").status_code == 200

    def test_the_filters(self, client, books, settings):
        settings.STAFF_MFA_REQUIRED = False
        for query, count in (
            ("", 2), ("vat=S:19", 2), ("vat=AE:0", 0), ("least=2", 1), ("most=0", 1), ("status=paid", 1),
            ("status=refunded", 1), ("status=unmatched", 0), ("status=unpaid", 0), ("q=%3DAda", 2),
            (f"site={books.sites.get().pk}", 2), ("kind=389", 0),
        ):  # fmt: skip
            page = client.get(f"/fin/invoices/?{query}").content.decode()
            assert f"{count} document{'' if count == 1 else 's'}" in page, query
