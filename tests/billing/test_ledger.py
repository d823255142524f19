"""The ledger: both sides alike, held by the database; each event once; nothing ever changes."""

import csv
from collections import Counter
from decimal import Decimal

import pgtrigger
import pytest
from django.db import IntegrityError, InternalError, ProgrammingError, connection, transaction
from django.db.models import Sum
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from billing import actions, ledger
from billing.actions import missed, posting
from billing.ledger import Code, Event, Line
from billing.models import Entry, Invoice, Journal, LedgerAccount, Payment
from tests import make
from tests.billing import money

AMOUNTS = st.decimals("0.01", "99999", places=2)


@given(st.sampled_from(sorted(Event)), AMOUNTS, st.integers(0, 100), st.integers(0, 100))
def test_whatever_is_booked_has_two_equal_sides(event, amount, tax_percent, more_percent):
    tax = (amount * tax_percent / 100).quantize(Decimal("0.01"))
    of = amount * (100 + more_percent) / 100
    lines = ledger.lines_of(event, amount, tax=tax, of=of)
    assert lines
    assert sum(line.debit for line in lines) == sum(line.credit for line in lines) > 0


@pytest.mark.parametrize(
    ("event", "how", "wanted"),
    [
        (Event.INVOICE, {"tax": 19}, {Code.RECEIVABLE: 119, Code.REVENUE: -100, Code.VAT: -19}),
        (Event.INVOICE, {}, {Code.RECEIVABLE: 119, Code.REVENUE: -119}),
        (Event.CREDIT_NOTE, {"tax": 19}, {Code.RECEIVABLE: -119, Code.REVENUE: 100, Code.VAT: 19}),
        (Event.CAPTURE, {}, {Code.PROVIDER: 119, Code.RECEIVABLE: -119}),
        (Event.TERMINAL, {}, {Code.TERMINAL: 119, Code.RECEIVABLE: -119}),
        (Event.REFUND, {}, {Code.RECEIVABLE: 119, Code.PROVIDER: -119}),
        (Event.TOP_UP, {}, {Code.PROVIDER: 119, Code.WALLET: -119}),
        (
            Event.WALLET_SPEND,
            {"of": 150},
            {Code.WALLET_RESERVED: 150, Code.RECEIVABLE: -119, Code.WALLET: -31},
        ),
        (Event.DISPUTE_LOST, {}, {Code.LOSSES: 119, Code.DISPUTED: -119}),
        (Event.PAYOUT, {}, {Code.TRANSIT: 119, Code.PROVIDER: -119}),
        (Event.PAYOUT_ARRIVED, {}, {Code.BANK: 119, Code.TRANSIT: -119}),
    ],
)
def test_what_each_event_books(event, how, wanted):
    how = {name: Decimal(value) for name, value in how.items()}
    lines = ledger.lines_of(event, Decimal(119), **how)
    assert {line.account: line.debit - line.credit for line in lines} == wanted


def test_a_fee_that_comes_back_goes_the_other_way():
    [back] = [line for line in ledger.lines_of(Event.FEE, Decimal(-3)) if line.account == Code.FEES]
    assert back.credit == 3


@pytest.mark.parametrize(
    "lines",
    [
        [Line(Code.BANK, debit=Decimal(1))],
        [Line(Code.BANK, debit=Decimal(1)), Line(Code.VAT, credit=Decimal(2))],
        [Line(Code.BANK, debit=Decimal(1), credit=Decimal(1))],
        [Line(Code.BANK, debit=Decimal(-1)), Line(Code.VAT, credit=Decimal(-1))],
    ],
)
def test_sides_that_differ_are_refused(lines):
    with pytest.raises(ledger.Unbalanced):
        ledger.balanced(lines)


def test_the_accounts_have_names():
    assert {code.value for code in Code} == set(LedgerAccount.Code.values)
    assert {event.value for event in Event} == set(Journal.Kind.values)


# In the database


def journal(operator, *, amount=10, entries=2, **fields) -> Journal:
    return Journal.objects.create(
        operator=operator,
        key=f"test {make.number()}",
        kind="payout",
        at=make.NOON,
        currency="EUR",
        amount=amount,
        entry_count=entries,
        **fields,
    )


def account(operator, code=Code.BANK, currency="EUR", **fields) -> LedgerAccount:
    return LedgerAccount.objects.create(operator=operator, code=code, currency=currency, **fields)


def commit() -> None:
    """What the commit would check."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fault", ["one side", "no entry", "too little", "another currency", "another operator", "one more"]
)
def test_the_database_holds_both_sides_alike(fault):
    operator = make.operator()
    bank, vat = account(operator), account(operator, Code.VAT)
    if fault == "another currency":
        vat = account(operator, Code.VAT, "USD")
    if fault == "another operator":
        vat = account(make.operator(), Code.VAT)
    with pytest.raises(IntegrityError, match="differ"), transaction.atomic():
        row = journal(operator)
        if fault != "no entry":
            Entry.objects.create(journal=row, account=bank, debit=10)
        if fault not in ("no entry", "one side"):
            Entry.objects.create(journal=row, account=vat, credit=9 if fault == "too little" else 10)
        if fault == "one more":
            # Balanced as it is, but not what the journal row says.
            Entry.objects.create(journal=row, account=bank, debit=1)
            Entry.objects.create(journal=row, account=vat, credit=1)
        commit()


@pytest.mark.django_db
def test_nothing_in_it_changes():
    operator = make.operator()
    row = journal(operator)
    entry = Entry.objects.create(journal=row, account=account(operator), debit=10)
    Entry.objects.create(journal=row, account=account(operator, Code.VAT), credit=10)
    commit()
    for change in (
        lambda: Entry.objects.filter(pk=entry.pk).update(debit=11),
        lambda: Journal.objects.filter(pk=row.pk).update(amount=11),
        lambda: Entry.objects.filter(pk=entry.pk)._raw_delete("default"),
        lambda: Journal.objects.filter(pk=row.pk)._raw_delete("default"),
        lambda: LedgerAccount.objects.filter(pk=entry.account_id).update(code=Code.FEES),
        lambda: LedgerAccount.objects.filter(pk=entry.account_id).update(balance=5),
    ):
        with pytest.raises((InternalError, ProgrammingError, IntegrityError)), transaction.atomic():
            change()


def sums(operator) -> dict[str, Decimal]:
    """Debits less credits of each account that has any left."""
    rows = Entry.objects.filter(journal__operator=operator).values_list("account__code")
    found = {code: debit - credit for code, debit, credit in rows.annotate(Sum("debit"), Sum("credit"))}
    return {code: amount for code, amount in found.items() if amount}


@pytest.mark.django_db
def test_a_charge_and_its_refund_are_booked(provider):
    cdr = money.charged()
    operator = cdr.session.station.site.operator
    payment = Payment.objects.get(session=cdr.session)
    assert sums(operator) == {Code.PROVIDER: cdr.gross, Code.REVENUE: -cdr.net, Code.VAT: -cdr.tax}
    actions.refund(payment=payment, amount=cdr.gross, reason="Broken", by=None)
    assert sums(operator) == {}
    kinds = Counter(Journal.objects.values_list("kind", flat=True))
    assert kinds == {"capture": 1, "invoice": 1, "refund": 1, "credit_note": 1}
    commit()


@pytest.mark.django_db
def test_a_refund_that_the_bank_returns_is_owed_again(provider):
    cdr = money.charged()
    payment = Payment.objects.get(session=cdr.session)
    row = actions.refund(payment=payment, amount=Decimal("2.00"), reason="Broken", by=None)
    for _twice in range(2):
        actions.refunds.bounced(row=row)
    assert sums(payment.operator)[Code.RECEIVABLE] == -2
    commit()


@pytest.mark.django_db
def test_the_same_event_is_booked_once(provider):
    cdr = money.charged()
    payment, invoice = Payment.objects.get(session=cdr.session), Invoice.objects.get()
    again = [posting.of_capture(payment), posting.of_document(invoice)]
    assert posting.book_all(bookings=again * 2) == 0
    assert Journal.objects.count() == 2


@pytest.mark.django_db
def test_what_was_missed_is_booked_later(provider):
    """Rows from before there was a ledger: as if the charge had not been booked."""
    cdr = money.charged()
    actions.refund(payment=Payment.objects.get(), amount=Decimal("1.00"), reason="Broken", by=None)
    before = sums(cdr.session.station.site.operator)
    commit()
    with pgtrigger.ignore("billing.Entry:entries_stay", "billing.Journal:journal_stays"):
        Entry.objects.all().delete()
        Journal.objects.all().delete()
    long_ago = timezone.now() - timezone.timedelta(days=1)
    assert missed.book_missed(since=timezone.now() + timezone.timedelta(days=1)) == 0
    assert missed.book_missed(since=long_ago) == 4
    assert missed.book_missed(since=long_ago) == 0
    assert sums(cdr.session.station.site.operator) == before
    commit()


@pytest.mark.django_db
def test_finance_sees_the_journal_and_takes_it_home(client, provider, settings):
    settings.STAFF_MFA_REQUIRED = False
    cdr = money.charged()
    operator = cdr.session.station.site.operator
    client.force_login(make.member(operator=operator, role="accountant"))
    page = client.get("/fin/journal/?kind=invoice").content.decode()
    assert "Export 1 event as CSV" in page
    assert Invoice.objects.get().number in page
    export = b"".join(client.get("/fin/journal/export.csv").streaming_content).decode()
    lines = list(csv.DictReader(export.removeprefix("\ufeff").splitlines()))
    assert [row["account_name"] for row in lines[:-1]] == [
        "provider", "receivable", "receivable", "vat", "revenue",
    ]  # fmt: skip
    assert lines[-1]["at"] == "TOTAL"
    assert lines[-1]["debit"] == lines[-1]["credit"] == f"{2 * cdr.gross:.2f}"
    assert export == b"".join(client.get("/fin/journal/export.csv").streaming_content).decode()


@pytest.mark.django_db
def test_a_stranger_to_the_money_finds_no_journal(client, provider, settings):
    settings.STAFF_MFA_REQUIRED = False
    cdr = money.charged()
    client.force_login(make.member(operator=make.operator(), role="accountant"))
    page = client.get("/fin/journal/")
    assert page.status_code == 200
    assert "Nothing is booked yet." in page.content.decode()
    client.force_login(make.member(operator=cdr.session.station.site.operator, role="technician"))
    assert client.get("/fin/journal/").status_code == 403
