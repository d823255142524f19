"""`/ops/work-orders/` and `/field/`: jobs at the desk and on the phone; the same page of a job for both."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from monitoring import overview
from monitoring.guard import ops_page
from monitoring.models import Alert
from monitoring.views.charger import find
from monitoring.work import actions
from monitoring.work.forms import CloseForm, JobForm, NewJobForm
from monitoring.work.models import ChecklistItem, Photo, WorkOrder
from stations.exceptions import Refused
from stations.files import streams
from stations.models import Evse, Station

PAGE = 50
TABS = {
    "running": gettext_lazy("To do"),
    "mine": gettext_lazy("Mine"),
    "closed": gettext_lazy("Closed"),
}


def _jobs(request, permission="view_alerts"):
    return WorkOrder.objects.visible_to(request.access, permission).select_related(
        "site", "station", "evse", "alert", "assignee", "closed_by"
    )


@ops_page("view_alerts")
def jobs(request):
    tab = request.GET.get("tab")
    tab = tab if tab in TABS else "running"
    rows = _jobs(request)
    if tab == "closed":
        rows = rows.exclude(status__in=WorkOrder.RUNNING).order_by("-closed_at")
    else:
        rows = rows.running()
        rows = rows.filter(assignee=request.user) if tab == "mine" else rows
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    count = page.paginator.count
    return render(
        request,
        "monitoring/work_orders.html",
        {
            "title": _("Work orders"),
            "page": page,
            "tab": tab,
            "count": ngettext("%(n)s job", "%(n)s jobs", count) % {"n": count},
            "tabs": [
                {"label": label, "url": f"?tab={name}", "current": name == tab}
                for name, label in TABS.items()
            ],
            "may_make": request.access.may("manage_alerts"),
        },
    )


@ops_page("manage_alerts")
@require_http_methods(["GET", "POST"])
def new(request):
    form = NewJobForm(
        request.POST or None, access=request.access, initial={"station": request.GET.get("station")}
    )
    if request.method == "POST" and form.is_valid():
        try:
            order = actions.create(now=timezone.now(), by=request.user, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("field:job", pk=order.pk)
    return render(
        request,
        "monitoring/form_page.html",
        {
            "title": _("New job"),
            "crumbs": [{"label": _("Work orders"), "url": reverse("ops:work_orders")}],
            "form": form,
            "submit": _("Make it"),
            "cancel_url": reverse("ops:work_orders"),
        },
        status=422 if form.errors else 200,
    )


@ops_page("manage_alerts")
@require_POST
def from_alert(request, pk):
    alert = get_object_or_404(Alert.objects.visible_to(request.access, "manage_alerts"), pk=pk)
    order = actions.from_alert(alert=alert, by=request.user, now=timezone.now())
    return redirect("field:job", pk=order.pk)


# --- on the phone ------------------------------------------------------------------------------


@ops_page("view_alerts")
def today(request):
    """What is one's own, what is nobody's, and the way to a charger by what is printed on it."""
    now = timezone.now()
    mine = _jobs(request).running().filter(Q(assignee=request.user) | Q(assignee=None))
    rows = list(mine.order_by("priority", "due_on", "created_at")[:100])
    asked = " ".join(request.GET.get("q", "").split())[:300]
    found = []
    if asked:
        # A scanned code is an address that ends in the EVSE's id: /c/DE*ABC*E1/ or /c/DE*ABC*E1.
        word = asked.split("?")[0].rstrip("/").rpartition("/")[2]
        evses = Evse.objects.visible_to(request.access).select_related("station")
        evse = evses.for_public_id(word).first()
        if evse is not None:
            return redirect("field:charger", pk=evse.station_id)
        named = Q(name__icontains=word) | Q(identity__iexact=word) | Q(serial_number__iexact=word)
        found = list(Station.objects.visible_to(request.access).filter(named).select_related("site")[:20])
        if len(found) == 1:
            return redirect("field:charger", pk=found[0].pk)
    return render(
        request,
        "monitoring/field.html",
        {
            "title": _("Today"),
            "mine": [row for row in rows if row.assignee_id],
            "free": [row for row in rows if not row.assignee_id],
            "day": timezone.localdate(now),
            "asked": asked,
            "found": found,
        },
    )


@ops_page("view_alerts")
def charger(request, pk):
    """Six big buttons; each command still asks, naming what it interrupts."""
    row = find(request, pk)
    station = row.station
    rows = _jobs(request).running().filter(station=station)
    with timezone.override(station.site.zone):
        return render(
            request,
            "monitoring/field_charger.html",
            {
                "title": station.name,
                "crumbs": [{"label": _("Today"), "url": reverse("field:today")}],
                "station": station,
                "cells": overview.cells(station),
                "jobs": rows,
                "job": rows.first(),
                "alerts": Alert.objects.visible_to(request.access).open().filter(station=station)[:10],
                "may_command": request.access.may_at("command", station.site),
                "may_work": request.access.may_at("manage_stations", station.site),
            },
        )


@ops_page("manage_stations")
@require_POST
def visit(request, pk):
    """A note or a photo needs a job to belong to: the running one of this charger, or a new one."""
    station = get_object_or_404(
        Station.objects.visible_to(request.access, "manage_stations").select_related("site"), pk=pk
    )
    order = _jobs(request).running().filter(station=station).first()
    if order is None:
        title = _("Visit to %s") % station.name
        order = actions.create(
            site=station.site,
            station=station,
            title=title,
            assignee=request.user if request.user.memberships.exists() else None,
            by=request.user,
            now=timezone.now(),
        )
    anchor = {"photo": "#photo", "note": "#note"}.get(request.POST.get("what", ""), "")
    return redirect(reverse("field:job", args=[order.pk]) + anchor)


@ops_page("view_alerts")
@require_http_methods(["GET", "POST"])
def job(request, pk):
    order = get_object_or_404(_jobs(request), pk=pk)
    may_work = request.access.may_at("manage_stations", order.site)
    with timezone.override(order.site.zone):
        close, edit, problem = CloseForm(), JobForm(instance=order), ""
        if request.method == "POST":
            # A phone's queue hands in one entry after another, each under a key of its own.
            is_queued = request.get_preferred_type(["text/html", "application/json"]) == "application/json"
            if not may_work:
                if is_queued:
                    return JsonResponse({"problem": _("You may not work on this job.")}, status=403)
                return render(request, "403.html", status=403)
            what = request.POST.get("what", "")
            if what not in DOINGS:
                raise Http404
            # Their own copy: a form that is refused must not leave its values on the page's job.
            order_of_form = WorkOrder.objects.select_related("site").get(pk=pk)
            close = CloseForm(request.POST) if what == "close" else close
            edit = JobForm(request.POST, instance=order_of_form) if what == "edit" else edit
            form = {"close": close, "edit": edit}.get(what)
            if form is None or form.is_valid():
                try:
                    _do(request, order, what, form.cleaned_data if form else {})
                except Refused as refusal:
                    problem = str(refusal)
                    if is_queued:
                        return JsonResponse({"problem": problem}, status=422)
                else:
                    if is_queued:
                        return JsonResponse({"stored": True})
                    anchor = {"tick": "#checklist", "note": "#note", "photo": "#photo", "part": "#parts"}
                    return redirect(reverse("field:job", args=[pk]) + anchor.get(what, ""))
        return render(
            request,
            "monitoring/job.html",
            {
                "title": order.title,
                "crumbs": [
                    {"label": _("Today"), "url": reverse("field:today")},
                    {"label": _("Work orders"), "url": reverse("ops:work_orders")},
                ],
                "order": order,
                "may_work": may_work and order.is_running,
                "may_add": may_work,
                "close_form": close,
                "edit_form": edit,
                "form": close if close.errors else edit if edit.errors else None,
                "problem": problem,
                "outages": actions.outages_of(order, order.closed_at or timezone.now())[:10],
            },
            status=422 if problem or close.errors or edit.errors else 200,
        )


def _do(request, order, what, data):
    now, key = timezone.now(), None
    if text := request.POST.get("key", ""):
        try:
            key = UUID(text)
            said = parse_datetime(request.POST.get("entered_at", ""))
        except ValueError:
            raise actions.WorkRefused(_("This entry can't be read.")) from None
        at = actions.entered(order, said if said is not None and said.tzinfo else None, now)
    else:
        at = now
    actions.once(
        order=order, key=key, by=request.user, now=now, do=lambda: DOINGS[what](request, order, data, at)
    )


def _tick(request, order, data, now):
    wanted = request.POST.get("item", "")
    item = get_object_or_404(ChecklistItem, order=order, pk=wanted if wanted.isdigit() else 0)
    actions.tick(item=item, done=request.POST.get("done") == "1", by=request.user, now=now)


def _photo(request, order, data, now):
    files = request.FILES.getlist("file")
    if not files:
        raise actions.WorkRefused(_("Choose a photo first."))
    for file in files:
        actions.add_photo(order=order, file=file, by=request.user, now=now)


def _part(request, order, data, now):
    quantity = request.POST.get("quantity", "1")
    actions.use_part(
        order=order,
        name=request.POST.get("name", ""),
        number=request.POST.get("number", ""),
        quantity=int(quantity) if quantity.isdecimal() and len(quantity) < 5 else 0,
        by=request.user,
        now=now,
    )


def _close(request, order, data, now):
    actions.close(order=order, by=request.user, now=now, **data)
    messages.success(request, _("Done: %s") % order.title)


DOINGS = {
    "start": lambda request, order, data, now: actions.start(order=order, by=request.user, now=now),
    "tick": _tick,
    "item": lambda request, order, data, now: actions.add_item(
        order=order, text=request.POST.get("text", "")
    ),
    "note": lambda request, order, data, now: actions.note(
        order=order, text=request.POST.get("text", ""), by=request.user, now=now
    ),
    "photo": _photo,
    "part": _part,
    "edit": lambda request, order, data, now: actions.change(order=order, now=now, **data),
    "close": _close,
    "cancel": lambda request, order, data, now: actions.cancel(
        order=order, reason=request.POST.get("reason", ""), by=request.user, now=now
    ),
}


@ops_page("view_alerts")
def photo(request, pk):
    """Something to keep, never part of a page: nobody has looked into it."""
    rows = Photo.objects.filter(order__in=WorkOrder.objects.visible_to(request.access))
    found = get_object_or_404(rows, pk=pk)
    return streams.send(request, found.file, name=f"job-{found}", size=found.size)
