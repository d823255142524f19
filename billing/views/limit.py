"""Limits on the pages: with the start, and of a running session."""

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing import prices
from billing.actions import limiting, watching
from billing.forms_limit import LimitForm, given, initial
from billing.views import visitors
from stations.exceptions import Refused
from stations.models import Evse, Session


def start_form(request, evse: Evse, currency: str) -> LimitForm:
    """Empty, or what was entered and refused (`refused`)."""
    entered = given(request.GET)
    return LimitForm(entered or None, evse=evse, currency=currency)


def refused(back: str, data) -> str:
    """The page that they come from, with what they entered and why it won't do."""
    return f"{back}?{urlencode(given(data))}"


def may_change(request, session: Session) -> bool:
    """A limit is money: having the session's link is enough to stop it, not to let it cost more."""
    return session.is_open and visitors.is_own(request, session.user_id)


@require_http_methods(["GET", "HEAD", "POST"])
def limit(request, link):
    """Set, change or lift the limit of a running session."""
    from billing.views.session import linked_session

    row = linked_session(link)
    back = reverse("billing:session", args=[row.link])
    if not row.is_open:
        return redirect("billing:receipt", row.link)
    if not may_change(request, row):
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        messages.error(request, str(limiting.NotYours()))
        return redirect(back)
    now = watching.limits_of(row)
    currency = _currency(row)
    form = LimitForm(request.POST or None, evse=row.evse, currency=currency, initial=initial(now))
    if request.method == "POST" and form.is_valid():
        try:
            limiting.change(session=row, wanted=form.wanted)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(
                request, _("The limit is set.") if form.wanted else _("There is no limit any more.")
            )
            return redirect(back)
    with timezone.override(row.station.site.zone):
        context = {
            "title": _("Set a limit"),
            "session": row,
            "form": form,
            "back": back,
            "charger_id": row.evse.public_id,
        }
        return render(request, "billing/limit.html", context)


def _currency(session: Session) -> str:
    version = prices.frozen_version(session)
    return prices.tariff(version).currency if version else session.station.site.operator.currency
