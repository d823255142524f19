"""What a driver owes: a bill that could not be charged. It is asked for by mail, and nothing new starts at
that operator before it is settled or written off."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing import ledger
from billing.actions import invoices, posting
from billing.exceptions import PaymentRefused
from billing.models import Cdr, Journal
from evportal.accounts.models import Operator, User
from evportal.outbox.actions import queue_mail

State = Cdr.State


class DebtOpen(PaymentRefused):
    default = _(
        "A charge of yours is not paid yet. Please pay it first: it is on the page “My charging”, at the top."
    )


def owed_by(user: User) -> QuerySet[Cdr]:
    """The driver's bills that are priced and could not be charged, the oldest first."""
    return (
        Cdr.objects.filter(session__user=user, state=State.UNPAID)
        .select_related("session__station__site__operator", "session__evse")
        .order_by("created_at")
    )


def refuse_debtors(*, user: User, operator: Operator) -> None:
    """Before anything new is begun at this operator."""
    if owed_by(user).filter(session__station__site__operator=operator).exists():
        raise DebtOpen


def ask_to_pay(*, cdr: Cdr) -> None:
    """The link to pay, by mail, once."""
    user = cdr.session.user
    if user is None:
        return
    queue_mail(
        key=f"unpaid session {cdr.session_id}",
        to=user.mail_address,
        template="billing/mail/unpaid",
        context={
            "session": cdr.session,
            "cdr": cdr,
            "url": invoices.document_url(cdr.session.link),
        },
        language=user.language,
    )


@transaction.atomic
def write_off(*, cdr: Cdr, by: User) -> Cdr:
    """Finance gives up what is still owed: it is a loss, and the driver may charge again."""
    from billing.actions.bill import outstanding

    locked = Cdr.objects.select_for_update().get(pk=cdr.pk)
    # A payment that is on its way decides first.
    if locked.state != State.UNPAID or locked.session.payments.live().exists():
        raise PaymentRefused
    owed = outstanding(locked)
    locked.state, locked.reviewed_by, locked.reviewed_at = State.WAIVED, by, timezone.now()
    locked.save(update_fields=["state", "reviewed_by", "reviewed_at"])
    if owed > 0 and locked.invoices.exists():
        posting.book(
            booking=posting.Booking(
                key=f"write-off {locked.pk}",
                kind=Journal.Kind.WRITE_OFF,
                operator_id=locked.session.station.site.operator_id,
                currency=locked.currency,
                at=locked.reviewed_at,
                lines=ledger.lines_of(Journal.Kind.WRITE_OFF, owed),
                reference=locked.invoices.first().number,
            )
        )
    cdr.refresh_from_db()
    return cdr
