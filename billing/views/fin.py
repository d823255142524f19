"""Finance: the list of documents, its export, and refunds."""

from decimal import Decimal

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q, Sum
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import actions, documents, showing
from billing.actions import debt_pages
from billing.actions.invoices import billed, billed_lines
from billing.actions.invoices import resend as resend_document
from billing.exceptions import ProviderDown
from billing.exports import csv_invoices, filters
from billing.forms import RefundForm
from billing.forms_finance import WHATS, InvoiceFilter
from billing.invoicing import by_rate, left_of
from billing.models import Cdr, Dispute, FeeDebt, Invoice, Payment
from billing.views import scope
from billing.views.scope import needs
from billing.views.session import pdf_response
from evportal.money import round_money
from evportal.outbox.models import Mail
from stations.exceptions import Refused
from stations.models import Site

PER_PAGE = 50


def _filtered(request):
    """The filter form and the documents that it leaves, newest first."""
    sites = Site.objects.visible_to(request.access, "view_money")
    form = InvoiceFilter(request.GET or None, sites=sites)
    rows = Invoice.objects.run_by(request.access, "view_money").order_by("-issued_at", "-pk")
    form.is_valid()
    # A filter that can't be read is said to be so, and the others hold.
    given = form.cleaned_data if form.is_bound else {}
    chosen = {name: value for name, value in given.items() if value not in (None, "")}
    return form, filters.narrow(rows, chosen), chosen


@needs("view_money")
@require_safe
def home(request):
    return redirect("fin:invoices")


@needs("view_money")
@require_safe
def invoices(request):
    form, rows, chosen = _filtered(request)
    sums = (
        rows.order_by()
        .values("currency")
        .annotate(net=Sum("net"), tax=Sum("tax"), gross=Sum("gross"), documents=Count("pk"))
    )
    page = Paginator(rows.with_place().select_related("refund").prefetch_related("credit_notes"), PER_PAGE)
    count = page.count
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "title": _("Invoices"),
        "form": form,
        "active": chips(request, form, chosen),
        "clear_url": request.path,
        "count": ngettext("%(count)s document", "%(count)s documents", count) % {"count": count},
        "page": page.get_page(request.GET.get("page")),
        "sums": [
            {
                "currency": row["currency"],
                "documents": row["documents"],
                **{name: showing.money(row[name], row["currency"]) for name in ("net", "tax", "gross")},
            }
            for row in sums.order_by("currency")
        ],
        "csv_url": reverse("fin:invoices_csv") + (f"?{query.urlencode()}" if query else ""),
        "tabs": scope.tabs(request, "fin:invoices"),
        "export": _export(request, form, chosen),
        "may_refund": request.access.may("refund"),
        "to_check": _to_check(request).count(),
    }
    return render(request, "fin/invoices.html", context)


def _export(request, form, chosen: dict) -> dict | None:
    """What a file of all that matches is ordered with; None where the documents are several operators'."""
    mine = scope.operators(request, "view_money", whole=False)
    site = chosen.get("site")
    if site is not None:
        mine = [each for each in mine if each.pk == site.operator_id]
    if not mine or form.errors:
        return None
    hidden = [(name, getattr(value, "pk", value)) for name, value in chosen.items()]
    return {"operators": mine, "hidden": hidden, "whats": WHATS}


def chips(request, form, chosen: dict) -> list[dict]:
    """What a list is filtered by, each with the address that drops it."""
    chips = []
    for name, value in chosen.items():
        without = request.GET.copy()
        without.pop(name, None)
        without.pop("page", None)
        label = (
            dict(form.fields[name].choices).get(value, value) if name in ("kind", "status", "vat") else value
        )
        chips.append(
            {"label": f"{form.fields[name].label}: {label}", "url": f"{request.path}?{without.urlencode()}"}
        )
    return chips


@needs("view_money")
@require_safe
def invoices_csv(request):
    _form, rows, _chosen = _filtered(request)
    # From the database in pieces, so that a year of documents needs no more memory than a day.
    found = rows.order_by("issued_at", "pk").prefetch_related("lines").iterator(chunk_size=500)
    response = StreamingHttpResponse(csv_invoices.rows(found), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="invoices.csv"'
    return response


def _own_document(request, pk: int, permission: str) -> Invoice:
    return get_object_or_404(Invoice.objects.run_by(request.access, permission).with_place(), pk=pk)


@needs("view_money")
@require_safe
def invoice_pdf(request, pk):
    return pdf_response(_own_document(request, pk, "view_money"))


@needs("view_money")
@require_safe
def invoice(request, pk):
    """One document: what it says, and what was done with it."""
    row = _own_document(request, pk, "view_money")
    mails = Mail.objects.filter(key__regex=rf"^invoice {row.pk}( again \d+)?$").order_by("created_at")
    payment = None if row.is_self_billed else payment_of(row)
    context = {
        "title": f"{row.get_kind_display()} {row.number}",
        "crumbs": [{"label": _("Invoices"), "url": reverse("fin:invoices")}],
        "invoice": row,
        "lines": [
            {"label": line.text, "amount": showing.money(line.gross, row.currency)}
            for line in row.lines.all()[:200]
        ],
        "charges": _charges(row) if request.access.may("refund") else [],
        "totals": showing.totals(row.net, row.tax, row.gross, row.currency, _("Total")),
        "rates": by_rate(row.lines.all()),
        "notes": row.credit_notes.all(),
        "disputes": disputes_of(row, request),
        "newer": Invoice.objects.filter(replaces=row).first(),
        "events": row.events.select_related("by"),
        "mails": mails,
        "may_refund": request.access.may("refund")
        and row.kind == Invoice.Kind.INVOICE
        and payment is not None,
        "may_resend": request.access.may("refund"),
    }
    return render(request, "fin/invoice.html", context)


def _charges(row: Invoice) -> list[dict]:
    """The paid charges of a month's invoice: each is refunded by itself."""
    if row.kind != Invoice.Kind.INVOICE or row.cdr_id is not None or row.booking_id is not None:
        return []
    paid = row.lines.filter(cdr__session__payments__state=Payment.State.CAPTURED).distinct()
    return [
        {"text": line.text, "url": f"{reverse('fin:refund', args=[row.pk])}?line={line.position}"}
        for line in paid.order_by("position")[:200]
    ]


@needs("refund")
@require_POST
def resend(request, pk):
    row = _own_document(request, pk, "refund")
    try:
        to = resend_document(invoice=row, by=request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("%(number)s goes to %(to)s again.") % {"number": row.number, "to": to})
    return redirect("fin:invoice", row.pk)


@needs("view_money")
@require_safe
def invoice_xml(request, pk, syntax):
    """The document as an e-invoice (EN 16931) in one of its syntaxes."""
    return xml_response(_own_document(request, pk, "view_money"), syntax)


def xml_response(row: Invoice, syntax: str) -> HttpResponse:
    content = documents.ubl_xml(row) if syntax == "ubl" else documents.cii_xml(row)
    response = HttpResponse(content, content_type="application/xml")
    response["Content-Disposition"] = f'attachment; filename="{documents.file_name(row, f"{syntax}.xml")}"'
    response["Cache-Control"] = "private, no-store"
    return response


def disputes_of(invoice: Invoice, request):
    """The cases about what it bills."""
    about = Q(payment__session__cdr__invoice_lines__invoice=invoice)
    about |= Q(payment__plan_invoice__document=invoice)
    if invoice.booking_id:
        about |= Q(payment__booking=invoice.booking_id, payment__purpose=Payment.Purpose.NO_SHOW)
    return Dispute.objects.visible_to(request.access, "view_money").filter(about).distinct()


def payment_of(invoice: Invoice) -> Payment | None:
    """The charge that an invoice was paid with."""
    paid = Payment.objects.filter(state=Payment.State.CAPTURED)
    if invoice.cdr_id:
        paid = paid.filter(session=invoice.cdr.session_id)
        return max(paid, key=lambda payment: payment.refundable, default=None)
    if invoice.booking_id is None:
        return paid.filter(plan_invoice__document=invoice).first()
    return paid.filter(booking=invoice.booking_id, purpose=Payment.Purpose.NO_SHOW).first()


def _payment_of_line(invoice: Invoice, position: str) -> Payment | None:
    """A month's invoice is of many charges: a line of it says which one."""
    if not position.isdecimal() or len(position) > 6:
        return None
    line = invoice.lines.filter(position=int(position), cdr__isnull=False).select_related("cdr").first()
    if line is None or invoice.kind != Invoice.Kind.INVOICE:
        return None
    paid = Payment.objects.filter(state=Payment.State.CAPTURED, session=line.cdr.session_id)
    return max(paid, key=lambda payment: payment.refundable, default=None)


@needs("refund")
@require_http_methods(["GET", "HEAD", "POST"])
def refund(request, pk):
    """Form, then the same again to confirm, then money."""
    invoice = _own_document(request, pk, "refund")
    payment = payment_of(invoice) or _payment_of_line(invoice, request.GET.get("line", ""))
    if invoice.is_credit_note or payment is None or payment.refundable <= 0:
        messages.error(request, _("Nothing is left to refund on %(number)s.") % {"number": invoice.number})
        return redirect("fin:invoices")
    form = RefundForm(
        request.POST or None,
        most=round_money(payment.refundable, payment.currency),
        currency=payment.currency,
        lines=_refundable_lines(payment),
    )
    if request.method == "POST" and form.is_valid():
        if "confirmed" not in request.POST:
            return _ask(request, invoice, payment, form)
        try:
            actions.refund(payment=payment, by=request.user, **form.cleaned_data)
        except ProviderDown as refusal:
            messages.warning(request, str(refusal))
            return redirect("fin:invoices")
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            amount = showing.money(form.refunded, payment.currency)
            messages.success(
                request,
                _("%(amount)s of %(number)s refunded.") % {"amount": amount, "number": invoice.number},
            )
            return redirect("fin:invoices")
    context = {
        "title": _("Refund %(number)s") % {"number": invoice.number},
        "crumbs": [{"label": _("Invoices"), "url": reverse("fin:invoices")}],
        "form": form,
        "invoice": invoice,
        "total": showing.money(invoice.gross, invoice.currency),
        "rows": [row | {"left": showing.money(row["left"], payment.currency)} for row in form.line_rows()],
        "most": showing.money(payment.refundable, payment.currency),
        "card": payment.card,
    }
    return render(request, "fin/refund.html", context, status=422 if form.errors else 200)


def _refundable_lines(payment: Payment) -> list[tuple[int, str, Decimal]]:
    """The lines of the invoice that bills it of which something is left."""
    original = billed(payment)
    if original is None:
        return []
    _cdr, lines, credited = billed_lines(payment, original)
    rates = {(rate.vat_category, rate.vat_percent): rate.gross for rate in by_rate([*lines, *credited])}
    found = []
    for line in lines:
        _net, left = left_of(line, (one for one in credited if one.corrects_id == line.pk))
        most = min(left, rates[line.vat_category, line.vat_percent.normalize()])
        if most > 0:
            found.append((line.position, line.text, round_money(most, payment.currency)))
    return found


def _to_check(request):
    """Sessions that wait for a person, those that nobody paid, and those that were corrected once billed."""
    corrected = Q(state=Cdr.State.SETTLED, reviewed_at=None) & ~Q(review="")
    waiting = Cdr.objects.run_by(request.access, "refund").filter(
        Q(state__in=[Cdr.State.REVIEW, Cdr.State.UNPAID]) | corrected
    )
    return waiting.select_related("session__evse", "session__station__site", "session__user")


@needs("refund")
@require_safe
def review(request):
    page = Paginator(_to_check(request).order_by("created_at"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "title": _("Sessions to check"),
        "crumbs": [{"label": _("Invoices"), "url": reverse("fin:invoices")}],
        "page": page,
        "fees": FeeDebt.objects.visible_to(request.access)
        .open()
        .select_related("booking__evse__station__site", "user")[:PER_PAGE],
    }
    return render(request, "fin/review.html", context)


@needs("refund")
@require_POST
def decide(request, pk):
    """Bill a doubtful session after all, charge nothing for it, or note that a bill was corrected."""
    cdr = get_object_or_404(_to_check(request), pk=pk)
    try:
        if request.POST.get("decision") == "approve":
            actions.approve(cdr=cdr, by=request.user)
        elif request.POST.get("decision") == "seen":
            actions.note_correction(cdr=cdr, by=request.user)
        elif request.POST.get("decision") == "write_off":
            actions.write_off(cdr=cdr, by=request.user)
        else:
            actions.waive(cdr=cdr, by=request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        said = {"session": cdr.session, "state": cdr.get_state_display()}
        messages.success(request, _("%(session)s: %(state)s.") % said)
    return redirect("fin:review")


@needs("refund")
@require_POST
def waive_fee(request, pk):
    """Give up a booking's fee that could not be charged."""
    debt = get_object_or_404(FeeDebt.objects.visible_to(request.access, "refund").open(), pk=pk)
    try:
        debt_pages.waive_fee(debt=debt, by=request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The fee of %(booking)s is not charged.") % {"booking": debt.booking})
    return redirect("fin:review")


def _ask(request, invoice: Invoice, payment: Payment, form: RefundForm):
    amount = showing.money(form.refunded, payment.currency)
    lines = form.cleaned_data["lines"]
    texts = {position: text for position, text, _left in form.lines}
    context = {
        "base": "base_ops.html",
        "title": _("Refund %(amount)s?") % {"amount": amount},
        "question": _("%(number)s, %(buyer)s")
        % {"number": invoice.number, "buyer": invoice.buyer.get("email") or invoice.user or _("no e-mail")},
        "consequences": [
            _("%(amount)s goes back to %(card)s.")
            % {"amount": amount, "card": payment.card or _("the card")},
            *(f"{texts[each]}: {showing.money(lines[each], payment.currency)}" for each in lines),
            _("A credit note is issued and mailed. Neither can be undone."),
        ],
        "action_url": request.get_full_path(),
        "hidden": [
            ("amount", form.cleaned_data["amount"] or ""),
            *((f"line_{each}", lines[each]) for each in lines),
            ("reason", form.cleaned_data["reason"]),
            ("confirmed", "1"),
        ],
        "submit": _("Refund %(amount)s") % {"amount": amount},
        "busy": _("Refunding…"),
        "danger": True,
        "cancel_url": request.get_full_path(),
    }
    return render(request, "confirm.html", context)
