"""What is owed, by a signed link from the mail: nobody has to sign in to pay."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from billing import actions, debt_links, showing
from billing.actions import debt_pages
from billing.exceptions import ProviderDown
from billing.models import Cdr, DebtPage
from stations.exceptions import Refused


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def debt(request, token):
    """Shows what is open, and leads to the provider's page on which any card will do."""
    row = debt_links.debt_of(token)
    if row is None:
        raise Http404
    here = reverse("billing:debt", args=[token])
    if request.method == "POST":
        try:
            return redirect(debt_pages.begin(debt=row))
        except debt_pages.NothingOwed:
            return redirect(here)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect(here)
    came_back = "paid" in request.GET
    if came_back:
        _look(row)
        row = debt_links.debt_of(token)
    site = debt_pages.site_of(row)
    owed = debt_pages.owed(row)
    is_bill = isinstance(row, Cdr)
    with timezone.override(site.zone):
        context = {
            "title": _("Pay what is open"),
            "site": site,
            "evse": row.session.evse if is_bill else row.booking.evse,
            "at": row.session.started_at if is_bill else row.booking.starts_at,
            "is_bill": is_bill,
            "canceled": not is_bill and row.booking.status == "CANCELED",
            "energy": showing.kwh(row.session.energy_wh) if is_bill else "",
            "owed": showing.money(owed, row.currency) if owed > 0 else "",
            "waiting": came_back and owed > 0,
            "underway": is_bill and row.state == Cdr.State.UNPAID and owed <= 0,
            "receipt": reverse("billing:receipt", args=[row.session.link]) if is_bill else "",
            "here": here,
        }
        response = render(request, "billing/debt.html", context)
    # Who has the link may pay; nobody should find it in a search or behind a link on the page.
    response["X-Robots-Tag"] = "noindex"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _look(row) -> None:
    """They come back from the page: take over what it says, without waiting for the webhook."""
    last = debt_pages.pages_of(row).first()
    if last is None:
        return
    try:
        debt_pages.look(row=last)
        if last.state == DebtPage.State.PAID and last.payment is not None:
            actions.proceed(payment=last.payment)
    except ProviderDown:
        # The webhook or the sweeper brings it.
        pass
