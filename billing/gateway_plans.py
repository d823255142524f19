"""Subscriptions at the payment provider, through the same client as billing/gateway.py, in our own units.

Every write carries an idempotency key made of our row's id and the step.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from billing.exceptions import ProviderRefused
from billing.gateway import _at, _refusals, client, from_minor, to_minor

#: A subscription has one invoice a month, and one for each switch.
INVOICES = 24


@dataclass(frozen=True)
class SubscriptionFacts:
    id: str
    status: str
    item: str
    price: str
    started_at: datetime
    period_start: datetime
    period_end: datetime
    ends: bool
    ended_at: datetime | None
    #: Our own row's id.
    row: str


@dataclass(frozen=True)
class LineFacts:
    text: str
    amount: Decimal
    price: str
    is_proration: bool
    start: datetime
    end: datetime


@dataclass(frozen=True)
class InvoiceFacts:
    id: str
    status: str
    reason: str
    currency: str
    total: Decimal
    paid: Decimal
    intent: str
    at: datetime
    paid_at: datetime | None
    attempted: bool
    lines: tuple[LineFacts, ...]


@dataclass(frozen=True)
class PlanPage:
    """The provider's page on which a driver subscribes."""

    id: str
    url: str
    status: str
    subscription: str


def make_price(*, version_id, name: str, fee: Decimal, currency: str, with_tax: bool) -> str:
    """A monthly price at the provider, the whole amount that is charged: its id."""
    kind = "gross" if with_tax else "net"
    with _refusals():
        price = client().prices.create(
            {
                "currency": currency.lower(),
                "unit_amount": to_minor(fee, currency),
                "nickname": name,
                "recurring": {"interval": "month"},
                "product_data": {"name": name},
                "tax_behavior": "inclusive" if with_tax else "exclusive",
                "metadata": {"plan_version": str(version_id), "kind": kind},
            },
            {"idempotency_key": f"{version_id}-{kind}"},
        )
    return price.id


def page(*, row_id, customer: str, price: str, success_url: str, cancel_url: str, locale: str) -> PlanPage:
    """The page that takes the card and the first fee, and asks the bank where it wants to be asked."""
    with _refusals():
        session = client().checkout.sessions.create(
            {
                "mode": "subscription",
                "customer": customer,
                "line_items": [{"price": price, "quantity": 1}],
                "subscription_data": {"metadata": {"subscription": str(row_id)}},
                "client_reference_id": str(row_id),
                "success_url": success_url,
                "cancel_url": cancel_url,
                "locale": locale,
            },
            {"idempotency_key": f"{row_id}-plan-page"},
        )
    return _page(session)


def read_page(checkout_session: str) -> PlanPage:
    with _refusals():
        return _page(client().checkout.sessions.retrieve(checkout_session))


def close_page(checkout_session: str) -> PlanPage:
    """Nobody can subscribe on it any more; where somebody already has, it says so."""
    try:
        with _refusals():
            return _page(client().checkout.sessions.expire(checkout_session))
    except ProviderRefused:
        return read_page(checkout_session)


def _page(session) -> PlanPage:
    found = session.subscription
    return PlanPage(
        session.id,
        session.url or "",
        session.status or "",
        found if isinstance(found, str) else _at(found, "id") or "",
    )


def read(subscription: str) -> SubscriptionFacts:
    with _refusals():
        return _facts(client().subscriptions.retrieve(subscription))


def invoices(subscription: str) -> list[InvoiceFacts]:
    """The latest of its invoices, oldest first."""
    with _refusals():
        found = client().invoices.list(
            {"subscription": subscription, "limit": INVOICES, "expand": ["data.payments"]}
        )
    return [_invoice(one) for one in reversed(found.data)]


def preview(*, subscription: str, item: str, price: str, at: datetime | None) -> InvoiceFacts:
    """What a switch costs: at once, prorated from `at`; without it, the next period at the new price."""
    change: dict = {"items": [{"id": item, "price": price}], "proration_behavior": "none"}
    if at is not None:
        change |= {"proration_behavior": "always_invoice", "proration_date": int(at.timestamp())}
    with _refusals():
        found = client().invoices.create_preview(
            {"subscription": subscription, "subscription_details": change}
        )
    return _invoice(found)


def change_price(
    *, subscription: str, item: str, price: str, at: datetime | None, key: str
) -> SubscriptionFacts:
    """Another price: charged at once with its prorations from `at`, or from the next period on without it.

    Where the bank declines, nothing changes (`CardDeclined`).
    """
    change: dict = {"items": [{"id": item, "price": price}], "proration_behavior": "none"}
    if at is not None:
        change |= {
            "proration_behavior": "always_invoice",
            "proration_date": int(at.timestamp()),
            "payment_behavior": "error_if_incomplete",
        }
    with _refusals():
        return _facts(client().subscriptions.update(subscription, change, {"idempotency_key": key}))


def end_with_period(subscription: str, *, ends: bool) -> SubscriptionFacts:
    """It ends with its current period, or goes on; saying so twice changes nothing."""
    with _refusals():
        return _facts(client().subscriptions.update(subscription, {"cancel_at_period_end": ends}))


def end_now(subscription: str) -> SubscriptionFacts:
    """No more periods, and nothing that is still open is collected; again is harmless."""
    try:
        with _refusals():
            client().subscriptions.cancel(subscription)
    except ProviderRefused:
        pass  # It is over already.
    for one in invoices(subscription):
        if one.status == "open":
            try:
                with _refusals():
                    client().invoices.void_invoice(one.id)
            except ProviderRefused:
                pass  # Paid a moment ago: what it says next is what counts.
    return read(subscription)


def pay(invoice: str, *, card: str) -> None:
    """The driver, present, pays an open invoice with this card."""
    with _refusals():
        client().invoices.pay(invoice, {"payment_method": card, "off_session": False})


def use_card(subscription: str, *, card: str) -> None:
    """What renewals are charged to from now on."""
    with _refusals():
        client().subscriptions.update(subscription, {"default_payment_method": card})


def _facts(found) -> SubscriptionFacts:
    item = found["items"].data[0]
    return SubscriptionFacts(
        id=found.id,
        status=found.status,
        item=item.id,
        price=item.price.id,
        started_at=_time(found.start_date),
        period_start=_time(item.current_period_start),
        period_end=_time(item.current_period_end),
        ends=bool(found.cancel_at_period_end),
        ended_at=_time(found.ended_at) if found.ended_at else None,
        row=_at(found, "metadata", "subscription") or "",
    )


def _invoice(found) -> InvoiceFacts:
    currency = found.currency.upper()
    payments = _at(found, "payments", "data") or []
    intents = [_at(one, "payment", "payment_intent") for one in payments if one.status == "paid"]
    paid_at = _at(found, "status_transitions", "paid_at")
    return InvoiceFacts(
        id=found.id or "",
        status=found.status or "",
        reason=found.billing_reason or "",
        currency=currency,
        total=from_minor(found.total, currency),
        paid=from_minor(found.amount_paid, currency),
        intent=next((one for one in intents if isinstance(one, str)), ""),
        at=_time(found.created),
        paid_at=_time(paid_at) if paid_at else None,
        attempted=bool(found.attempted),
        lines=tuple(_line(one, currency) for one in found.lines.data),
    )


def _line(one, currency: str) -> LineFacts:
    return LineFacts(
        text=one.description or "",
        amount=from_minor(one.amount, currency),
        price=_at(one, "pricing", "price_details", "price") or "",
        is_proration=bool(_at(one, "parent", "subscription_item_details", "proration")),
        start=_time(one.period.start),
        end=_time(one.period.end),
    )


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
