"""A debt paid on the provider's page, with any card: our row, the page, then the payment, once.

At most one page of a debt is open, and it is closed before the debt is paid in another way.
"""

from __future__ import annotations

import logging
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from billing import debt_links, gateway, policy
from billing.actions import debts, posting
from billing.actions.cards import customer_of
from billing.exceptions import PaymentRefused, ProviderRefused
from billing.models import Cdr, DebtPage, FeeDebt, Payment
from evportal.accounts.models import User
from stations.models import Site

log = logging.getLogger(__name__)
State = DebtPage.State


class NothingOwed(PaymentRefused):
    pass


def site_of(debt: Cdr | FeeDebt) -> Site:
    return debt.session.station.site if isinstance(debt, Cdr) else debt.booking.evse.station.site


def user_of(debt: Cdr | FeeDebt):
    return debt.session.user if isinstance(debt, Cdr) else debt.user


def owed(debt: Cdr | FeeDebt) -> Decimal:
    """What is still to be paid of it; nothing where it is paid, on its way, or given up."""
    if isinstance(debt, FeeDebt):
        return debt.amount if debt.state == FeeDebt.State.OPEN else Decimal(0)
    if debt.state != Cdr.State.UNPAID or debt.session.payments.live().exists():
        return Decimal(0)
    return debts.outstanding(debt)


def pages_of(debt: Cdr | FeeDebt) -> QuerySet[DebtPage]:
    return DebtPage.objects.filter(**_of(debt))


def _of(debt: Cdr | FeeDebt) -> dict:
    return {"cdr": debt} if isinstance(debt, Cdr) else {"fee": debt}


def begin(*, debt: Cdr | FeeDebt) -> str:
    """The address of the page on which it is paid; the same one while that is open."""
    known = pages_of(debt).filter(state=State.NEW).first()
    if known is not None:
        look(row=known)
        if known.state == State.NEW and known.url and known.amount == owed(debt):
            return known.url
        close(debt=debt)
        debt.refresh_from_db()
    amount, user = owed(debt), user_of(debt)
    if amount <= 0 or user is None:
        raise NothingOwed
    customer = customer_of(user).stripe_id
    try:
        # Durable: the row must be there before the provider hears of it.
        with transaction.atomic(durable=True):
            row = DebtPage.objects.create(**_of(debt), currency=debt.currency, amount=amount)
    except IntegrityError:
        # Two taps: the other one's page is being made.
        raise PaymentRefused from None
    here = settings.PUBLIC_URL + reverse("billing:debt", args=[debt_links.token(debt)])
    page = gateway.pay_page(
        row_id=row.pk,
        customer=customer,
        amount=amount,
        currency=debt.currency,
        text=_("Charging at %(site)s") % {"site": site_of(debt).name},
        success_url=f"{here}?paid=1",
        cancel_url=here,
        locale=(get_language() or "auto").split("-")[0],
    )
    DebtPage.objects.filter(pk=row.pk).update(
        stripe_checkout=page.id, url=page.url, updated_at=timezone.now()
    )
    return page.url


def look(*, row: DebtPage) -> DebtPage:
    """Ask the provider how it stands, and take over what it says."""
    if row.state != State.NEW:
        return row
    return take(row=row, page=gateway.find_page(row.stripe_checkout))


def close(*, debt: Cdr | FeeDebt) -> None:
    """Before it is paid in another way, or given up: nobody may pay on its page any more.

    One that was paid in this moment counts. Raises `ProviderDown` where that isn't known.
    """
    for row in pages_of(debt).filter(state=State.NEW):
        if row.stripe_checkout:
            try:
                take(row=row, page=gateway.close_page(row.stripe_checkout))
                continue
            except ProviderRefused:
                # Paid, or over already.
                pass
        look(row=row)


def take(*, row: DebtPage, page: gateway.PayPage | None) -> DebtPage:
    """Write down what the page says; `None`: there is none, and will be none."""
    if page is not None and page.paid:
        if (page.amount, page.currency) != (row.amount, row.currency):
            log.error("Debt page %s was paid with %s %s", row.pk, page.amount, page.currency)
            return row
        _paid(row, page)
    elif page is None or page.status == "expired":
        DebtPage.objects.filter(pk=row.pk, state=State.NEW).update(
            state=State.EXPIRED, updated_at=timezone.now()
        )
    row.refresh_from_db()
    return row


@transaction.atomic
def _paid(row: DebtPage, page: gateway.PayPage) -> None:
    """The page's payment as a payment of ours, in one commit with what it pays."""
    won = DebtPage.objects.filter(pk=row.pk, state=State.NEW).update(
        state=State.PAID, updated_at=timezone.now()
    )
    if not won:
        return
    fields: dict = {"session": row.cdr.session, "quote": row.cdr.quote} if row.cdr is not None else {}
    debt: Cdr | FeeDebt | None = row.cdr or row.fee
    if debt is None:
        raise PaymentRefused
    if row.fee is not None:
        fee = FeeDebt.objects.select_for_update().get(pk=row.fee_id)
        is_over = fee.state != FeeDebt.State.OPEN
        fields = {"booking": fee.booking, "quote": getattr(fee.booking, "quote", None)}
        if not is_over:
            fields["purpose"] = Payment.Purpose.NO_SHOW
            FeeDebt.objects.filter(pk=fee.pk).update(state=FeeDebt.State.PAID, decided_at=timezone.now())
    else:
        is_over = row.cdr.state != Cdr.State.UNPAID
    if is_over:
        log.error("Debt page %s was paid, and nothing is owed any more: give it back", row.pk)
    payment = Payment.objects.create(
        operator=site_of(debt).operator,
        user=user_of(debt),
        state=Payment.State.CAPTURED,
        currency=row.currency,
        amount=row.amount,
        amount_to_capture=row.amount,
        amount_captured=row.amount,
        stripe_intent=page.intent,
        **fields,
    )
    posting.book(booking=posting.of_capture(payment))
    DebtPage.objects.filter(pk=row.pk).update(payment=payment)


def write_off(*, cdr: Cdr, by: User) -> Cdr:
    """Finance gives up a bill; one that was paid on its page in this moment is paid."""
    close(debt=cdr)
    if pages_of(cdr).filter(state=State.PAID).exists() and debts.outstanding(cdr) <= 0:
        raise PaymentRefused
    return debts.write_off(cdr=cdr, by=by)


def waive_fee(*, debt: FeeDebt, by: User) -> FeeDebt:
    close(debt=debt)
    return debts.waive_fee(debt=debt, by=by)


def open_ones(now: datetime, stale: datetime) -> QuerySet[DebtPage]:
    """The driver may be at the page for a day: ask now and then."""
    asked = Q(stripe_checkout="", updated_at__lt=stale) | Q(updated_at__lt=now - policy.ASK_OPEN_PAGES_EVERY)
    return DebtPage.objects.filter(asked, state=State.NEW).order_by("updated_at")


def unfinished(stale: datetime) -> QuerySet[Payment]:
    """Paid on a page, and the bill or the fee's document not made yet: a crash came between."""
    unpaid = Q(debt_page__cdr__state=Cdr.State.UNPAID)
    no_document = Q(purpose=Payment.Purpose.NO_SHOW, booking__invoices=None)
    return Payment.objects.filter(
        unpaid | no_document, debt_page__state=State.PAID, updated_at__lt=stale
    ).order_by("updated_at")
