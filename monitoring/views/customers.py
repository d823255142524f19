"""`/ops/customers/`: ask chargers what they keep about a driver, or to forget them (2.x)."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from monitoring import firmware_forms
from monitoring.guard import ops_page
from stations import customer_information
from stations.models import CustomerInquiry

PAGE = 50


@ops_page("view_drivers")
@require_http_methods(["GET", "POST"])
def customers(request):
    form = firmware_forms.AskCustomer(request.POST or None, access=request.access)
    if request.method == "POST" and form.is_valid():
        count = form.tried(request.user)
        if count is not None:
            words = ngettext("%(n)s charger is asked.", "%(n)s chargers are asked.", count)
            messages.success(request, words % {"n": count})
            return redirect("ops:customers")
    listed = CustomerInquiry.objects.visible_to(request.access).select_related("station__site", "created_by")
    return render(
        request,
        "monitoring/customers.html",
        {
            "title": _("Customer information"),
            "crumbs": [{"label": _("Chargers"), "url": reverse("ops:chargers")}],
            "form": form,
            "page": Paginator(listed, PAGE).get_page(request.GET.get("page")),
        },
    )


@ops_page("view_drivers")
@require_POST
def show(request, pk):
    """What the charger told, in this answer and nowhere else."""
    found = get_object_or_404(
        CustomerInquiry.objects.visible_to(request.access).select_related("station__site"), pk=pk
    )
    text = customer_information.show(inquiry=found)
    if text is None:
        messages.error(request, _("It was shown already, or there is nothing to show."))
        return redirect("ops:customers")
    response = render(
        request,
        "monitoring/customer_shown.html",
        {
            "title": _("Customer information"),
            "crumbs": [{"label": _("Customer information"), "url": reverse("ops:customers")}],
            "inquiry": found,
            "text": text,
        },
    )
    response["Cache-Control"] = "no-store"
    return response
