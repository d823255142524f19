"""Bulk actions of the admin that ask first: a page that counts and lists what would happen, then the deed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from stations.exceptions import Refused

#: More than somebody can read through before they agree.
MOST = 500
LISTED = 100


def asks(
    *,
    description,
    effect,
    button,
    concerns: Callable | None = None,
    permissions: Iterable[str] = ("change",),
):
    """Makes `method(self, request, rows) -> said` a bulk action with a confirmation page.

    `effect` is what the page says will become of the rows; `concerns(request, row)` whether one is concerned
    at all. Only rows that the viewer may change are given to the method, in one transaction; what it returns
    is said.
    """

    def decorator(method):
        @admin.action(description=description, permissions=permissions)
        @wraps(method)
        def action(self, request, queryset):
            chosen = queryset.count()
            if chosen > MOST:
                messages.error(request, _("Choose at most %(n)s at once.") % {"n": MOST})
                return None
            mine = queryset.filter(self.scope(request.access, self.change_permission)).order_by()
            # Locked while it is done, so that what was asked about is what is changed.
            with transaction.atomic():
                agreed = request.POST.get("agreed") == "1"
                found = mine.model._default_manager.filter(pk__in=mine.values("pk")).order_by("pk")
                rows = list(found.select_for_update() if agreed else found)
                rows = [row for row in rows if concerns is None or concerns(request, row)]
                if not rows:
                    messages.warning(request, _("None of these would be changed."))
                    return None
                if agreed:
                    try:
                        with transaction.atomic():
                            said = method(self, request, rows)
                    except Refused as refusal:
                        messages.error(request, str(refusal))
                        return None
                    messages.success(request, said)
                    return None
            context = {
                **self.admin_site.each_context(request),
                "title": description,
                "opts": self.opts,
                "effect": effect,
                "button": button,
                "count": len(rows),
                "left_out": chosen - len(rows),
                "lines": [str(row) for row in rows[:LISTED]],
                "more": max(0, len(rows) - LISTED),
                "chosen": [row.pk for row in rows],
                "checkbox": ACTION_CHECKBOX_NAME,
                "action": method.__name__,
                "back": reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"),
            }
            return TemplateResponse(request, "admin/agree.html", context)

        return action

    return decorator
