"""The driver's document centre: whom invoices are made out to, statements, archives and reports."""

import tempfile
from datetime import date

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models.functions import ExtractYear
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import calendar, statements
from billing.actions.accounts import save_account
from billing.actions.invoices import reissue as reissue_document
from billing.forms_account import AccountForm, ReportForm
from billing.models import Account, Cdr, Invoice
from billing.views import visitors
from billing.views.me import tabs
from evportal.accounts.models import Vehicle
from stations.exceptions import Refused

PER_PAGE = 25
MONTHS = 12


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account(request):
    """Company, address and VAT id: on every document that is issued from now on."""
    row = Account.objects.filter(user=request.user).first() or Account(user=request.user)
    form = AccountForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        save_account(account=form.instance)
        messages.success(request, _("Your details are saved. They are on the next invoice."))
        return redirect("me:billing")
    context = {
        "title": _("Billing details"),
        "tabs": tabs("me:billing"),
        "form": form,
        "account": Account.objects.filter(pk=row.pk).first() if row.pk else None,
    }
    return render(request, "me/billing.html", context, status=422 if form.errors else 200)


@login_required
@require_safe
def documents(request):
    mine = Invoice.objects.of_driver(request.user).with_place()
    page = Paginator(mine, PER_PAGE).get_page(request.GET.get("page"))
    years = mine.order_by().annotate(year=ExtractYear("issued_at")).values_list("year", flat=True).distinct()
    month, months = calendar.first_of(timezone.now().date()), []
    for _n in range(MONTHS):
        months.append(month)
        month = calendar.first_of(month.replace(day=1) - timezone.timedelta(days=1))
    context = {
        "title": _("Invoices and statements"),
        "tabs": tabs("me:documents"),
        "page": page,
        "years": sorted(set(years), reverse=True),
        "months": months,
        "form": ReportForm(request.GET or None, user=request.user),
    }
    return render(request, "me/documents.html", context)


def _file(content: bytes, name: str, format: str) -> HttpResponse:
    kind = {"csv": "text/csv; charset=utf-8", "pdf": "application/pdf"}[format]
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}.{format}"'
    response["Cache-Control"] = "private, no-store"
    return response


def _as(found: statements.Statement, format: str, *, title: str, name: str) -> HttpResponse:
    if format not in ("csv", "pdf"):
        raise Http404
    if format == "csv":
        return _file(statements.as_csv(found), name, format)
    pdf = statements.as_pdf(found, title=title, at=timezone.now(), locale=get_language() or "en")
    return _file(pdf, name, format)


@login_required
@require_safe
def statement(request, year, month, format):
    if not (2000 <= year <= 9000 and 1 <= month <= 12):
        raise Http404
    first = date(year, month, 1)
    found = statements.of(request.user, first, calendar.last_of(first))
    title = _("Charges in %(month)s") % {"month": f"{first:%Y-%m}"}
    return _as(found, format, title=title, name=f"charges-{first:%Y-%m}")


@login_required
@require_safe
def archive(request, year):
    """Written to a file first: a year of documents needs no more memory than one."""
    if not 2000 <= year <= 9000:
        raise Http404
    out = tempfile.TemporaryFile()  # noqa: SIM115  closed by the response
    statements.archive(request.user, year, out)
    out.seek(0)
    response = FileResponse(
        out, as_attachment=True, filename=f"invoices-{year}.zip", content_type="application/zip"
    )
    response["Cache-Control"] = "private, no-store"
    return response


@login_required
@require_safe
def report(request, format):
    """What an employer pays back for a company car: kWh and cost, charge by charge."""
    form = ReportForm(request.GET, user=request.user)
    if not form.is_valid():
        context = {
            "title": _("Invoices and statements"),
            "tabs": tabs("me:documents"),
            "page": Paginator(Invoice.objects.none(), PER_PAGE).get_page(1),
            "form": form,
        }
        return render(request, "me/documents.html", context, status=422)
    asked = form.cleaned_data
    found = statements.of(request.user, asked["since"], asked["until"], asked["vehicle"])
    name = f"reimbursement-{asked['since']}-{asked['until']}"
    return _as(found, format, title=_("Charging costs for reimbursement"), name=name)


@login_required
@require_POST
def choose_vehicle(request, session_id):
    """Which of the driver's cars a charge was for."""
    cdr = get_object_or_404(Cdr, session=session_id, session__user=request.user)
    vehicle = None
    if request.POST.get("vehicle"):
        pk = request.POST["vehicle"]
        vehicle = get_object_or_404(Vehicle, pk=pk if pk.isdigit() else 0, user=request.user)
    Cdr.objects.filter(pk=cdr.pk).update(vehicle=vehicle)
    messages.success(request, _("Noted on your statements."))
    return redirect("billing:receipt", cdr.session.link)


@require_POST
def reissue(request, link):
    """The driver's details are other ones now: the invoice is credited and issued anew."""
    found = Invoice.objects.with_place().filter(cdr__session__link=link, kind=Invoice.Kind.INVOICE)
    row = found.order_by("pk").last()
    if row is None or not visitors.is_own(request, row.user_id):
        raise Http404
    if not Account.objects.filter(user=row.user_id).exists():
        messages.info(request, _("Save the details for the invoice first."))
        return redirect("billing:guest_details", link) if row.user.is_guest else redirect("me:billing")
    try:
        newer = reissue_document(invoice=row, by=None if row.user.is_guest else request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(
            request, _("Invoice %(number)s is issued with your details.") % {"number": newer.number}
        )
    return redirect(reverse("billing:receipt", args=[link]))
