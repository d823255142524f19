"""Finance: payouts to the bank, and what is in each."""

import csv
import io

from django.core.paginator import Paginator
from django.db.models import Count, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from billing.models import BalanceTransaction, Difference, Invoice, Payment, Payout
from billing.views import scope
from billing.views.fin import PER_PAGE, needs
from evportal.spreadsheets import plain

LOOKS = {"paid": "available", "failed": "faulted", "canceled": "offline"}
#: What a payout's movements are summed up by, in the provider's categories.
GROUPS = (
    ("charge", _lazy("Charges")),
    ("refund", _lazy("Refunds")),
    ("refund_failure", _lazy("Refunds that came back")),
    ("dispute", _lazy("Disputes")),
    ("dispute_reversal", _lazy("Disputes won")),
    ("fee", _lazy("Fees")),
)
COLUMNS = ("at", "category", "amount", "fee", "net", "currency", "source", "transaction", "payment", "refund")


def _mine(request):
    return BalanceTransaction.objects.visible_to(request.access, "view_money")


@needs("view_money")
@require_safe
def payouts(request):
    page = Paginator(Payout.objects.visible_to(request.access, "view_money"), PER_PAGE)
    count = page.count
    shown = page.get_page(request.GET.get("page"))
    nets = {
        (row["payout"], row["payout__stripe_id"]): row
        for row in _mine(request)
        .filter(payout__in=[row.pk for row in shown])
        .exclude(category="payout")
        .order_by()
        .values("payout", "payout__stripe_id")
        .annotate(net=Sum("net"), fee=Sum("fee"), movements=Count("pk"))
    }
    for row in shown:
        row.look = LOOKS.get(row.status, "reserved")
        row.part = nets.get((row.pk, row.stripe_id))
    context = {
        "title": _("Payouts"),
        "tabs": scope.tabs(request, "fin:payouts"),
        "count": ngettext("%(count)s payout", "%(count)s payouts", count) % {"count": count},
        "page": shown,
        "unsettled": _mine(request)
        .filter(payout=None)
        .exclude(category__in=["payout", "payout_reversal"])
        .order_by()
        .values("currency")
        .annotate(net=Sum("net"), movements=Count("pk")),
    }
    return render(request, "fin/payouts.html", context)


def _payout(request, pk: int):
    payout = get_object_or_404(Payout.objects.visible_to(request.access, "view_money"), pk=pk)
    rows = _mine(request).filter(payout=payout).exclude(source=payout.stripe_id)
    return payout, rows.select_related("payment__session", "refund__credit_note", "dispute", "top_up")


@needs("view_money")
@require_safe
def payout(request, pk):
    """What is in a payout, by kind and one by one, each with what is behind it."""
    row, rows = _payout(request, pk)
    sums = (
        rows.order_by()
        .values("category")
        .annotate(amount=Sum("amount"), fee=Sum("fee"), net=Sum("net"), movements=Count("pk"))
    )
    names = {name: str(label) for name, label in GROUPS}
    groups = [{**one, "label": names.get(one["category"], one["category"])} for one in sums]
    shown = Paginator(rows.order_by("at", "pk"), PER_PAGE).get_page(request.GET.get("page"))
    _link(request, shown)
    total = rows.aggregate(amount=Sum("amount"), fee=Sum("fee"), net=Sum("net"))
    context = {
        "title": _("Payout of %(day)s") % {"day": f"{row.arrives_at:%Y-%m-%d}"},
        "crumbs": [{"label": _("Payouts"), "url": reverse("fin:payouts")}],
        "payout": row,
        "look": LOOKS.get(row.status, "reserved"),
        "groups": sorted(groups, key=lambda one: -one["amount"]),
        "total": total,
        "is_whole": total["net"] == row.amount,
        "page": shown,
        "differences": Difference.objects.visible_to(request.access, "view_money")
        .open()
        .filter(object_id=row.stripe_id)
        .count(),
    }
    return render(request, "fin/payout.html", context)


def _link(request, shown) -> None:
    """The invoice behind each charge."""
    payments = [row.payment for row in shown if row.payment is not None]
    mine = Invoice.objects.run_by(request.access, "view_money").order_by("-pk")
    sessions = {row.session_id for row in payments} - {None}
    bookings = {row.booking_id for row in payments if row.purpose == Payment.Purpose.NO_SHOW}
    # The latest form of it, so the first ones are overwritten.
    rows = mine.filter(lines__cdr__session__in=sessions, kind=Invoice.Kind.INVOICE)
    by_session = dict(reversed(rows.values_list("lines__cdr__session", "pk")))
    rows = mine.filter(booking__in=bookings, kind=Invoice.Kind.INVOICE)
    by_booking = dict(reversed(rows.values_list("booking", "pk")))
    plans = [row.pk for row in payments if row.purpose == Payment.Purpose.PLAN]
    rows = mine.filter(plan_invoice__payment__in=plans)
    by_payment = dict(rows.values_list("plan_invoice__payment", "pk"))
    keys = [*by_session.values(), *by_booking.values(), *by_payment.values()]
    numbers = {row.pk: row for row in mine.filter(pk__in=keys)}
    for row in shown:
        row.invoice = None
        if row.payment is not None:
            pk = by_session.get(row.payment.session_id) or by_booking.get(row.payment.booking_id)
            pk = pk or by_payment.get(row.payment_id)
            row.invoice = numbers.get(pk)


@needs("view_money")
@require_safe
def payout_csv(request, pk):
    row, rows = _payout(request, pk)
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    writer.writerow(COLUMNS)
    for one in rows.order_by("at", "pk"):
        cells = (
            f"{one.at:%Y-%m-%dT%H:%M:%SZ}", one.category, one.amount, one.fee, one.net, one.currency,
            one.source, one.stripe_id, one.payment_id, one.refund_id,
        )  # fmt: skip
        writer.writerow(plain(cell) for cell in cells)
    response = HttpResponse("\ufeff" + target.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="payout-{row.stripe_id}.csv"'
    return response
