"""Finance: our ledger against the payment provider's books, day by day, and the mends."""

from datetime import UTC, date, timedelta

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from billing.actions import reconciliation as actions
from billing.models import Difference, Invoice, Reconciliation
from billing.views import scope
from billing.views.fin import PER_PAGE, chips, needs
from stations.exceptions import Refused


class DifferenceFilter(forms.Form):
    kind = forms.ChoiceField(
        label=_lazy("Difference"), required=False, choices=[("", _lazy("All")), *Difference.Kind.choices]
    )
    day = forms.DateField(
        label=_lazy("Day (UTC)"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    all = forms.BooleanField(label=_lazy("Mended and accepted ones too"), required=False)


class DayForm(forms.Form):
    day = forms.DateField(label=_lazy("Day (UTC)"), widget=forms.DateInput(attrs={"type": "date"}))

    def clean_day(self):
        day = self.cleaned_data["day"]
        if day > timezone.now().astimezone(UTC).date():
            raise forms.ValidationError(_("This day has not begun yet."))
        return day


def _yesterday() -> date:
    return timezone.now().astimezone(UTC).date() - timedelta(days=1)


@needs("keep_books")
@require_safe
def reconciliation(request):
    form = DifferenceFilter(request.GET or None)
    chosen = {name: value for name, value in form.cleaned_data.items() if value} if form.is_valid() else {}
    rows = Difference.objects.visible_to(request.access, "keep_books").select_related("accepted_by")
    if not chosen.get("all"):
        rows = rows.open().filter(reason="")
    if "kind" in chosen:
        rows = rows.filter(kind=chosen["kind"])
    if "day" in chosen:
        rows = rows.filter(day=chosen["day"])
    page = Paginator(rows, PER_PAGE)
    count = page.count
    shown = page.get_page(request.GET.get("page"))
    _link(request, shown)
    days = Reconciliation.objects.visible_to(request.access, "keep_books").select_related("operator")
    if "day" in chosen:
        days = days.filter(day=chosen["day"])
    context = {
        "title": _("Reconciliation"),
        "tabs": scope.tabs(request, "fin:reconciliation"),
        "form": form,
        "active": chips(request, form, chosen),
        "clear_url": request.path,
        "count": ngettext("%(count)s difference", "%(count)s differences", count) % {"count": count},
        "page": shown,
        "days": days[:31],
        "day_form": DayForm(initial={"day": _yesterday()}, auto_id="id_run_%s"),
        "may_mend": request.access.may("keep_books"),
    }
    return render(request, "fin/reconciliation.html", context)


def _link(request, shown) -> None:
    """Where our side of each difference is looked at."""
    intents = [row.object_id for row in shown if row.what == "charge"]
    invoices = Invoice.objects.run_by(request.access, "view_money").filter(
        cdr__session__payments__stripe_intent__in=intents
    )
    found = dict(invoices.order_by("-pk").values_list("cdr__session__payments__stripe_intent", "pk"))
    for row in shown:
        invoice = found.get(row.object_id)
        row.url = reverse("fin:invoice", args=[invoice]) if invoice else ""


@needs("keep_books")
@require_POST
def run(request):
    """Compare one day now."""
    form = DayForm(request.POST)
    if not form.is_valid():
        messages.error(request, form.errors["day"][0])
        return redirect("fin:reconciliation")
    day = form.cleaned_data["day"]
    try:
        actions.reconcile_day(day=day)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("fin:reconciliation")
    mine = Difference.objects.visible_to(request.access, "keep_books").open().filter(day=day, reason="")
    _say(request, day, mine.count())
    return redirect(f"{reverse('fin:reconciliation')}?day={day.isoformat()}")


def _say(request, day: date, count: int) -> None:
    said = {"day": day.isoformat(), "count": count}
    if count:
        messages.warning(
            request,
            ngettext(
                "%(day)s: %(count)s difference is open.", "%(day)s: %(count)s differences are open.", count
            )
            % said,
        )
    else:
        messages.success(request, _("%(day)s: both sides agree to the cent.") % said)


@needs("keep_books")
@require_POST
def mend(request, pk):
    """Do what a difference proposes, or accept it with a reason."""
    row = get_object_or_404(Difference.objects.visible_to(request.access, "keep_books"), pk=pk)
    try:
        if request.POST.get("do") == "accept":
            actions.accept(difference=row, reason=request.POST.get("reason", ""), by=request.user)
            messages.success(request, _("Accepted: the reason stays with the difference."))
        else:
            actions.mend(difference=row)
            row.refresh_from_db()
            if row.resolved_at is None:
                messages.warning(request, _("It is still there. Follow the advice, or accept it."))
            else:
                messages.success(request, _("Mended: both sides agree on it now."))
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("fin:reconciliation")
