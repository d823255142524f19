"""The provider's page on which a guest places a hold: what came of it, taken over once.

The page is open while its payment is `NEW`; the intent is known from the moment somebody has paid on it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from billing import gateway
from billing.exceptions import ProviderRefused
from billing.models import Card, Customer, Payment
from evportal.accounts import guests

log = logging.getLogger(__name__)


def is_waited_for(payment: Payment) -> bool:
    """Whether the payment has a page, and nobody has told us that it was used."""
    return bool(payment.stripe_checkout) and not payment.stripe_intent


def read(payment: Payment) -> gateway.HoldPage:
    """The page as it is now; what it tells of the card and the address is on our rows afterwards."""
    return _take(payment, gateway.read_hold_page)


def close(payment: Payment) -> gateway.HoldPage:
    """The same, with the page shut first: whoever was quicker on it is found."""
    return _take(payment, gateway.close_hold_page)


def _take(payment: Payment, ask: Callable[[str], gateway.HoldPage]) -> gateway.HoldPage:
    try:
        page = ask(payment.stripe_checkout)
    except ProviderRefused:
        log.warning("The provider knows nothing of the page of payment %s", payment.pk)
        return gateway.HoldPage(payment.stripe_checkout, "", "expired")
    if page.intent is not None:
        _write(payment, page, page.intent)
    return page


@transaction.atomic
def _write(payment: Payment, page: gateway.HoldPage, intent: gateway.Intent) -> None:
    fields: dict = {"stripe_intent": intent.id, "updated_at": timezone.now()}
    if page.card is not None and payment.user_id is not None:
        fields["card"] = _remember(payment, page.card)
    if Payment.objects.filter(pk=payment.pk, stripe_intent="").update(**fields) and payment.user is not None:
        guests.learn_address(user=payment.user, email=page.email)
    payment.refresh_from_db()


def _remember(payment: Payment, saved: gateway.SavedCard) -> Card:
    """What a guest recognises their card by. It was given for this hold only, so it is never asked again."""
    customer, _is_new = Customer.objects.get_or_create(user=payment.user)
    card, _is_new = Card.objects.get_or_create(
        stripe_id=saved.id,
        defaults={
            "customer": customer,
            **saved.facts,
            "removed_at": timezone.now(),
        },
    )
    return card
