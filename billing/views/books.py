"""Finance: months that are closed, what DATEV needs to know, and the shares of site hosts."""

from datetime import date, timedelta

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncMonth
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import calendar, showing
from billing.actions import books, hosts, monthly
from billing.forms_finance import BooksForm, HostForm, HostShareForm, ReopenForm, RevenueAccounts
from billing.models import Cdr, ClosedMonth, Host, Invoice, Refund
from billing.tasks import bill_month
from billing.views import scope
from billing.views.scope import needs
from stations.exceptions import Refused
from stations.models import Session

#: Months that the list shows, the current one first.
MONTHS = 18


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Http404 from None


def _today(operator) -> date:
    return timezone.now().astimezone(books.zone_of(operator)).date()


@needs("keep_books")
@require_safe
def months(request):
    operator = scope.operator(request, "keep_books")
    closed = {row.month: row for row in ClosedMonth.objects.filter(operator=operator, reopened_at=None)}
    sums: dict[date, list] = {}
    rows = (
        Invoice.objects.filter(operator=operator)
        .sales()
        .annotate(month=TruncMonth("booked_on"))
        .order_by()
        .values("month", "currency")
        .annotate(documents=Count("pk"), gross=Sum("gross"))
    )
    for row in rows:
        sums.setdefault(row["month"], []).append(
            {"documents": row["documents"], "gross": showing.money(row["gross"], row["currency"])}
        )
    first = calendar.first_of(_today(operator))
    listed = []
    for _n in range(MONTHS):
        listed.append(
            {
                "month": first,
                "key": f"{first:%Y-%m}",
                "sums": sums.get(first, []),
                "closed": closed.get(first),
            }
        )
        first = calendar.first_of(first - timedelta(days=1))
    context = {
        "title": _("Months"),
        "tabs": scope.tabs(request, "fin:months"),
        "operator": operator,
        "operators": scope.operators(request, "keep_books"),
        "months": listed,
        "history": ClosedMonth.objects.filter(operator=operator)
        .exclude(reopened_at=None)
        .select_related("closed_by", "reopened_by"),
    }
    return render(request, "fin/months.html", context)


@needs("keep_books")
@require_http_methods(["GET", "HEAD", "POST"])
def month(request, month):
    """What stands open in a month; then its lock."""
    operator, first = scope.operator(request, "keep_books"), _month(month)
    here = f"{reverse('fin:months')}?operator={operator.slug}"
    if request.method == "POST" and request.POST.get("do") == "invoices":
        bill_month.delay(operator.pk, first.isoformat())
        messages.success(request, _("The month's invoices are being written."))
        return redirect(request.get_full_path())
    if request.method == "POST":
        try:
            books.close_month(operator=operator, month=first, by=request.user)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("%(month)s is closed.") % {"month": f"{first:%Y-%m}"})
        return redirect(here)
    closed = ClosedMonth.objects.filter(operator=operator, month=first, reopened_at=None).first()
    context = {
        "title": f"{operator}, {first:%Y-%m}",
        "crumbs": [{"label": _("Months"), "url": here}],
        "operator": operator,
        "month": first,
        "is_over": _today(operator) > calendar.last_of(first),
        "closed": closed,
        "open": _open(operator, first),
        "may_reopen": request.access.may("reopen_books"),
    }
    return render(request, "fin/month.html", context)


def _open(operator, first: date) -> list[dict]:
    """What is not in the month's documents yet: in words, how many, and where to see to it."""
    start, end = calendar.bounds(first, books.zone_of(operator))
    sessions = Session.objects.filter(station__site__operator=operator, started_at__lt=end)
    cdrs = Cdr.objects.filter(
        session__station__site__operator=operator,
        session__stopped_at__range=(start, end - timedelta(microseconds=1)),
    )
    waiting = monthly.waiting(operator=operator, month=first)
    unpaid = Q(cdr__state=Cdr.State.UNPAID) | (Q(due_on__isnull=False) & Q(details__paid=None))
    found = [
        (_("Charges still under way"), sessions.open().count(), reverse("ops:sessions")),
        (
            _("Charges that wait for a decision"),
            cdrs.filter(state=Cdr.State.REVIEW).count(),
            reverse("fin:review"),
        ),
        (
            _("Charges that are not priced or paid yet"),
            cdrs.filter(state__in=[Cdr.State.OPEN, Cdr.State.PRICED]).count(),
            reverse("fin:review"),
        ),
        (_("Charges without a document yet, for monthly invoices"), waiting.count(), ""),
        (
            _("Refunds on their way"),
            Refund.objects.filter(payment__operator=operator, state=Refund.State.NEW).count(),
            "",
        ),
        (
            _("Invoices that nobody has paid"),
            Invoice.objects.filter(
                unpaid,
                operator=operator,
                kind=Invoice.Kind.INVOICE,
                booked_on__range=(first, calendar.last_of(first)),
            ).count(),
            f"{reverse('fin:invoices')}?status=unpaid&since={first}&until={calendar.last_of(first)}",
        ),
    ]
    return [{"what": what, "count": count, "url": url} for what, count, url in found if count]


@needs("reopen_books")
@require_http_methods(["GET", "HEAD", "POST"])
def reopen(request, pk):
    closed = get_object_or_404(
        ClosedMonth.objects.visible_to(request.access, "reopen_books"), pk=pk, reopened_at=None
    )
    form = ReopenForm(request.POST or None)
    back = f"{reverse('fin:months')}?operator={closed.operator.slug}"
    if request.method == "POST" and form.is_valid():
        books.reopen_month(closed=closed, by=request.user, **form.cleaned_data)
        messages.success(request, _("%(month)s is open again.") % {"month": closed})
        return redirect(back)
    context = {
        "base": "base_ops.html",
        "title": _("Open %(month)s again?") % {"month": closed},
        "question": str(closed.operator),
        "consequences": [
            _("New documents of this month's days may be booked into it."),
            _("Files that were exported of it may not be complete any more."),
        ],
        "form": form,
        "action_url": request.path,
        "submit": _("Open the month"),
        "danger": True,
        "cancel_url": back,
    }
    return render(request, "confirm.html", context, status=422 if form.errors else 200)


@needs("keep_books")
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request):
    operator = scope.operator(request, "keep_books")
    kept = books.books_of(operator)
    form = BooksForm(request.POST or None, instance=kept)
    accounts = RevenueAccounts(request.POST or None, instance=kept)
    if request.method == "POST" and form.is_valid() and accounts.is_valid():
        with transaction.atomic():
            form.save()
            accounts.save()
        messages.success(request, _("The settings are saved."))
        return redirect(f"{request.path}?operator={operator.slug}")
    context = {
        "title": _("Finance settings"),
        "tabs": scope.tabs(request, "fin:books"),
        "operator": operator,
        "operators": scope.operators(request, "keep_books"),
        "form": form,
        "accounts": accounts,
    }
    wrong = bool(form.errors) or any(accounts.errors)
    return render(request, "fin/books.html", context, status=422 if wrong else 200)


# Hosts


@needs("keep_books")
@require_safe
def all_hosts(request):
    operator = scope.operator(request, "keep_books")
    first = calendar.first_of(_today(operator))
    last = calendar.first_of(first - timedelta(days=1))
    rows = []
    for host in Host.objects.filter(operator=operator).prefetch_related("shares__site"):
        statements = list(host.statements.order_by("-period_start")[:12])
        rows.append(
            {
                "host": host,
                "shares": host.shares.all(),
                "statements": statements,
                "owed": [
                    showing.money(amount, currency) for currency, amount in hosts.owed(host, last).items()
                ],
                "may_issue": not any(each.period_start == last for each in statements),
            }
        )
    context = {
        "title": _("Site hosts"),
        "tabs": scope.tabs(request, "fin:hosts"),
        "operator": operator,
        "operators": scope.operators(request, "keep_books"),
        "rows": rows,
        "last": last,
    }
    return render(request, "fin/hosts.html", context)


@needs("keep_books")
@require_http_methods(["GET", "HEAD", "POST"])
def host(request, pk=None):
    """A host's details, and below them what share each of their sites brings."""
    mine = Host.objects.visible_to(request.access, "keep_books")
    row = get_object_or_404(mine, pk=pk) if pk else Host(operator=scope.operator(request, "keep_books"))
    wants_share = request.POST.get("do") == "share"
    form = HostForm(request.POST if request.method == "POST" and not wants_share else None, instance=row)
    share = HostShareForm(request.POST if wants_share else None, operator=row.operator)
    if request.method == "POST" and not wants_share and form.is_valid():
        row = form.save()
        messages.success(request, _("%(host)s is saved.") % {"host": row})
        return redirect("fin:host", row.pk)
    if wants_share and row.pk and share.is_valid():
        share.instance.host = row
        try:
            with transaction.atomic():
                share.save()
        except IntegrityError:
            share.add_error("valid_from", _("Another share of this site begins on that day."))
        else:
            messages.success(request, _("The share is saved."))
            return redirect("fin:host", row.pk)
    context = {
        "title": row.name or _("New host"),
        "crumbs": [{"label": _("Site hosts"), "url": f"{reverse('fin:hosts')}?operator={row.operator.slug}"}],
        "form": form,
        "share": share,
        "host": row,
        "shares": row.shares.select_related("site") if row.pk else [],
    }
    return render(request, "fin/host.html", context, status=422 if form.errors or share.errors else 200)


@needs("keep_books")
@require_POST
def statement(request, pk, month):
    row = get_object_or_404(Host.objects.visible_to(request.access, "keep_books"), pk=pk)
    try:
        issued = hosts.issue_statements(host=row, month=_month(month), by=request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        count = len(issued)
        words = ngettext("%(count)s statement issued.", "%(count)s statements issued.", count) % {
            "count": count
        }
        messages.success(request, words if count else _("Nothing is owed for this month."))
    return redirect(f"{reverse('fin:hosts')}?operator={row.operator.slug}")
