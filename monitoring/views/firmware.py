"""`/ops/chargers/<pk>/firmware/`: what a charger runs, its updates, and the logs it was asked for."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from monitoring import firmware_forms, overview
from monitoring.guard import ops_page
from monitoring.verbs.base import interrupted
from monitoring.views import charger
from stations.exceptions import Refused
from stations.files import streams, tickets
from stations.firmware import publications
from stations.models import LogRequest, Publication

LISTED = 20


@ops_page("view_ops")
def firmware(request, pk):
    found = charger.find(request, pk)
    station = found.station
    may = request.access.may_at
    with timezone.override(station.site.zone):
        return charger.page(
            request,
            found,
            "charger_firmware",
            "monitoring/charger_firmware.html",
            updates=overview.firmware_updates(station),
            publications=station.publications.select_related("image")[:LISTED],
            is_controller=station.ocpp_version not in ("", "1.6"),
            logs=station.log_requests.all()[:LISTED] if may("view_messages", station.site) else None,
            may_update=may("manage_stations", station.site),
        )


def _form_page(request, pk, permission: str, form_class, title: str, submit: str, done: str, **context):
    found = charger.find(request, pk, permission)
    station, back = found.station, reverse("ops:charger_firmware", args=[pk])
    with timezone.override(station.site.zone):
        form = form_class(request.POST or None, station=station)
        if request.method == "POST" and form.is_valid() and form.tried(request.user) is not None:
            messages.success(request, done)
            return redirect(back)
        return render(
            request,
            "monitoring/firmware_form.html",
            {
                "title": title,
                "crumbs": [
                    {"label": _("Chargers"), "url": reverse("ops:chargers")},
                    {"label": station.name, "url": reverse("ops:charger", args=[pk])},
                    {"label": _("Firmware"), "url": back},
                ],
                "station": station,
                "consequences": interrupted(found) if form_class is firmware_forms.Update else [],
                "form": form,
                "submit": submit,
                "cancel_url": back,
                **context,
            },
        )


@ops_page("manage_stations")
@require_http_methods(["GET", "POST"])
def update(request, pk):
    return _form_page(
        request,
        pk,
        "manage_stations",
        firmware_forms.Update,
        _("Update firmware"),
        _("Update"),
        _("The charger is told. Its progress is shown below."),
        none_fits=True,
    )


@ops_page("manage_stations")
@require_http_methods(["GET", "POST"])
def publish(request, pk):
    found = charger.find(request, pk, "manage_stations")
    if found.station.ocpp_version in ("", "1.6"):
        raise Http404
    return _form_page(
        request,
        pk,
        "manage_stations",
        firmware_forms.Publish,
        _("Publish firmware"),
        _("Publish"),
        _("The controller is told to fetch it."),
    )


@ops_page("manage_stations")
@require_POST
def withdraw(request, pk):
    found = get_object_or_404(
        Publication.objects.filter(request.access.sites("manage_stations", "station__site")).select_related(
            "station", "image"
        ),
        pk=pk,
    )
    try:
        publications.unpublish(publication=found, by=request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The controller is told to offer it no longer."))
    return redirect("ops:charger_firmware", found.station_id)


@ops_page("command")
@require_http_methods(["GET", "POST"])
def ask_log(request, pk):
    return _form_page(
        request,
        pk,
        "command",
        firmware_forms.AskLog,
        _("Request a log"),
        _("Request"),
        _("The charger is asked. The file appears below when it has sent it."),
    )


@ops_page("view_messages")
def log_file(request, pk):
    """What a charger left is something to keep: it is never shown or run here."""
    found = get_object_or_404(LogRequest.objects.visible_to(request.access), pk=pk)
    if not found.file:
        raise Http404
    name = tickets.safe_name(found.name, f"log-{found.pk}.bin")
    return streams.send(request, found.file, name=name, size=found.size, etag=found.sha256)
