"""Disputes: a case with its evidence, its postings and its end; once, in any order of the news."""

import io
import itertools
import json
import zipfile
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from billing import actions, disputes, evidence, gateway_books, sweeping
from billing.actions import books
from billing.actions.disputes import DisputeAnswered, finish_evidence, learn_dispute, send_evidence
from billing.exceptions import ProviderDown, ProviderRefused
from billing.ledger import Code
from billing.models import Books, Dispute, Journal, Payment
from evportal.outbox.models import Mail
from stations.models import Message, Session
from tests import make
from tests.billing import money
from tests.billing.test_ledger import commit, sums
from tests.billing.test_webhook import deliver

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment(provider) -> Payment:
    return Payment.objects.get(session=money.charged().session)


def charge_of(provider, payment: Payment) -> str:
    [charge] = provider.all("charge", payment_intent=payment.stripe_intent)
    return charge["id"]


def disputed(provider, payment, **details) -> dict:
    return provider.dispute(charge_of(provider, payment), **details)


# The table


def test_it_knows_the_states_of_the_model():
    assert {status.value for status in disputes.Status} == set(Dispute.Status.values)
    assert set(disputes.LEGAL) == set(disputes.Status)


@pytest.mark.parametrize("end", ["won", "lost"])
def test_late_news_never_lead_back(end):
    for order in itertools.permutations(["needs_response", "under_review", end]):
        status = "needs_response"
        for news in order:
            status = disputes.after_news(status, news) or status
        assert status == end


def test_an_unknown_word_is_no_news():
    assert disputes.after_news("needs_response", "hibernating") is None


# The case


def test_a_dispute_opens_a_case_and_takes_the_money_back(client, provider, payment):
    finance = make.member(operator=payment.operator, role="accountant")
    make.member(operator=payment.operator, role="technician")
    deliver(client, provider)
    before = sums(payment.operator)
    disputed(provider, payment, reason="fraudulent")
    assert set(deliver(client, provider)) == {200}
    case = Dispute.objects.get()
    assert (case.payment, case.amount, case.reason) == (payment, payment.amount_captured, "fraudulent")
    assert (case.status, case.due_at > timezone.now()) == ("needs_response", True)
    now = sums(payment.operator)
    assert now[Code.DISPUTED] == payment.amount_captured
    assert now[Code.PROVIDER] == before[Code.PROVIDER] - payment.amount_captured - 20
    assert now[Code.FEES] == before[Code.FEES] + 20
    [mail] = Mail.objects.filter(key__startswith="dispute")
    assert mail.to == finance.email
    assert f"/fin/disputes/{case.pk}/" in mail.text
    commit()


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_its_end_is_booked_once(client, provider, payment, outcome):
    make.member(operator=payment.operator, role="manager")
    deliver(client, provider)
    before = sums(payment.operator)
    dispute = disputed(provider, payment)
    provider.settle_dispute(dispute["id"], outcome)
    deliver(client, provider)
    learn_dispute(facts=gateway_books.dispute(dispute["id"]))
    case = Dispute.objects.get()
    assert (case.status, case.closed_at is not None) == (outcome, True)
    now = sums(payment.operator)
    assert Code.DISPUTED not in now
    assert now.get(Code.LOSSES, 0) == (payment.amount_captured if outcome == "lost" else 0)
    back = payment.amount_captured if outcome == "won" else 0
    assert now[Code.PROVIDER] == before[Code.PROVIDER] - 20 - payment.amount_captured + back
    assert Mail.objects.filter(key__contains="dispute_").count() == 1
    commit()


def test_a_dispute_of_a_wallets_top_up(client, provider):
    from tests.billing.test_wallet import pay

    row, _url = actions.top_up(user=make.user(), operator=make.operator(), amount=Decimal(10))
    pay(provider, row)
    deliver(client, provider)
    row.refresh_from_db()
    [charge] = provider.all("charge", payment_intent=row.stripe_intent)
    dispute = provider.dispute(charge["id"])
    provider.settle_dispute(dispute["id"], "lost")
    deliver(client, provider)
    case = Dispute.objects.get()
    assert (case.top_up, case.payment, case.status) == (row, None, "lost")
    assert sums(row.operator)[Code.LOSSES] == 10
    assert [name for name, _content in evidence.files(case)] == ["case.json"]


def test_a_dispute_of_somebody_elses_charge_is_not_ours(client, provider, payment):
    deliver(client, provider)
    dispute = disputed(provider, payment)
    Payment.objects.filter(pk=payment.pk).update(stripe_intent="pi_other")
    assert set(deliver(client, provider)) == {200}
    assert not Dispute.objects.exists()
    assert learn_dispute(facts=gateway_books.dispute(dispute["id"])) is None


def test_what_happened_in_a_closed_month_is_booked_in_the_open_one(provider, payment):
    Books.objects.create(operator=payment.operator, time_zone="Europe/Berlin")
    books.close_month(operator=payment.operator, month=timezone.localdate(), by=None)
    dispute = disputed(provider, payment)
    learn_dispute(facts=gateway_books.dispute(dispute["id"]))
    row = Journal.objects.get(kind="dispute")
    at = row.at.astimezone(books.zone_of(payment.operator))
    assert (at.day, at.hour, at.date() > timezone.localdate()) == (1, 0, True)


# Evidence


def case_of(provider, payment, **details) -> Dispute:
    found = learn_dispute(facts=gateway_books.dispute(disputed(provider, payment, **details)["id"]))
    assert found is not None
    return found


@pytest.mark.django_db(transaction=True)
def test_evidence_is_sent_once_and_the_bank_decides(provider):
    payment = Payment.objects.get(session=money.charged().session)
    case = case_of(provider, payment)
    send_evidence(dispute=case, explanation="winning_evidence", by=payment.user)
    assert (case.evidence_state, case.evidence_by, case.status) == ("sent", payment.user, "won")
    [there] = provider.all("dispute", id=case.stripe_id)
    told = there["evidence"]
    assert "10.000 kWh" in told["product_description"]
    assert told["customer_email_address"] == payment.user.email
    assert "meter 1.000 kWh" in told["access_activity_log"]
    with pytest.raises(DisputeAnswered):
        send_evidence(dispute=case, explanation="again", by=None)
    assert there["evidence_details"]["submission_count"] == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("after", [False, True])
def test_a_lost_answer_sends_it_once(provider, after):
    """`after`: the provider took it, and only its answer was lost."""
    payment = Payment.objects.get(session=money.charged().session)
    case = case_of(provider, payment)
    for _attempt in range(3):
        provider.fail_next(f"/v1/disputes/{case.stripe_id}", after=after)
    with pytest.raises(ProviderDown):
        send_evidence(dispute=case, explanation="Energy was delivered.", by=None)
    case.refresh_from_db()
    assert case.evidence_state == "sending"
    provider.app.api.faults.clear()
    Dispute.objects.update(updated_at=timezone.now() - timezone.timedelta(minutes=5))
    sweeping.sweep(timezone.now())
    case.refresh_from_db()
    assert (case.evidence_state, case.status) == ("sent", "under_review")
    [there] = provider.all("dispute", id=case.stripe_id)
    assert there["evidence_details"]["submission_count"] == 1
    assert there["evidence"]["uncategorized_text"] == "Energy was delivered."


@pytest.mark.django_db(transaction=True)
def test_what_the_provider_refuses_may_be_sent_again(provider, monkeypatch):
    payment = Payment.objects.get(session=money.charged().session)
    case = case_of(provider, payment)

    def refuse(*args, **fields):
        raise ProviderRefused

    with monkeypatch.context() as patch:
        patch.setattr(gateway_books, "send_evidence", refuse)
        with pytest.raises(ProviderRefused):
            send_evidence(dispute=case, explanation="", by=None)
    case.refresh_from_db()
    assert case.may_answer
    provider.settle_dispute(case.stripe_id, "lost")
    Dispute.objects.update(evidence_state="sending")
    case.refresh_from_db()
    finish_evidence(dispute=case)
    assert (case.evidence_state, case.status) == ("none", "lost")


def test_the_bundle_has_our_records_and_nobody_elses(provider, payment):
    session, now = payment.session, timezone.now()
    Session.objects.filter(pk=session.pk).update(started_at=now, stop_received_at=now)

    def frame(action, payload, message_id, kind="call", at=now):
        Message.objects.create(
            id=uuid4(), at=at, station=session.station, connection=uuid4(), from_station=True, kind=kind,
            message_id=message_id, action=action, version="1.6",
            frame=json.dumps([2, message_id, action, payload]),
        )  # fmt: skip

    frame("StartTransaction", {"idTag": session.token, "connectorId": 1, "meterStart": 1000}, "1")
    frame("MeterValues", {"transactionId": session.transaction_id, "meterValue": "=1+1"}, "2")
    frame("StartTransaction", {"idTag": "SOMEBODY-ELSE"}, "3")
    frame("MeterValues", {"transactionId": "987654"}, "4")
    frame("Heartbeat", {}, "5")
    money.reading(session, minutes=5, wh=2000)
    payment.refresh_from_db()
    case = case_of(provider, payment)
    content = evidence.bundle(case)
    assert content == evidence.bundle(case)
    archive = zipfile.ZipFile(io.BytesIO(content))
    names = archive.namelist()
    assert names == evidence.contents(case)
    assert names[:4] == ["case.json", "session.json", "meter.csv", "messages.csv"]
    assert names[4].endswith(".pdf")
    log = archive.read("messages.csv").decode()
    assert session.token in log
    assert f"{session.transaction_id}" in log
    assert "SOMEBODY-ELSE" not in log
    assert "987654" not in log
    assert "2000" in archive.read("meter.csv").decode()
    assert json.loads(archive.read("case.json"))["dispute"] == case.stripe_id


# Both books


def test_a_disputed_charge_is_not_refunded_as_well(provider, payment):
    case_of(provider, payment)
    with pytest.raises(ProviderRefused):
        actions.refund(payment=payment, amount=Decimal(1), reason="Sorry", by=None)
    payment.refresh_from_db()
    assert payment.amount_refunded == 0
