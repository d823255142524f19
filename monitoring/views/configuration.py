"""`/ops/chargers/<pk>/config/`: what one charger is set to, what it should be, and changing it."""

from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from monitoring.config_forms import VERBS, ConfigForm, SettingFilter, SettingForm
from monitoring.guard import ops_page
from monitoring.once import only_once
from monitoring.views.charger import find, page
from monitoring.views.commands import _crumbs as charger_crumbs
from stations.configuration import names, templates
from stations.exceptions import ChargerOffline, Refused
from stations.models import ConfigurationRun, Provisioning, Setting

PAGE = 100


@ops_page("view_messages")
def config(request, pk):
    found = find(request, pk, "view_messages")
    station = found.station
    form = SettingFilter(request.GET, access=request.access)
    if names.is_16(station.ocpp_version):
        del form.fields["component"]
    rows = Paginator(filtered(station.settings.all(), form.chosen()), PAGE).get_page(request.GET.get("page"))
    differences = templates.differences(station)
    count = rows.paginator.count
    with timezone.override(station.site.zone):
        return page(
            request,
            found,
            "charger_config",
            "monitoring/charger_config.html",
            form=form,
            active=form.chips(request),
            clear_url="?",
            count=ngettext("%(n)s setting", "%(n)s settings", count) % {"n": count},
            page=rows,
            provisioning=Provisioning.objects.filter(station=station).first(),
            templates=templates.fitting(station),
            guarded=templates.GUARDED[templates.protocol(station.ocpp_version)],
            differences=differences,
            differing=[each for each in differences if each.counts],
            runs=station.configuration_runs.select_related("created_by", "api_key")[:5],
            # Not the forms themselves: a template would call them.
            verbs=[
                {"verb": each.verb, "title": each.title}
                for each in verbs_for(station)
                if request.access.may_at(each.permission, station.site)
            ],
        )


def verbs_for(station) -> list[type[ConfigForm]]:
    """What can be done to this charger."""
    left_out = {
        station.Registration.ACCEPTED: {"accept"},
        station.Registration.PENDING: {"pend"},
        station.Registration.REJECTED: {"reject"},
    }[station.registration]
    if station.security_profile not in (1, 2):
        left_out = left_out | {"password"}
    if station.security_profile >= 3:
        left_out = left_out | {"profile"}
    upcoming = Provisioning.objects.filter(station=station).first()
    if upcoming is None or not (upcoming.next_password_hash or upcoming.next_security_profile):
        left_out = left_out | {"give-up"}
    return [each for each in VERBS.values() if each.verb not in left_out]


def filtered(settings, chosen: dict):
    if text := chosen.get("q"):
        settings = settings.filter(Q(path__icontains=text) | Q(value__icontains=text))
    if component := chosen.get("component"):
        settings = settings.filter(component__icontains=component)
    if chosen.get("kind") == "changeable":
        settings = settings.exclude(mutability=Setting.Mutability.READ_ONLY)
    if chosen.get("kind") == "refused":
        settings = settings.exclude(refusal="")
    return settings.order_by("path")


def _finish(request, form: ConfigForm, charger):
    """Send once and go to the run's page; None if it was refused, with the reason in the form."""

    def send() -> str:
        if form.needs_socket and not charger.station.is_online:
            raise ChargerOffline
        made = form.send()
        if form.needs_socket:
            return reverse("ops:configuration_run", args=[made.pk])
        return reverse("ops:charger_config", args=[charger.station.pk])

    try:
        address = only_once(user_id=request.user.pk, token=form.cleaned_data["once"], do=send)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return None
    # The same form is being sent at this moment: the page shows what comes of it.
    return redirect(address or reverse("ops:charger_config", args=[charger.station.pk]))


@ops_page("command")
@require_http_methods(["GET", "POST"])
def do(request, pk, verb):
    """Asks first, naming the charger and what follows."""
    form_class = VERBS.get(verb)
    if form_class is None:
        raise Http404
    charger = find(request, pk, form_class.permission)
    if form_class not in verbs_for(charger.station):
        raise Http404
    with timezone.override(charger.station.site.zone):
        form = form_class(request.POST or None, charger=charger, access=request.access, user=request.user)
        if request.method == "POST" and form.is_valid():
            done = _finish(request, form, charger)
            if done:
                return done
        return _ask(request, charger, form)


def _ask(request, charger, form: ConfigForm):
    back = reverse("ops:charger_config", args=[charger.station.pk])
    return render(
        request,
        "monitoring/do.html" if form.needs_socket else "confirm.html",
        {
            "base": "base_ops.html",
            "title": form.title,
            "question": form.question,
            "consequences": form.consequences(),
            "form": form,
            "action_url": request.get_full_path(),
            "submit": form.submit,
            "danger": form.danger,
            "busy": _("Sending…"),
            "cancel_url": back,
            "crumbs": [*charger_crumbs(charger), {"label": _("Configuration"), "url": back}],
            "charger": charger,
            "may_send": charger.station.is_online,
        },
    )


@ops_page("command")
@require_http_methods(["GET", "POST"])
def change(request, pk):
    """One setting: of those that the charger told, or any by its name."""
    charger = find(request, pk, "command")
    path = request.GET.get("path", "")
    setting = charger.station.settings.filter(path=path).first() if path and "\x00" not in path else None
    if path and setting is None:
        raise Http404
    initial = {"path": path, "value": setting.value if setting else ""}
    form = SettingForm(
        request.POST or None,
        charger=charger,
        access=request.access,
        user=request.user,
        setting=setting,
        initial=initial,
    )
    if setting is not None:
        form.title = str(setting)
    if request.method == "POST" and form.is_valid():
        done = _finish(request, form, charger)
        if done:
            return done
    return _ask(request, charger, form)


@ops_page("view_messages")
def run(request, pk):
    """What became of one reading or changing."""
    found = get_object_or_404(
        ConfigurationRun.objects.visible_to(request.access, "view_messages").select_related(
            "station__site", "created_by", "api_key"
        ),
        pk=pk,
    )
    back = reverse("ops:charger_config", args=[found.station_id])
    with timezone.override(found.station.site.zone):
        return render(
            request,
            "monitoring/run.html",
            {
                "title": found.get_kind_display(),
                "watch": f"station:{found.station_id}",
                "crumbs": [
                    {"label": _("Chargers"), "url": reverse("ops:chargers")},
                    {"label": found.station.name, "url": reverse("ops:charger", args=[found.station_id])},
                    {"label": _("Configuration"), "url": back},
                ],
                "run": found,
                "back": back,
                "may_command": request.access.may_at("command", found.station.site),
                "messages_url": "?".join(
                    [
                        reverse("ops:charger_messages", args=[found.station_id]),
                        urlencode({"since": f"{timezone.localtime(found.created_at):%Y-%m-%dT%H:%M}"}),
                    ]
                ),
                "at": timezone.now(),
            },
        )
