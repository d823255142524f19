"""Customers, months and hosts: who is billed how, what a closed month does, what hosts are owed."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from billing import actions, calendar, documents, prices, settling, statements, vat
from billing.actions import books, hosts, monthly
from billing.actions.accounts import ask_register, save_account
from billing.actions.invoices import reissue, resend
from billing.exceptions import DocumentRefused, MonthRefused
from billing.models import (
    Account,
    AccountDriver,
    Cdr,
    Host,
    HostShare,
    Invoice,
    InvoiceLine,
    Journal,
    VatRegistration,
)
from evportal.outbox.models import Mail
from tests import make, pdf
from tests.billing import money

HOME = {"DE"}
BUSINESS = vat.Customer("business", "FR", "FR40303265045")


@pytest.mark.parametrize(
    ("place", "registered", "customer", "wanted"),
    [
        ("DE", HOME, vat.Customer(), "S"),
        ("DE", HOME, vat.Customer("business", "DE", "DE123456788"), "S"),
        # Electricity for a car is taxed where it is charged, whoever pays.
        ("DE", HOME, BUSINESS, "S"),
        ("FR", HOME, BUSINESS, "AE"),
        ("FR", HOME | {"FR"}, BUSINESS, "S"),
        ("FR", HOME, vat.Customer(), "S"),
        ("FR", HOME, vat.Customer("business", "FR", "FR40303265045", vat_id_refused=True), "S"),
        ("FR", HOME, vat.Customer("business", "FR", ""), "S"),
        ("CH", HOME, vat.Customer("business", "CH", "CHE123456789"), "S"),
        # Who sells it on is taxed where they are established.
        ("DE", HOME, vat.Customer("reseller", "FR", "FR40303265045"), "AE"),
        ("DE", HOME, vat.Customer("reseller", "DE", "DE123456788"), "S"),
        ("DE", HOME, vat.Customer("reseller", "GR", "EL123456789"), "AE"),
        ("DE", HOME, vat.Customer("reseller", "CH", ""), "O"),
        ("DE", HOME, vat.Customer("reseller", "FR", ""), "S"),
    ],
)
def test_how_a_charge_is_taxed(place, registered, customer, wanted):
    assert vat.category(place=place, registered_in=registered, customer=customer) == wanted


def test_vat_ids_are_cleaned():
    assert vat.clean_vat_id(" de 123.456-788 ") == "DE123456788"


def test_a_document_dates_into_the_next_open_month():
    closed = {date(2026, 11, 1), date(2026, 12, 1)}
    assert calendar.booking_day(date(2026, 10, 31), closed) == date(2026, 10, 31)
    assert calendar.booking_day(date(2026, 11, 25), closed) == date(2027, 1, 1)


@pytest.mark.parametrize(
    ("since", "until"), [(date(2026, 6, 2), date(2026, 6, 1)), (date(2010, 1, 1), date(2020, 1, 1))]
)
def test_periods_that_can_not_be_meant(since, until):
    with pytest.raises(ValueError, match=r"\."):
        calendar.check_period(since, until)


def test_a_share_ends_where_the_next_begins():
    class Row:
        def __init__(self, day):
            self.valid_from = day

    rows = [Row(date(2026, 1, 1)), Row(date(2026, 6, 10)), Row(date(2026, 8, 1))]
    found = [
        (since, until) for _row, since, until in settling.spans(rows, date(2026, 6, 1), date(2026, 6, 30))
    ]
    assert found == [(date(2026, 6, 1), date(2026, 6, 9)), (date(2026, 6, 10), date(2026, 6, 30))]


def settled(user, *, evse=None, energy_wh: int = 10_000) -> Cdr:
    return money.charged(user=user, evse=evse, energy_wh=energy_wh)


def account(user, **fields) -> Account:
    defaults = {"kind": "business", "name": "Kundin GmbH", "country": "DE", "vat_id": "DE123456788"}
    return save_account(account=Account(user=user, **(defaults | fields)))


@pytest.mark.django_db
class TestCustomers:
    def test_the_details_are_on_the_document_in_its_language(self, provider):
        user = make.user(name="Ada")
        account(user, language="de", reference="KST 4711", email="books@example.com")
        invoice = Invoice.objects.get(cdr=settled(user))
        assert invoice.buyer["name"] == "Kundin GmbH"
        text = pdf.text(documents.pdf(invoice))
        for wanted in ("Rechnung", "KST 4711", "DE123456788", "Energie", "Gesamtbetrag", "Kundin GmbH"):
            assert wanted in text, wanted
        assert Mail.objects.get(key=f"invoice {invoice.pk}").to == "books@example.com"
        assert [event.kind for event in invoice.events.all()] == ["issued", "mailed"]

    def test_reverse_charge_takes_the_net_price(self, provider):
        evse = money.place(station=make.station(site=make.site(country="FR")))
        user = make.user()
        account(user, country="FR", vat_id="FR40303265045")
        cdr = settled(user, evse=evse)
        invoice = Invoice.objects.get(cdr=cdr)
        assert (cdr.vat_category, invoice.net, invoice.tax, invoice.gross) == (
            "AE",
            Decimal("4.12"),
            0,
            Decimal("4.12"),
        )
        assert cdr.session.payments.get().amount_captured == Decimal("4.12")
        # What they were shown before is what they are billed: the price without the tax that they owe.
        shown = prices.estimate(
            evse=evse,
            starts_at=cdr.session.started_at,
            ends_at=cdr.session.stopped_at,
            energy_wh=Decimal(10_000),
            user=user,
        ).priced
        assert (shown.net, shown.tax, shown.gross) == (invoice.net, 0, invoice.gross)
        assert prices.running(cdr.session).gross == invoice.gross
        assert "Reverse charge" in pdf.text(documents.pdf(invoice))

    def test_another_countrys_vat_id_of_the_seller(self, provider):
        site = make.site(country="FR")
        VatRegistration.objects.create(operator=site.operator, country="FR", vat_id="FR83404833048")
        invoice = Invoice.objects.get(
            cdr=settled(make.user(), evse=money.place(station=make.station(site=site)))
        )
        assert (invoice.seller["vat_id"], invoice.vat_country, invoice.tax) == (
            "FR83404833048",
            "FR",
            Decimal("0.78"),
        )

    def test_the_register_is_asked_and_heard(self, settings):
        settings.VAT_REGISTER = "tests.billing.test_books.nobodys"
        row = account(make.user())
        ask_register(account=row)
        row.refresh_from_db()
        assert row.vat_id_known is False
        row.vat_id = "DE129273398"
        save_account(account=row)
        row.refresh_from_db()
        assert row.vat_id_known is None

    def test_issued_anew_with_other_details(self, provider):
        user = make.user(name="Ada")
        first = Invoice.objects.get(cdr=settled(user))
        account(user)
        second = reissue(invoice=first, by=user)
        assert reissue(invoice=first, by=user) == second
        note = first.credit_notes.get()
        assert (note.gross, second.gross, second.buyer["name"]) == (-first.gross, first.gross, "Kundin GmbH")
        assert first.cdr.session.payments.get().amount_refunded == 0
        refund = actions.refund(
            payment=first.cdr.session.payments.get(), amount=Decimal(1), reason="", by=None
        )
        assert refund.credit_note.corrects == second

    def test_a_refunded_one_is_not_issued_anew(self, provider):
        invoice = Invoice.objects.get(cdr=settled(make.user()))
        actions.refund(payment=invoice.cdr.session.payments.get(), amount=Decimal(1), reason="", by=None)
        with pytest.raises(DocumentRefused):
            reissue(invoice=invoice, by=None)

    def test_sent_again_and_again(self, provider):
        invoice = Invoice.objects.get(cdr=settled(make.user()))
        resend(invoice=invoice, by=None)
        resend(invoice=invoice, by=None)
        assert Mail.objects.filter(key__startswith=f"invoice {invoice.pk}").count() == 3

    def test_a_tariff_without_tax_waits_for_a_person(self, provider):
        cdr = settled(
            make.user(), evse=money.place(components=({"type": "ENERGY", "price": 0.49, "step_size": 1},))
        )
        assert (cdr.state, "VAT" in cdr.review) == ("review", True)
        assert not Invoice.objects.filter(cdr=cdr).exists()


def nobodys(vat_id: str) -> bool:
    return False


@pytest.mark.django_db
class TestMonths:
    @pytest.fixture
    def july(self, provider):
        """Two charges of June, at two sites, of a driver who wants one invoice a month; it is July."""
        user = make.user(name="Ada")
        account(user, invoicing="monthly")
        first = money.place()
        operator = first.station.site.operator
        second = money.place(station=make.station(site=make.site(operator=operator)))
        cdrs = [settled(user, evse=evse) for evse in (first, second)]
        assert not Invoice.objects.exists()
        return operator, cdrs

    def test_one_invoice_for_all_of_it(self, july):
        operator, cdrs = july
        assert monthly.bill_month(operator=operator, month=date(2026, 6, 1)) == 1
        assert monthly.bill_month(operator=operator, month=date(2026, 6, 1)) == 0
        invoice = Invoice.objects.get()
        assert (invoice.site, invoice.gross, invoice.lines.count()) == (None, Decimal("9.80"), 2)
        assert Journal.objects.get(key=f"document {invoice.pk}").amount == Decimal("9.80")
        assert {cdr.billed_on for cdr in Cdr.objects.all()} == {invoice}
        text = pdf.text(documents.pdf(invoice))
        assert "2 charges, 20 kWh" in text
        assert "Paid with your cards" in text

    def test_a_refund_credits_its_own_charge(self, july):
        operator, cdrs = july
        early = actions.refund(payment=cdrs[0].session.payments.get(), amount=Decimal(1), reason="", by=None)
        monthly.bill_month(operator=operator, month=date(2026, 6, 1))
        assert early.credit_note.corrects == Invoice.objects.get(kind="380")
        late = actions.refund(
            payment=cdrs[1].session.payments.get(), amount=Decimal("4.90"), reason="", by=None
        )
        assert late.credit_note.cdr == cdrs[1]
        assert late.credit_note.gross == Decimal("-4.90")

    def test_a_fleet_charges_without_a_card(self, provider):
        evse = money.place()
        operator = evse.station.site.operator
        fleet = Account.objects.create(
            operator=operator, name="Fleet AG", kind="business", invoicing="monthly", on_account=True,
            email="fleet@example.com",
        )  # fmt: skip
        user = make.user()
        AccountDriver.objects.create(account=fleet, user=user)
        session = money.begin(evse, user)
        cdr = actions.open_cdr(session=session)
        assert actions.secure(session=session, cdr=cdr) is None
        cdr = actions.bill(session=money.end(session))
        assert cdr.state == "on_account"
        monthly.bill_month(operator=operator, month=date(2026, 6, 1))
        invoice = Invoice.objects.get()
        assert (invoice.account, invoice.details["paid"], invoice.buyer["name"]) == (fleet, None, "Fleet AG")
        assert invoice.due_on is not None

    def test_a_month_that_is_not_over(self):
        with pytest.raises(ValueError, match="not over"):
            monthly.bill_month(operator=make.operator(), month=timezone.now().date())

    def test_closing_moves_what_comes_later(self, provider):
        evse = money.place()
        operator = evse.station.site.operator
        today = timezone.now().astimezone(evse.station.site.zone).date()
        closed = books.close_month(operator=operator, month=today, by=None)
        assert books.close_month(operator=operator, month=today, by=None) == closed
        invoice = Invoice.objects.get(cdr=settled(make.user(), evse=evse))
        assert invoice.booked_on == calendar.next_month(today)
        with pytest.raises(MonthRefused):
            books.reopen_month(closed=closed, reason=" ", by=None)
        books.reopen_month(closed=closed, reason="A bill came late", by=None)
        assert Invoice.objects.get(cdr=settled(make.user(), evse=evse)).booked_on == today

    def test_a_month_that_has_not_begun(self):
        with pytest.raises(MonthRefused):
            books.close_month(
                operator=make.operator(), month=timezone.now().date() + timedelta(days=40), by=None
            )

    @pytest.mark.parametrize(
        "sql",
        [
            "INSERT INTO billing_invoice (id, operator_id, site_id, series_id, sequence, number, link, kind, "
            "issued_at, supplied_on, booked_on, language, vat_country, currency, seller, buyer, details, "
            "net, tax, gross) SELECT id + 1, operator_id, site_id, series_id, 99, 'X', 'x', kind, now(), "
            "supplied_on, "
            "booked_on, language, vat_country, currency, seller, buyer, details, net, tax, gross "
            "FROM billing_invoice",
            "UPDATE billing_documentevent SET detail = 'X'",
            "DELETE FROM billing_documentevent",
            "UPDATE billing_series SET last_number = 0",
            "UPDATE billing_series SET prefix = 'X'",
        ],
    )
    def test_not_even_sql_goes_around(self, provider, sql):
        evse = money.place()
        settled(make.user(), evse=evse)
        books.close_month(operator=evse.station.site.operator, month=timezone.now().date(), by=None)
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)


@pytest.mark.django_db(transaction=True)
class TestIssued:
    def test_a_later_line_is_refused(self, provider):
        invoice = Invoice.objects.get(cdr=settled(make.user()))
        line = invoice.lines.get()
        line.pk, line.position = None, 2
        with pytest.raises(DatabaseError, match="issued already"):
            line.save(force_insert=True)

    def test_lines_that_do_not_add_up_are_refused(self, provider):
        invoice = Invoice.objects.get(cdr=settled(make.user()))
        fields = {field.attname: getattr(invoice, field.attname) for field in Invoice._meta.concrete_fields}
        fields |= {"id": None, "sequence": 99, "number": "X", "link": "x", "cdr_id": None}
        fields.pop("issued_in")
        with pytest.raises(DatabaseError, match="add up"), transaction.atomic():
            copy = Invoice.objects.create(**fields)
            InvoiceLine.objects.create(
                invoice=copy, position=1, kind="FEE", text="x", quantity=1, unit_price=1, vat_percent=0,
                net=1, tax=0, gross=1,
            )  # fmt: skip


@pytest.mark.django_db
class TestHosts:
    def test_a_statement_of_revenue_and_energy(self, provider):
        import time_machine

        with time_machine.travel(datetime(2026, 6, 15, 12, tzinfo=UTC), tick=True):
            evse = money.place()
            settled(make.user(), evse=evse)
        site = evse.station.site
        host = Host.objects.create(
            operator=site.operator, name="Hof GbR", vat_id="DE123456788", email="h@example.com"
        )
        HostShare.objects.create(
            host=host, site=site, valid_from=date(2026, 1, 1), percent=Decimal(50), per_kwh=Decimal("0.01")
        )
        (statement,) = hosts.issue_statements(host=host, month=date(2026, 6, 1), by=None)
        # Half of 4.12 net, a cent for each of 10 kWh, and 19 % on each.
        assert (statement.kind, statement.net, statement.gross) == ("389", Decimal("2.16"), Decimal("2.57"))
        assert hosts.issue_statements(host=host, month=date(2026, 6, 1), by=None) == [statement]
        text = pdf.text(documents.pdf(statement))
        assert "Self-billed statement" in text
        assert "Hof GbR" in text
        assert statement not in Invoice.objects.sales()


@pytest.mark.django_db
class TestDrivers:
    def test_a_statement_and_a_report_for_one_car(self, provider):
        user = make.user(name="Ada")
        car = user.vehicles.create(name="Kangoo", plate="B-XY 1")
        settled(user)
        other = user.vehicles.create(name="Zoe")
        june = (date(2026, 6, 1), date(2026, 6, 30))
        found = statements.of(user, *june)
        assert found.sums() == {"EUR": (Decimal(10), Decimal("4.90"))}
        text = statements.as_csv(found).decode("utf-8-sig")
        assert "Kangoo,B-XY 1,10.000,4.12,0.78,4.90,EUR," in text
        assert statements.of(user, *june, car).cdrs == found.cdrs
        assert statements.of(user, *june, other).cdrs == []
        printed = pdf.text(statements.as_pdf(found, title="June", at=make.NOON, locale="en"))
        assert "10.000 kWh" in printed
        assert "€4.90" in printed

    def test_the_pages(self, client, provider):
        user = make.user(name="Ada")
        cdr = settled(user)
        client.force_login(user)
        good = {"kind": "business", "name": "<b>GmbH", "street": "Weg 1", "city": "Berlin", "country": "DE"}
        good |= {"vat_id": "DE 123 456 788", "invoicing": "each", "language": "de"}
        bad = client.post("/me/billing/", good | {"vat_id": "DE1"})
        assert bad.status_code == 422
        assert not Account.objects.exists()
        assert client.post("/me/billing/", good).status_code == 302
        assert Account.objects.get(user=user).vat_id == "DE123456788"
        assert client.post(f"/r/{cdr.session.link}/reissue/").status_code == 302
        assert Invoice.objects.get(replaces__isnull=False).buyer["name"] == "<b>GmbH"
        assert client.get(f"/r/{cdr.session.link}/").status_code == 200
        assert client.get("/me/documents/report.pdf?since=2026-07-01&until=2026-06-01").status_code == 422
        assert client.get("/me/documents/2026-13.csv").status_code == 404
        page = client.get("/me/documents/").content.decode()
        assert Invoice.objects.get(replaces__isnull=False).number in page


@pytest.mark.django_db
def test_an_unknown_currency_issues_nothing(provider):
    cdr = settled(make.user(), evse=money.place())
    from billing.actions.invoices import issue

    with pytest.raises(ValueError, match="ISO 4217"):
        issue(
            operator=cdr.session.station.site.operator, site=cdr.session.station.site, kind="380", lines=[],
            currency="XXX", supplied_on=date(2026, 6, 1), vat_country="DE", seller={}, buyer={},
        )  # fmt: skip
    assert Invoice.objects.count() == 1
