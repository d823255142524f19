"""`/ops/firmware/`: the operator's firmware images, and campaigns that bring them to many chargers."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from monitoring import firmware_forms
from monitoring.guard import ops_page
from stations.exceptions import Refused
from stations.firmware import campaigns, images
from stations.models import Campaign, CampaignStation, FirmwareImage

PAGE = 50
VERBS = {
    "pause": campaigns.pause,
    "resume": campaigns.resume,
    "cancel": campaigns.cancel,
    "retry": campaigns.retry_failed,
}
Row = CampaignStation.State


def _crumbs() -> list[dict]:
    return [{"label": _("Firmware"), "url": reverse("ops:firmware")}]


def counted(listed):
    return listed.annotate(
        total=Count("rows"),
        done=Count("rows", filter=Q(rows__state=Row.DONE)),
        failed=Count("rows", filter=Q(rows__state=Row.FAILED)),
        running=Count("rows", filter=Q(rows__state=Row.RUNNING)),
        pending=Count("rows", filter=Q(rows__state=Row.PENDING)),
    )


@ops_page("view_ops")
def firmware(request):
    listed = FirmwareImage.objects.visible_to(request.access).filter(is_retired=False)
    made = Campaign.objects.visible_to(request.access).select_related("image")
    return render(
        request,
        "monitoring/firmware.html",
        {
            "title": _("Firmware"),
            "images": listed.select_related("operator"),
            "page": Paginator(counted(made).order_by("-pk"), PAGE).get_page(request.GET.get("page")),
            "may_manage": bool(request.access.everything or request.access.operator_ids("manage_stations")),
        },
    )


@ops_page("manage_stations")
@require_http_methods(["GET", "POST"])
def new_image(request):
    form = firmware_forms.NewImage(request.POST or None, request.FILES or None, access=request.access)
    if request.method == "POST" and form.is_valid() and form.tried(request.user) is not None:
        messages.success(request, _("The firmware can be installed now."))
        return redirect("ops:firmware")
    return render(
        request,
        "monitoring/firmware_form.html",
        {
            "title": _("Add firmware"),
            "crumbs": _crumbs(),
            "form": form,
            "submit": _("Add"),
            "cancel_url": reverse("ops:firmware"),
        },
    )


@ops_page("manage_stations")
@require_POST
def retire_image(request, pk):
    found = get_object_or_404(FirmwareImage.objects.visible_to(request.access, "manage_stations"), pk=pk)
    images.retire(image=found)
    messages.success(request, _("It is not offered any more."))
    return redirect("ops:firmware")


@ops_page("manage_stations")
@require_http_methods(["GET", "POST"])
def new(request):
    """First who it would reach; then, for as many as were shown, the campaign."""
    form = firmware_forms.NewCampaign(request.POST or None, access=request.access)
    found = None
    if request.method == "POST" and form.is_valid():
        found = form.stations()
        if request.POST.get("confirmed") == str(len(found)):
            campaign = form.tried(request.user)
            if campaign is not None:
                return redirect("ops:campaign", campaign.pk)
    return render(
        request,
        "monitoring/campaign_new.html",
        {
            "title": _("New campaign"),
            "crumbs": _crumbs(),
            "form": form,
            "found": found,
            "count": len(found or []),
            "start_words": ngettext("Start for %(n)s charger", "Start for %(n)s chargers", len(found or []))
            % {"n": len(found or [])},
        },
    )


@ops_page("view_ops")
def campaign(request, pk):
    mine = Campaign.objects.visible_to(request.access).select_related("image", "operator", "created_by")
    found = get_object_or_404(counted(mine), pk=pk)
    rows = found.rows.select_related("station__site", "update__image")
    state = request.GET.get("state", "")
    if state in Row.values:
        rows = rows.filter(state=state)
    return render(
        request,
        "monitoring/campaign.html",
        {
            "title": found.name,
            "crumbs": _crumbs(),
            "campaign": found,
            "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
            "states": [
                {
                    "label": label,
                    "url": f"?state={value}" if value else "?",
                    "current": value == state,
                }
                for value, label in [("", _("All")), *Row.choices]
            ],
            "at": timezone.now(),
            "may_manage": found.operator_id in request.access.operator_ids("manage_stations")
            or request.access.everything,
            "may_pause": found.state in (Campaign.State.SCHEDULED, Campaign.State.RUNNING),
            "may_resume": found.state in (Campaign.State.PAUSED, Campaign.State.STOPPED),
            "may_cancel": found.state not in (Campaign.State.CANCELLED, Campaign.State.FINISHED),
            "may_retry": found.rows.filter(state__in=[Row.FAILED, Row.SKIPPED]).exists(),
        },
    )


@ops_page("manage_stations")
@require_POST
def act(request, pk, verb):
    found = get_object_or_404(Campaign.objects.visible_to(request.access, "manage_stations"), pk=pk)
    if verb not in VERBS:
        raise Http404
    try:
        VERBS[verb](campaign=found)
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("ops:campaign", pk)
