"""Certificates: a charger's own tab, and `/ops/certificates/` for the authorities and all that was issued."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from monitoring import certificates
from monitoring.certificate_forms import RevokeForm, RootForm
from monitoring.guard import ops_page
from monitoring.views.charger import find, page
from stations.certificates import issuing, roots
from stations.exceptions import Refused
from stations.models import Authority, Certificate, Event, RootCertificate

PAGE = 50
KINDS = (Event.Kind.CERTIFICATE, Event.Kind.SECURITY)


def _crumbs() -> list[dict]:
    return [
        {"label": _("Chargers"), "url": reverse("ops:chargers")},
        {"label": _("Certificates"), "url": reverse("ops:certificates")},
    ]


@ops_page("view_ops")
def charger_certificates(request, pk):
    found = find(request, pk)
    station = found.station
    with timezone.override(station.site.zone):
        issued = Paginator(station.certificates.all(), PAGE).get_page(request.GET.get("page"))
        return page(
            request,
            found,
            "charger_certificates",
            "monitoring/charger_certificates.html",
            page=issued,
            installed=certificates.installed_on(station),
            events=station.events.filter(kind__in=KINDS)[:20],
            may_revoke=request.access.may_at("manage_stations", station.site),
        )


@ops_page("view_ops")
def overview(request):
    issued = Certificate.objects.visible_to(request.access).exclude(fingerprint="")
    issued = issued.select_related("station__site")
    tab = request.GET.get("tab", "")
    now = timezone.now()
    tabs = {
        "": (_("In use"), issued.good(now).order_by("not_after", "pk")),
        "over": (_("Revoked or expired"), issued.exclude(pk__in=issued.good(now).values("pk"))),
    }
    tab = tab if tab in tabs else ""
    listed = Paginator(tabs[tab][1], PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "monitoring/certificates.html",
        {
            "title": _("Certificates"),
            "crumbs": _crumbs()[:1],
            "authorities": Authority.objects.all(),
            "roots": RootCertificate.objects.visible_to(request.access).select_related("operator"),
            "page": listed,
            "tab": tab,
            "tabs": [
                {"label": label, "url": f"?tab={name}#issued", "current": name == tab}
                for name, (label, _rows) in tabs.items()
            ],
            "may_manage": request.access.everything or bool(request.access.operator_ids("manage_sites")),
            "may_revoke": request.access.may("manage_stations"),
            "now": now,
        },
    )


@ops_page("view_ops")
def authority(request, purpose):
    """The root of the portal's own authority, to be put on a proxy or a charger."""
    if purpose not in Authority.Purpose.values:
        raise Http404
    row = get_object_or_404(Authority, purpose=purpose, is_root=True)
    response = HttpResponse(row.certificate, content_type="application/x-pem-file")
    response["Content-Disposition"] = f'attachment; filename="evportal-{purpose}-root.pem"'
    return response


@ops_page("manage_stations")
@require_http_methods(["GET", "POST"])
def revoke(request, pk):
    mine = Certificate.objects.visible_to(request.access, "manage_stations")
    found = get_object_or_404(mine.select_related("station__site"), pk=pk)
    station = found.station
    back = reverse("ops:charger_certificates", args=[station.pk])
    form = RevokeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            issuing.revoke(certificate=found, by=request.user, **form.cleaned_data)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("The certificate is revoked."))
        return redirect(back)
    consequences = [
        _("Charger: %(name)s, %(site)s") % {"name": station.name, "site": station.site.name},
        _("Serial number: %s") % found.serial_number,
        _("This can't be undone."),
    ]
    if station.security_profile == 3:
        consequences.append(_("The charger is disconnected, and needs another certificate to come in again."))
    return render(
        request,
        "confirm.html",
        {
            "base": "base_ops.html",
            "title": _("Revoke a certificate"),
            "question": _("From now on nobody is to trust this certificate?"),
            "consequences": consequences,
            "form": form,
            "action_url": request.path,
            "submit": _("Revoke it"),
            "danger": True,
            "busy": _("Revoking…"),
            "cancel_url": back,
            "crumbs": _crumbs(),
        },
    )


@ops_page("manage_sites")
@require_http_methods(["GET", "POST"])
def add_root(request):
    form = RootForm(request.POST or None, access=request.access)
    if request.method == "POST" and form.is_valid() and form.save():
        messages.success(request, _("The root is kept. Put it on chargers from their own pages."))
        return redirect("ops:certificates")
    return render(
        request,
        "monitoring/root_add.html",
        {
            "title": _("Add a root"),
            "crumbs": _crumbs(),
            "form": form,
            "cancel_url": reverse("ops:certificates"),
        },
    )


@ops_page("manage_sites")
@require_http_methods(["GET", "POST"])
def delete_root(request, pk):
    found = get_object_or_404(RootCertificate.objects.visible_to(request.access, "manage_sites"), pk=pk)
    if request.method == "POST":
        roots.remove(root=found)
        messages.success(request, _("The root is forgotten."))
        return redirect("ops:certificates")
    consequences = [found.subject, _("Chargers on which it is installed keep it.")]
    if found.admits_stations:
        consequences.append(_("Chargers can't sign in any more with certificates that it signed."))
    return render(
        request,
        "confirm.html",
        {
            "base": "base_ops.html",
            "title": _("Forget the root %s") % found.name,
            "question": _("Trust nothing any more that only this root vouches for?"),
            "consequences": consequences,
            "action_url": request.path,
            "submit": _("Forget it"),
            "danger": True,
            "busy": _("Deleting…"),
            "cancel_url": reverse("ops:certificates"),
            "crumbs": _crumbs(),
        },
    )
