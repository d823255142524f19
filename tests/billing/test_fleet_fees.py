"""A fee of a fleet's driver is on the fleet's monthly invoice, and comes off it again."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing import actions, documents, policy, sweeping
from billing.actions import monthly
from billing.actions.debts import fees_owed_by
from billing.documents import facts
from billing.models import FeeDebt, Invoice, Journal, Payment
from bookings.models import Booking
from evportal.outbox.models import Mail
from tests import make, pdf
from tests.billing import money
from tests.billing.test_einvoice import check
from tests.billing.test_fee_back import arrive
from tests.billing.test_limit_pages import fleet

pytestmark = pytest.mark.django_db
JUNE = date(2026, 6, 1)
FEE = Decimal("5.95")


@pytest.fixture
def evse(provider):
    evse = money.place()
    operator = evse.station.site.operator
    operator.legal_name, operator.vat_id, operator.country = "Strom GmbH", "DE123456788", "DE"
    operator.street, operator.postcode, operator.city = "Hafen 1", "20457", "Hamburg"
    operator.save()
    return evse


def missed(evse, user, *, status="NO_SHOW", at=make.NOON) -> Booking:
    """A slot of June that was closed twenty minutes after it began, with its fee due."""
    booking = make.booking(evse=evse, user=user, starts_at=at, now=at - timedelta(hours=1))
    Booking.objects.filter(pk=booking.pk).update(
        status=status, fee=FEE, closed_at=booking.starts_at + timedelta(minutes=20)
    )
    return Booking.objects.with_place().get(pk=booking.pk)


def customer(user, evse, **fields):
    account = fleet(user, evse.station.site.operator)
    named = {"email": "fleet@example.com", "street": "Weg 1", "postcode": "10115", "city": "Berlin"}
    for name, value in (named | {"country": "DE"} | fields).items():
        setattr(account, name, value)
    account.save()
    return account


def test_it_is_a_line_of_the_month_s_invoice(evse):
    user = make.user()
    account = customer(user, evse, language="de")
    session = money.end(money.begin(evse, user))
    actions.bill(session=session)
    booking = missed(evse, user, at=make.NOON + timedelta(days=1))
    for _time in range(2):
        assert actions.charge_fee(booking=booking) is None
    assert not fees_owed_by(user).exists() and not Payment.objects.exists()
    assert not Mail.objects.filter(key__startswith="unpaid fee").exists()
    operator = evse.station.site.operator
    assert monthly.bill_month(operator=operator, month=JUNE) == 1
    assert monthly.bill_month(operator=operator, month=JUNE) == 0
    invoice = Invoice.objects.get()
    assert (invoice.account, invoice.gross, invoice.details["paid"]) == (account, Decimal("10.85"), None)
    assert invoice.due_on is not None
    charge, fee = invoice.lines.all()
    assert (charge.cdr, charge.booking) == (session.cdr, None)
    assert (fee.kind, fee.booking, fee.site) == ("FEE", booking, evse.station.site)
    assert (fee.net, fee.tax, fee.gross, fee.vat_category) == (5, Decimal("0.95"), FEE, "S")
    assert FeeDebt.objects.get().billed_on == invoice
    text = pdf.text(documents.pdf(invoice))
    assert "1 Ladevorgänge, 10 kWh" in text and "Gebuchte Zeit nicht genutzt" in text
    check(facts.of(invoice, list(invoice.lines.all())))


def test_a_month_of_nothing_but_a_fee(evse):
    user = make.user()
    customer(user, evse)
    booking = missed(evse, user, status="CANCELED")
    actions.charge_fee(booking=booking)
    monthly.bill_month(operator=evse.station.site.operator, month=JUNE)
    invoice = Invoice.objects.get()
    assert (invoice.gross, invoice.period_start) == (FEE, make.NOON.date())
    text = pdf.text(documents.pdf(invoice))
    assert "Late cancellation" in text and "0 charges" not in text
    assert "fees of slots" in Mail.objects.get(key=f"invoice {invoice.pk}").text


def test_the_month_is_that_of_the_slot_s_end(evse):
    user = make.user()
    customer(user, evse)
    actions.charge_fee(booking=missed(evse, user, at=make.NOON + timedelta(days=40)))
    operator = evse.station.site.operator
    assert monthly.bill_month(operator=operator, month=JUNE) == 0
    assert monthly.bill_month(operator=operator, month=date(2026, 7, 1)) == 1


def test_who_owes_the_tax_is_billed_the_net_fee(evse):
    user = make.user()
    customer(user, evse, kind="reseller", country="AT", vat_id="ATU12345675")
    actions.charge_fee(booking=missed(evse, user))
    monthly.bill_month(operator=evse.station.site.operator, month=JUNE)
    line = Invoice.objects.get().lines.get()
    assert (line.vat_category, line.vat_percent, line.net, line.tax, line.gross) == ("AE", 0, 5, 0, 5)
    check(facts.of(line.invoice, [line]))


def test_it_stays_the_fleet_s_when_its_driver_leaves_and_the_fleet_pays_by_card(evse):
    user = make.user()
    account = customer(user, evse)
    actions.charge_fee(booking=missed(evse, user))
    account.drivers.all().delete()
    account.on_account, account.invoicing = False, "each"
    account.save()
    monthly.bill_month(operator=evse.station.site.operator, month=JUNE)
    invoice = Invoice.objects.get()
    assert (invoice.account, invoice.gross) == (account, FEE)
    assert invoice.due_on is not None


def test_it_is_dropped_before_the_month_is_invoiced(evse):
    user = make.user()
    customer(user, evse)
    booking = missed(evse, user)
    actions.charge_fee(booking=booking)
    actions.forgive_fee(booking=arrive(booking, 5))
    assert FeeDebt.objects.get().state == "waived"
    assert monthly.bill_month(operator=evse.station.site.operator, month=JUNE) == 0


def test_an_invoiced_fee_is_credited_once(evse):
    user = make.user()
    account = customer(user, evse)
    first, second = missed(evse, user), missed(evse, user, at=make.NOON + timedelta(days=1))
    for booking in (first, second):
        actions.charge_fee(booking=booking)
    monthly.bill_month(operator=evse.station.site.operator, month=JUNE)
    invoice = Invoice.objects.get()
    came = arrive(first, 5)
    for _time in range(2):
        actions.forgive_fee(booking=came)
    note = Invoice.objects.get(kind="381")
    assert (note.corrects, note.account, note.gross) == (invoice, account, -FEE)
    line = note.lines.get()
    assert (line.booking, line.corrects) == (first, invoice.lines.get(booking=first))
    assert (line.net, line.tax) == (-5, Decimal("-0.95"))
    assert Journal.objects.get(key=f"document {note.pk}").amount == FEE
    text = pdf.text(documents.pdf(note))
    assert "set off against what you owe us" in text and invoice.number in text
    mail = Mail.objects.get(key=f"invoice {note.pk}")
    assert mail.to == "fleet@example.com" and "set off" in mail.text and "5.95" in mail.text
    check(facts.of(note, [line]))
    assert list(FeeDebt.objects.order_by("booking__starts_at").values_list("state", flat=True)) == [
        "waived",
        "account",
    ]


def test_the_sweep_takes_back_what_nobody_did(evse):
    user = make.user()
    customer(user, evse)
    booking = missed(evse, user)
    actions.charge_fee(booking=booking)
    monthly.bill_month(operator=evse.station.site.operator, month=JUNE)
    arrive(booking, 5)
    sweeping.sweep(timezone.now() + policy.STALE_AFTER + timedelta(seconds=1))
    assert Invoice.objects.get(kind="381").gross == -FEE


def test_a_fee_on_account_names_whose(evse):
    booking = missed(evse, make.user())
    with pytest.raises(IntegrityError), transaction.atomic():
        FeeDebt.objects.create(
            booking=booking, operator=evse.station.site.operator, currency="EUR", amount=1, state="account"
        )
