"""`/ops/bulk/`: one order to many chargers: choose, look at what it does, send, watch."""

from __future__ import annotations

import json

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from monitoring import answers, bulk_forms, command_forms
from monitoring.filters import ChargerFilter
from monitoring.guard import ops_page
from monitoring.once import only_once
from monitoring.verbs.base import keep_for, wait_field
from monitoring.views.chargers import filtered
from stations import bulk as bulks
from stations.exceptions import Refused
from stations.models import BulkCommand, Command, Station
from stations.ocpp import schemas

PAGE = 50
#: More ticks than a page has rows are not from our page.
MOST_TICKS = 1000


def chosen(request) -> list[Station]:
    """The ticked chargers, or all that match the list's filters; of those that the viewer may command."""
    rows = Station.objects.visible_to(request.access, "command").select_related("site__operator")
    if request.GET.get("scope") == "all":
        form = ChargerFilter(request.GET, access=request.access)
        return list(filtered(rows, form.chosen()).order_by("site__name", "name", "pk"))
    ticked = [
        int(pk) for pk in request.GET.getlist("station")[:MOST_TICKS] if pk.isdecimal() and len(pk) < 19
    ]
    return list(rows.filter(pk__in=ticked).order_by("site__name", "name", "pk"))


def _back(request) -> str:
    """The list of chargers as it was."""
    query = request.GET.copy()
    for name in ("station", "scope"):
        query.pop(name, None)
    return f"{reverse('ops:chargers')}?{query.urlencode()}"


def _crumbs(request) -> list[dict]:
    return [{"label": _("Chargers"), "url": _back(request)}]


def _whose(stations: list[Station]) -> str:
    """Why these can't be told together; empty if they can."""
    if not stations:
        return _("No charger is chosen. Tick some in the list, or filter it and choose all.")
    if len({station.site.operator_id for station in stations}) > 1:
        return _("These chargers belong to several operators. Choose those of one.")
    return ""


@ops_page("command")
def choose(request):
    """What to do with the chosen chargers."""
    stations = chosen(request)
    versions = sorted({station.ocpp_version for station in stations if station.ocpp_version})
    query = request.GET.urlencode()
    return render(
        request,
        "monitoring/bulk_choose.html",
        {
            "title": _("Many chargers at once"),
            "crumbs": _crumbs(request),
            "count": _count(len(stations)),
            "wrong": _whose(stations),
            "back": _back(request),
            "kinds": [
                {"title": form.title, "url": f"{reverse('ops:bulk_new', args=[kind])}?{query}"}
                for kind, form in bulk_forms.KINDS.items()
            ],
            "versions": [
                {
                    "name": version,
                    "count": sum(station.ocpp_version == version for station in stations),
                    "actions": [
                        {
                            "name": name,
                            "url": f"{reverse('ops:bulk_call', args=[version, name])}?{query}",
                            "risky": name in command_forms.RISKY,
                        }
                        for name in schemas.actions_to_station(version)
                    ],
                }
                for version in versions
            ],
        },
    )


def _count(n: int) -> str:
    return ngettext("%(n)s charger is chosen", "%(n)s chargers are chosen", n) % {"n": n}


@ops_page("command")
@require_http_methods(["GET", "POST"])
def new(request, kind):
    """One of the usual orders."""
    form_class = bulk_forms.KINDS.get(kind)
    if form_class is None:
        raise Http404
    form = form_class(request.POST or None)
    return _order(
        request,
        form,
        title=form.title,
        calls=lambda: form.calls(),
        waits=lambda: form.keep_for,
        interrupts=form.interrupts,
    )


@ops_page("command")
@require_http_methods(["GET", "POST"])
def call(request, version, action):
    """Any call of one version, to the chosen chargers that speak it."""
    form_class = command_forms.form_for(version, action) if version in schemas.VERSIONS else None
    if form_class is None:
        raise Http404
    form = form_class(request.POST or None, initial={"once": command_forms.once()})
    form.fields["if_offline"] = wait_field()
    form.fields["if_offline"].label = _("Chargers that are offline")
    return _order(
        request,
        form,
        title=f"{action} ({version})",
        calls=lambda: {version: {"action": action, "payload": form.payload}},
        waits=lambda: keep_for(form.cleaned_data["if_offline"]),
        interrupts=action in command_forms.INTERRUPTING,
    )


def _order(request, form, *, title, calls, waits, interrupts: bool):
    """The form, then what would happen, then it is done."""
    stations = chosen(request)
    wrong = _whose(stations)
    if request.method == "POST" and not wrong and form.is_valid():
        if "confirmed" not in request.POST:
            return _ask(request, form, stations, title, calls(), waits() is not None, interrupts)
        try:
            address = only_once(
                user_id=request.user.pk,
                token=form.cleaned_data["once"],
                do=lambda: _send(request, stations, title, calls(), waits()),
            )
            return redirect(address or reverse("ops:bulks"))
        except Refused as refusal:
            form.add_error(None, str(refusal))
    return render(
        request,
        "monitoring/bulk_form.html",
        {
            "title": title,
            "crumbs": _crumbs(request),
            "form": form,
            "count": _count(len(stations)),
            "wrong": wrong,
            "back": _back(request),
            "cancel_url": f"{reverse('ops:bulk_choose')}?{request.GET.urlencode()}",
        },
    )


def _send(request, stations, title, calls, waits) -> str:
    made = bulks.order(
        operator=stations[0].site.operator,
        stations=stations,
        what=str(title),
        calls=calls,
        by=request.user,
        keep_for=waits,
    )
    return reverse("ops:bulk", args=[made.pk])


def _ask(request, form, stations, title, calls: dict, waits: bool, interrupts: bool):
    found = bulks.sort_out(stations, calls, waits=waits)
    count = len(found.told)
    messages_ = [
        f"{version}: {each['action']} {json.dumps(each['payload'], ensure_ascii=False)}"
        for version, each in calls.items()
        if found.versions[version]
    ]
    hidden = [(name, value) for name in form.fields for value in request.POST.getlist(name)]
    return render(
        request,
        "monitoring/bulk_ask.html",
        {
            "base": "base_ops.html",
            "title": title,
            "question": ngettext("Send this to %(n)s charger?", "Send this to %(n)s chargers?", count)
            % {"n": count},
            "consequences": [*bulk_forms.preview(stations, found, interrupts=interrupts), *messages_],
            "nobody": not count,
            "hidden": [*hidden, ("confirmed", "1")],
            "action_url": request.get_full_path(),
            "submit": ngettext("Send to %(n)s charger", "Send to %(n)s chargers", count) % {"n": count},
            "danger": interrupts,
            "busy": _("Sending…"),
            "cancel_url": request.get_full_path(),
            "crumbs": _crumbs(request),
        },
    )


# --- what became of it -----------------------------------------------------------------------------

#: In the order of a command's life; the key is a filter of the table.
WORDS = {
    "to_tell": gettext_lazy("Still to be told"),
    "queued": gettext_lazy("Waiting"),
    "sent": gettext_lazy("Sent"),
    "accepted": gettext_lazy("Done"),
    "refused": gettext_lazy("Refused"),
    "error": gettext_lazy("Error"),
    "timed_out": gettext_lazy("No answer"),
    "offline": gettext_lazy("Offline"),
    "cancelled": gettext_lazy("Cancelled"),
    "skipped": gettext_lazy("Left out"),
}


@ops_page("view_messages")
def bulks_page(request):
    """What was ordered of many chargers before."""
    rows = BulkCommand.objects.visible_to(request.access).select_related("created_by", "api_key", "operator")
    page = Paginator(rows.order_by("-created_at"), PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "monitoring/bulks.html",
        {
            "title": _("Orders to many chargers"),
            "crumbs": [{"label": _("Chargers"), "url": reverse("ops:chargers")}],
            "page": page,
            "rows": [{"made": made, "counts": _told(bulks.counts(made))} for made in page],
        },
    )


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{WORDS[name]}: {count}" for name, count in counts.items() if count)


@ops_page("view_messages")
def bulk(request, pk):
    made = get_object_or_404(
        BulkCommand.objects.visible_to(request.access).select_related(
            "created_by", "api_key", "operator", "retry_of"
        ),
        pk=pk,
    )
    counts = bulks.counts(made) | {"skipped": len(made.skipped)}
    wanted = request.GET.get("status", "")
    wanted = wanted if wanted in WORDS and wanted != "to_tell" else ""
    page = Paginator(_rows(request, made, wanted), PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "monitoring/bulk.html",
        {
            "title": made.what,
            "watch": f"bulk:{made.pk}",
            "crumbs": [
                {"label": _("Chargers"), "url": reverse("ops:chargers")},
                {"label": _("Orders to many chargers"), "url": reverse("ops:bulks")},
            ],
            "made": made,
            "figures": [
                {
                    "name": name,
                    "label": WORDS[name],
                    "value": count,
                    "url": "" if name == "to_tell" else f"?status={name}",
                }
                for name, count in counts.items()
                if count
            ],
            "status": WORDS.get(wanted, ""),
            "page": page,
            "lines": [_line(row) for row in page],
            "waiting": counts["queued"] + counts["to_tell"],
            "failed": counts["refused"] + counts["error"] + counts["timed_out"] + counts["offline"],
            "may_command": request.access.may("command"),
            "wait": wait_field().choices,
            "at": timezone.now(),
        },
    )


def _rows(request, made: BulkCommand, wanted: str):
    """Commands, newest word first; or, where those are asked for, the chargers that were left out."""
    if wanted == "skipped":
        names = Station.objects.visible_to(request.access).select_related("site")
        found = names.in_bulk([each["station"] for each in made.skipped])
        return [(found[each["station"]], each["why"]) for each in made.skipped if each["station"] in found]
    rows = made.commands.visible_to(request.access).select_related("station__site")
    if wanted == "accepted":
        rows = rows.accepted()
    elif wanted == "refused":
        rows = rows.filter(status=Command.Status.ANSWERED).exclude(Command.ACCEPTED)
    elif wanted:
        rows = rows.filter(status=wanted)
    return rows.order_by("station__site__name", "station__name", "pk")


def _line(row) -> dict:
    if not isinstance(row, Command):
        station, why = row
        return {"station": station, "word": WORDS["skipped"], "note": why, "look": "unknown"}
    status = Command.Status
    name = row.status
    if name == status.ANSWERED:
        name = "accepted" if row.accepted else "refused"
    answer = (row.response or {}).get("status", "")
    words = answers.words(row.action, row.response) if row.response else ""
    note = " ".join(filter(None, [answer, words, row.error_code, row.error_description]))
    if row.status == status.QUEUED and row.waits:
        note = _("Until %s") % f"{timezone.localtime(row.expires_at):%Y-%m-%d %H:%M}"
    return {
        "station": row.station,
        "command": row,
        "word": WORDS[str(name)],
        "note": note,
        "look": LOOKS.get(str(name), "faulted"),
    }


LOOKS = {
    "queued": "reserved",
    "sent": "preparing",
    "accepted": "available",
    "cancelled": "unknown",
    "offline": "offline",
}


@ops_page("command")
@require_POST
def retry(request, pk):
    """The same again to those that failed and that the viewer may command."""
    made = get_object_or_404(BulkCommand.objects.visible_to(request.access, "command"), pk=pk)
    mine = Station.objects.visible_to(request.access, "command")
    failed = mine.filter(pk__in=[station.pk for station in bulks.failed_stations(made)])
    hours = request.POST.get("if_offline", "")
    try:
        waits = keep_for(hours if hours in dict(wait_field().choices) else "")
        again = bulks.retry(bulk=made, stations=failed, by=request.user, keep_for=waits)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("ops:bulk", pk)
    return redirect("ops:bulk", again.pk)


@ops_page("command")
@require_POST
def cancel(request, pk):
    """Take back what still waits."""
    made = get_object_or_404(BulkCommand.objects.visible_to(request.access, "command"), pk=pk)
    waiting = made.commands.visible_to(request.access, "command").filter(status=Command.Status.QUEUED)
    count = bulks.cancel(bulk=made, commands_=waiting, by=request.user)
    messages.success(
        request,
        ngettext("%(n)s call will not be sent.", "%(n)s calls will not be sent.", count) % {"n": count},
    )
    return redirect("ops:bulk", pk)
