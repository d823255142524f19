"""Stripe's news: checked, refetched, and applied in the transaction that remembers them.

An event says only that something happened to an object; what is true now is asked for. So late, repeated
and disordered events all lead to the same end.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing import actions, gateway, gateway_books, gateway_plans
from billing.actions import debt_pages, movements, pages, subscriptions
from billing.actions.disputes import learn_dispute
from billing.actions.holds import take_page
from billing.actions.refunds import learn_refund
from billing.exceptions import BadSignature, ProviderDown, ProviderRefused
from billing.models import DebtPage, Payment, Subscription, TopUp, WebhookEvent
from billing.tasks import learn_payout, proceed

log = logging.getLogger(__name__)

#: Stripe's own events are a few kilobytes.
LARGEST = 512 * 1024


@dataclass(frozen=True)
class News:
    """What was read from the provider, and how to write it down: `apply` says in a word what it did."""

    apply: Callable[[], str]


@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    if int(request.headers.get("Content-Length") or 0) > LARGEST:
        return HttpResponse("Too large.", status=413)
    try:
        event = gateway.event(request.body, request.headers.get("Stripe-Signature", ""))
    except BadSignature as problem:
        log.warning("A webhook with a bad signature: %s", problem)
        return HttpResponse("Bad signature.", status=400)
    if WebhookEvent.objects.filter(pk=event.id).exists():
        return HttpResponse("Known.")
    try:
        take(event)
    except ProviderDown:
        # They try again for three days.
        return HttpResponse("Later, please.", status=503)
    return HttpResponse("Thank you.")


def take(event) -> None:
    """Read the object as it is now, then remember the event and its effect together."""
    object_id = getattr(event.data.object, "id", "") or ""
    read = READERS.get(event.type)
    try:
        news = read(event.data.object) if read else None
    except ProviderRefused:
        # They know no such object: nothing to take over.
        news = None
    with transaction.atomic():
        row, is_new = WebhookEvent.objects.get_or_create(
            pk=event.id, defaults={"type": event.type[:80], "object_id": object_id[:255]}
        )
        if not is_new:
            return
        row.effect = (news.apply() if news else "ignored")[:120]
        row.save(update_fields=["effect"])


def _intent(thing) -> News | None:
    payment = Payment.objects.filter(stripe_intent=thing.id).first()
    if payment is None:
        return None
    intent = gateway.retrieve(thing.id)

    def apply() -> str:
        before = payment.state
        actions.learn(payment=payment, intent=intent)
        if payment.state == before:
            return f"stays {before}"
        proceed.delay_on_commit(str(payment.pk))
        return f"{before} → {payment.state}"

    return News(apply)


def _checkout(thing) -> News | None:
    if thing.mode == "subscription":
        row = Subscription.objects.filter(stripe_checkout=thing.id).first()
        return _plan_page(row) if row is not None else None
    if thing.mode == "payment":
        return _paid_page(thing)
    saved = gateway.saved_card(thing.id) if thing.mode == "setup" else None
    return (
        News(lambda: "card saved" if actions.save_card_from_event(saved=saved) else "not ours")
        if saved
        else None
    )


def _plan_page(row: Subscription) -> News | None:
    """A page on which a driver subscribes is done, or shut."""
    page = gateway_plans.read_page(row.stripe_checkout)
    if page.subscription:
        return _plan(page.subscription, row)
    return News(lambda: f"plan {subscriptions.take_page(row=row, page=page).state}")


def _subscription(thing) -> News | None:
    return _plan(thing.id)


def _plan_invoice(thing) -> News | None:
    of = getattr(thing.parent, "subscription_details", None) if thing.parent else None
    return _plan(of.subscription) if of is not None and isinstance(of.subscription, str) else None


def _plan(stripe_id: str, row: Subscription | None = None) -> News | None:
    """All that the provider says of a subscription now, whichever of its news this is."""
    asked_at = timezone.now()
    row = row or Subscription.objects.filter(stripe_id=stripe_id).first()
    facts = gateway_plans.read(stripe_id)
    row = row or subscriptions.begun_as(facts=facts)
    if row is None:
        return None
    invoices = gateway_plans.invoices(stripe_id)

    def apply() -> str:
        subscriptions.adopt(row=row, stripe_id=stripe_id)
        if row.stripe_id != stripe_id:
            return "another plan took its place"
        subscriptions.take(row=row, facts=facts, invoices=invoices, asked_at=asked_at)
        return f"plan {row.state}"

    return News(apply)


def _paid_page(thing) -> News | None:
    held = Payment.objects.filter(stripe_checkout=thing.id).first()
    if held is not None:
        return _hold_page(held)
    row = TopUp.objects.filter(stripe_checkout=thing.id).first()
    if row is None:
        return _paid_debt(thing)
    page = gateway.retrieve_page(thing.id)
    return News(lambda: f"top-up {actions.take_top_up(row=row, page=page).state}")


def _paid_debt(thing) -> News | None:
    row = DebtPage.objects.filter(stripe_checkout=thing.id).first()
    if row is None:
        return None
    page = gateway.retrieve_page(thing.id)

    def apply() -> str:
        debt_pages.take(row=row, page=page)
        if row.payment_id is not None:
            proceed.delay_on_commit(str(row.payment_id))
        return f"debt page {row.state}"

    return News(apply)


def _hold_page(payment: Payment) -> News:
    """A guest's page is done, or shut."""
    page = pages.read(payment)

    def apply() -> str:
        before = payment.state
        take_page(payment=payment, page=page)
        if payment.state == before:
            return f"stays {before}"
        proceed.delay_on_commit(str(payment.pk))
        return f"{before} → {payment.state}"

    return News(apply)


def _method(thing) -> News | None:
    saved = gateway.card(thing.id)
    return News(lambda: "card renewed" if actions.renew_card(saved=saved) else "not ours") if saved else None


def _refund(thing) -> News | None:
    facts = gateway_books.refund(thing.id)
    payment = Payment.objects.filter(stripe_intent=facts.intent).exclude(stripe_intent="").first()
    if payment is None:
        return None
    # Events come in any order: a refund says that its payment was taken before.
    intent = gateway.retrieve(facts.intent)

    def apply() -> str:
        before = payment.state
        actions.learn(payment=payment, intent=intent)
        if payment.state != before:
            proceed.delay_on_commit(str(payment.pk))
        row = learn_refund(facts=facts)
        return f"refund {row.state}" if row is not None else "more than was charged"

    return News(apply)


def _charge(thing) -> News | None:
    """A charge has its fee a moment after it was taken."""
    intent = getattr(thing, "payment_intent", "") or ""
    of_ours = intent and (
        Payment.objects.filter(stripe_intent=intent).exists()
        or TopUp.objects.filter(stripe_intent=intent).exists()
    )
    if not of_ours:
        return None
    pages = list(gateway_books.movements_of_source(thing.id))

    def apply() -> str:
        return f"{sum(movements.store(movements=page) for page in pages)} booked"

    return News(apply)


def _dispute(thing) -> News | None:
    facts = gateway_books.dispute(thing.id)

    def apply() -> str:
        row = learn_dispute(facts=facts)
        return f"dispute {row.status}" if row is not None else "not ours"

    return News(apply)


def _payout(thing) -> News | None:
    # What is in it may be many pages: a task reads them.
    return News(lambda: learn_payout.delay_on_commit(thing.id) or "asked for")


READERS: dict[str, Callable] = {
    "payment_intent.amount_capturable_updated": _intent,
    "payment_intent.canceled": _intent,
    "payment_intent.payment_failed": _intent,
    "payment_intent.requires_action": _intent,
    "payment_intent.succeeded": _intent,
    "checkout.session.completed": _checkout,
    "checkout.session.expired": _checkout,
    "payment_method.automatically_updated": _method,
    "payment_method.updated": _method,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.updated": _charge,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.funds_withdrawn": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
    "charge.dispute.closed": _dispute,
    "customer.subscription.created": _subscription,
    "customer.subscription.updated": _subscription,
    "customer.subscription.deleted": _subscription,
    "invoice.paid": _plan_invoice,
    "invoice.payment_failed": _plan_invoice,
    "invoice.voided": _plan_invoice,
    "payout.created": _payout,
    "payout.updated": _payout,
    "payout.paid": _payout,
    "payout.failed": _payout,
    "payout.canceled": _payout,
    "payout.reconciliation_completed": _payout,
}
