"""Debts are paid by a signed link, with any card; a booking's fee that could not be charged is one too."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from billing import actions, debt_links, gateway, sweeping
from billing.actions import debt_pages, debts
from billing.actions.debts import DebtOpen
from billing.exceptions import PaymentRefused
from billing.models import Card, Cdr, DebtPage, FeeDebt, Invoice, Payment
from billing.simulator import checkout
from bookings.models import Booking
from evportal.outbox.models import Mail
from tests import make
from tests.billing import money
from tests.billing.test_debts import debt, neighbour  # noqa: F401
from tests.billing.test_holds import age, crash
from tests.billing.test_ledger import commit
from tests.billing.test_wallet import CARD

pytestmark = pytest.mark.django_db


def link(row) -> str:
    return reverse("billing:debt", args=[debt_links.token(row)])


def pay(provider, row, card: str = "4242424242424242") -> None:
    """As the driver does on the provider's page."""
    page = debt_pages.pages_of(row).first()
    world = provider.app.api.world
    checkout.submit(
        world, world.touch(world.get("checkout.session", page.stripe_checkout)), CARD | {"number": card}
    )


@pytest.fixture
def fee(provider) -> FeeDebt:
    user, evse = make.user(), money.place()
    make.site_rules(site=evse.station.site, noshow_fee=Decimal("5.00"))
    now = timezone.now()
    starts_at = now + timedelta(hours=1)
    booking = make.booking(evse=evse, user=user, starts_at=starts_at, now=now, confirmed=False)
    payment = actions.confirm_booking(booking=booking, card=money.card(user))
    # The hold is gone, and so is the card, when nobody comes.
    actions.release(payment=payment)
    Card.objects.update(removed_at=now)
    Booking.objects.filter(pk=booking.pk).update(
        status="NO_SHOW", fee=Decimal("5.00"), closed_at=now, starts_at=now - timedelta(hours=1)
    )
    assert actions.charge_fee(booking=Booking.objects.with_place().get(pk=booking.pk)) is None
    return FeeDebt.objects.get()


def test_the_mail_s_link_is_paid_without_signing_in(client, provider, debt):  # noqa: F811
    mail = Mail.objects.get(key=f"unpaid session {debt.session_id}")
    assert link(debt) in mail.text
    page = client.get(link(debt))
    assert page.status_code == 200
    assert "4.40" in page.content.decode()
    answer = client.post(link(debt))
    assert answer.status_code == 302 and answer["Location"].startswith(provider.url)
    # The same page again, not a second one.
    assert client.post(link(debt))["Location"] == answer["Location"]
    pay(provider, debt)
    page = client.get(link(debt) + "?paid=1").content.decode()
    assert "Nothing is open here" in page
    debt.refresh_from_db()
    assert debt.state == Cdr.State.SETTLED
    assert sum(row.amount_captured for row in debt.session.payments.all()) == Decimal("29.40")
    assert Invoice.objects.filter(cdr=debt).count() == 1
    # And a new start is open to them.
    card = debt.session.user.customer.cards.get()
    assert actions.start_charging(user=debt.session.user, evse=neighbour(debt), card=card)
    commit()


def test_a_link_that_we_did_not_sign_leads_nowhere(client, debt):  # noqa: F811
    assert client.get("/pay/open/nonsense/").status_code == 404
    assert client.get(link(debt)[:-3] + "xx/").status_code == 404


def test_a_debt_is_paid_in_one_way_only(provider, debt):  # noqa: F811
    debt_pages.begin(debt=debt)
    actions.pay_outstanding(cdr=debt, card=debt.session.user.customer.cards.get())
    debt.refresh_from_db()
    assert debt.state == Cdr.State.SETTLED
    assert DebtPage.objects.get().state == "expired"
    [page] = provider.all("checkout.session", id=DebtPage.objects.get().stripe_checkout)
    assert page["status"] == "expired"


def test_paid_on_the_page_while_the_card_is_tried(provider, debt):  # noqa: F811
    debt_pages.begin(debt=debt)
    pay(provider, debt)
    assert actions.pay_outstanding(cdr=debt, card=debt.session.user.customer.cards.get()) is None
    debt.refresh_from_db()
    assert debt.state == Cdr.State.SETTLED
    assert debt.session.payments.filter(state="captured").count() == 2


def test_what_is_paid_on_a_page_is_not_written_off(provider, debt):  # noqa: F811
    debt_pages.begin(debt=debt)
    pay(provider, debt)
    with pytest.raises(PaymentRefused):
        actions.write_off(cdr=debt, by=make.user())


@pytest.mark.parametrize("crashes", ["before the webhook", "before it is settled"])
def test_the_sweeper_finishes_a_page(provider, debt, monkeypatch, crashes):  # noqa: F811
    debt_pages.begin(debt=debt)
    pay(provider, debt)
    row = DebtPage.objects.get()
    if crashes == "before it is settled":
        debt_pages.look(row=row)
        age(row.payment)
    DebtPage.objects.update(updated_at=timezone.now() - timedelta(minutes=10))
    sweeping.sweep(timezone.now())
    debt.refresh_from_db()
    assert debt.state == Cdr.State.SETTLED


def test_a_crash_before_the_page_was_made(provider, debt, monkeypatch):  # noqa: F811
    with monkeypatch.context() as patch:
        patch.setattr(gateway, "pay_page", crash)
        with pytest.raises(ZeroDivisionError):
            debt_pages.begin(debt=debt)
    age(DebtPage.objects.get())
    sweeping.sweep(timezone.now())
    assert DebtPage.objects.get().state == "expired"
    assert debt_pages.begin(debt=debt).startswith(provider.url)


def test_off_session_a_bank_that_wants_its_customer_leaves_a_debt(provider, client):
    user, evse = make.user(), money.place()
    money.card(user, "pm_card_authenticationRequired")
    # The card let it start by itself, and nobody was there to ask.
    session = money.begin(evse, user)
    cdr = actions.bill(session=money.end(session))
    assert cdr.state == Cdr.State.UNPAID
    assert link(cdr) in Mail.objects.get(key=f"unpaid session {session.pk}").text
    client.post(link(cdr))
    pay(provider, cdr, "4000002760003184")
    client.get(link(cdr) + "?paid=1")
    cdr.refresh_from_db()
    assert cdr.state == Cdr.State.SETTLED


def test_a_fee_that_can_not_be_charged_is_owed(client, provider, fee):
    assert fee.amount == Decimal("5.00")
    assert link(fee) in Mail.objects.get(key=f"unpaid fee {fee.booking_id}").text
    with pytest.raises(DebtOpen):
        debts.refuse_debtors(user=fee.user, operator=fee.operator)
    client.force_login(fee.user)
    assert link(fee) in client.get("/me/").content.decode()
    assert actions.charge_fee(booking=fee.booking) is None
    client.post(link(fee))
    pay(provider, fee)
    assert "Nothing is open here" in client.get(link(fee) + "?paid=1").content.decode()
    fee.refresh_from_db()
    assert fee.state == "paid"
    assert Invoice.objects.get(booking=fee.booking).gross == Decimal("5.00")
    payment = Payment.objects.get(purpose="no_show", booking=fee.booking)
    assert payment.amount_captured == Decimal("5.00")
    debts.refuse_debtors(user=fee.user, operator=fee.operator)
    commit()


def test_finance_gives_up_a_fee(client, fee, settings):
    settings.STAFF_MFA_REQUIRED = False
    client.force_login(make.member(operator=fee.operator, role="accountant"))
    assert "Fees that could not be charged" in client.get("/fin/review/").content.decode()
    client.post(reverse("fin:waive_fee", args=[fee.pk]))
    fee.refresh_from_db()
    assert fee.state == "waived"
    debts.refuse_debtors(user=fee.user, operator=fee.operator)


def test_the_sweeper_takes_a_fee_that_no_task_did(fee, provider):
    FeeDebt.objects.all().delete()
    Booking.objects.update(closed_at=timezone.now() - timedelta(minutes=5))
    sweeping.sweep(timezone.now())
    assert FeeDebt.objects.get().booking == fee.booking
