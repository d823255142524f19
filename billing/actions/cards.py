"""Saved cards: the provider keeps them, we keep what a driver recognises them by."""

from __future__ import annotations

import logging
from urllib.parse import quote

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language

from billing import gateway
from billing.exceptions import ProviderRefused
from billing.models import Card, Customer
from evportal.accounts.models import User

log = logging.getLogger(__name__)


def customer_of(user: User) -> Customer:
    """The driver at the provider; made on first need, once."""
    customer, _is_new = Customer.objects.get_or_create(user=user)
    if not customer.stripe_id:
        stripe_id = gateway.ensure_customer(
            row_id=customer.pk,
            created_at=customer.created_at,
            email=user.email,
            name=user.get_full_name(),
        )
        Customer.objects.filter(pk=customer.pk, stripe_id=None).update(stripe_id=stripe_id)
        customer.refresh_from_db()
    return customer


def card_page(*, user: User, back_to: str) -> str:
    """The address of the provider's page that takes a card; afterwards the driver is at `back_to` again."""
    done = settings.PUBLIC_URL + reverse("me:card_added")
    return gateway.card_page(
        customer=customer_of(user).stripe_id,
        # The provider fills in the braces, so they must not be percent-encoded.
        success_url=f"{done}?session_id={{CHECKOUT_SESSION_ID}}&next={quote(back_to)}",
        cancel_url=settings.PUBLIC_URL + back_to,
        locale=(get_language() or "auto").split("-")[0],
    )


def save_card(*, user: User, checkout_session: str) -> Card | None:
    """The card from a finished card page, where it is this driver's page."""
    try:
        saved = gateway.saved_card(checkout_session)
    except ProviderRefused:
        return None
    customer = Customer.objects.filter(user=user).exclude(stripe_id=None).first()
    if saved is None or customer is None or saved.customer != customer.stripe_id:
        return None
    return _keep(customer, saved)


def save_card_from_event(*, saved: gateway.SavedCard | None) -> Card | None:
    """The same, told by a webhook: the driver may never come back from the card page."""
    customer = Customer.objects.filter(stripe_id=saved.customer).first() if saved and saved.customer else None
    return _keep(customer, saved) if customer is not None else None


def renew_card(*, saved: gateway.SavedCard) -> bool:
    """A bank renews cards by itself: the same card, a new date."""
    return (
        Card.objects.filter(stripe_id=saved.id).update(
            last4=saved.last4, exp_month=saved.exp_month, exp_year=saved.exp_year
        )
        == 1
    )


@transaction.atomic
def _keep(customer: Customer, saved: gateway.SavedCard) -> Card:
    Customer.objects.select_for_update().get(pk=customer.pk)
    has_default = customer.cards.filter(is_default=True, removed_at=None).exists()
    card, _is_new = Card.objects.get_or_create(
        stripe_id=saved.id,
        defaults={
            "customer": customer,
            **saved.facts,
            "is_default": not has_default,
        },
    )
    return card


@transaction.atomic
def make_default(*, card: Card) -> Card:
    Customer.objects.select_for_update().get(pk=card.customer_id)
    card.customer.cards.filter(is_default=True).exclude(pk=card.pk).update(is_default=False)
    card.is_default = True
    card.save(update_fields=["is_default"])
    return card


def remove_card(*, card: Card) -> None:
    """Forget the card here and at the provider; holds that stand on it stay good."""
    with transaction.atomic():
        Customer.objects.select_for_update().get(pk=card.customer_id)
        Card.objects.filter(pk=card.pk, removed_at=None).update(removed_at=timezone.now(), is_default=False)
        following = card.customer.cards.filter(removed_at=None).first()
        if following is not None and not following.is_default:
            Card.objects.filter(pk=following.pk).update(is_default=True)
    try:
        gateway.forget_card(card.stripe_id)
    except ProviderRefused:
        log.info("Card %s was gone at the provider already", card.pk)
