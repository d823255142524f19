"""`/ops/uptime/` and `/ops/outages/`: how reliable the network was, and what is said about each outage."""

from datetime import datetime, timedelta

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring import report_pages
from monitoring.guard import ops_page
from monitoring.patterns import sheets
from monitoring.patterns.sheets import Table
from monitoring.report_forms import ExplainForm, OutageFilter, ReportOutageForm
from monitoring.uptime import actions, formulas, reading, showing
from monitoring.uptime.models import Outage
from stations.exceptions import Refused
from stations.models import Evse, Site

PAGE = 50


def _lines(request):
    """(now, EVSEs, their records over the law's year, figures of the usual window)."""
    now = timezone.now()
    evses = Evse.objects.visible_to(request.access).select_related("station__site__operator")
    site = _site(request)
    if site is not None:
        evses = evses.filter(station__site=site)
    evses = evses.order_by("station__site__name", "station__name", "number")
    records = reading.records(evses, now - formulas.NEVI_YEAR, now)
    window = {pk: formulas.measure(one, now - reading.WINDOW, now) for pk, one in records.items()}
    return now, site, list(evses), records, window


def _site(request) -> Site | None:
    """The one that the address names; a number that is none of theirs is a page that isn't there."""
    chosen = request.GET.get("site", "")
    if not chosen:
        return None
    return get_object_or_404(Site.objects.visible_to(request.access), pk=chosen if chosen.isdecimal() else 0)


@ops_page("view_ops")
def uptime(request):
    now, site, evses, records, window = _lines(request)
    year = {pk: formulas.nevi(one, now) for pk, one in records.items()}
    measured = [value for value in year.values() if value is not None]
    kept = sum(value > formulas.NEVI_PERCENT for value in measured)
    january = datetime(now.year, 1, 1, tzinfo=timezone.get_current_timezone())
    uk = formulas.uk_reliability(records.values(), max(january, now - formulas.NEVI_YEAR), now)
    whole = formulas.total(window.values())
    rows = (
        _evse_rows(evses, records, window, year, now)
        if site
        else _site_rows(evses, records, window, year, now)
    )
    return render(
        request,
        "monitoring/uptime.html",
        {
            "title": _("Uptime"),
            "site": site,
            "rows": rows,
            "kpis": [
                {
                    "label": _("Uptime, 30 days"),
                    "value": showing.percent(whole.percent),
                    "unit": "%",
                    "note": showing.causes(whole) or _("no outage"),
                },
                {
                    "label": _("NEVI: ports above 97 %"),
                    "value": f"{kept} / {len(measured)}",
                    "tone": "warn" if kept < len(measured) else "",
                    "note": _("over the last twelve months"),
                },
                {
                    "label": _("UK: rapid network reliable"),
                    "value": showing.percent(uk),
                    "unit": "%" if uk is not None else "",
                    "tone": "warn" if uk is not None and uk < formulas.UK_PERCENT else "",
                    "note": _("this calendar year; 99 % is required"),
                },
            ],
            "tabs": report_pages.tabs("uptime"),
        },
    )


def _site_rows(evses, records, window, year, now) -> list[dict]:
    by_site: dict[Site, list[Evse]] = {}
    for evse in evses:
        by_site.setdefault(evse.station.site, []).append(evse)
    return [
        _row(
            site.name,
            f"{reverse('ops:uptime')}?site={site.pk}",
            ngettext("%(n)s EVSE", "%(n)s EVSEs", len(mine)) % {"n": len(mine)},
            [records[evse.pk] for evse in mine],
            formulas.total(window[evse.pk] for evse in mine),
            min((year[evse.pk] for evse in mine if year[evse.pk] is not None), default=None),
            now,
            site.zone,
        )
        for site, mine in by_site.items()
    ]


def _evse_rows(evses, records, window, year, now) -> list[dict]:
    return [
        _row(
            f"{evse.station.name} / {evse.number}",
            reverse("ops:charger", args=[evse.station_id]),
            evse.public_id,
            [records[evse.pk]],
            window[evse.pk],
            year[evse.pk],
            now,
            evse.station.site.zone,
        )
        for evse in evses
    ]


def _row(name, url, meta, records, figures, year, now, zone) -> dict:
    bars = showing.strip(records, now, zone, 30)
    return {
        "name": name,
        "url": url,
        "meta": meta,
        "bars": bars,
        "width": 300,
        "text": showing.strip_text(bars),
        "percent": showing.percent(figures.percent),
        "outage": showing.span(figures.outage_s) if figures.outage_s >= 1 else "–",
        "excluded": showing.span(figures.excluded_s) if figures.excluded_s >= 1 else "–",
        "causes": showing.causes(figures),
        "year": showing.percent(year),
        "kept": None if year is None else year > formulas.NEVI_PERCENT,
    }


@ops_page("view_ops")
def uptime_csv(request):
    now, _chosen, evses, records, window = _lines(request)
    rows = []
    for evse in evses:
        figures, year = window[evse.pk], formulas.nevi(records[evse.pk], now)
        rows.append(
            [
                evse.station.site.name,
                evse.station.name,
                evse.public_id,
                showing.percent(figures.percent),
                round(figures.outage_s / 60),
                round(figures.excluded_s / 60),
                round(figures.unwatched_s / 60),
                showing.percent(year),
            ]
        )
    columns = [
        _("Site"), _("Charger"), _("EVSE"), _("Uptime, 30 days (%)"), _("Outages (min)"), _("Excluded (min)"),
        _("Not measured (min)"), _("NEVI, 12 months (%)"),
    ]  # fmt: skip
    about = f"{now:%Y-%m-%d %H:%M} UTC"
    content = sheets.as_csv(Table("uptime", _("Uptime"), columns, rows), about)
    response = HttpResponse(content, content_type=sheets.CSV)
    response["Content-Disposition"] = f'attachment; filename="uptime-{now:%Y-%m-%d}.csv"'
    return response


# --- outages -----------------------------------------------------------------------------------------


def _found(request, chosen: dict):
    rows = Outage.objects.visible_to(request.access).select_related("evse__station__site")
    if "site" in chosen:
        rows = rows.filter(evse__station__site=chosen["site"])
    if "evse" in chosen:
        rows = rows.filter(evse=chosen["evse"])
    if "cause" in chosen:
        rows = rows.filter(cause=chosen["cause"])
    if "open" in chosen:
        rows = rows.filter(ends_at=None)
    if "counts" in chosen:
        rows = rows.filter(exclusion="") if chosen["counts"] == "yes" else rows.exclude(exclusion="")
    return rows


@ops_page("view_ops")
def outages(request):
    form = OutageFilter(request.GET, access=request.access)
    rows = _found(request, form.chosen())
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    now = timezone.now()
    for row in page.object_list:
        row.lasted = showing.span(((row.ends_at or now) - row.begins_at).total_seconds())
    count = page.paginator.count
    return render(
        request,
        "monitoring/outages.html",
        {
            "title": _("Outages"),
            "form": form,
            "active": form.chips(request),
            "clear_url": "?",
            "count": ngettext("%(n)s outage", "%(n)s outages", count) % {"n": count},
            "page": page,
            "may_report": request.access.may("manage_stations"),
            "tabs": report_pages.tabs("outages"),
        },
    )


@ops_page("view_ops")
def outage(request, pk):
    """Why, and whether it counts; the record of who said what stays below."""
    rows = Outage.objects.visible_to(request.access).select_related("evse__station__site")
    row = get_object_or_404(rows, pk=pk)
    site, now = row.evse.station.site, timezone.now()
    may = request.access.may_at("manage_stations", site)
    with timezone.override(site.zone):
        if request.method == "POST" and not may:
            return render(request, "403.html", status=403)
        form = ExplainForm(
            request.POST or None,
            initial={
                name: getattr(row, name) for name in ("exclusion", "excluded_from", "excluded_until", "note")
            },
        )
        if request.method == "POST" and "end" in request.POST:
            return _end(request, row, now)
        if request.method == "POST" and form.is_valid():
            try:
                actions.explain(outage=row, now=now, by=request.user, **form.cleaned_data)
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, _("Written down."))
                return redirect("ops:outage", pk=row.pk)
        return render(
            request,
            "monitoring/outage.html",
            {
                "title": f"{row.get_cause_display()}: {row.evse.station.name} / {row.evse.number}",
                "crumbs": [{"label": _("Outages"), "url": reverse("ops:outages")}],
                "outage": row,
                "site": site,
                "lasted": showing.span(((row.ends_at or now) - row.begins_at).total_seconds()),
                "form": form if may else None,
                "changes": row.changes.select_related("by", "api_key")[:50],
            },
            status=422 if form.errors else 200,
        )


def _end(request, row, now):
    try:
        actions.end(outage=row, ends_at=now, now=now, by=request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("It is over."))
    return redirect("ops:outage", pk=row.pk)


@ops_page("manage_stations")
def report_outage(request):
    form = ReportOutageForm(
        request.POST or None,
        access=request.access,
        initial={"evse": request.GET.get("evse"), "begins_at": timezone.localtime() - timedelta(minutes=1)},
    )
    if request.method == "POST" and form.is_valid():
        try:
            row = actions.report(now=timezone.now(), by=request.user, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Written down."))
            return redirect("ops:outage", pk=row.pk)
    return render(
        request,
        "monitoring/outage_new.html",
        {
            "title": _("Report an outage"),
            "crumbs": [{"label": _("Outages"), "url": reverse("ops:outages")}],
            "form": form,
        },
        status=422 if form.errors else 200,
    )
