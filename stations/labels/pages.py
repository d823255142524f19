"""The admin's action on sites, chargers and EVSEs: choose a size, get the sheet."""

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from stations.labels import sheet
from stations.labels.codes import MOST, SIZES, Label
from stations.models import Evse


class SheetForm(forms.Form):
    size = forms.ChoiceField(
        label=_("Labels"),
        choices=[(size.name, size.title) for size in SIZES.values()],
        initial="medium",
        widget=UnfoldAdminSelectWidget,
    )
    hint = forms.CharField(
        label=_("Line about the price"),
        required=False,
        max_length=80,
        initial="Scan to see the price and to start",
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Prices change, and what is printed doesn't: the page behind the code has the price."),
    )


class LabelAction:
    """For an admin whose rows lead to EVSEs; `evses_of` is the way back from an EVSE to them."""

    evses_of = "pk"

    @admin.action(description=_("QR-code sheet (PDF)"), permissions=["view"])
    def qr_sheet(self, request, queryset):
        evses = (
            Evse.objects.visible_to(request.access, self.view_permission)
            .filter(**{f"{self.evses_of}__in": queryset.order_by().values("pk")})
            .select_related("station__site__operator")
            .order_by("station__site__name", "station__name", "station", "number")
        )
        # Where only the codes on displays count, a printed one would lead nowhere.
        printed = list(evses.filter(station__site__static_codes=True)[: MOST + 1])
        if len(printed) > MOST:
            messages.error(request, _("Choose chargers with at most %(n)s EVSEs at once.") % {"n": MOST})
            return None
        if not printed:
            messages.error(request, _("None of these has an EVSE whose printed code may be used."))
            return None
        form = SheetForm(request.POST if "size" in request.POST else None)
        if form.is_valid():
            content = sheet.pdf(
                [label(evse) for evse in printed],
                size=SIZES[form.cleaned_data["size"]],
                hint=form.cleaned_data["hint"],
            )
            headers = {"Content-Disposition": 'attachment; filename="qr-codes.pdf"'}
            return HttpResponse(content, content_type="application/pdf", headers=headers)
        context = {
            **self.admin_site.each_context(request),
            "title": _("QR-code sheet"),
            "opts": self.opts,
            "form": form,
            "count": len(printed),
            "left_out": evses.count() - len(printed),
            "chosen": list(queryset.values_list("pk", flat=True)[: MOST + 1]),
            "checkbox": ACTION_CHECKBOX_NAME,
            "back": reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"),
        }
        return TemplateResponse(request, "admin/stations/labels.html", context)


def label(evse: Evse) -> Label:
    operator = evse.station.site.operator
    return Label(
        # The page is billing's, which is to the right of here: its address is known by name.
        url=settings.PUBLIC_URL + reverse("billing:charger", args=[evse.public_id]),
        evse_id=evse.public_id,
        charger=f"{evse.station.site.name} · {evse.station.name}",
        operator=operator.name,
        phone=operator.support_phone,
    )
