"""Tell a charger to do something, and see what it answers and does."""

import json
import uuid

from django import forms
from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from monitoring import command_forms, overview
from monitoring.guard import ops_page
from monitoring.once import only_once
from monitoring.verbs import VERBS
from monitoring.verbs.base import interrupted, keep_for, wait_field
from monitoring.views.charger import find
from stations import availability, commands
from stations.configuration import masking
from stations.exceptions import ChargerOffline, Refused
from stations.models import AvailabilityPlan, BulkCommand, Command
from stations.ocpp import schemas

#: What a link may choose beforehand.
CHOSEN = ("session", "evse", "connector", "profile", "monitor", "certificate")


def _finish(request, form: forms.Form, charger: overview.Row, send):
    """Send once and go to the command's page; None if that was refused, with the reason in the form."""
    try:
        address = only_once(
            user_id=request.user.pk, token=form.cleaned_data["once"], do=lambda: _address(send())
        )
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return None
    # The same form is being sent at this moment: the history shows what comes of it.
    return redirect(address or reverse("ops:charger_history", args=[charger.station.pk]))


def _address(made: Command | AvailabilityPlan) -> str:
    if isinstance(made, Command):
        return reverse("ops:command", args=[made.pk])
    return reverse("ops:charger", args=[made.station_id]) + "#plans"


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
        initial = {name: request.GET[name] for name in CHOSEN if name in request.GET}
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
                "may_send": charger.station.is_online or form.may_wait or form.takes_offline,
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
    form.fields["if_offline"] = wait_field()
    if request.method == "POST" and form.is_valid():
        if action in command_forms.RISKY and "confirmed" not in request.POST:
            return _ask(request, charger, action, form)

        def send():
            waits = keep_for(form.cleaned_data["if_offline"])
            if not station.is_online and not waits:
                raise ChargerOffline
            return commands.send(
                station=station, action=action, payload=form.payload, by=request.user, keep_for=waits
            )

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
            "may_send": True,
        },
    )


@ops_page("command")
@require_POST
def cancel(request, pk):
    """Take back a call that still waits."""
    found = get_object_or_404(Command.objects.visible_to(request.access, "command"), pk=pk)
    try:
        commands.cancel(command=found, by=request.user)
        messages.success(request, _("It will not be sent."))
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("ops:command", pk)


@ops_page("command")
@require_POST
def end_plan(request, pk):
    """A planned time out of service: not at all, or over now."""
    plan = get_object_or_404(AvailabilityPlan.objects.visible_to(request.access, "command"), pk=pk)
    try:
        availability.cancel(plan=plan, now=timezone.now())
        messages.success(request, _("It is in service again as soon as the charger is told."))
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect(reverse("ops:charger", args=[plan.station_id]) + "#plans")


@ops_page("view_messages")
def command(request, pk):
    """What became of it: sent, answered, and what the charger then did."""
    found = get_object_or_404(
        Command.objects.visible_to(request.access, "view_messages").select_related(
            "station__site", "created_by", "api_key", "bulk"
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
                "may_bulk": BulkCommand.objects.visible_to(request.access).filter(pk=found.bulk_id).exists(),
                "may_command": request.access.may_at("command", found.station.site),
                "at": timezone.now(),
            },
        )
