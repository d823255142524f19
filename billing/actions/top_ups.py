"""Top up a wallet: our row, then the provider's page, then the ledger, once however often we are told."""

from __future__ import annotations

import logging
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from billing import gateway, ledger, policy
from billing.actions import posting
from billing.actions.cards import customer_of
from billing.exceptions import PaymentRefused
from billing.models import Journal, TopUp
from evportal.accounts.models import Operator, User
from evportal.money import exponent, round_money

log = logging.getLogger(__name__)
State = TopUp.State


class TopUpOutOfBounds(PaymentRefused):
    default = _("A wallet can't be topped up by so much or so little at once.")


def bounds(currency: str) -> tuple[Decimal, Decimal]:
    """The least and the most of one top-up."""
    step = policy.HOLD_STEP[exponent(currency)]
    return step, step * policy.TOP_UP_MOST_STEPS


def top_up(*, user: User, operator: Operator, amount: Decimal) -> tuple[TopUp, str]:
    """Begin a top-up: the row, and the address of the page where it is paid."""
    currency = operator.currency
    least, most = bounds(currency)
    if not least <= amount <= most or amount != round_money(amount, currency):
        raise TopUpOutOfBounds
    customer = customer_of(user).stripe_id
    # Durable: the row must be there before the provider hears of it.
    with transaction.atomic(durable=True):
        row = TopUp.objects.create(operator=operator, user=user, currency=currency, amount=amount)
    done = settings.PUBLIC_URL + reverse("me:topped_up", args=[row.pk])
    page = gateway.pay_page(
        row_id=row.pk,
        customer=customer,
        amount=amount,
        currency=currency,
        text=f"{operator} · wallet",
        success_url=done,
        cancel_url=settings.PUBLIC_URL + reverse("me:wallet"),
        locale=(get_language() or "auto").split("-")[0],
    )
    TopUp.objects.filter(pk=row.pk).update(stripe_checkout=page.id, updated_at=timezone.now())
    row.refresh_from_db()
    return row, page.url


def look_at_top_up(*, row: TopUp) -> TopUp:
    """Ask the provider how it stands, and take over what it says."""
    if row.state != State.NEW:
        return row
    return take_top_up(row=row, page=gateway.find_page(row.stripe_checkout))


@transaction.atomic
def take_top_up(*, row: TopUp, page: gateway.PayPage | None) -> TopUp:
    """Write down what the page says; `None`: there is none, and will be none."""
    if page is not None and page.paid:
        if (page.amount, page.currency) != (row.amount, row.currency):
            log.error("Top-up %s was paid with %s %s", row.pk, page.amount, page.currency)
            return row
        _move(row, State.PAID, stripe_intent=page.intent)
    elif page is None or page.status == "expired":
        _move(row, State.EXPIRED)
    return row


def _move(row: TopUp, state: str, **fields) -> None:
    won = TopUp.objects.filter(pk=row.pk, state=State.NEW).update(
        state=state, updated_at=timezone.now(), **fields
    )
    row.refresh_from_db()
    if won and state == State.PAID:
        posting.book(
            booking=posting.Booking(
                key=f"top-up {row.pk}",
                kind=Journal.Kind.TOP_UP,
                operator_id=row.operator_id,
                currency=row.currency,
                at=row.updated_at,
                lines=ledger.lines_of(Journal.Kind.TOP_UP, row.amount),
                reference=row.stripe_intent or str(row.pk),
                user_id=row.user_id,
            )
        )
