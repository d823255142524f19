"""Our own invoice for each of a plan's that was paid at the provider: its amounts, to the cent, with VAT."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q

from billing import invoicing, parties, vat
from billing.actions import books, invoices, posting
from billing.documents import words
from billing.gateway_plans import InvoiceFacts, LineFacts
from billing.models import Account, Invoice, Payment, PlanInvoice, PlanVersion, Subscription


@transaction.atomic
def issue(*, row: PlanInvoice, facts: InvoiceFacts) -> Invoice:
    """The document, and the payment that was taken for it; asked twice, the first one."""
    locked = PlanInvoice.objects.select_for_update().get(pk=row.pk)
    if locked.document is not None:
        return locked.document
    subscription = locked.subscription
    operator, user = subscription.operator, subscription.user
    account = parties.account_of(user, operator)
    language = parties.language(user, account)
    zone = books.zone_of(operator)
    payment = _payment(locked, facts)
    lines = [_line(line, subscription, language, zone, facts.currency) for line in facts.lines]
    lines = [line for line in lines if line.gross]
    start = min(line.start for line in facts.lines).astimezone(zone).date()
    end = max(line.end for line in facts.lines).astimezone(zone).date()
    document = invoices.issue(
        operator=operator,
        site=None,
        # What comes to less than nothing gives money back.
        kind=Invoice.Kind.INVOICE if facts.total > 0 else Invoice.Kind.CREDIT_NOTE,
        lines=lines,
        currency=facts.currency,
        supplied_on=(facts.paid_at or facts.at).astimezone(zone).date(),
        period_start=start,
        period_end=max(start, end),
        details={"time_zone": str(zone), "plan": subscription.plan.name, "paid": _paid(facts)},
        user=user,
        account=account,
        language=language,
        vat_country=operator.country,
        seller=parties.seller(operator, operator.country),
        buyer=_buyer(subscription, account, lines),
    )
    PlanInvoice.objects.filter(pk=locked.pk).update(document=document, payment=payment)
    row.refresh_from_db()
    invoices.mail_document(invoice=document, template="billing/mail/plan_invoice")
    return document


def _buyer(subscription: Subscription, account: Account | None, lines) -> dict:
    """Who owes the tax is named with the VAT id that this was agreed with, whatever it is by now."""
    found = parties.buyer(subscription.user, account)
    if any(line.vat_category == vat.REVERSE_CHARGE for line in lines):
        found["vat_id"] = subscription.vat_id
    return found


def _payment(row: PlanInvoice, facts: InvoiceFacts) -> Payment | None:
    """What the provider has taken, as a payment like any other: refunded, disputed and compared like them."""
    if facts.paid <= 0 or not facts.intent:
        return None
    subscription = row.subscription
    payment = Payment.objects.create(
        operator=subscription.operator,
        user=subscription.user,
        purpose=Payment.Purpose.PLAN,
        state=Payment.State.CAPTURED,
        currency=facts.currency,
        amount=facts.paid,
        amount_to_capture=facts.paid,
        amount_captured=facts.paid,
        stripe_intent=facts.intent,
    )
    posting.book(booking=posting.of_capture(payment))
    return payment


def _paid(facts: InvoiceFacts) -> dict:
    return {"amount": str(facts.paid), "brand": "card", "last4": "", "open": str(facts.total - facts.paid)}


def at_price(price: str) -> tuple[PlanVersion, str] | None:
    """The version that has this price at the provider, and the VAT category that pays it."""
    if not price:
        return None
    rows = PlanVersion.objects.filter(Q(stripe_price=price) | Q(stripe_price_net=price))
    version = rows.select_related("plan").first()
    if version is None:
        return None
    return version, vat.STANDARD if version.stripe_price == price else vat.REVERSE_CHARGE


def _line(
    line: LineFacts, agreed: Subscription, language: str, zone: ZoneInfo, currency: str
) -> invoicing.DocumentLine:
    """One of the provider's lines in the document's words, with the VAT of the price that it is about."""
    version, category = at_price(line.price) or (agreed.version, agreed.vat_category)
    say = words.tariff(language)
    kind, word = "PLAN", say("Plan")
    if line.is_proration:
        kind, word = "PRORATION", say("Not used of" if line.amount < 0 else "Rest of the period")
    days = " – ".join(words.day(at.astimezone(zone).date(), language) for at in (line.start, line.end))
    rate = version.vat_percent if category == vat.STANDARD else Decimal(0)
    net = invoicing.net_of(line.amount, rate, currency)
    back = line.amount < 0
    return invoicing.DocumentLine(
        kind,
        f"{word}: {version.plan.name}, {days}"[:200],
        Decimal(-1 if back else 1),
        "",
        abs(line.amount),
        1,
        rate,
        net,
        line.amount - net,
        line.amount,
        vat_category=vat.category_of_line(rate, category),
    )
