"""Who may open a page of finance, and whose books it shows."""

from __future__ import annotations

from functools import wraps

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext_lazy

from evportal.accounts.models import Operator

PAGES = (
    ("fin:invoices", gettext_lazy("Invoices"), "view_money"),
    ("fin:exports", gettext_lazy("Exports"), "view_money"),
    ("fin:months", gettext_lazy("Months"), "keep_books"),
    ("fin:journal", gettext_lazy("Journal"), "view_money"),
    ("fin:payouts", gettext_lazy("Payouts"), "view_money"),
    ("fin:disputes", gettext_lazy("Disputes"), "view_money"),
    ("fin:reconciliation", gettext_lazy("Reconciliation"), "keep_books"),
    ("fin:plans", gettext_lazy("Plans"), "view_money"),
    ("fin:hosts", gettext_lazy("Site hosts"), "keep_books"),
    ("fin:books", gettext_lazy("Settings"), "keep_books"),
)


def needs(permission: str):
    """Only for people whose role carries the permission; which rows they see is the queryset's matter."""

    def decorate(view):
        @login_required
        @wraps(view)
        def guarded(request, *args, **kwargs):
            if not request.access.may(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def tabs(request, current: str) -> list[dict]:
    return [
        {"label": label, "url": reverse(name), "current": name == current}
        for name, label, permission in PAGES
        if request.access.may(permission)
    ]


def operators(request, permission: str, *, whole: bool = True) -> list[Operator]:
    """Those whose books somebody may see; `whole`: only where no site is kept from them."""
    found = Operator.objects.filter(request.access.operators(permission, ""))
    if not whole:
        ids = {grant.operator_id for grant in request.access.with_permission(permission)}
        found = found | Operator.objects.filter(pk__in=ids)
    return list(found.distinct().order_by("name"))


def operator(request, permission: str, *, whole: bool = True) -> Operator:
    """The one that the address names, else the first; there being none is not to be told from its not being
    theirs."""
    mine = operators(request, permission, whole=whole)
    slug = request.POST.get("operator") or request.GET.get("operator")
    if slug:
        mine = [each for each in mine if each.slug == slug]
    if not mine:
        if not slug:
            raise PermissionDenied
        raise Http404
    return mine[0]
