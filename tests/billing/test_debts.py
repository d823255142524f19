"""What a driver owes: asked for by mail and on their pages; nothing new starts before it is settled."""

from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from billing import actions, debt_links
from billing.actions import debts
from billing.actions.debts import DebtOpen
from billing.exceptions import PaymentRefused
from billing.ledger import Code
from billing.models import Cdr, Payment, Start
from bookings.models import Booking
from evportal.outbox.models import Mail
from stations.models import Command, Session
from tests import make
from tests.billing import money
from tests.billing.test_ledger import commit, sums

pytestmark = pytest.mark.django_db


@pytest.fixture
def debt(provider) -> Cdr:
    """4.40 more than what was held: only the driver can pay that."""
    user, evse = make.user(), money.place()
    actions.start_charging(user=user, evse=evse, card=money.card(user))
    session = money.begin(evse, user)
    actions.open_cdr(session=session)
    cdr = actions.bill(session=money.end(session, minutes=240, energy_wh=60_000))
    assert cdr.state == Cdr.State.UNPAID
    return Cdr.objects.get(pk=cdr.pk)


def neighbour(cdr: Cdr):
    """Another EVSE of the same operator."""
    evse = make.evse(
        station=make.station(site=cdr.session.station.site), max_power_w=22_000, state="available"
    )
    money.tariff(evse=evse)
    money.online(evse)
    return evse


def test_the_link_to_pay_is_mailed_once(debt):
    actions.settle(cdr=debt)
    mail = Mail.objects.get(key=f"unpaid session {debt.session_id}")
    assert mail.to == debt.session.user.email
    assert reverse("billing:receipt", args=[debt.session.link]) in mail.text
    assert "29.40" in mail.text


def test_the_driver_finds_it_on_their_page(client, debt):
    receipt = reverse("billing:receipt", args=[debt.session.link])
    page = client.get(receipt).content.decode()
    assert debt_links.url(debt) in page
    client.force_login(debt.session.user)
    page = client.get("/me/").content.decode()
    assert "A charge is not paid" in page
    assert receipt in page
    client.post(receipt + "pay/")
    assert "A charge is not paid" not in client.get("/me/").content.decode()


def test_nothing_new_starts_before_it_is_paid(debt):
    user, evse = debt.session.user, neighbour(debt)
    card = user.customer.cards.get()
    with pytest.raises(DebtOpen):
        actions.start_charging(user=user, evse=evse, card=card)
    assert Start.objects.count() == 1
    actions.pay_outstanding(cdr=debt, card=card)
    start = actions.start_charging(user=user, evse=evse, card=card)
    assert start.state == Start.State.ASKED


def test_no_slot_is_booked_before_it_is_paid(debt):
    now = timezone.now()
    slot = make.booking(
        evse=neighbour(debt), user=debt.session.user, starts_at=now + timezone.timedelta(hours=2), now=now,
        confirmed=False,
    )  # fmt: skip
    with pytest.raises(DebtOpen):
        actions.confirm_booking(booking=slot, card=debt.session.user.customer.cards.get())
    slot.refresh_from_db()
    assert slot.status == Booking.Status.PENDING


def test_an_rfid_card_is_stopped_again(debt):
    evse = neighbour(debt)
    session = money.begin(evse, debt.session.user, at=make.NOON + timezone.timedelta(hours=6))
    payment = actions.secure(session=session, cdr=actions.open_cdr(session=session))
    assert payment is None
    assert Command.objects.filter(action="RemoteStopTransaction", station=evse.station).exists()
    assert not Payment.objects.filter(session=Session.objects.get(pk=session.pk)).exists()


def test_another_operator_is_not_concerned(debt):
    user = debt.session.user
    start = actions.start_charging(user=user, evse=money.place(), card=user.customer.cards.get())
    assert start.state == Start.State.ASKED


def test_finance_writes_it_off_and_books_the_loss(client, debt, settings):
    settings.STAFF_MFA_REQUIRED = False
    operator = debt.session.station.site.operator
    assert sums(operator)[Code.RECEIVABLE] == Decimal("4.40")
    client.force_login(make.member(operator=operator, role="accountant"))
    assert "Write it off" in client.get("/fin/review/").content.decode()
    for _twice in range(2):
        client.post(f"/fin/review/{debt.pk}/", {"decision": "write_off"})
    debt.refresh_from_db()
    assert debt.state == Cdr.State.WAIVED
    assert sums(operator)[Code.LOSSES] == Decimal("4.40")
    assert Code.RECEIVABLE not in sums(operator)
    card = debt.session.user.customer.cards.get()
    assert actions.start_charging(user=debt.session.user, evse=neighbour(debt), card=card)
    commit()


def test_what_is_paid_is_not_written_off(debt):
    actions.pay_outstanding(cdr=debt, card=debt.session.user.customer.cards.get())
    with pytest.raises(PaymentRefused):
        actions.write_off(cdr=debt, by=make.user())


def test_what_is_owed_is_what_is_not_charged_yet(debt):
    assert debts.outstanding(debt) == Decimal("4.40")
    debt.session.payments.update(amount_captured=0)
    assert debts.outstanding(debt) == Decimal("29.40")
    debt.session.payments.all().delete()
    assert debts.outstanding(debt) == Decimal("29.40")


def test_while_a_payment_is_on_its_way_nothing_is_written_off(debt):
    operator = debt.session.station.site.operator
    debt.session.payments.update(state="capturing")
    with pytest.raises(PaymentRefused):
        debts.write_off(cdr=debt, by=make.user())
    debt.refresh_from_db()
    assert (debt.state, debt.reviewed_by) == (Cdr.State.UNPAID, None)
    assert Code.LOSSES not in sums(operator)


def test_a_write_off_names_who_decided_and_when(debt):
    finance = make.user()
    given_up = debts.write_off(cdr=debt, by=finance)
    assert (given_up.state, given_up.reviewed_by) == (Cdr.State.WAIVED, finance)
    assert given_up.reviewed_at is not None
    commit()


def fee_of(cdr: Cdr, fee: str = "5.00") -> Booking:
    now = timezone.now()
    starts_at = now + timezone.timedelta(hours=2)
    booking = make.booking(evse=neighbour(cdr), user=cdr.session.user, starts_at=starts_at, now=now)
    booking.fee = Decimal(fee)
    booking.save()
    return booking


def test_a_fee_is_owed_once_and_asked_for_once(debt):
    booking = fee_of(debt)
    first = debts.owe_fee(booking=booking, why="declined " * 40)
    assert debts.owe_fee(booking=booking, why="again") == first
    operator = booking.evse.station.site.operator
    assert (first.amount, first.currency, first.operator) == (Decimal(5), operator.currency, operator)
    assert len(first.reason) == 200
    assert Mail.objects.filter(key=f"unpaid fee {booking.pk}").count() == 1
    with pytest.raises(DebtOpen):
        debts.refuse_debtors(user=booking.user, operator=operator)


def test_the_smallest_fee_is_owed_and_none_is_not(debt):
    assert debts.owe_fee(booking=fee_of(debt, "0.00"), why="") is None
    assert debts.owe_fee(booking=fee_of(debt, "0.01"), why="").amount == Decimal("0.01")


def test_a_fee_is_given_up_once(debt):
    owed, finance = debts.owe_fee(booking=fee_of(debt), why="declined"), make.user()
    given_up = debts.waive_fee(debt=owed, by=finance)
    assert (given_up.state, given_up.decided_by) == ("waived", finance)
    with pytest.raises(PaymentRefused):
        debts.waive_fee(debt=owed, by=make.user())
    owed.refresh_from_db()
    assert owed.decided_by == finance
    assert not debts.fees_owed_by(owed.user).exists()
