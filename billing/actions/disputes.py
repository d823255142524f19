"""Disputes: the case is opened, answered with evidence, won or lost; each step booked once."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing import disputes, evidence, gateway_books, ledger, news
from billing.actions import books, movements, posting
from billing.exceptions import PaymentRefused, ProviderRefused
from billing.gateway_books import DisputeFacts
from billing.models import BalanceTransaction, Dispute, Journal, Payment, TopUp
from evportal.accounts.models import User

State = Dispute.Evidence


class DisputeAnswered(PaymentRefused):
    default = _("This dispute takes no evidence any more: it is sent already, or the bank has decided.")


@transaction.atomic
def learn_dispute(*, facts: DisputeFacts) -> Dispute | None:
    """Take over what the provider says of a dispute, never backwards; None: it is of no payment of ours."""
    row = Dispute.objects.filter(stripe_id=facts.id).first() or _open(facts)
    if row is None:
        return None
    row = Dispute.objects.select_for_update().get(pk=row.pk)
    then = disputes.after_news(row.status, facts.status)
    if then is not None:
        row.status = then
        row.closed_at = timezone.now() if then in disputes.CLOSED else None
    row.due_at = facts.due_at or row.due_at
    if facts.submissions and row.evidence_state != State.SENT:
        row.evidence_state, row.evidence_at = State.SENT, timezone.now()
    row.save()
    movements.store(movements=facts.movements)
    _book_loss(row)
    if then in (disputes.Status.WON, disputes.Status.LOST):
        news.tell_dispute(dispute=row, template="billing/mail/dispute_closed")
    return row


def _open(facts: DisputeFacts) -> Dispute | None:
    payment = Payment.objects.filter(stripe_intent=facts.intent).exclude(stripe_intent="").first()
    top_up = TopUp.objects.filter(stripe_intent=facts.intent).exclude(stripe_intent="").first()
    owner = payment or top_up
    if owner is None:
        return None
    over = facts.status in disputes.CLOSED
    row, is_new = Dispute.objects.get_or_create(
        stripe_id=facts.id,
        defaults={
            "operator_id": owner.operator_id,
            "payment": payment,
            "top_up": None if payment is not None else top_up,
            "stripe_charge": facts.charge,
            "currency": facts.currency,
            "amount": facts.amount,
            "reason": facts.reason[:60],
            "status": facts.status,
            "opened_at": facts.opened_at,
            "due_at": facts.due_at,
            "closed_at": timezone.now() if over else None,
        },
    )
    if is_new:
        news.tell_dispute(dispute=row, template="billing/mail/dispute_opened")
    return row


def _book_loss(row: Dispute) -> None:
    """What the bank keeps leaves the account of disputed money: it is lost."""
    moved = BalanceTransaction.objects.filter(dispute=row).values_list("amount", flat=True)
    amount = disputes.lost(row.status, moved)
    posting.book(
        booking=posting.Booking(
            key=f"dispute lost {row.pk}",
            kind=Journal.Kind.DISPUTE_LOST,
            operator_id=row.operator_id,
            currency=row.currency,
            at=books.open_time(operator_id=row.operator_id, at=row.closed_at or timezone.now()),
            lines=ledger.lines_of(Journal.Kind.DISPUTE_LOST, amount),
            reference=row.stripe_id,
        )
    )


def send_evidence(*, dispute: Dispute, explanation: str, by: User | None) -> Dispute:
    """Hand in what our records say, once: the bank reads one answer.

    Raises `DisputeAnswered`, `ProviderRefused`, and `ProviderDown` where the outcome is unknown: the row
    stays, and the sweeper finds out.
    """
    words = evidence.words(dispute, explanation=explanation)
    # Durable: the row must be there before the provider hears of it.
    with transaction.atomic(durable=True):
        won = Dispute.objects.filter(
            pk=dispute.pk, status__in=Dispute.TO_ANSWER, evidence_state=State.NONE
        ).update(evidence_state=State.SENDING, evidence=words, evidence_by=by, updated_at=timezone.now())
    if not won:
        raise DisputeAnswered
    dispute.refresh_from_db()
    return finish_evidence(dispute=dispute)


def finish_evidence(*, dispute: Dispute) -> Dispute:
    """Send what is on the row, unless the provider has it; for the sweeper too."""
    facts = gateway_books.dispute(dispute.stripe_id)
    if not facts.submissions and facts.status in Dispute.TO_ANSWER:
        try:
            facts = gateway_books.send_evidence(
                dispute.stripe_id, row_id=dispute.pk, evidence=dispute.evidence
            )
        except ProviderRefused:
            _give_up(dispute)
            raise
    learn_dispute(facts=facts)
    # The bank decided before our answer came: nothing was sent.
    _give_up(dispute)
    return dispute


def _give_up(dispute: Dispute) -> None:
    Dispute.objects.filter(pk=dispute.pk, evidence_state=State.SENDING).update(
        evidence_state=State.NONE, updated_at=timezone.now()
    )
    dispute.refresh_from_db()
