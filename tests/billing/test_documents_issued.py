"""What issuing writes, for each kind of document, of months, of refunds; and drivers' own papers."""

import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from billing import actions, documents, statements
from billing.actions import invoices, monthly, refunds
from billing.exceptions import DocumentRefused, LinesRefused, PaymentRefused
from billing.gateway_books import RefundFacts
from billing.models import (
    Account,
    AccountDriver,
    AllowanceUse,
    Cdr,
    Invoice,
    Journal,
    Payment,
    PlanPeriod,
    Refund,
    Subscription,
)
from evportal.outbox.models import Mail
from stations.models import Session, SignedCheck, SignedValue
from tests import make
from tests.billing import money
from tests.billing.test_books import account
from tests.billing.test_fee_back import missed
from tests.billing.test_plans import plan
from tests.billing.test_refunds import payment, position

__all__ = ["missed", "payment"]
D = Decimal
JUNE = date(2026, 6, 1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def invoice(provider) -> Invoice:
    return Invoice.objects.get(cdr=money.charged(user=make.user(name="Ada", language="de")))


def test_an_invoice_carries_the_whole_charge(invoice):
    session = invoice.cdr.session
    site = session.station.site
    assert invoice.details == {
        "site": site.name, "address": site.address, "country": site.country, "time_zone": site.time_zone,
        "evse": session.evse.public_id, "starts_at": session.started_at.isoformat(),
        "ends_at": session.stopped_at.isoformat(), "meter_start_wh": "1000.000", "meter_stop_wh": "11000.000",
        "energy_wh": str(session.energy_wh), "session": session.transaction_id, "estimated": False,
        "paid": {"amount": "4.900", "brand": "visa", "last4": "4242", "open": "0.000"},
    }  # fmt: skip
    assert (invoice.site, invoice.user, invoice.account, invoice.language) == (site, session.user, None, "de")
    assert (invoice.vat_country, invoice.currency, invoice.due_on) == (site.country, "EUR", None)
    assert invoice.supplied_on == session.stopped_at.astimezone(site.zone).date()
    assert invoice.number.endswith(f"{invoice.sequence:06d}") and invoice.sequence == 1
    [line] = invoice.lines.all()
    assert (line.position, line.cdr, line.site, line.text) == (1, invoice.cdr, site, "Energie")
    assert Cdr.objects.get().billed_on == invoice
    assert invoices.issue_invoice(cdr=invoice.cdr) == invoice and Invoice.objects.count() == 1
    mail = Mail.objects.get(key=f"invoice {invoice.pk}")
    assert (mail.to, mail.attachments[0]["name"]) == (session.user.email, f"{invoice.number}.pdf")
    assert documents.invoice_attachment(invoice.pk)[0] == documents.file_name(invoice)


def test_what_is_paid_in_part_says_what_is_open(invoice):
    session = invoice.cdr.session
    assert invoices._paid(session, D("6.00"))["paid"]["open"] == "1.100"
    Payment.objects.update(state="failed")
    assert invoices._paid(session, D("6.00")) == {"paid": None}


def test_values_that_a_charger_never_sent_stay_unsaid(invoice):
    session = Session.objects.get(pk=invoice.cdr.session_id)
    session.meter_start_wh = session.meter_stop_wh = None
    said = invoices._meter(session)
    assert said["meter_start_wh"] is said["meter_stop_wh"] is None


def test_what_the_meter_signed_is_on_the_document(invoice):
    session = Session.objects.get(pk=invoice.cdr.session_id)
    assert invoices._signed(session) == {}
    for count in range(11):
        SignedValue.objects.create(
            evse=session.evse, session=session, at=make.NOON + timedelta(minutes=count), method="OCMF",
            received_at=make.NOON, context="Sample.Periodic", data=f"value {max(count, 1)}",
        )  # fmt: skip
    check = SignedCheck.objects.create(
        session=session, verdict="bad", checked_at=make.NOON, meter_serial="M-1", start_wh=1001, stop_wh=11002
    )
    # The first ten of eleven, and what came twice once.
    values = [f"value {count}" for count in range(1, 10)]
    signed = {"verdict": "bad", "meter": "M-1", "key": "", "values": values}
    assert invoices._signed(session) == {"signed": signed}
    # Only a register that is proved stands instead of the one that was told.
    SignedCheck.objects.filter(pk=check.pk).update(verdict="good")
    assert invoices._signed(session) == {
        "signed": signed | {"verdict": "good"}, "meter_start_wh": "1001.0000", "meter_stop_wh": "11002.0000",
    }  # fmt: skip


def test_what_a_plan_gave_to_the_charge_is_on_the_document(invoice):
    session = invoice.cdr.session
    assert invoices._allowance(session) == {}
    gold = plan(invoice.operator)
    ends = make.NOON + timedelta(days=20)
    row = Subscription.objects.create(
        operator=invoice.operator, user=invoice.user, plan=gold, version=gold.versions.get()
    )
    period = PlanPeriod.objects.create(
        subscription=row, version=row.version, starts_at=make.NOON, ends_at=ends, included_wh=50_000,
        used_wh=12_000,
    )  # fmt: skip
    use = AllowanceUse.objects.create(period=period, session=session, wh=0)
    assert invoices._allowance(session) == {}
    AllowanceUse.objects.filter(pk=use.pk).update(wh=10_000)
    said = invoices._allowance(session)["allowance"]
    assert [D(said[f"{name}_wh"]) for name in ("used", "left", "included")] == [10_000, 38_000, 50_000]
    assert (said["plan"], said["until"]) == ("Gold", ends.isoformat())


@pytest.mark.parametrize(
    ("card", "method", "amount", "wanted"),
    [
        (("visa", "4242"), "card", None, ("5.00", "visa", "4242")),
        (None, "card", None, ("5.00", "", "")),
        (None, "wallet", D("2.00"), ("2.00", "wallet", "")),
        (None, "wallet", D(0), ("0", "wallet", "")),
    ],
)
def test_with_what_it_was_paid(card, method, amount, wanted):
    own = SimpleNamespace(brand=card[0], last4=card[1]) if card else None
    row = SimpleNamespace(card=own, method=method, amount_captured=D("5.00"))
    assert tuple(invoices._paid_with(row, amount=amount).values()) == wanted


def test_a_slot_that_was_not_used_has_its_own_invoice(missed):
    actions.charge_fee(booking=missed)
    paid = Payment.objects.get(purpose="no_show")
    bill = Invoice.objects.get()
    site = missed.evse.station.site
    [line] = bill.lines.all()
    assert (line.kind, line.text, line.net, line.tax, line.gross) == (
        "FEE", "Booked slot not used", D("4.20"), D("0.80"), D("5.00"),
    )  # fmt: skip
    assert (bill.booking, bill.cdr, bill.user, bill.site, bill.vat_country) == (
        missed, None, missed.user, site, site.country,
    )  # fmt: skip
    assert bill.supplied_on == missed.starts_at.astimezone(site.zone).date()
    assert {name: bill.details[name] for name in ("starts_at", "ends_at", "evse", "site")} == {
        "starts_at": missed.starts_at.isoformat(), "ends_at": missed.ends_at.isoformat(),
        "evse": missed.evse.public_id, "site": site.name,
    }  # fmt: skip
    assert (D(bill.details["paid"]["amount"]), bill.details["paid"]["last4"]) == (5, "4242")
    assert Mail.objects.filter(key=f"invoice {bill.pk}").count() == 1
    assert invoices.billed(paid) == bill
    # Asked again it is the same one; the rate is known without a quote, too.
    assert invoices.issue_no_show(payment=paid) == bill and Invoice.objects.count() == 1
    assert invoices.fee_rate(missed, paid.quote) == invoices.fee_rate(missed, None) == 19
    missed.status = "CANCELED"
    assert invoices.fee_text(missed, "de") == "Späte Stornierung"
    # It can be made out anew like any other.
    newer = invoices.reissue(invoice=bill, by=None)
    assert (newer.booking, newer.gross, invoices.billed(paid)) == (missed, D("5.00"), newer)


def test_a_fee_of_nothing_has_no_invoice(missed):
    actions.charge_fee(booking=missed)
    paid = Payment.objects.get(purpose="no_show")
    other = make.booking(evse=missed.evse, user=missed.user, starts_at=timezone.now() + timedelta(hours=9))
    paid.booking, paid.amount_captured = other, D(0)
    paid.save()
    assert invoices.issue_no_show(payment=paid) is None
    assert Invoice.objects.count() == 1


def test_made_out_anew_the_first_one_is_credited_line_by_line(invoice):
    account(invoice.user, language="en", email="books@example.com")
    newer = invoices.reissue(invoice=invoice, by=None)
    note = Invoice.objects.get(kind="381")
    for name in ("supplied_on", "site", "cdr", "currency", "operator", "vat_country", "seller", "user"):
        assert getattr(note, name) == getattr(newer, name) == getattr(invoice, name), name
    assert (note.buyer, note.language, note.corrects) == (invoice.buyer, "de", invoice)
    assert (newer.buyer["name"], newer.language, newer.replaces) == ("Kundin GmbH", "en", invoice)
    assert (note.details["reissued"], note.details["paid"], "reissued" in newer.details) == (
        True,
        None,
        False,
    )
    assert newer.details["paid"] == invoice.details["paid"]
    assert note.details["corrects"] == newer.details["replaces"]
    [old], [back], [again] = (each.lines.all() for each in (invoice, note, newer))
    assert (back.gross, back.net, back.unit_price, back.energy_wh) == (
        -old.gross, -old.net, -old.unit_price, -old.energy_wh,
    )  # fmt: skip
    assert (again.gross, again.net, again.unit_price, again.text) == (
        old.gross, old.net, old.unit_price, old.text,
    )  # fmt: skip
    assert Cdr.objects.get().billed_on == newer
    assert [(each.kind, each.detail) for each in invoice.events.order_by("pk")][-2:] == [
        ("credited", note.number), ("reissued", newer.number),
    ]  # fmt: skip
    assert Mail.objects.filter(key=f"invoice {newer.pk}", to="books@example.com").exists()
    with pytest.raises(DocumentRefused, match="one charge"):
        invoices.reissue(invoice=note, by=None)


def test_a_document_is_sent_to_whom_it_names(invoice):
    assert invoices.resend(invoice=invoice, by=None) == invoices.resend(invoice=invoice, by=None)
    keys = Mail.objects.filter(key__startswith=f"invoice {invoice.pk}").values_list("key", flat=True)
    assert set(keys) == {f"invoice {invoice.pk}{more}" for more in ("", " again 1", " again 2")}
    assert invoice.events.filter(kind="resent").count() == 2
    hosts = SimpleNamespace(is_self_billed=True, seller={}, buyer={"email": "x@example.com"})
    nobody = SimpleNamespace(is_self_billed=False, seller={"email": "x@example.com"}, buyer={}, user=None)
    for each in (hosts, nobody):
        with pytest.raises(DocumentRefused, match="No e-mail address"):
            invoices.resend(invoice=each, by=None)
    before = Mail.objects.count()
    invoices.mail_document(invoice=nobody, template="billing/mail/invoice")
    assert Mail.objects.count() == before
    invoice.buyer = {}
    invoices.mail_document(invoice=invoice, template="billing/mail/invoice", again="x")
    assert Mail.objects.get(key__endswith=" x").to == invoice.user.mail_address


def test_a_free_charge_is_worth_a_word(invoice):
    cdr = invoice.cdr
    invoices.mail_free_receipt(cdr=cdr)
    mail = Mail.objects.get(key=f"free session {cdr.session_id}")
    assert mail.to == invoice.user.email and invoices.document_url(cdr.session.link) in mail.text
    Mail.objects.all().delete()
    cdr.session.user = None
    invoices.mail_free_receipt(cdr=cdr)
    assert not Mail.objects.exists()


# Months


def charge(gross: str, *, state="settled", at=make.NOON, site=1, energy=1000):
    place = SimpleNamespace(pk=site)
    session = SimpleNamespace(station=SimpleNamespace(site=place), started_at=at, energy_wh=D(energy))
    return SimpleNamespace(gross=D(gross), state=state, session=session)


def a_fee(amount: str, *, at=make.NOON, site=1):
    evse = SimpleNamespace(station=SimpleNamespace(site=SimpleNamespace(pk=site)))
    return SimpleNamespace(amount=D(amount), booking=SimpleNamespace(evse=evse, closed_at=at))


def test_what_a_month_s_document_is_about():
    first = datetime(2026, 6, 2, 23, tzinfo=UTC)
    month = monthly.Month(
        [charge("4.90"), charge("1.00", state="on_account", site=2, energy=500)],
        [a_fee("5.00", at=first, site=3)],
    )
    assert sorted(month.sites()) == [1, 2, 3]
    assert month.on_account() == D("6.00")
    assert month.began_on(UTC) == date(2026, 6, 2)
    assert monthly.Month([charge("1", at=first)]).began_on(timezone.get_fixed_timezone(60)) == date(
        2026, 6, 3
    )
    details = monthly._details(month, D("10.90"), "Europe/Berlin")
    assert details == {
        "time_zone": "Europe/Berlin", "charges": 2, "energy_wh": "1500",
        "paid": {"amount": "4.90", "open": "6.00", "cards": True, "brand": "", "last4": ""},
    }  # fmt: skip
    assert monthly._details(monthly.Month([], [a_fee("5.00")]), D("5.00"), "UTC") == {
        "time_zone": "UTC", "charges": 0, "energy_wh": "0", "paid": None,
    }  # fmt: skip
    assert list(monthly._pieces(range(5), 2)) == [[0, 1], [2, 3], [4]]


def on_account(evse, user) -> Account:
    fleet, _is_new = Account.objects.get_or_create(
        operator=evse.station.site.operator, name="Fleet AG",
        defaults={"kind": "business", "invoicing": "monthly", "on_account": True, "payment_days": 10},
    )  # fmt: skip
    AccountDriver.objects.create(account=fleet, user=user)
    return fleet


def charged_on_account(evse, user, *, at=make.NOON):
    session = money.begin(evse, user, at=at)
    actions.open_cdr(session=session)
    return actions.bill(session=money.end(session))


def test_a_fleet_s_month_in_two_countries_is_two_documents(provider):
    first = money.place()
    operator = first.station.site.operator
    second = money.place(station=make.station(site=make.site(operator=operator, country="FR")))
    ada, bob = make.user(), make.user()
    fleet = on_account(first, ada)
    AccountDriver.objects.create(account=fleet, user=bob)
    late = make.NOON + timedelta(days=2)
    cdrs = [
        charged_on_account(first, bob, at=late),
        charged_on_account(first, ada),
        charged_on_account(second, ada, at=late),
    ]
    assert monthly.bill_month(operator=operator, month=date(2026, 6, 17), piece=1) == 2
    french, german = Invoice.objects.order_by("gross")
    assert (german.vat_country, german.gross, french.vat_country, french.gross) == (
        first.station.site.country, D("9.80"), "FR", D("4.90"),
    )  # fmt: skip
    assert german.sequence + 1 == french.sequence or french.sequence + 1 == german.sequence
    assert {german.sequence, french.sequence} == {1, 2}
    # By the day of each charge, oldest first; one site alone is the document's.
    lines = list(german.lines.order_by("position"))
    assert [(line.position, line.cdr_id) for line in lines] == [(1, cdrs[1].pk), (2, cdrs[0].pk)]
    assert [line.site for line in lines] == [first.station.site] * 2 and german.site == first.station.site
    assert french.site == second.station.site
    assert (german.period_start, german.period_end, german.supplied_on) == (
        make.NOON.date(), date(2026, 6, 30), date(2026, 6, 30),
    )  # fmt: skip
    assert german.due_on == german.booked_on + timedelta(days=10)
    assert [each.events.get(kind="issued").invoice for each in (german, french)] == [german, french]
    at = make.NOON.astimezone(first.station.site.zone)
    assert f"{at:%H:%M}, {first.station.site.name}, {first.public_id}, 10.00 kWh" in lines[0].text


def test_what_waits_for_a_month(provider):
    evse, user = money.place(), make.user()
    operator = evse.station.site.operator
    on_account(evse, user)
    cdr = charged_on_account(evse, user)
    assert list(monthly.waiting(operator=operator, month=JUNE)) == [cdr]
    # What an earlier month left over is taken along; what comes later waits.
    assert list(monthly.waiting(operator=operator, month=date(2026, 7, 1))) == [cdr]
    assert not monthly.waiting(operator=operator, month=date(2026, 5, 1)).exists()
    assert not monthly.waiting(operator=make.operator(), month=JUNE).exists()
    for change in ({"state": "unpaid"}, {"gross": 0, "net": 0, "tax": 0}):
        Cdr.objects.update(**change)
        assert not monthly.waiting(operator=operator, month=JUNE).exists(), change
        Cdr.objects.update(state=cdr.state, gross=cdr.gross, net=cdr.net, tax=cdr.tax)
    Session.objects.update(user=None)
    assert not monthly.waiting(operator=operator, month=JUNE).exists()


def test_somebody_in_a_fleet_here_is_the_fleet_s_customer(provider):
    """Whatever their own account says, and in whatever piece of the work the two come."""
    evse, user = money.place(), make.user()
    own = account(user, invoicing="monthly")
    fleet = on_account(evse, user)
    charged_on_account(evse, user)
    operator = evse.station.site.operator
    assert monthly._bill(operator, JUNE, [own]) == 0
    assert monthly.bill_month(operator=operator, month=JUNE, piece=1) == 1
    assert Invoice.objects.get().account == fleet


def test_a_month_is_over_when_it_is_at_the_operator_s_place(db):
    operator = make.operator()
    last_day = time_machine.travel(datetime(2026, 6, 30, 12, tzinfo=UTC))
    with last_day, pytest.raises(ValueError, match="not over"):
        monthly.bill_month(operator=operator, month=date(2026, 6, 30))
    with time_machine.travel(datetime(2026, 7, 1, 12, tzinfo=UTC)):
        assert monthly.bill_month(operator=operator, month=date(2026, 6, 30)) == 0


def test_every_operator_is_billed_whatever_happens_at_another(db, monkeypatch):
    known = {make.operator(), make.operator()}
    asked = []

    def bill(*, operator, month):
        asked.append((operator, month))
        raise RuntimeError

    monkeypatch.setattr(monthly, "bill_month", bill)
    monthly.bill_all(now=datetime(2026, 7, 1, 12, tzinfo=UTC))
    assert known <= {operator for operator, _month in asked}
    assert {month for _operator, month in asked} == {JUNE}
    asked.clear()
    monthly.bill_all(now=datetime(2026, 3, 31, 12, tzinfo=UTC))
    assert {month for _operator, month in asked} == {date(2026, 2, 1)}


# Refunds


def back(payment, **fields) -> Refund:
    return actions.refund(payment=payment, reason="Sorry", by=None, **fields)


def test_a_refund_is_booked_on_its_payment_and_said_on_its_note(payment):
    row = back(payment, amount=D("1.004"))
    payment.refresh_from_db()
    assert (row.amount, row.state, payment.amount_refunded) == (D("1.00"), "done", D("1.00"))
    note = row.credit_note
    assert [line.text for line in note.lines.all()] == ["Refund: Sorry"] * 2
    assert (D(note.details["paid"]["amount"]), note.corrects) == (1, invoices.billed(payment))
    assert invoices.issue_credit_note(refund=row) == note
    assert refunds.send_refund(row=row) == row and Invoice.objects.filter(kind="381").count() == 1
    chosen = back(payment, amount=D("0.50"), lines={position(payment, 7): D("0.50")})
    [line] = chosen.credit_note.lines.all()
    assert (line.text.startswith("Refund: "), line.corrects.vat_percent, line.site) == (
        True, 7, chosen.credit_note.site,
    )  # fmt: skip
    assert line.site is not None and line.cdr == chosen.credit_note.cdr


def test_nothing_and_less_can_not_be_refunded(payment):
    for amount in (D(0), D("-1.00"), D("5.91")):
        with pytest.raises(PaymentRefused):
            back(payment, amount=amount)
    assert not Refund.objects.exists()
    assert back(payment, amount=D("5.90")).state == "done"


def test_lines_of_a_payment_that_nothing_bills_yet(payment):
    Cdr.objects.update(billed_on=None)
    with pytest.raises(LinesRefused, match="No invoice bills"):
        back(payment, lines={1: None})
    # The money may go back all the same; its note comes with the invoice.
    row = back(payment, amount=D(1))
    assert row.state == "done" and not Invoice.objects.filter(refund=row).exists()


def test_what_is_on_its_way_of_one_line_holds_no_other_back(payment):
    food, energy = position(payment, 7), position(payment, 19)
    waiting = Refund.objects.create(payment=payment, amount=D("0.60"), reason="x")
    for amount in (D("0.40"), D("0.20")):
        waiting.lines.all().delete()
        waiting.lines.create(line=invoices.billed(payment).lines.get(position=food), gross=amount)
        with pytest.raises(LinesRefused, match="At most 1.00"):
            back(payment, lines={food: D("1.00") - amount + D("0.01")})
    assert back(payment, lines={energy: None}).amount == D("4.90")
    assert back(payment, lines={food: D("0.80")}).state == "done"


def test_what_did_not_go_out_may_be_refunded_again_once(payment):
    row = Refund.objects.create(payment=payment, amount=D(4), reason="x")
    Payment.objects.update(amount_refunded=4)
    for _twice in range(2):
        refunds.fail_refund(row=row, message="m" * 300)
        payment.refresh_from_db()
        assert (row.state, len(row.error_message), payment.amount_refunded) == ("failed", 255, 0)
    assert refunds.finish_refund(row=row, stripe_id="re_1").state == "failed"
    assert refunds.bounced(row=row) is False


def test_what_a_bank_returns_is_a_failed_refund_whose_note_stands(payment):
    row = back(payment, amount=D(1))
    facts = RefundFacts(row.stripe_id, payment.stripe_intent, "", "failed", "EUR", D(1))
    booked = set(Journal.objects.values_list("key", flat=True))
    assert refunds.learn_refund(facts=facts) == row
    row.refresh_from_db()
    [returned] = Journal.objects.exclude(key__in=booked)
    assert returned.amount == 1
    assert row.state == "failed" and "bank" in row.error_message
    assert Invoice.objects.get(kind="381").gross == -1
    assert refunds.bounced(row=row) is False


def test_the_provider_s_refunds_are_taken_over_up_to_what_is_left(payment):
    def told(**fields) -> Refund | None:
        known = {"id": "re_there", "row": "", "intent": payment.stripe_intent, "amount": D("5.91")}
        return refunds.learn_refund(
            facts=RefundFacts(**{"status": "succeeded", "currency": "EUR"} | known | fields)
        )

    assert told() is None and not Refund.objects.exists()
    assert told(intent="") is None and told(intent="pi_other", amount=D(1)) is None
    assert told(row=str(uuid4()), intent="pi_other") is None
    row = told(amount=D("5.90"))
    payment.refresh_from_db()
    assert (row.amount, row.state, row.stripe_id, payment.amount_refunded) == (
        D("5.90"), "done", "re_there", D("5.90"),
    )  # fmt: skip
    assert row.credit_note.gross == D("-5.90") and told(amount=D("5.90")) == row


# Drivers' own papers


def test_a_driver_s_statement_is_by_the_days_of_the_place(invoice):
    session = invoice.cdr.session
    zone = session.station.site.zone

    def found(since, until):
        return statements.of(invoice.user, since, until).cdrs

    for at in (datetime(2026, 6, 10, tzinfo=zone), datetime(2026, 6, 10, 23, 59, 59, tzinfo=zone)):
        Session.objects.update(started_at=at)
        day = date(2026, 6, 10)
        assert found(day, day) == [invoice.cdr]
        assert found(day - timedelta(days=2), day - timedelta(days=1)) == []
        assert found(day + timedelta(days=1), day + timedelta(days=2)) == []
    Cdr.objects.update(state="open")
    assert found(JUNE, date(2026, 6, 30)) == []
    assert statements.of(make.user(), JUNE, date(2026, 6, 30)).cdrs == []
    with pytest.raises(ValueError, match="before the first"):
        found(date(2026, 6, 2), JUNE)


def test_a_statement_s_table_and_page(invoice, monkeypatch):
    user, session = invoice.user, invoice.cdr.session
    car = user.vehicles.create(name="Kangoo", plate="B-XY 1")
    Cdr.objects.update(vehicle=car)
    site = session.station.site
    period = JUNE, date(2026, 6, 30)
    start, end = (moment.astimezone(site.zone) for moment in (session.started_at, session.stopped_at))
    rows = statements.as_csv(statements.of(user, *period)).decode("utf-8-sig").splitlines()
    assert rows[0] == ",".join(statements.HEAD)
    assert rows[1:] == [
        f"{start:%Y-%m-%d},{start:%H:%M},{end:%H:%M},{site.time_zone},{site.name},{session.evse.public_id},"
        f"Kangoo,B-XY 1,10.000,4.12,0.78,4.90,EUR,{invoice.number}",
        "TOTAL,,,,,,,,10.000,,,4.90,EUR,",
    ]
    pages = []
    monkeypatch.setattr(documents, "compile_page", lambda template, content, at: pages.append(content))
    common = {"title": "June", "at": make.NOON, "locale": "en-GB"}
    statements.as_pdf(statements.of(user, *period, car), **common)
    Cdr.objects.update(vehicle=None, billed_on=None)
    statements.as_pdf(statements.of(user, *period), **common)
    whole, bare = pages
    assert whole["facts"] == [
        ["Driver", "Ada"], ["Vehicle", "Kangoo · B-XY 1"], ["Period", "2026-06-01 – 2026-06-30"],
    ]  # fmt: skip
    assert (whole["lang"], whole["date"]) == ("en", [make.NOON.year, make.NOON.month, make.NOON.day])
    [row] = whole["rows"]
    place = [site.name, session.evse.public_id]
    assert row == [f"{start:%Y-%m-%d %H:%M}", *place, "10.000 kWh", "€4.90", invoice.number]
    assert whole["totals"] == [["Total", "10.000 kWh", "€4.90"]]
    assert ([fact[0] for fact in bare["facts"]], bare["rows"][0][-1]) == (["Driver", "Period"], "–")


def test_a_year_s_archive_says_how_many_documents_it_has(invoice):
    actions.refund(payment=invoice.cdr.session.payments.get(), amount=D(1), reason="x", by=None)
    assert statements.archive(invoice.user, invoice.issued_at.year, io.BytesIO()) == 2
    assert statements.archive(invoice.user, invoice.issued_at.year - 1, io.BytesIO()) == 0


def test_a_statement_s_sums_are_for_each_currency():
    def one(currency, wh, gross):
        return SimpleNamespace(currency=currency, gross=D(gross), session=SimpleNamespace(energy_wh=D(wh)))

    cdrs = [one("EUR", 1500, "1.00"), one("CHF", 1000, "2.00"), one("EUR", 500, "3.00")]
    found = statements.Statement(None, JUNE, JUNE, None, cdrs).sums()
    assert list(found.items()) == [("CHF", (D(1), D("2.00"))), ("EUR", (D(2), D("4.00")))]
