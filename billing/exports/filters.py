"""Which documents an export or a list is about: words that a form, an address and a stored export share."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from billing.models import Cdr, Invoice, Payment
from evportal.accounts.access import Access

NAMES = ("since", "until", "site", "kind", "status", "currency", "vat", "least", "most", "q")


def narrow(rows, chosen: dict[str, Any]):
    """`rows` of Invoice as the words of `chosen` want them; an unknown word is left alone."""
    value = chosen.get
    if value("since"):
        rows = rows.filter(booked_on__gte=_day(value("since")))
    if value("until"):
        rows = rows.filter(booked_on__lte=_day(value("until")))
    if value("site"):
        rows = rows.filter(Q(site=value("site")) | Q(lines__site=value("site"))).distinct()
    if value("sites") is not None:
        rows = rows.filter(site__in=value("sites"))
    if value("kind"):
        rows = rows.filter(kind=value("kind"))
    elif value("kind") != "":
        rows = rows.sales()
    if value("status"):
        rows = rows.filter(pk__in=with_status(Invoice.objects.all(), value("status")).values("pk"))
    if value("currency"):
        rows = rows.filter(currency=value("currency"))
    if value("vat"):
        category, _slash, percent = value("vat").partition(":")
        rows = rows.filter(lines__vat_category=category, lines__vat_percent=_decimal(percent) or 0).distinct()
    if value("least") not in (None, ""):
        rows = rows.filter(gross__gte=_decimal(value("least")))
    if value("most") not in (None, ""):
        rows = rows.filter(gross__lte=_decimal(value("most")))
    if value("q"):
        found = Q(number__icontains=value("q")) | Q(user__email__icontains=value("q"))
        found |= Q(buyer__name__icontains=value("q")) | Q(buyer__email__icontains=value("q"))
        rows = rows.filter(found)
    if value("up_to"):
        rows = rows.filter(pk__lte=value("up_to"))
    return rows


def _day(value) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def _decimal(value) -> Decimal | None:
    try:
        return Decimal(value)
    except (InvalidOperation, TypeError):
        return None


def with_status(rows, word: str):
    """paid, unpaid, refunded; unmatched: what came in for it is not what it says."""
    invoice = Q(kind=Invoice.Kind.INVOICE)
    unpaid = Q(cdr__state=Cdr.State.UNPAID) | (Q(due_on__isnull=False) & Q(details__paid=None))
    if word == "unpaid":
        return rows.filter(invoice & unpaid)
    if word == "refunded":
        return rows.filter(invoice, credit_notes__isnull=False).distinct()
    if word == "paid":
        return rows.filter(invoice).exclude(unpaid)
    came_in = (
        Payment.objects.filter(session__cdr=OuterRef("cdr"))
        .order_by()
        .values("session__cdr")
        .annotate(sum=Sum("amount_captured"))
        .values("sum")
    )
    for_booking = (
        Payment.objects.filter(booking=OuterRef("booking"), purpose=Payment.Purpose.NO_SHOW)
        .order_by()
        .values("booking")
        .annotate(sum=Sum("amount_captured"))
        .values("sum")
    )
    single = rows.filter(invoice, Q(cdr__isnull=False) | Q(booking__isnull=False), replaced_by=None)
    return single.annotate(came_in=Coalesce(Subquery(came_in), Subquery(for_booking), Decimal(0))).exclude(
        came_in=F("gross")
    )


def allowed_sites(access: Access, operator, permission: str = "view_money") -> list[int] | None:
    """The sites whose documents somebody may export; None: all of the operator's."""
    if access.everything or operator.pk in access.operator_ids(permission):
        return None
    return sorted(
        {
            site
            for grant in access.with_permission(permission)
            if grant.operator_id == operator.pk and grant.site_ids is not None
            for site in grant.site_ids
        }
    )


def documents(operator, params: dict[str, Any]):
    """What a stored export is about, in the order in which its file has it."""
    return narrow(Invoice.objects.filter(operator=operator), params).order_by("booked_on", "pk")
