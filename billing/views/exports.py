"""Finance: files that workers make, how far they are, and what came out."""

from datetime import timedelta

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from billing import calendar, showing
from billing.actions import books
from billing.exports import filters, making
from billing.forms_finance import ExportForm
from billing.models import Export
from billing.views import scope
from billing.views.scope import needs
from stations.exceptions import Refused

PER_PAGE = 20
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "zip": "application/zip",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@needs("view_money")
@require_safe
def exports(request):
    rows = Export.objects.visible_to(request.access).select_related("operator", "created_by")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "title": _("Exports"),
        "tabs": scope.tabs(request, "fin:exports"),
        "page": page,
        "rows": [_shown(row) for row in page],
        "form": _form(request),
        "waiting": any(row.state in (Export.State.QUEUED, Export.State.RUNNING) for row in page),
    }
    return render(request, "fin/exports.html", context)


def _form(request) -> ExportForm:
    """Last month, because that is what is exported most."""
    mine = scope.operators(request, "view_money", whole=False)
    month = {}
    if mine:
        today = calendar.first_of(showing.timezone.now().astimezone(books.zone_of(mine[0])).date())
        last = calendar.first_of(today - timedelta(days=1))
        month = {"since": last, "until": calendar.last_of(last)}
    return ExportForm(request.POST or None, operators=mine, initial=month)


def _shown(row: Export) -> dict:
    asked = {name: row.params[name] for name in filters.NAMES if row.params.get(name)}
    return {
        "row": row,
        "asked": ", ".join(f"{name} {value}" for name, value in asked.items()) or _("everything"),
        "zone": books.books_of(row.operator).time_zone,
        "totals": [
            {"currency": currency, **sums, "gross": showing.money(showing.Decimal(sums["gross"]), currency)}
            for currency, sums in row.totals.items()
        ],
    }


@needs("view_money")
@require_POST
def export_new(request):
    form = _form(request)
    if not form.is_valid():
        context = {
            "title": _("Exports"),
            "tabs": scope.tabs(request, "fin:exports"),
            "form": form,
            "rows": [],
        }
        return render(request, "fin/exports.html", context, status=422)
    operator = form.cleaned_data["operator"]
    params = form.params()
    sites = filters.allowed_sites(request.access, operator)
    if sites is not None:
        params["sites"] = sites
    kind, _slash, format = form.cleaned_data["what"].partition(".")
    try:
        row = making.create(operator=operator, kind=kind, format=format, params=params, by=request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("fin:exports")
    if row.problems:
        messages.error(request, _("The file can't be made yet: %(why)s") % {"why": " ".join(row.problems)})
        return redirect("fin:books" if request.access.may("keep_books") else "fin:exports")
    messages.success(request, _("%(name)s is being made.") % {"name": row.name})
    return redirect(f"{reverse('fin:exports')}#export-{row.pk}")


@needs("view_money")
@require_safe
def export_file(request, pk):
    row = get_object_or_404(Export.objects.visible_to(request.access), pk=pk)
    return file_response(row)


def file_response(row: Export) -> FileResponse:
    if row.state != Export.State.DONE:
        raise Http404
    response = FileResponse(
        row.file.open("rb"), content_type=TYPES[row.format], as_attachment=True, filename=row.name
    )
    response["Cache-Control"] = "private, no-store"
    response["X-Content-SHA256"] = row.sha256
    return response
