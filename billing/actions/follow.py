"""What a payment's news lead to, whoever brought them: the driver's browser, a webhook or the sweeper."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _

from billing.actions import booking, charging, guest_links, invoices, reauthorising
from billing.actions.bill import settle
from billing.models import Cdr, Payment, Start
from billing.readiness import taken_meanwhile


def proceed(*, payment: Payment) -> None:
    """Go on from the payment's state; harmless when somebody else did already."""
    match payment.state:
        case Payment.State.HELD:
            _held(payment)
        case Payment.State.CAPTURED:
            _captured(payment)
        case Payment.State.FAILED | Payment.State.RELEASED:
            for start in Start.objects.filter(payment=payment, state=Start.State.PAYING):
                charging.fail_start(
                    start=start, problem=payment.error_message or _("The hold was not placed.")
                )


def _held(payment: Payment) -> None:
    if payment.purpose == Payment.Purpose.NO_SHOW:
        booking.charge_fee(booking=payment.booking)
        return
    is_new_hold = payment.replaces_id is not None and payment.session_id is None
    if is_new_hold and not reauthorising.swap(payment=payment):
        return
    if payment.session_id is not None:
        cdr = Cdr.objects.filter(session=payment.session_id).first()
        if cdr is not None and cdr.state in (Cdr.State.PRICED, Cdr.State.UNPAID):
            settle(cdr=cdr)
        return
    if payment.booking_id is not None:
        booking.confirm_held(payment=payment)
    for start in Start.objects.filter(payment=payment, state=Start.State.PAYING):
        problem = taken_meanwhile(start, timezone.now())
        if problem:
            charging.fail_start(start=start, problem=problem)
            continue
        charging.ask_charger(start=start)
        guest_links.mail_link(start=start)


def _captured(payment: Payment) -> None:
    if payment.purpose == Payment.Purpose.NO_SHOW:
        invoices.issue_no_show(payment=payment)
    elif payment.session_id is not None:
        cdr = Cdr.objects.filter(session=payment.session_id).first()
        if cdr is not None and cdr.state in (Cdr.State.PRICED, Cdr.State.UNPAID):
            settle(cdr=cdr)
