"""`/ops/events/`: what chargers told of themselves, newest first."""

from django.core.paginator import Paginator
from django.http import StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring import eventlog
from monitoring.filters import EventFilter
from monitoring.guard import ops_page

PAGE = 50


@ops_page("view_ops")
def events(request):
    form = EventFilter(request.GET, access=request.access)
    rows = eventlog.found(request.access, form.chosen())
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    for event in page.object_list:
        event.word = eventlog.word(event.severity)
    count = page.paginator.count
    query = request.GET.copy()
    query.pop("page", None)
    return render(
        request,
        "monitoring/events.html",
        {
            "title": _("Events"),
            "form": form,
            "active": form.chips(request),
            "clear_url": "?",
            "count": ngettext("%(n)s event", "%(n)s events", count) % {"n": count},
            "page": page,
            "query": query.urlencode(),
        },
    )


@ops_page("view_ops")
def events_csv(request):
    chosen = EventFilter(request.GET, access=request.access).chosen()
    response = StreamingHttpResponse(
        eventlog.csv_lines(eventlog.found(request.access, chosen)), content_type="text/csv; charset=utf-8"
    )
    words = "-".join(["events", *sorted(chosen)])
    response["Content-Disposition"] = f'attachment; filename="{words}.csv"'
    return response
