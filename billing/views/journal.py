"""Finance: the journal, what it sums up to on each account, and its export."""

from datetime import datetime, time, timedelta

from django import forms
from django.core.paginator import Paginator
from django.db.models import Sum
from django.http import StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from billing.exports import journal as csv_journal
from billing.models import Entry, Journal, LedgerAccount
from billing.views import scope
from billing.views.fin import PER_PAGE, chips, needs


class JournalFilter(forms.Form):
    """What the list and its export are narrowed to; everything is in the address."""

    since = forms.DateField(
        label=_lazy("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=_lazy("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    kind = forms.ChoiceField(
        label=_lazy("Event"), required=False, choices=[("", _lazy("All")), *Journal.Kind.choices]
    )


def _filtered(request):
    form = JournalFilter(request.GET or None)
    chosen = {name: value for name, value in form.cleaned_data.items() if value} if form.is_valid() else {}
    rows = Journal.objects.visible_to(request.access, "view_money")
    if "since" in chosen:
        rows = rows.filter(at__gte=_midnight(chosen["since"]))
    if "until" in chosen:
        rows = rows.filter(at__lt=_midnight(chosen["until"] + timedelta(days=1)))
    if "kind" in chosen:
        rows = rows.filter(kind=chosen["kind"])
    return form, rows, chosen


def _midnight(day) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


@needs("view_money")
@require_safe
def journal(request):
    form, rows, chosen = _filtered(request)
    page = Paginator(rows.prefetch_related("entries__account"), PER_PAGE)
    count = page.count
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "title": _("Journal"),
        "tabs": scope.tabs(request, "fin:journal"),
        "form": form,
        "active": chips(request, form, chosen),
        "clear_url": request.path,
        "count": ngettext("%(count)s event", "%(count)s events", count) % {"count": count},
        "page": page.get_page(request.GET.get("page")),
        "accounts": _accounts(rows),
        "csv_url": reverse("fin:journal_csv") + (f"?{query.urlencode()}" if query else ""),
    }
    return render(request, "fin/journal.html", context)


def _accounts(rows) -> list[dict]:
    """Both sides of each account over these rows, wallets taken together."""
    found = (
        Entry.objects.filter(journal__in=rows.order_by())
        .values("account__code", "account__currency")
        .annotate(debit=Sum("debit"), credit=Sum("credit"))
        .order_by("account__currency", "account__code")
    )
    names = dict(LedgerAccount.Code.choices)
    return [
        {
            "code": row["account__code"],
            "name": names[row["account__code"]],
            "currency": row["account__currency"],
            "debit": row["debit"],
            "credit": row["credit"],
            "balance": row["debit"] - row["credit"],
        }
        for row in found
    ]


@needs("view_money")
@require_safe
def journal_csv(request):
    _form, rows, _chosen = _filtered(request)
    entries = Entry.objects.filter(journal__in=rows.order_by()).select_related("journal__operator", "account")
    ordered = entries.order_by("journal__at", "journal_id", "account__code", "pk").iterator(chunk_size=1000)
    response = StreamingHttpResponse(csv_journal.rows(ordered), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="journal.csv"'
    return response
