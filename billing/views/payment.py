"""A payment on its way: to the driver's bank, back from it, or still without an answer."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from billing import actions, showing
from billing.exceptions import ProviderDown
from billing.models import Payment
from stations.exceptions import Refused


@login_required
@never_cache
def payment(request, payment_id):
    """Leads on as soon as the outcome is known; until then it says what is awaited and asks again."""
    row = get_object_or_404(Payment.objects.of_driver(request.user).select_related("card"), pk=payment_id)
    came_back = "redirect_status" in request.GET
    if row.state == Payment.State.NEEDS_ACTION:
        try:
            actions.look(payment=row)
        except ProviderDown:
            pass
    if row.state not in (Payment.State.NEW, Payment.State.NEEDS_ACTION):
        return _lead_on(request, row)
    to_bank = row.action_url if row.state == Payment.State.NEEDS_ACTION and not came_back else ""
    context = {
        "title": _("Confirm with your bank") if to_bank else _("Confirming your payment"),
        "payment": row,
        "amount": showing.money(row.amount, row.currency),
        "bank_url": row.action_url if row.state == Payment.State.NEEDS_ACTION else "",
        "refresh_url": to_bank or request.path + "?redirect_status=waiting",
        "refresh_after": 1 if to_bank else 3,
    }
    return render(request, "billing/payment.html", context)


def _lead_on(request, row: Payment):
    try:
        actions.proceed(payment=row)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        if row.state == Payment.State.FAILED:
            messages.error(request, showing.payment_words(row))
    start = row.starts.first()
    if start is not None:
        return redirect("billing:starting", start.pk)
    if row.session is not None:
        return redirect("billing:receipt", row.session.link)
    if row.booking is not None:
        failed = row.state == Payment.State.FAILED
        return redirect(reverse("billing:review" if failed else "bookings:booking", args=[row.booking_id]))
    return redirect("me:home")
