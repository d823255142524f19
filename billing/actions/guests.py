"""A charge without an account: one guest for one charge, who pays on the provider's page before it starts.

The rows come first: guest, quote, start and payment are there before the provider hears of them. What the
page leads to is the same as with a driver's bank: `proceed` asks the charger as soon as the hold stands,
whether the browser, a webhook or the sweeper brought the news.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import get_language

from billing import gateway, policy, prices
from billing.actions import charging, guest_links, holds, pages
from billing.actions.follow import proceed
from billing.exceptions import PaymentRefused, ProviderDown
from billing.models import Account, Cdr, Payment, Start
from billing.readiness import NotReady, obstacle
from evportal.accounts import guests
from evportal.accounts.models import Guest, User
from stations.models import Evse, Session

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Begun:
    """A guest's start, and the address of the page where it is paid; empty where it is on its way."""

    start: Start
    page_url: str = ""


def begin(*, evse: Evse, language: str, now: datetime) -> Begun:
    """Make a guest, and lead them to the provider's page; where charging is free, ask the charger at once.

    Raises `Refused` with nothing left behind but a start that says why.
    """
    problem = obstacle(evse, None, now)
    if problem:
        raise NotReady(problem)
    start = _open(evse=evse, language=language, now=now)
    if start.payment is None:
        charging.ask_charger(start=start)
        return Begun(start)
    try:
        return Begun(start, _page(start, start.payment, now))
    except PaymentRefused as refusal:
        # Nobody was given the page's address, so nothing can be held.
        charging.fail_start(start=start, problem=str(refusal))
        raise


def _open(*, evse: Evse, language: str, now: datetime) -> Start:
    # Durable: the rows must be there before the provider hears of them.
    with transaction.atomic(durable=True):
        user = User.objects.create_guest(language=language)
        quote = prices.quote(evse=evse, starts_at=now, user=user, now=now)
        payment = None
        if quote.hold_amount:
            payment = Payment.objects.create(
                operator=evse.station.site.operator,
                user=user,
                quote=quote,
                currency=quote.currency,
                amount=quote.hold_amount,
            )
        return Start.objects.create(
            user=user, evse=evse, quote=quote, payment=payment, expires_at=now + policy.CONFIRM_WITHIN
        )


def _page(start: Start, payment: Payment, now: datetime) -> str:
    link = guest_links.link_of(start.user)
    page = gateway.hold_page(
        payment_id=payment.pk,
        amount=payment.amount,
        currency=payment.currency,
        text=f"{payment.operator} · {start.evse}",
        success_url=link,
        cancel_url=f"{link}?back=1",
        locale=(get_language() or "auto").split("-")[0],
        expires_at=now + policy.GUEST_PAGE_OPEN,
    )
    mine = Payment.objects.filter(pk=payment.pk, state=Payment.State.NEW)
    if not mine.update(stripe_checkout=page.id, updated_at=timezone.now()):
        # The sweeper gave it up while the provider took its time.
        gateway.close_hold_page(page.id)
        raise ProviderDown
    payment.refresh_from_db()
    return page.url


def resume(*, start: Start) -> Begun | None:
    """The start of a guest who comes back: to the same page, or on its way; None where it is over."""
    payment = start.payment
    if payment is not None and pages.is_waited_for(payment):
        page = pages.read(payment)
        if page.status == "open":
            return Begun(start, page.url)
        look(start=start)
    start.refresh_from_db()
    return Begun(start) if start.state in Start.OPEN else None


def look(*, start: Start) -> Start:
    """Ask how the page stands and go on from there; harmless when a webhook was quicker."""
    payment = start.payment
    if payment is not None and payment.state == Payment.State.NEW and payment.stripe_checkout:
        holds.reconcile(payment=payment)
        if payment.state != Payment.State.NEW:
            proceed(payment=payment)
    start.refresh_from_db()
    return start


def erase_old(*, now: datetime) -> int:
    """Forget who guests were whose charge is long over, and guests who never charged; how many.

    Issued documents keep what they say, as the law wants; sessions and payments stay as somebody's.
    """
    erased = 0
    for guest in _due(now)[:1000]:
        with transaction.atomic():
            _erase(guest, now)
            erased += 1
    return erased


def _due(now: datetime) -> QuerySet[Guest]:
    since = now - timezone.timedelta(days=settings.GUEST_DATA_DAYS)
    recent = Session.objects.filter(Q(stopped_at=None) | Q(stopped_at__gte=since), user__is_guest=True)
    undecided = Cdr.objects.filter(state__in=[Cdr.State.OPEN, Cdr.State.PRICED, Cdr.State.REVIEW])
    return (
        Guest.objects.filter(created_at__lt=since, erased_at=None)
        .exclude(user__in=recent.values("user"))
        .exclude(user__sessions__cdr__in=undecided)
        .select_related("user")
        .order_by("created_at")
    )


def _erase(guest: Guest, now: datetime) -> None:
    user = guest.user
    if not user.sessions.exists() and not user.payments.filter(state__in=Payment.LIVE).exists():
        # Their page was never paid, or the hold was given free.
        user.starts.all().delete()
    if guest.email:
        guest_links.forget_mails(user)
    # The row stays, because documents name it; they keep the details that they were issued with.
    Account.objects.filter(user=user).update(
        name="", street="", postcode="", city="", country="", vat_id="", reference="", email="",
        kind=Account.Kind.PRIVATE, vat_id_known=None,
    )  # fmt: skip
    guests.erase(guest=guest, now=now)
