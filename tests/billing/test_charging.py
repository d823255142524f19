"""The thread: quote, hold, session, price, capture, invoice."""

from decimal import Decimal

import pytest

from billing import actions
from billing.models import Cdr, Invoice, Payment, Start
from tests import make
from tests.billing import money

pytestmark = pytest.mark.django_db


def test_it_charges_what_the_meter_says(provider):
    cdr = money.charged(energy_wh=10_000)
    assert cdr.state == Cdr.State.SETTLED
    assert cdr.gross == Decimal("4.90")
    payment = cdr.session.payments.get()
    assert payment.state == Payment.State.CAPTURED
    assert payment.amount_captured == Decimal("4.90")
    assert payment.amount == Decimal("25")
    charge = provider.all("charge", payment_intent=payment.stripe_intent)[-1]
    assert charge["amount_captured"] == 490
    invoice = Invoice.objects.get(cdr=cdr)
    assert (invoice.net, invoice.tax, invoice.gross) == (Decimal("4.12"), Decimal("0.78"), Decimal("4.90"))
    assert invoice.details["paid"]["last4"] == "4242"
    assert Start.objects.get().state == Start.State.CHARGING
