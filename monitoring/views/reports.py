"""`/ops/reports/`: how the network is used; each chart also as a table, CSV and XLSX."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from evportal.accounts.models import Membership
from evportal.money import format_money
from monitoring import report_pages, zones
from monitoring.guard import ops_page
from monitoring.patterns import figures, forecast, report, scheduled, sheets
from monitoring.patterns.models import ScheduledReport
from monitoring.report_forms import ReportFilter, ScheduleForm
from stations.exceptions import Refused
from stations.models import Site

#: Weeks of history that a forecast is made and checked with.
FORECAST_WEEKS = 12


def _asked(request):
    """(form, sites) by the query; wrong values are named beside their field and change nothing."""
    mine = Site.objects.visible_to(request.access)
    today = timezone.localtime(timezone.now(), zones.zone_of(mine)).date()
    form = ReportFilter(request.GET, access=request.access, today=today)
    chosen = form.chosen()
    sites = [chosen["site"]] if chosen.get("site") else list(mine)
    return form, sites


@ops_page("view_ops")
def reports(request):
    form, sites = _asked(request)
    made = report.make(request.access, sites, form.period)
    query = request.GET.copy()
    return render(
        request,
        "monitoring/reports.html",
        {
            "title": _("Reports"),
            "form": form,
            "active": form.chips(request),
            "clear_url": "?",
            "count": report.period_words(made.period),
            "report": made,
            "total": made.total,
            "kpis": _kpis(made),
            "charts": report_pages.charts(made),
            "heat": report_pages.heat_rows(made),
            "spreads": [
                report_pages.spread(table) for table in (report.lengths(made), report.energies(made))
            ],
            "ranked": report_pages.ranked(made),
            "tables": [report.comparison(made), report.bookings(made)],
            "advice": report.advise(made),
            "query": query.urlencode(),
            "tabs": report_pages.tabs("reports"),
        },
    )


def _kpis(made) -> list[dict]:
    total, before = made.total, figures.total(made.before)
    whole = made.evses * made.period.days * 24
    then = before.occupied_h / whole * 100 if whole else 0
    note = _("%(before)s in the period before")
    found = [
        {
            "label": _("Energy"),
            "value": f"{total.energy_kwh:,.0f}",
            "unit": "kWh",
            "note": note % {"before": f"{before.energy_kwh:,.0f}"},
        },
        {
            "label": _("Sessions"),
            "value": f"{total.sessions:,}",
            "note": note % {"before": f"{before.sessions:,}"},
        },
        {
            "label": _("Utilisation"),
            "value": f"{made.utilisation:.1f}",
            "unit": "%",
            "note": note % {"before": f"{then:.1f}"},
        },
        {
            "label": _("Idle, still connected"),
            "value": f"{total.idle_h:,.0f}",
            "unit": "h",
            "note": note % {"before": f"{before.idle_h:,.0f}"},
        },
        {
            "label": _("Failed starts"),
            "value": f"{total.failed_starts:,}",
            "note": note % {"before": f"{before.failed_starts:,}"},
        },
    ]
    earned = figures.total_takings([line for line in made.before if line.takings])
    for currency, net in figures.total_takings(made.money).items():
        found.append(
            {
                "label": _("Revenue, net"),
                "value": format_money(net, currency),
                "note": note % {"before": format_money(earned.get(currency, net * 0), currency)},
            }
        )
    return found


@ops_page("view_ops")
def report_csv(request, name):
    form, sites = _asked(request)
    if form.errors:
        return _refused(form)
    table = next(
        (t for t in report.tables(report.make(request.access, sites, form.period)) if t.name == name), None
    )
    if table is None:
        raise Http404
    return _file(sheets.as_csv(table, _about(form, sites)), sheets.CSV, f"{name}-{_span(form)}.csv")


@ops_page("view_ops")
def report_xlsx(request):
    form, sites = _asked(request)
    if form.errors:
        return _refused(form)
    tables = report.tables(report.make(request.access, sites, form.period))
    return _file(sheets.as_xlsx(tables, _about(form, sites)), sheets.XLSX, f"report-{_span(form)}.xlsx")


def _refused(form) -> HttpResponse:
    words = " ".join(str(error) for errors in form.errors.values() for error in errors)
    return HttpResponse(f"{words}\n", content_type="text/plain; charset=utf-8", status=400)


def _span(form) -> str:
    return f"{form.period.since}-{form.period.last}"


def _about(form, sites) -> str:
    place = sites[0].name if len(sites) == 1 else _("%s sites") % len(sites)
    return f"{report.period_words(form.period)}, {place}"


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@ops_page("view_ops")
def forecasts(request):
    """The next seven days of one site, and how good such forecasts were lately."""
    mine = Site.objects.visible_to(request.access)
    form, sites = _asked(request)
    site = sites[0] if form.chosen().get("site") else mine.order_by("name", "pk").first()
    now = timezone.now()
    context = {
        "title": _("Forecast"),
        "site": site,
        "sites": mine,
        "tabs": report_pages.tabs("report_forecast"),
    }
    if site is not None:
        history = figures.demand(site, now, FORECAST_WEEKS)
        expected = forecast.forecast(history)
        context |= {
            "checked": forecast.check(history),
            "hours": len(history),
            "chart": report_pages.forecast_chart(site, now, history, expected),
            "days": report_pages.forecast_days(site, now, expected),
        }
    return render(request, "monitoring/forecast.html", context)


@ops_page("view_ops")
def schedules(request):
    """What one gets by mail, and a form for more."""
    form = ScheduleForm(request.POST or None, access=request.access)
    if request.method == "POST" and form.is_valid():
        try:
            scheduled.schedule(
                membership=_membership(request, form.cleaned_data["site"]),
                every=form.cleaned_data["every"],
                site=form.cleaned_data["site"],
                now=timezone.now(),
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("It will be mailed to %s.") % request.user.email)
            return redirect("ops:report_schedules")
    rows = ScheduledReport.objects.visible_to(request.access).select_related("site", "membership__operator")
    return render(
        request,
        "monitoring/report_schedules.html",
        {
            "title": _("Reports by e-mail"),
            "form": form,
            "rows": rows,
            "tabs": report_pages.tabs("report_schedules"),
        },
        status=422 if form.errors else 200,
    )


def _membership(request, site) -> Membership:
    """The one by which somebody may see it."""
    mine = Membership.objects.filter(user=request.user, is_active=True).order_by("pk")
    if site is not None:
        mine = mine.filter(operator=site.operator_id)
    found = mine.first()
    if found is None:
        raise scheduled.ScheduleRefused(_("Only who works for an operator gets its reports by mail."))
    return found


@ops_page("view_ops")
@require_POST
def schedule_delete(request, pk):
    row = get_object_or_404(ScheduledReport.objects.visible_to(request.access), pk=pk)
    scheduled.stop(token=row.token)
    messages.success(request, _("It will not be mailed any more."))
    return redirect("ops:report_schedules")


def stop(request, token):
    """The link in the mail: whoever has it may end that mail, and nothing else."""
    row = ScheduledReport.objects.select_related("site", "membership").filter(token=token).first()
    context = {
        "title": _("Reports by e-mail"),
        "words": scheduled.words(row) if row else "",
        "done": row is None,
    }
    if request.method == "POST" and row is not None:
        scheduled.stop(token=token)
        context["done"] = True
    return render(request, "monitoring/report_stop.html", context)
