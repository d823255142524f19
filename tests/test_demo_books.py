"""The demo's books: a past that an accountant can export, compare and close, made once."""

import time
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db.models import Sum
from django.utils import timezone

from billing import calendar
from billing.actions import books, reconciliation
from billing.models import (
    Card,
    Cdr,
    Difference,
    Dispute,
    Entry,
    Invoice,
    Payment,
    Payout,
    Reconciliation,
    Series,
)
from billing.simulator.server import Simulator
from evportal.accounts.models import Operator, User
from evportal.demo import seed
from evportal.outbox.models import Mail
from evportal.run import plan
from stations.meter import ENERGY
from stations.models import Reading, Session

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def provider(settings, tmp_path):
    settings.STRIPE_SECRET_KEY = "sk_test_simulator"
    settings.DATA = tmp_path
    settings.STAFF_MFA_REQUIRED = False
    # Nobody listens there yet, as when the demo is prepared.
    with Simulator(webhook_url="http://127.0.0.1:9/") as provider:
        settings.STRIPE_API_BASE = provider.url
        yield provider


@pytest.mark.django_db(transaction=True)
def test_last_month_can_be_closed(provider, client, tmp_path):
    """One test for all of it, because living through two months takes its time."""
    provider.world.begin(days_ago=plan.BEHIND_DAYS)
    real = timezone.now
    seed.seed(data=tmp_path)
    now = real()
    assert timezone.now is real
    assert abs(provider.now() - time.time()) < 5
    operator = Operator.objects.get(slug="nordlicht")
    this = calendar.first_of(now.astimezone(BERLIN).date())
    month = calendar.first_of(this - timedelta(days=1))

    documents = Invoice.objects.filter(operator=operator).order_by("pk")
    mine = documents.filter(booked_on__gte=month, booked_on__lt=this)
    assert 25 <= mine.filter(kind="380").count() <= 60
    assert mine.filter(kind="381").count() == 1
    for series in Series.objects.all():
        rows = list(Invoice.objects.filter(series=series).order_by("sequence"))
        assert [row.sequence for row in rows] == list(range(1, series.last_number + 1))
        assert [row.issued_at for row in rows] == sorted(row.issued_at for row in rows)
    for row in Invoice.objects.filter(kind="380", account__operator=None):
        assert row.issued_at.astimezone(BERLIN).date() == row.booked_on <= now.date()
        assert row.cdr.session.stopped_at < now
    assert set(mine.values_list("lines__vat_category", flat=True)) == {"S", "AE"}
    assert max(row.lines.count() for row in documents.filter(account__operator=operator)) > 5
    assert not Cdr.objects.filter(state__in=["open", "priced", "review"]).exists()
    assert Cdr.objects.filter(state="unpaid").count() == 1
    assert not Session.objects.filter(stopped_at=None).exists()

    totals = Entry.objects.aggregate(debit=Sum("debit"), credit=Sum("credit"))
    assert totals["debit"] == totals["credit"] > Decimal(500)
    assert Payout.objects.exists()
    assert Dispute.objects.get().status == "needs_response"
    for back in range(1, 4):
        reconciliation.reconcile_day(day=now.date() - timedelta(days=back))
    assert Reconciliation.objects.exists()
    assert not Difference.objects.exists()

    # The driver finds past charges with their curves, and still has to enter a card.
    driver = User.objects.get(email="driver@example.com")
    assert 2 <= driver.sessions.count() <= 3
    assert not driver.sessions.filter(cdr__billed_on=None).exists()
    for session in driver.sessions.all():
        assert Reading.objects.filter(session_id=session.pk, measurand=ENERGY).count() > 5
    assert not Card.objects.of_driver(driver).exists()
    # Its mails are none of today's.
    assert not Mail.objects.filter(sent_at=None).exists()
    # The portal hears of the cards that are on file and off it now, and of nothing before.
    assert len(provider.world.all("delivery", state="pending")) < 10

    accountant = User.objects.get(email="accountant@example.com")
    client.force_login(accountant)
    page = client.get("/fin/invoices/")
    assert f"{documents.count()} documents" in page.content.decode()
    books.close_month(operator=operator, month=month, by=accountant)

    before = Invoice.objects.count(), Payment.objects.count(), Session.objects.count()
    seed.seed(data=tmp_path)
    assert (Invoice.objects.count(), Payment.objects.count(), Session.objects.count()) == before
