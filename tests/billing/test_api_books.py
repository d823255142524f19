"""Disputes, payouts and reconciliation over the API: what the finance pages show and do."""

import io
import zipfile
from datetime import UTC, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from billing import tasks
from billing.actions.reconciliation import reconcile_day
from billing.models import Difference, Dispute, Journal, Payment, Reconciliation
from tests import make
from tests.api import as_person, caller
from tests.billing import money
from tests.billing.test_disputes import case_of
from tests.billing.test_reconciliation import _forget

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(own_provider, settings):
    settings.STAFF_MFA_REQUIRED = False
    return own_provider


@pytest.fixture
def payment(provider) -> Payment:
    return Payment.objects.get(session=money.charged().session)


def today():
    return timezone.now().astimezone(UTC).date()


def accountant(payment):
    user = make.user()
    user.memberships.create(operator=payment.operator, role="accountant")
    return as_person(user), user


# Disputes


@pytest.mark.django_db(transaction=True)
def test_a_dispute_is_read_and_answered_once(provider):
    payment = Payment.objects.get(session=money.charged().session)
    case = case_of(provider, payment)
    api = caller(operator=payment.operator, role="accountant")
    [row] = api.get("disputes/?open=true").data["results"]
    assert (row["id"], row["payment"], row["amount"]) == (str(case.pk), str(payment.pk), "4.900")
    assert row["may_answer"] and "evidence" not in row
    assert "10.000 kWh" in api.get(f"disputes/{case.pk}/").data["evidence"]["product_description"]
    bundle = api.get(f"disputes/{case.pk}/bundle/", HTTP_ACCEPT="application/zip")
    assert "case.json" in zipfile.ZipFile(io.BytesIO(bundle.content)).namelist()
    assert api.post(f"disputes/{case.pk}/evidence/", {"explanation": "x" * 5001}).status_code == 400
    case.refresh_from_db()
    assert case.evidence_state == "none"
    said = {"explanation": "winning_evidence"}
    first = api.post(f"disputes/{case.pk}/evidence/", said, HTTP_IDEMPOTENCY_KEY="e1")
    assert (first.status_code, first.data["evidence_state"], first.data["status"]) == (200, "sent", "won")
    again = api.post(f"disputes/{case.pk}/evidence/", said, HTTP_IDEMPOTENCY_KEY="e1")
    assert again.content == first.content
    other = api.post(f"disputes/{case.pk}/evidence/", {"explanation": "Another"})
    assert (other.status_code, "no evidence any more" in other.data["detail"]) == (409, True)
    [there] = provider.all("dispute", id=case.stripe_id)
    assert there["evidence_details"]["submission_count"] == 1
    assert api.get("disputes/?open=true").data["results"] == []
    assert len(api.get("disputes/?open=false&status=won").data["results"]) == 1
    assert api.get("disputes/?open=maybe").status_code == 400


@pytest.mark.django_db(transaction=True)
def test_evidence_that_may_not_have_arrived_is_sent_later(provider):
    payment = Payment.objects.get(session=money.charged().session)
    case = case_of(provider, payment)
    for _attempt in range(3):
        provider.fail_next(f"/v1/disputes/{case.stripe_id}", after=True)
    answer = caller(operator=payment.operator).post(f"disputes/{case.pk}/evidence/", {})
    assert (answer.status_code, answer.data["code"]) == (503, "provider_down")
    assert Dispute.objects.get().evidence_state == "sending"


# Payouts


def test_a_payout_has_ones_own_movements(provider, payment):
    other = Payment.objects.get(session=money.charged().session)
    provider.pay_out()
    tasks.learn_provider()
    api = caller(operator=payment.operator, role="accountant")
    [row] = api.get("payouts/?status=paid").data["results"]
    movements = api.get(f"payouts/{row['id']}/movements/").data["results"]
    assert [(one["category"], one["payment"]) for one in movements] == [("charge", str(payment.pk))]
    [one] = movements
    assert Decimal(one["net"]) == Decimal(one["amount"]) - Decimal(one["fee"]) < Decimal("4.90")
    theirs = caller(operator=other.operator).get(f"payouts/{row['id']}/movements/").data["results"]
    assert [one["payment"] for one in theirs] == [str(other.pk)]
    stranger = caller(operator=make.operator())
    assert stranger.get("payouts/").data["results"] == []
    assert stranger.get(f"payouts/{row['id']}/movements/").status_code == 404
    soon = (timezone.now() + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert api.get(f"payouts/?arrives_after={soon}").data["results"] == []


# Reconciliation


def test_a_day_is_compared_and_mended(provider, payment):
    api = caller(operator=payment.operator, role="accountant")
    assert api.post("reconciliations/run/", {"day": str(today())}).data == []
    [day] = api.get("reconciliations/").data["results"]
    assert (day["day"], day["theirs"], day["differences"]) == (str(today()), day["ours"], 0)
    # A capture that we never heard of.
    _forget(Journal.objects.filter(kind="capture"))
    Payment.objects.update(state="held", amount_captured=0)
    [found] = api.post("reconciliations/run/", {"day": str(today())}).data
    assert (found["kind"], found["mend"]) == ("missing_here", "learn_payment")
    assert [row["id"] for row in api.get("differences/?open=true").data["results"]] == [found["id"]]
    mended = api.post(f"differences/{found['id']}/mend/")
    assert mended.status_code == 200 and mended.data["resolved_at"] is not None
    assert Payment.objects.get().state == "captured"
    assert api.get("differences/?open=true").data["results"] == []
    assert api.post(f"differences/{found['id']}/mend/").status_code == 200


def test_what_no_button_mends_is_explained_by_a_person(provider, payment):
    Payment.objects.update(stripe_intent="pi_never")
    reconcile_day(day=today())
    found = Difference.objects.get(kind="missing_there")
    key = caller(operator=payment.operator, role="accountant")
    refused = key.post(f"differences/{found.pk}/mend/")
    assert (refused.status_code, "by a button" in refused.data["detail"]) == (409, True)
    said = {"reason": "Agreed with the bank"}
    assert key.post(f"differences/{found.pk}/accept/", said).data["code"] == "person_needed"
    api, user = accountant(payment)
    assert api.post(f"differences/{found.pk}/accept/", {"reason": "  "}).status_code == 400
    found.refresh_from_db()
    assert not found.is_accepted
    accepted = api.post(f"differences/{found.pk}/accept/", said)
    assert (accepted.data["accepted_by"], accepted.data["reason"]) == (user.email, said["reason"])
    day = Reconciliation.objects.get(operator=payment.operator)
    assert day.accepted == found.amount
    assert str(found.pk) not in [row["id"] for row in api.get("differences/?open=true").data["results"]]


@pytest.mark.parametrize("day", ["", "soon", "2999-01-01"])
def test_a_day_that_is_none_is_refused(provider, payment, day):
    answer = caller(operator=payment.operator).post("reconciliations/run/", {"day": day})
    assert answer.status_code == 400 and "day" in answer.data["errors"]
    assert not Reconciliation.objects.exists()


def test_while_the_provider_is_silent_nothing_is_kept(provider, payment):
    for _attempt in range(3):
        provider.fail_next("/v1/balance_transactions")
    answer = caller(operator=payment.operator).post("reconciliations/run/", {"day": str(today())})
    assert (answer.status_code, answer.data["code"]) == (503, "provider_down")
    assert not Reconciliation.objects.exists()


def test_who_does_not_keep_books_sees_nothing_of_them(provider, payment):
    for role in ("technician", "support"):
        key = caller(operator=payment.operator, role=role)
        for path in ("disputes/", "payouts/", "reconciliations/", "differences/"):
            assert key.get(path).status_code == 403, (role, path)
