"""Tell a charger to do something, and see what it answers and does."""

import json
import uuid

from django import forms
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from monitoring import command_forms, overview
from monitoring.forms import VERBS, interrupted
from monitoring.guard import ops_page
from monitoring.once import only_once
from monitoring.views.charger import find
from stations import commands
from stations.configuration import masking
from stations.exceptions import ChargerOffline, Refused
from stations.models import Command
from stations.ocpp import schemas


def _finish(request, form: forms.Form, charger: overview.Row, send):
    """Send once and go to the command's page; None if the charger refused, with the reason in the form."""
    try:
        pk = only_once(user_id=request.user.pk, token=form.cleaned_data["once"], send=send)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return None
    # The same form is being sent at this moment: the history shows what comes of it.
    return redirect("ops:command", pk) if pk else redirect("ops:charger_history", charger.station.pk)


def _crumbs(charger: overview.Row) -> list[dict]:
    return [
        {"label": _("Chargers"), "url": reverse("ops:chargers")},
        {"label": charger.station.name, "url": reverse("ops:charger", args=[charger.station.pk])},
    ]


@ops_page("command")
@require_http_methods(["GET", "POST"])
def do(request, pk, verb):
    """One of the usual commands: asks first, naming the charger and what it interrupts."""
    charger = find(request, pk, "command")
    form_class = VERBS.get(verb)
    if form_class is None:
        raise Http404
    with timezone.override(charger.station.site.zone):
        initial = {"session": request.GET.get("session"), "evse": request.GET.get("evse")}
        form = form_class(
            request.POST or None, charger=charger, access=request.access, user=request.user, initial=initial
        )
        if request.method == "POST" and form.is_valid():
            done = _finish(request, form, charger, form.send)
            if done:
                return done
        return render(
            request,
            "monitoring/do.html",
            {
                "base": "base_ops.html",
                "title": form.title,
                "question": form.question,
                "consequences": form.consequences(),
                "form": form,
                "action_url": request.path,
                "submit": form.submit,
                "danger": form.danger,
                "busy": _("Sending…"),
                "cancel_url": reverse("ops:charger", args=[pk]),
                "crumbs": _crumbs(charger),
                "charger": charger,
            },
        )


@ops_page("command")
def choose(request, pk):
    """Every call that the charger's version knows."""
    charger = find(request, pk, "command")
    version = charger.station.ocpp_version or "1.6"
    return render(
        request,
        "monitoring/call_choose.html",
        {
            "title": _("Any command"),
            "crumbs": _crumbs(charger),
            "charger": charger,
            "version": version,
            "actions": [
                {"name": name, "risky": name in command_forms.RISKY}
                for name in schemas.actions_to_station(version)
            ],
        },
    )


@ops_page("command")
@require_http_methods(["GET", "POST"])
def call(request, pk, action):
    """One call of the protocol: a form from its schema; a risky one asks once more."""
    charger = find(request, pk, "command")
    station = charger.station
    form_class = command_forms.form_for(station.ocpp_version or "1.6", action)
    if form_class is None:
        raise Http404
    form = form_class(request.POST or None, initial={"once": uuid.uuid4()})
    if request.method == "POST" and form.is_valid():
        if action in command_forms.RISKY and "confirmed" not in request.POST:
            return _ask(request, charger, action, form)

        def send():
            if not station.is_online:
                raise ChargerOffline
            return commands.send(station=station, action=action, payload=form.payload, by=request.user)

        done = _finish(request, form, charger, send)
        if done:
            return done
    return render(
        request,
        "monitoring/call.html",
        {
            "title": action,
            "crumbs": [
                *_crumbs(charger),
                {"label": _("Any command"), "url": reverse("ops:call_choose", args=[pk])},
            ],
            "charger": charger,
            "form": form,
            "cancel_url": reverse("ops:charger", args=[pk]),
        },
    )


def _ask(request, charger: overview.Row, action: str, form: forms.Form):
    consequences = [
        _("Charger: %(name)s, %(site)s") % {"name": charger.station.name, "site": charger.station.site.name},
        *(interrupted(charger) if action in command_forms.INTERRUPTING else []),
        _("Message: %s") % json.dumps(masking.masked(form.payload), ensure_ascii=False),
    ]
    hidden = [(name, value) for name in form.fields for value in request.POST.getlist(name)]
    return render(
        request,
        "monitoring/do.html",
        {
            "base": "base_ops.html",
            "title": action,
            "question": _("Send this to the charger?"),
            "consequences": consequences,
            "hidden": [*hidden, ("confirmed", "1")],
            "action_url": request.path,
            "submit": _("Send %s") % action,
            "danger": True,
            "busy": _("Sending…"),
            "cancel_url": reverse("ops:charger", args=[charger.station.pk]),
            "crumbs": _crumbs(charger),
            "charger": charger,
        },
    )


@ops_page("view_messages")
def command(request, pk):
    """What became of it: sent, answered, and what the charger then did."""
    found = get_object_or_404(
        Command.objects.visible_to(request.access, "view_messages").select_related(
            "station__site", "created_by", "api_key"
        ),
        pk=pk,
    )
    with timezone.override(found.station.site.zone):
        return render(
            request,
            "monitoring/command.html",
            {
                "title": found.action,
                "watch": f"station:{found.station_id}",
                "crumbs": [
                    {"label": _("Chargers"), "url": reverse("ops:chargers")},
                    {"label": found.station.name, "url": reverse("ops:charger", args=[found.station_id])},
                    {"label": _("History"), "url": reverse("ops:charger_history", args=[found.station_id])},
                ],
                "progress": overview.progress(found),
                "may_command": request.access.may_at("command", found.station.site),
                "at": timezone.now(),
            },
        )
