"""What a driver owes: a bill or a booking's fee that could not be charged.

It is asked for by mail, with a link on which it can be paid without signing in (debt_pages.py), and nothing
new starts at that operator before it is settled or written off.
"""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing import debt_links, ledger
from billing.actions import invoices, posting
from billing.exceptions import PaymentRefused
from billing.models import Cdr, FeeDebt, Journal, Quote
from bookings.models import Booking
from evportal.accounts.models import Operator, User
from evportal.outbox import topics
from evportal.outbox.actions import notify
from evportal.outbox.topics import Topic

State = Cdr.State
TOPIC = "payment.unpaid"
topics.register(Topic(TOPIC, _("A payment of yours is open"), always_mailed=True))


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


def fees_owed_by(user: User) -> QuerySet[FeeDebt]:
    rows = FeeDebt.objects.open().filter(user=user)
    return rows.select_related("booking__evse__station__site")


def outstanding(cdr: Cdr) -> Decimal:
    """What is priced and not yet charged."""
    charged = cdr.session.payments.aggregate(total=Sum("amount_captured"))["total"] or Decimal(0)
    return cdr.gross - charged


def refuse_debtors(*, user: User, operator: Operator) -> None:
    """Before anything new is begun at this operator."""
    if owed_by(user).filter(session__station__site__operator=operator).exists():
        raise DebtOpen
    if fees_owed_by(user).filter(operator=operator).exists():
        raise DebtOpen


def ask_to_pay(*, cdr: Cdr) -> None:
    """The link to pay, by mail, once."""
    user = cdr.session.user
    if user is None:
        return
    notify(
        user=user,
        topic=TOPIC,
        key=f"unpaid session {cdr.session_id}",
        template="billing/mail/unpaid",
        context={
            "session": cdr.session,
            "cdr": cdr,
            "owed": outstanding(cdr),
            "receipt": invoices.document_url(cdr.session.link),
            "url": debt_links.url(cdr),
        },
    )


@transaction.atomic
def owe_fee(*, booking: Booking, why: str) -> FeeDebt | None:
    """A booking's fee could not be charged: its driver owes it, and gets the link to pay. Once."""
    if booking.fee <= 0 or booking.user_id is None:
        return None
    operator = booking.evse.station.site.operator
    quote = Quote.objects.filter(booking=booking).first()
    debt, is_new = FeeDebt.objects.get_or_create(
        booking=booking,
        defaults={
            "operator": operator,
            "user": booking.user,
            "currency": quote.currency if quote is not None else operator.currency,
            "amount": booking.fee,
            "reason": why[:200],
        },
    )
    if is_new:
        notify(
            user=booking.user,
            topic=TOPIC,
            key=f"unpaid fee {booking.pk}",
            template="billing/mail/unpaid_fee",
            context={"booking": booking, "debt": debt, "url": debt_links.url(debt)},
        )
    return debt


@transaction.atomic
def waive_fee(*, debt: FeeDebt, by: User) -> FeeDebt:
    """Finance gives up a fee. No document was issued for it, so nothing is booked."""
    locked = FeeDebt.objects.select_for_update().get(pk=debt.pk)
    if locked.state != FeeDebt.State.OPEN or locked.pages.filter(state="new").exists():
        # Somebody may be paying it in this moment.
        raise PaymentRefused
    locked.state, locked.decided_by, locked.decided_at = FeeDebt.State.WAIVED, by, timezone.now()
    locked.save(update_fields=["state", "decided_by", "decided_at"])
    return locked


def drop_fee(*, booking: Booking) -> None:
    """The booking owes no fee after all; one that is paid in this moment is sent back when it is."""
    FeeDebt.objects.open().filter(booking=booking).exclude(pages__state="new").update(
        state=FeeDebt.State.WAIVED, decided_at=timezone.now(), reason=str(_("The driver had come."))
    )


@transaction.atomic
def write_off(*, cdr: Cdr, by: User) -> Cdr:
    """Finance gives up what is still owed: it is a loss, and the driver may charge again."""
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
