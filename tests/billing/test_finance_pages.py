"""Finance's pages about the provider's books: what they show, and what their buttons do."""

from decimal import Decimal

import pytest
from django.utils import timezone

from billing import gateway, tasks
from billing.actions.reconciliation import reconcile_day
from billing.models import Difference, Dispute, Payment, Payout, Refund
from tests import make
from tests.billing import money

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(own_provider, settings):
    settings.STAFF_MFA_REQUIRED = False
    return own_provider


@pytest.fixture
def payment(provider):
    return Payment.objects.get(session=money.charged().session)


def body(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def test_a_difference_is_mended_or_accepted_on_its_page(client, payment):
    client.force_login(make.member(operator=payment.operator, role="accountant"))
    assert "Nothing was compared yet." in body(client.get("/fin/reconciliation/"))
    gateway.client().refunds.create({"payment_intent": payment.stripe_intent, "amount": 123})
    today = timezone.now().date().isoformat()
    page = body(client.post("/fin/reconciliation/run/", {"day": today}, follow=True))
    assert "1 difference is open." in page
    assert "Take over the refund, with its credit note" in page
    row = Difference.objects.get()
    refused = client.post(f"/fin/reconciliation/{row.pk}/mend/", {"do": "accept"}, follow=True)
    assert "Say why the two sides may differ." in body(refused)
    page = body(client.post(f"/fin/reconciliation/{row.pk}/mend/", follow=True))
    assert "Mended" in page
    assert "No difference is open." in page
    assert Refund.objects.get().credit_note.gross == Decimal("-1.23")
    assert "Gone since" in body(client.get("/fin/reconciliation/?all=on"))
    for day in ("2099-01-01", "nonsense", ""):
        client.post("/fin/reconciliation/run/", {"day": day})
    assert Difference.objects.count() == 1


def test_a_payout_names_what_is_in_it(client, payment):
    tasks.learn_provider()
    client.force_login(make.member(operator=payment.operator, role="accountant"))
    assert "Not paid out yet" in body(client.get("/fin/payouts/"))


def test_a_payout_leads_to_its_invoices(client, provider, payment):
    provider.pay_out()
    tasks.learn_provider()
    payout = Payout.objects.get()
    client.force_login(make.member(operator=payment.operator, role="accountant"))
    page = body(client.get(f"/fin/payouts/{payout.pk}/"))
    assert "Matched" in page
    assert payment.session.cdr.billed_on.number in page
    export = client.get(f"/fin/payouts/{payout.pk}/export.csv").content.decode()
    assert f"{payment.pk}" in export
    client.force_login(make.member(operator=make.operator(), role="accountant"))
    assert client.get(f"/fin/payouts/{payout.pk}/").status_code == 404


def test_the_case_has_its_evidence_and_its_postings(client, provider, payment):
    [charge] = provider.all("charge", payment_intent=payment.stripe_intent)
    provider.dispute(charge["id"])
    tasks.learn_provider()
    case = Dispute.objects.get()
    client.force_login(make.member(operator=payment.operator, role="accountant"))
    page = body(client.get("/fin/disputes/?status=open"))
    assert "1 dispute waits for evidence." in page
    assert f"/fin/disputes/{case.pk}/" in page
    page = body(client.get(f"/fin/disputes/{case.pk}/"))
    assert "10.000 kWh" in page
    assert "Send the evidence" in page
    assert "Disputed payments" in page
    assert "Needs an answer" in body(client.get(f"/fin/invoices/{payment.session.cdr.billed_on.pk}/"))
    assert client.get(f"/fin/disputes/{case.pk}/evidence.zip").content[:2] == b"PK"
    provider.settle_dispute(case.stripe_id, "lost")
    assert reconcile_day(day=timezone.now().date()) == []
    assert "The bank has decided" in body(client.get(f"/fin/disputes/{case.pk}/"))
