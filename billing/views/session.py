"""A running session and its end: whoever has the link may watch and stop it, and keeps the receipt."""

from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import actions, documents, showing, showing_plans
from billing.actions import guest_links, watching
from billing.exceptions import ProviderDown
from billing.lines import from_json
from billing.models import Cdr, Invoice, Payment
from billing.views import limit, means, visitors
from stations import commands, signed_checks
from stations.exceptions import Refused
from stations.models import Session


def linked_session(link: str) -> Session:
    return get_object_or_404(Session.objects.with_place().select_related("cdr__version"), link=link)


@require_safe
@never_cache
def session(request, link):
    row = linked_session(link)
    if not row.is_open:
        return redirect("billing:receipt", row.link)
    with timezone.override(row.station.site.zone):
        context = {
            "title": row.station.site.name,
            "session": row,
            "site": row.station.site,
            "evse": row.evse,
            "charger_id": row.evse.public_id,
            "guest_link": _guest_link(request, row),
            "payment_words": [showing.payment_words(payment) for payment in row.payments.live()],
            "limit_url": reverse("billing:limit", args=[row.link]) if limit.may_change(request, row) else "",
            "has_limit": bool(watching.limits_of(row)),
        }
        return render(request, "billing/session.html", context)


def _guest_link(request, row: Session) -> str:
    """For who charges without an account, and nobody else who has the session's address."""
    if row.user is None or not row.user.is_guest or not visitors.is_own(request, row.user_id):
        return ""
    return guest_links.link_of(row.user)


@require_http_methods(["GET", "HEAD", "POST"])
def stop(request, link):
    row = linked_session(link)
    back = reverse("billing:session", args=[row.link])
    if not row.is_open:
        return redirect("billing:receipt", row.link)
    if request.method == "POST":
        try:
            commands.remote_stop(
                session=row,
                by=request.user if request.user.is_authenticated else None,
                reason="stopped by the driver",
            )
        except Refused as refusal:
            messages.error(request, f"{refusal} {_('You can also stop with your card or at the car.')}")
        return redirect(back)
    return render(
        request,
        "confirm.html",
        {
            "title": _("Stop charging?"),
            "question": row.evse.public_id,
            "consequences": [
                _("The charger unlocks your cable."),
                _("You pay only for what the meter has recorded; the rest of the hold is released."),
            ],
            "action_url": request.path,
            "submit": _("Stop charging"),
            "busy": _("Stopping…"),
            "danger": True,
            "cancel_url": back,
            "charger_id": row.evse.public_id,
        },
    )


@require_safe
@never_cache
def receipt(request, link):
    """What was charged: by the session's link, or by a document's own."""
    row = Session.objects.with_place().select_related("cdr", "signed_check").filter(link=link).first()
    if row is None:
        return _document(request, link)
    if row.is_open:
        return redirect("billing:session", row.link)
    cdr = getattr(row, "cdr", None)
    invoice = cdr.billed_on if cdr else None
    credits = Invoice.objects.filter(cdr=cdr, kind=Invoice.Kind.CREDIT_NOTE) if cdr else []
    mine = visitors.is_own(request, row.user_id)
    with timezone.override(row.station.site.zone):
        context = {
            "title": _("Receipt"),
            "session": row,
            "cdr": cdr,
            "site": row.station.site,
            "evse": row.evse,
            "charger_id": row.evse.public_id,
            "facts": showing.session(row),
            "signed": showing.signed(row),
            "invoice": invoice,
            "credits": credits,
            "mine": mine,
            # What a plan has left is its driver's business, not everybody's who has the link.
            "plan": showing_plans.of_charge(row) if mine else None,
            "guest_link": _guest_link(request, row),
            "is_guests": row.user is not None and row.user.is_guest,
            "vehicles": request.user.vehicles.all() if row.user_id and row.user_id == request.user.pk else [],
            "payments": [showing.payment_words(payment) for payment in row.payments.order_by("created_at")],
            "waiting": cdr is None or cdr.state in (Cdr.State.OPEN, Cdr.State.PRICED),
            "sign_in_to_pay": cdr is not None
            and cdr.state == Cdr.State.UNPAID
            and row.user is not None
            and not row.user.is_guest
            and row.user_id != request.user.pk,
            "may_pay": cdr is not None and cdr.state == Cdr.State.UNPAID and row.user_id == request.user.pk,
        }
        if cdr is not None and cdr.lines:
            context["lines"] = showing.price_table(from_json(cdr.lines), cdr.currency)
            context["totals"] = showing.totals(cdr.net, cdr.tax, cdr.gross, cdr.currency, _("Total"))
        return render(request, "billing/receipt.html", context)


def _document(request, link: str):
    invoice = get_object_or_404(Invoice.objects.with_place(), link=link)
    with timezone.override(ZoneInfo(invoice.details.get("time_zone", "UTC"))):
        context = {
            "title": invoice.get_kind_display(),
            "invoice": invoice,
            "lines": [
                {"label": line.text, "amount": showing.money(line.gross, invoice.currency)}
                for line in invoice.lines.all()
            ],
            "totals": showing.totals(invoice.net, invoice.tax, invoice.gross, invoice.currency, _("Total")),
            "charger_id": invoice.details.get("evse", ""),
        }
        return render(request, "billing/document.html", context)


@require_safe
def invoice_pdf(request, link):
    documents_of_session = Invoice.objects.filter(cdr__session__link=link, kind=Invoice.Kind.INVOICE)
    invoice = (
        Invoice.objects.with_place().filter(link=link).first()
        or documents_of_session.with_place().order_by("pk").last()
    )
    if invoice is None:
        raise Http404
    return pdf_response(invoice)


def pdf_response(invoice: Invoice) -> HttpResponse:
    response = HttpResponse(documents.pdf(invoice), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{documents.file_name(invoice)}"'
    # Who has the link has the document; nobody else should find it in a cache or a search.
    response["Cache-Control"] = "private, no-store"
    response["X-Robots-Tag"] = "noindex"
    return response


@require_safe
def signed_xml(request, link):
    """The session's signed meter values as the S.A.F.E. Transparenzsoftware opens them."""
    row = get_object_or_404(Session.objects.with_place(), link=link, stopped_at__isnull=False)
    if not row.signed_values.exists():
        raise Http404
    response = HttpResponse(signed_checks.transparency_file(row), content_type="application/xml")
    name = f"signed-{row.started_at:%Y%m%d-%H%M%S}.xml"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    response["X-Robots-Tag"] = "noindex"
    return response


@require_POST
def pay(request, link):
    """The driver pays what their card refused when they were away."""
    row = linked_session(link)
    if not request.user.is_authenticated or row.user_id != request.user.pk:
        raise Http404
    back = reverse("billing:receipt", args=[row.link])
    try:
        payment = actions.pay_outstanding(cdr=row.cdr, **means.usual(request.user, row.cdr))
    except ProviderDown as refusal:
        messages.warning(request, str(refusal))
        return redirect(back)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(back)
    if payment is not None and payment.state in (Payment.State.NEW, Payment.State.NEEDS_ACTION):
        return redirect("billing:payment", payment.pk)
    return redirect(back)
