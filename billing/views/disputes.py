"""Finance: disputed payments, the case of each, and the evidence that our records give."""

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from billing import evidence
from billing.actions.disputes import send_evidence
from billing.exceptions import ProviderDown
from billing.models import Dispute, Journal
from billing.views import scope
from billing.views.fin import PER_PAGE, chips, needs
from stations.exceptions import Refused

#: _state.html's looks.
LOOKS = {"won": "available", "lost": "faulted", "warning_closed": "available", "prevented": "available"}
#: The provider's fields of evidence, in words for people.
LABELS = {
    "product_description": _lazy("What was paid for"),
    "service_date": _lazy("Date"),
    "customer_name": _lazy("Customer's name"),
    "customer_email_address": _lazy("Customer's e-mail"),
    "access_activity_log": _lazy("What the charger reported"),
    "cancellation_policy_disclosure": _lazy("Terms of the booking"),
    "uncategorized_text": _lazy("Explanation"),
}


class DisputeFilter(forms.Form):
    status = forms.ChoiceField(
        label=_lazy("Status"),
        required=False,
        choices=[("", _lazy("All")), ("open", _lazy("Open")), *Dispute.Status.choices],
    )


class EvidenceForm(forms.Form):
    explanation = forms.CharField(
        label=_lazy("Explanation"),
        max_length=5000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_lazy("In your own words, beside what our records say. The bank reads one answer."),
    )


def look(dispute: Dispute) -> str:
    return LOOKS.get(dispute.status, "attention" if dispute.may_answer else "reserved")


@needs("view_money")
@require_safe
def disputes(request):
    form = DisputeFilter(request.GET or None)
    chosen = {name: value for name, value in form.cleaned_data.items() if value} if form.is_valid() else {}
    rows = Dispute.objects.visible_to(request.access, "view_money").select_related("payment", "top_up")
    if chosen.get("status") == "open":
        rows = rows.open()
    elif chosen:
        rows = rows.filter(status=chosen["status"])
    page = Paginator(rows, PER_PAGE)
    count = page.count
    shown = page.get_page(request.GET.get("page"))
    for row in shown:
        row.look = look(row)
    context = {
        "title": _("Disputes"),
        "tabs": scope.tabs(request, "fin:disputes"),
        "form": form,
        "active": chips(request, form, chosen),
        "clear_url": request.path,
        "count": ngettext("%(count)s dispute", "%(count)s disputes", count) % {"count": count},
        "page": shown,
        "waiting": Dispute.objects.visible_to(request.access, "view_money").to_answer().count(),
    }
    return render(request, "fin/disputes.html", context)


def _own(request, pk, permission: str) -> Dispute:
    rows = Dispute.objects.visible_to(request.access, permission)
    return get_object_or_404(rows.select_related("operator", "payment__user", "top_up__user"), pk=pk)


@needs("view_money")
@require_http_methods(["GET", "HEAD", "POST"])
def dispute(request, pk):
    """The case; sending the evidence takes the right to refund."""
    row = _own(request, pk, "refund" if request.method == "POST" else "view_money")
    form = EvidenceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            send_evidence(dispute=row, explanation=form.cleaned_data["explanation"], by=request.user)
        except ProviderDown as refusal:
            messages.warning(request, str(refusal))
            return redirect("fin:dispute", row.pk)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The evidence is sent. The bank decides within some weeks."))
            return redirect("fin:dispute", row.pk)
    session = evidence.session_of(row)
    context = {
        "title": _("Dispute of %(charge)s") % {"charge": row.stripe_charge},
        "crumbs": [{"label": _("Disputes"), "url": reverse("fin:disputes")}],
        "dispute": row,
        "look": look(row),
        "paid": row.payment or row.top_up,
        "session": session,
        "booking": evidence.booking_of(row),
        "invoices": evidence.invoices_of(row),
        "files": evidence.contents(row),
        "words": [
            (LABELS.get(name, name), text) for name, text in (row.evidence or evidence.words(row)).items()
        ],
        "entries": _entries(row),
        "form": form,
        "may_answer": row.may_answer and request.access.may("refund"),
        "may_fetch": request.access.may("refund"),
    }
    return render(request, "fin/dispute.html", context, status=422 if form.errors else 200)


def _entries(row: Dispute):
    """What the ledger has of it."""
    ids = list(row.balance_transactions.values_list("stripe_id", flat=True))
    keys = [f"{word} {id}" for id in ids for word in ("dispute", "dispute_won", "fee")]
    found = Journal.objects.filter(key__in=[*keys, f"dispute lost {row.pk}"]).order_by("at", "booked_at")
    return found.prefetch_related("entries__account")


@needs("refund")
@require_safe
def bundle(request, pk):
    """The evidence as a zip: it has a driver's name and the charger's messages."""
    row = _own(request, pk, "refund")
    response = HttpResponse(evidence.bundle(row), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="dispute-{row.stripe_id}.zip"'
    response["Cache-Control"] = "private, no-store"
    return response
