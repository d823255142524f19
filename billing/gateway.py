"""The payment provider: the only module that speaks to Stripe, in production and to the simulator alike.

Every write carries an idempotency key made of our row's id and the step, so a repeated step is one step. What
comes back is an `Intent` in our own units; what is refused is one of billing/exceptions.py.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from functools import lru_cache
from hashlib import sha256

import stripe
from django.conf import settings
from django.utils.translation import gettext as _

from billing.exceptions import BadSignature, CardDeclined, ProviderDown, ProviderRefused
from evportal import money

log = logging.getLogger(__name__)

#: Seconds to connect and to answer: a driver stands in the rain before a charger.
TIMEOUT = (4, 20)
RETRIES = 2
#: A webhook older than this is a replay.
TOLERANCE_SECONDS = 300

# Where Stripe's smallest unit is not the currency's: these are counted in hundredths all the same…
_HUNDREDTHS = frozenset({"ISK", "UGX"})
# …and these in thousandths of which the last digit must be zero.
_TENS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


@dataclass(frozen=True)
class Intent:
    """A PaymentIntent as far as we care."""

    id: str
    status: str
    currency: str
    amount: Decimal
    received: Decimal
    refused: bool = False
    action_url: str = ""
    error_code: str = ""
    error_message: str = ""
    capture_before: datetime | None = None
    #: The bank lets the hold be raised.
    may_raise: bool = False


@dataclass(frozen=True)
class SavedCard:
    customer: str
    id: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int

    @property
    def facts(self) -> dict:
        """What is kept of it beside whose it is."""
        names = ("brand", "last4", "exp_month", "exp_year")
        return {name: getattr(self, name) for name in names}


def to_minor(amount: Decimal, currency: str, *, rounding: str = ROUND_DOWN) -> int:
    """The amount as Stripe counts it; where it can't be said exactly, rounded as told."""
    if currency in _HUNDREDTHS:
        return int(money.round_money(amount, currency)) * 100
    minor = money.to_minor(amount, currency)
    if currency in _TENS:
        minor = int((Decimal(minor) / 10).to_integral_value(rounding)) * 10
    return minor


def from_minor(minor: int, currency: str) -> Decimal:
    if currency in _HUNDREDTHS:
        return Decimal(minor) / 100
    return money.from_minor(minor, currency)


@lru_cache(maxsize=4)
def _client(key: str, base: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": base} if base else None,
        max_network_retries=RETRIES,
        http_client=stripe.RequestsClient(timeout=TIMEOUT),
    )


def client():
    return _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE).v1


@contextmanager
def _refusals():
    """Stripe's errors as ours."""
    try:
        yield
    except stripe.CardError as error:
        raise CardDeclined(decline_words(_reason(error)), code=_reason(error)) from error
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise ProviderDown from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        log.error("The payment provider does not accept our key: %s", error.user_message)
        raise ProviderDown from error
    except (stripe.InvalidRequestError, stripe.IdempotencyError) as error:
        log.warning("The payment provider refused: %s (%s)", error.user_message, error.code)
        raise ProviderRefused from error
    except stripe.StripeError as error:
        # Their 500 says nothing about whether it happened.
        log.warning("The payment provider failed: %s", error.user_message or error)
        raise ProviderDown from error


def _reason(error: stripe.CardError) -> str:
    return _at(error.error, "decline_code") or error.code or "card_declined"


def decline_words(code: str) -> str:
    """What to tell the driver; banks give few reasons, and some of them are nobody's business."""
    nothing = _("Nothing was charged.")
    match code:
        case "insufficient_funds":
            return (
                f"{_('The card does not have enough funds for the hold.')} {nothing} {_('Use another card.')}"
            )
        case "expired_card":
            return f"{_('The card has expired.')} {nothing} {_('Use another card.')}"
        case "authentication_required":
            return f"{_('Your bank wants you to confirm payments with this card yourself.')} {nothing}"
        case "payment_intent_authentication_failure":
            again = _("Try again or use another card.")
            return f"{_('Your bank could not confirm that it is you.')} {nothing} {again}"
        case "processing_error":
            return f"{_('The card could not be checked just now.')} {nothing} {_('Try again in a minute.')}"
    return f"{_('Your bank declined the card.')} {nothing} {_('Use another card or ask your bank.')}"


# Customers and cards


def ensure_customer(*, row_id: int, created_at: datetime, email: str, name: str) -> str:
    # Row numbers begin at one wherever the portal is installed, and several may share a test account.
    key = sha256(f"{row_id} {created_at.isoformat()} {email} {name}".encode()).hexdigest()
    with _refusals():
        customer = client().customers.create(
            {"email": email, "name": name, "metadata": {"customer": str(row_id)}},
            {"idempotency_key": f"customer-{key}"},
        )
    return customer.id


def card_page(*, customer: str, success_url: str, cancel_url: str, locale: str) -> str:
    """The provider's own page that takes a card, so that its number never touches us."""
    with _refusals():
        session = client().checkout.sessions.create(
            {
                "mode": "setup",
                "customer": customer,
                "allowed_payment_method_types": ["card"],
                "success_url": success_url,
                "cancel_url": cancel_url,
                "locale": locale,
            }
        )
    return session.url


def saved_card(checkout_session: str) -> SavedCard | None:
    """The card that a finished card page saved; None while it is unfinished."""
    with _refusals():
        session = client().checkout.sessions.retrieve(
            checkout_session, {"expand": ["setup_intent.payment_method"]}
        )
    setup = session.setup_intent
    if session.mode != "setup" or session.status != "complete":
        return None
    return _card(_at(setup, "payment_method"), session.customer)


def card(payment_method: str) -> SavedCard | None:
    with _refusals():
        method = client().payment_methods.retrieve(payment_method)
    return _card(method, method.customer)


def _card(method, customer) -> SavedCard | None:
    if method is None or method.type != "card":
        return None
    details = method.card
    return SavedCard(
        customer if isinstance(customer, str) else _at(customer, "id") or "",
        method.id,
        details.brand,
        details.last4,
        details.exp_month,
        details.exp_year,
    )


def forget_card(payment_method: str) -> None:
    with _refusals():
        client().payment_methods.detach(payment_method)


@dataclass(frozen=True)
class PayPage:
    """The provider's own page on which something is paid, and what became of it."""

    id: str
    url: str
    status: str
    paid: bool
    amount: Decimal
    currency: str
    intent: str


def pay_page(
    *,
    row_id,
    customer: str,
    amount: Decimal,
    currency: str,
    text: str,
    success_url: str,
    cancel_url: str,
    locale: str,
) -> PayPage:
    """A page that takes this amount at once, from a card or a wallet of the driver's phone."""
    item = {
        "quantity": 1,
        "price_data": {
            "currency": currency.lower(),
            "unit_amount": to_minor(amount, currency),
            "product_data": {"name": text},
        },
    }
    with _refusals():
        session = client().checkout.sessions.create(
            {
                "mode": "payment",
                "customer": customer,
                "line_items": [item],
                "payment_intent_data": {"description": text, "metadata": {"row": str(row_id)}},
                "client_reference_id": str(row_id),
                "success_url": success_url,
                "cancel_url": cancel_url,
                "locale": locale,
            },
            {"idempotency_key": f"{row_id}-page"},
        )
    return _page(session)


def find_page(checkout_session: str) -> PayPage | None:
    """None where nobody can pay on it: its address was never given out, or the provider knows none."""
    try:
        return retrieve_page(checkout_session) if checkout_session else None
    except ProviderRefused:
        return None


def retrieve_page(checkout_session: str) -> PayPage:
    with _refusals():
        return _page(client().checkout.sessions.retrieve(checkout_session))


def close_page(checkout_session: str) -> PayPage:
    """Nobody can pay on it any more; refused (`ProviderRefused`) where somebody has, or it is over."""
    with _refusals():
        return _page(client().checkout.sessions.expire(checkout_session))


def _page(session) -> PayPage:
    currency = (session.currency or "").upper()
    intent = session.payment_intent
    return PayPage(
        id=session.id,
        url=session.url or "",
        status=session.status or "",
        paid=session.payment_status == "paid",
        amount=from_minor(session.amount_total or 0, currency) if currency else Decimal(0),
        currency=currency,
        intent=intent if isinstance(intent, str) else _at(intent, "id") or "",
    )


# Pages on which somebody without an account places a hold


@dataclass(frozen=True)
class HoldPage:
    """Such a page: where it is while it is open, and what came of it."""

    id: str
    url: str
    status: str
    email: str = ""
    #: Only once the page is complete: before that, a declined card is no news.
    intent: Intent | None = None
    card: SavedCard | None = None


def hold_page(
    *,
    payment_id,
    amount: Decimal,
    currency: str,
    text: str,
    success_url: str,
    cancel_url: str,
    locale: str,
    expires_at: datetime,
) -> HoldPage:
    """A page that holds this amount on a card, or by Apple Pay or Google Pay, which are cards to Stripe."""
    item = {
        "quantity": 1,
        "price_data": {
            "currency": currency.lower(),
            "unit_amount": to_minor(amount, currency, rounding=ROUND_UP),
            "product_data": {"name": text},
        },
    }
    with _refusals():
        session = client().checkout.sessions.create(
            {
                "mode": "payment",
                "allowed_payment_method_types": ["card"],
                "line_items": [item],
                "payment_intent_data": {
                    "capture_method": "manual",
                    "description": text,
                    "metadata": {"payment": str(payment_id)},
                },
                "client_reference_id": str(payment_id),
                "success_url": success_url,
                "cancel_url": cancel_url,
                "locale": locale,
                "expires_at": int(expires_at.timestamp()),
            },
            {"idempotency_key": f"{payment_id}-hold-page"},
        )
    return _hold_page(session)


_WITH_INTENT = {"expand": ["payment_intent.latest_charge", "payment_intent.payment_method"]}


def read_hold_page(checkout_session: str) -> HoldPage:
    with _refusals():
        return _hold_page(client().checkout.sessions.retrieve(checkout_session, _WITH_INTENT))


def close_hold_page(checkout_session: str) -> HoldPage:
    """Nobody can pay on it any more; where somebody already has, it says so."""
    try:
        with _refusals():
            client().checkout.sessions.expire(checkout_session)
    except ProviderRefused:
        log.info("Checkout session %s was over already", checkout_session)
    return read_hold_page(checkout_session)


def _hold_page(session) -> HoldPage:
    intent = session.payment_intent
    done = session.status == "complete" and intent is not None and not isinstance(intent, str)
    return HoldPage(
        id=session.id,
        url=session.url or "",
        status=session.status or "",
        email=_at(session, "customer_details", "email") or "",
        intent=_read(intent) if done else None,
        card=_card(_at(intent, "payment_method"), "") if done else None,
    )


# Holds


def open_hold(
    *,
    payment_id,
    amount: Decimal,
    currency: str,
    customer: str,
    card: str,
    description: str,
    may_grow: bool = False,
) -> Intent:
    """An intent that nobody has been asked about yet: its id is on our row before money can move.

    `may_grow`: a hold that may have to be raised; whether the card allows it is known once it stands.
    """
    on_card = {"request_incremental_authorization": "if_available"}
    with _refusals():
        intent = client().payment_intents.create(
            {
                "amount": to_minor(amount, currency, rounding=ROUND_UP),
                "currency": currency.lower(),
                "customer": customer,
                "payment_method": card,
                "allowed_payment_method_types": ["card"],
                "capture_method": "manual",
                "description": description,
                "metadata": {"payment": str(payment_id)},
                **({"payment_method_options": {"card": on_card}} if may_grow else {}),
            },
            {"idempotency_key": f"{payment_id}-open"},
        )
    return _read(intent)


def confirm_hold(intent_id: str, *, payment_id, off_session: bool, return_url: str = "") -> Intent:
    """Ask the bank for the hold. With the driver present the bank may want to ask them (`action_url`)."""
    params: dict = {"expand": ["latest_charge"]}
    params |= {"off_session": True} if off_session else {"return_url": return_url}
    with _refusals():
        intent = client().payment_intents.confirm(
            intent_id, params, {"idempotency_key": f"{payment_id}-confirm"}
        )
    return _read(intent)


def retrieve(intent_id: str) -> Intent:
    with _refusals():
        intent = client().payment_intents.retrieve(intent_id, {"expand": ["latest_charge"]})
    return _read(intent)


def raise_hold(intent_id: str, *, increment_id, amount: Decimal, currency: str) -> Intent:
    """Hold so much altogether. Declined (`CardDeclined`), the hold stays as it was."""
    with _refusals():
        intent = client().payment_intents.increment_authorization(
            intent_id,
            {"amount": to_minor(amount, currency, rounding=ROUND_UP), "expand": ["latest_charge"]},
            {"idempotency_key": f"{increment_id}-raise"},
        )
    return _read(intent)


def capture(intent_id: str, *, payment_id, amount: Decimal, currency: str) -> Intent:
    """Take this much of the hold; the provider gives the rest free at once."""
    with _refusals():
        intent = client().payment_intents.capture(
            intent_id,
            {"amount_to_capture": to_minor(amount, currency), "expand": ["latest_charge"]},
            {"idempotency_key": f"{payment_id}-capture"},
        )
    return _read(intent)


def release(intent_id: str, *, payment_id) -> Intent:
    with _refusals():
        intent = client().payment_intents.cancel(
            intent_id, {"expand": ["latest_charge"]}, {"idempotency_key": f"{payment_id}-release"}
        )
    return _read(intent)


def refund(intent_id: str, *, refund_id, amount: Decimal, currency: str) -> str:
    """Send money back once: the provider's id of the refund."""
    with _refusals():
        # Keys are forgotten after a day, our row is not: look before asking again.
        known = client().refunds.list({"payment_intent": intent_id, "limit": 100})
        for one in known.data:
            if _at(one, "metadata", "refund") == str(refund_id):
                return one.id
        return (
            client()
            .refunds.create(
                {
                    "payment_intent": intent_id,
                    "amount": to_minor(amount, currency),
                    "reason": "requested_by_customer",
                    "metadata": {"refund": str(refund_id)},
                },
                {"idempotency_key": f"{refund_id}-refund"},
            )
            .id
        )


def refund_status(refund_id: str) -> str:
    with _refusals():
        return client().refunds.retrieve(refund_id).status or ""


# News


def event(body: bytes, signature: str):
    """The event in a webhook's raw body, if Stripe signed it, and lately."""
    if not settings.STRIPE_WEBHOOK_SECRET:
        raise BadSignature("No webhook secret is set.")
    try:
        return stripe.Webhook.construct_event(
            body, signature, settings.STRIPE_WEBHOOK_SECRET, tolerance=TOLERANCE_SECONDS
        )
    except (stripe.SignatureVerificationError, ValueError) as error:
        raise BadSignature(str(error)) from error


def _at(thing, *names):
    """What lies under these names; Stripe leaves out what does not apply."""
    for name in names:
        thing = getattr(thing, name, None)
    return thing


def _read(intent) -> Intent:
    currency = intent.currency.upper()
    error = _at(intent, "last_payment_error")
    code = _at(error, "decline_code") or _at(error, "code") or ""
    on_card = _at(intent, "latest_charge", "payment_method_details", "card")
    before = _at(on_card, "capture_before")
    return Intent(
        id=intent.id,
        status=intent.status,
        currency=currency,
        amount=from_minor(intent.amount, currency),
        received=from_minor(_at(intent, "amount_received") or 0, currency),
        refused=error is not None,
        action_url=_at(intent, "next_action", "redirect_to_url", "url") or "",
        error_code=code[:60],
        error_message=decline_words(code) if error is not None else "",
        capture_before=datetime.fromtimestamp(before, UTC) if before else None,
        may_raise=_at(on_card, "incremental_authorization", "status") == "available",
    )
