"""Drivers' subscriptions: begun on the provider's page, and from then on what the provider says they are.

Our wish is on the row before the provider is asked for anything; `look` then takes over all that it says of a
subscription and its invoices, so news may come late, twice and in any order.
"""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from billing import gateway_plans, parties, policy, subscribing, vat
from billing.actions import plan_documents, plan_news
from billing.actions.cards import customer_of
from billing.actions.movements import is_uuid
from billing.exceptions import CardDeclined, PaymentRefused, ProviderRefused
from billing.gateway_plans import InvoiceFacts, PlanPage, SubscriptionFacts
from billing.models import Card, Plan, PlanInvoice, PlanPeriod, PlanVersion, Subscription
from evportal.accounts.models import User

log = logging.getLogger(__name__)
State = Subscription.State
NOT_PAID = ("incomplete", "incomplete_expired")


class NotOnSale(PaymentRefused):
    default = _("This plan is not on sale.")


class HasAPlan(PaymentRefused):
    default = _("You have a plan at this operator already. You can switch it instead.")


class NoSwitch(PaymentRefused):
    default = _("This plan can't be switched to that one now.")


class NotRunning(PaymentRefused):
    default = _("This plan is not running any more.")


# Subscribing


def subscribe(*, user: User, plan: Plan, now: datetime) -> tuple[Subscription, str]:
    """Begin: the row, and the address of the page where it is paid. Asked twice, the same page."""
    version = _on_sale(plan, now)
    if user.is_guest:
        raise NotOnSale
    customer = customer_of(user).stripe_id
    row = _begun(user, plan)
    agreed = (version.pk, parties.plan_category(user, plan.operator))
    if row is not None and (row.version_id, row.vat_category) != agreed:
        # They chose another plan, or its fee is another now (for them): nobody may pay on the old page.
        row = leave_page(row=row)
        if row.state != State.ENDED:
            raise HasAPlan
        row = None
    if row is None:
        row = _open(user, plan, version)
    page = None
    if row.stripe_checkout:
        page = gateway_plans.read_page(row.stripe_checkout)
        take_page(row=row, page=page)
        if row.is_running:
            raise HasAPlan
        if row.state == State.ENDED:
            row, page = _open(user, plan, version), None
    if page is None:
        page = gateway_plans.page(
            row_id=row.pk,
            customer=customer,
            price=price_of(version, row.vat_category),
            success_url=settings.PUBLIC_URL + reverse("me:subscribed", args=[row.pk]),
            cancel_url=settings.PUBLIC_URL + reverse("me:plan"),
            locale=(get_language() or "auto").split("-")[0],
        )
        Subscription.objects.filter(pk=row.pk).update(stripe_checkout=page.id, updated_at=timezone.now())
        row.refresh_from_db()
    return row, page.url


def _on_sale(plan: Plan, now: datetime) -> PlanVersion:
    if not Plan.objects.on_sale(now).filter(pk=plan.pk).exists():
        raise NotOnSale
    return plan.newest


def _begun(user: User, plan: Plan) -> Subscription | None:
    row = Subscription.objects.of_driver(user).open().filter(operator=plan.operator_id).first()
    if row is not None and row.state != State.INCOMPLETE:
        raise HasAPlan
    return row


def _open(user: User, plan: Plan, version: PlanVersion) -> Subscription:
    # Durable: the row must be there before the provider hears of it.
    try:
        with transaction.atomic(durable=True):
            return Subscription.objects.create(
                operator_id=plan.operator_id, user=user, plan=plan, version=version, **taxed_as(user, plan)
            )
    except IntegrityError:
        # A second click: the first one's row, unless it was for another plan.
        row = _begun(user, plan)
        if row is None or row.version_id != version.pk:
            raise HasAPlan from None
        return row


def taxed_as(user: User, plan: Plan) -> dict:
    """A subscription's VAT category by its driver's details of now, and the id that it rests on."""
    how = parties.plan_category(user, plan.operator)
    account = parties.account_of(user, plan.operator)
    is_theirs = how == vat.REVERSE_CHARGE and account is not None
    return {"vat_category": how, "vat_id": account.vat_id if is_theirs else ""}


def price_of(version: PlanVersion, category: str) -> str:
    """The version's price at the provider for a VAT category; both are made on first need, once."""
    if not (version.stripe_price and version.stripe_price_net):
        named = {"version_id": version.pk, "name": version.plan.name, "currency": version.currency}
        gross = version.stripe_price or gateway_plans.make_price(fee=version.fee, with_tax=True, **named)
        net = gateway_plans.make_price(fee=version.net_fee, with_tax=False, **named)
        PlanVersion.objects.filter(pk=version.pk, stripe_price_net="").update(
            stripe_price=gross, stripe_price_net=net
        )
        version.refresh_from_db()
    return version.price_for(category)


def look_at_page(*, row: Subscription) -> Subscription:
    """Ask how the page stands on which the driver subscribes, and take over what came of it."""
    if row.state != State.INCOMPLETE:
        return row
    if not row.stripe_checkout:
        # The page's address was never given to anybody, so nobody can pay on it.
        return _give_up(row)
    return take_page(row=row, page=gateway_plans.read_page(row.stripe_checkout))


def leave_page(*, row: Subscription) -> Subscription:
    """The driver does not want it any more; what was paid a moment ago runs all the same."""
    if row.state != State.INCOMPLETE or not row.stripe_checkout:
        return look_at_page(row=row)
    return take_page(row=row, page=gateway_plans.close_page(row.stripe_checkout))


def take_page(*, row: Subscription, page: PlanPage) -> Subscription:
    if page.subscription:
        adopt(row=row, stripe_id=page.subscription)
        return look(row=row)
    if page.status == "expired":
        return _give_up(row)
    return row


def begun_as(*, facts: SubscriptionFacts) -> Subscription | None:
    """The row that a subscription names, where the page on which it was begun has not been heard of yet."""
    if not is_uuid(facts.row) or facts.status in NOT_PAID:
        # What a page's first card was declined for is not what the driver subscribes to in the end.
        return None
    return Subscription.objects.filter(pk=facts.row, stripe_id="").first()


def adopt(*, row: Subscription, stripe_id: str) -> None:
    """This is the subscription that the row was made for."""
    Subscription.objects.filter(pk=row.pk, stripe_id="").update(stripe_id=stripe_id)
    row.refresh_from_db()


def _give_up(row: Subscription) -> Subscription:
    Subscription.objects.filter(pk=row.pk, state=State.INCOMPLETE, stripe_id="").update(
        state=State.ENDED, updated_at=timezone.now()
    )
    row.refresh_from_db()
    return row


# What the provider says


def look(*, row: Subscription) -> Subscription:
    """Ask for the subscription and its invoices, and take over both."""
    if not row.stripe_id:
        return look_at_page(row=row)
    asked_at = timezone.now()
    facts = gateway_plans.read(row.stripe_id)
    return take(row=row, facts=facts, invoices=gateway_plans.invoices(row.stripe_id), asked_at=asked_at)


@transaction.atomic
def take(
    *, row: Subscription, facts: SubscriptionFacts, invoices: list[InvoiceFacts], asked_at: datetime
) -> Subscription:
    """Write down what was read at `asked_at`; an answer older than the last one changes no state.

    Invoices are final once they are paid, so of them every answer counts.
    """
    locked = Subscription.objects.select_for_update(no_key=True).get(pk=row.pk)
    is_news = locked.asked_at is None or asked_at >= locked.asked_at
    if is_news:
        _take_state(locked, facts, invoices, asked_at)
    for one in invoices:
        _take_invoice(locked, one)
    row.refresh_from_db()
    return row


def _take_state(
    row: Subscription, facts: SubscriptionFacts, invoices: list[InvoiceFacts], asked_at: datetime
) -> None:
    before = subscribing.State(row.state)
    wanted = subscribing.state_of(facts.status, ends=facts.ends)
    if not subscribing.may_move(before, wanted):
        log.error("Subscription %s is %s at the provider and %s here", row.pk, facts.status, row.state)
        return
    row.asked_at = asked_at
    row.stripe_item = facts.item
    if wanted in subscribing.RUNNING:
        row.started_at = row.started_at or facts.started_at
        _take_period(row, facts)
    if facts.ends != row.ends_there:
        # It was canceled, or is to go on: by us, or in the provider's own pages.
        row.ends_there = facts.ends
        row.ends_at = facts.period_end if facts.ends else None
    elif wanted == State.ACTIVE and row.ends_at is not None:
        wanted = subscribing.State.CANCELLING  # The provider hears of it in its last period.
    if wanted == State.PAST_DUE:
        failed = [one.at for one in invoices if one.status == "open" and one.attempted]
        row.past_due_since = row.past_due_since or min(failed, default=facts.period_start)
    elif wanted != State.ENDED:
        row.past_due_since = None
    if wanted == State.ENDED and row.started_at is not None:
        row.ended_at = row.ended_at or facts.ended_at or asked_at
    row.state = wanted
    row.save()
    if wanted != before and wanted == State.PAST_DUE:
        plan_news.tell_payment_failed(row=row)
    if wanted != before and wanted == State.ENDED and row.started_at is not None:
        plan_news.tell_ended(row=row)


def _take_period(row: Subscription, facts: SubscriptionFacts) -> None:
    """A new period begins with what was agreed to for it; another price in a known one is a switch."""
    begins = row.period_start is None or facts.period_start > row.period_start
    known = plan_documents.at_price(facts.price)
    if known is None or known[0].plan.operator_id != row.operator_id:
        known = row.version, row.vat_category
    agreed, category = known
    if begins:
        _take_category(row, category)
        row.version, row.plan, row.next_version = agreed, agreed.plan, None
        row.period_start, row.period_end = facts.period_start, facts.period_end
        PlanPeriod.objects.get_or_create(
            subscription=row,
            starts_at=facts.period_start,
            defaults={
                "ends_at": facts.period_end, "version": agreed, "included_wh": agreed.included_wh
            },
        )  # fmt: skip
    elif row.switching_to_id == agreed.pk:
        _switched(row, agreed)
    elif agreed != row.version:
        row.next_version = agreed
    else:
        row.next_version = None
    row.next_vat_category = category if category != row.vat_category else ""
    if begins and row.switching_to_id is not None:
        _end_switch(row)


def _take_category(row: Subscription, category: str) -> None:
    """A period that begins is taxed as it was charged."""
    if row.user is not None and category == vat.REVERSE_CHARGE:
        # Charged already: where the customer has no id any more, it rests on the one that they had.
        row.vat_id = taxed_as(row.user, row.plan)["vat_id"] or row.vat_id
    if category == vat.REVERSE_CHARGE and not row.vat_id:
        log.error("Subscription %s is charged without VAT, and no VAT id is known", row.pk)
        return
    row.vat_category = category


def _switched(row: Subscription, version: PlanVersion) -> None:
    """The rest of the period is the new plan's."""
    period = PlanPeriod.objects.select_for_update().get(subscription=row, starts_at=row.period_start)
    period.included_wh = subscribing.included_after_switch(
        old_wh=period.included_wh,
        new_wh=version.included_wh,
        used_wh=period.used_wh,
        start=period.starts_at,
        at=row.switch_begun_at,
        end=period.ends_at,
    )
    period.version = version
    period.save(update_fields=["included_wh", "version"])
    row.version, row.plan, row.next_version = version, version.plan, None
    _end_switch(row)


def _end_switch(row: Subscription) -> None:
    row.switching_to = row.switch_key = row.switch_begun_at = None


def _take_invoice(row: Subscription, facts: InvoiceFacts) -> None:
    if facts.status == "draft":
        return
    state = {"paid": PlanInvoice.State.PAID, "open": PlanInvoice.State.OPEN}.get(
        facts.status, PlanInvoice.State.VOID
    )
    known, _new = PlanInvoice.objects.get_or_create(
        stripe_id=facts.id,
        defaults={
            "subscription": row, "currency": facts.currency, "total": facts.total, "at": facts.at,
            "state": state,
        },
    )  # fmt: skip
    if known.state != state and known.state != PlanInvoice.State.PAID:
        PlanInvoice.objects.filter(pk=known.pk).update(state=state)
        known.state = state
    if state == PlanInvoice.State.PAID and known.document_id is None and facts.total:
        plan_documents.issue(row=known, facts=facts)


# Switching


def may_switch(row: Subscription, version: PlanVersion, now: datetime) -> bool:
    return (
        row.state == State.ACTIVE
        and row.next_version_id is None
        and not row.next_vat_category
        and row.period_end > now
        and version.plan.operator_id == row.operator_id
        and version.currency == row.version.currency
        and version.pk != row.version_id
        and Plan.objects.on_sale(now).filter(pk=version.plan_id).exists()
        and version == version.plan.newest
    )


def is_upgrade(row: Subscription, version: PlanVersion) -> bool:
    """A dearer plan begins at once and its rest of the period is paid; a cheaper one with the next period."""
    return version.fee_for(row.vat_category) > row.fee


def preview(*, row: Subscription, version: PlanVersion, now: datetime) -> InvoiceFacts:
    """What the provider would charge for the switch: now, or for the next period. Nothing happens."""
    if not may_switch(row, version, now):
        raise NoSwitch
    at = now if is_upgrade(row, version) else None
    return gateway_plans.preview(
        subscription=row.stripe_id, item=row.stripe_item, price=price_of(version, row.vat_category), at=at
    )


def switch(*, row: Subscription, version: PlanVersion, at: datetime, now: datetime) -> Subscription:
    """To another plan; `at` is the moment of the preview, so that what was shown is what is charged.

    Where the bank declines, the old plan stays (`CardDeclined`).
    """
    if not may_switch(row, version, now) or not now - policy.PREVIEW_HOLDS <= at <= now:
        raise NoSwitch
    price = price_of(version, row.vat_category)
    with transaction.atomic(durable=True):
        won = Subscription.objects.filter(
            pk=row.pk, state=State.ACTIVE, switching_to=None, version=row.version_id, next_version=None
        ).update(switching_to=version, switch_key=uuid4(), switch_begun_at=at, updated_at=now)
    row.refresh_from_db()
    if not won:
        raise NoSwitch
    prorated = at if is_upgrade(row, version) else None
    if prorated is None:
        return _change_next(row, version, price)
    try:
        gateway_plans.change_price(
            subscription=row.stripe_id, item=row.stripe_item, price=price, at=prorated,
            key=f"{row.switch_key}-switch",
        )  # fmt: skip
    except (CardDeclined, ProviderRefused):
        _drop_switch(row)
        raise
    return look(row=row)


def _change_next(row: Subscription, version: PlanVersion, price: str) -> Subscription:
    """From the next period on. The row says so before the provider's news could be taken for a switch now."""
    with transaction.atomic(durable=True):
        Subscription.objects.filter(pk=row.pk, switch_key=row.switch_key).update(
            next_version=version, switching_to=None, switch_key=None, switch_begun_at=None
        )
    key = f"{row.switch_key}-next"
    row.refresh_from_db()
    try:
        gateway_plans.change_price(
            subscription=row.stripe_id, item=row.stripe_item, price=price, at=None, key=key
        )
    except ProviderRefused:
        look(row=row)
        raise
    return look(row=row)


def keep_plan(*, row: Subscription) -> Subscription:
    """Take back a switch that begins with the next period."""
    if row.next_version is None or not row.is_running or row.next_version.plan_id == row.plan_id:
        raise NoSwitch
    gateway_plans.change_price(
        subscription=row.stripe_id, item=row.stripe_item,
        price=price_of(row.version, row.next_category), at=None, key=f"{row.pk}-keep-{uuid4()}",
    )  # fmt: skip
    return look(row=row)


def _drop_switch(row: Subscription) -> None:
    Subscription.objects.filter(pk=row.pk, switch_key=row.switch_key).update(
        switching_to=None, switch_key=None, switch_begun_at=None
    )
    row.refresh_from_db()


def finish_switch(*, row: Subscription) -> Subscription:
    """After a crash: done if the provider has the new price; else it never began."""
    look(row=row)
    if row.switching_to_id is not None:
        _drop_switch(row)
    return row


# Ending


def would_end(row: Subscription) -> datetime:
    """When it ends if it is canceled now."""
    return subscribing.ends_at(
        period_start=row.period_start,
        period_end=row.period_end,
        started_at=row.started_at,
        least_months=row.plan.least_months,
    )


def cancel(*, row: Subscription, now: datetime) -> Subscription:
    """It ends with its period, or once its least months are over."""
    if row.state not in (State.ACTIVE, State.PAST_DUE) or row.ends_at is not None:
        raise NotRunning
    ends = would_end(row)
    with transaction.atomic(durable=True):
        won = Subscription.objects.filter(pk=row.pk, ends_at=None, state=row.state).update(
            ends_at=ends, state=State.CANCELLING if row.state == State.ACTIVE else row.state, updated_at=now
        )
    row.refresh_from_db()
    return tell_end(row=row) if won else row


def go_on(*, row: Subscription, now: datetime) -> Subscription:
    """Take the cancellation back."""
    if not row.is_running or row.ends_at is None or row.ends_at <= now:
        raise NotRunning
    with transaction.atomic(durable=True):
        Subscription.objects.filter(pk=row.pk, ended_at=None).update(
            ends_at=None,
            state=State.ACTIVE if row.state == State.CANCELLING else row.state,
            updated_at=now,
        )
    row.refresh_from_db()
    return tell_end(row=row)


def tell_end(*, row: Subscription) -> Subscription:
    """Tell the provider what the row wants of the end, if it has not been told; again is harmless."""
    wanted = row.ends_at is not None and row.ends_at <= row.period_end
    if row.is_running and wanted != row.ends_there:
        gateway_plans.end_with_period(row.stripe_id, ends=wanted)
        look(row=row)
    return row


# Unpaid renewals


def pay(*, row: Subscription, card: Card) -> Subscription:
    """The driver, present, pays the open renewal; the card pays the next ones too."""
    look(row=row)
    invoice = row.plan_invoices.filter(state=PlanInvoice.State.OPEN).first()
    if row.state != State.PAST_DUE or invoice is None:
        raise NotRunning(_("Nothing is open for your plan."))
    gateway_plans.use_card(row.stripe_id, card=card.stripe_id)
    try:
        gateway_plans.pay(invoice.stripe_id, card=card.stripe_id)
    finally:
        look(row=row)
    return row


def end_unpaid(*, row: Subscription) -> Subscription:
    """The days of grace are over."""
    asked_at = timezone.now()
    facts = gateway_plans.end_now(row.stripe_id)
    return take(row=row, facts=facts, invoices=gateway_plans.invoices(row.stripe_id), asked_at=asked_at)
