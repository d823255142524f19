"""`/ops/calendar/`: a site's EVSEs × time, for a day or a week; each thing on it leads to its own page."""

from datetime import date, datetime, timedelta

from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from bookings import rules
from bookings.models import Booking, Closure
from monitoring import calendar
from monitoring.calendar_forms import CancelForm, MoveForm
from monitoring.guard import ops_page
from stations.naming import evse_name, plugs

#: A link may be years old, or invented; a calendar that far away shows nothing to anybody.
FAR = timedelta(days=3 * 366)


@ops_page("view_bookings")
@require_safe
def page(request):
    now = timezone.now()
    sites = calendar.sites_of(request.access)
    view = "week" if request.GET.get("view") == "week" else "day"
    site = _chosen_site(request, sites, now)
    if site is None:
        return render(request, "monitoring/calendar.html", {"title": _("Calendar"), "sites": []})
    today = now.astimezone(site.zone).date()
    first = _day(request.GET.get("day", ""), today)
    length = 1
    if view == "week":
        first, length = first - timedelta(days=first.weekday()), calendar.DAYS_OF_A_WEEK
    days = [first + timedelta(days=number) for number in range(length)]
    starts_at, ends_at = rules.day_bounds(days[0], site.zone)[0], rules.day_bounds(days[-1], site.zone)[1]
    rows = calendar.load(
        site,
        starts_at,
        ends_at,
        now=now,
        may_see_drivers=request.access.may_at("view_drivers", site),
    )
    context = {
        "title": _("Calendar"),
        "sites": sites,
        "site": site,
        "view": view,
        "day": first,
        "rows": rows,
        "conflicts": [
            (row.evse, entry, words) for row in rows for entry in row.planned for words in entry.conflicts
        ],
        "count": sum(len(row.planned) for row in rows),
        "may_manage": request.access.may_at("manage_bookings", site),
        "tabs": [
            {"label": label, "url": _address(site, first, name), "current": name == view}
            for name, label in (("day", _("Day")), ("week", _("Week")))
        ],
        "earlier_url": _address(site, first - timedelta(days=length), view),
        "later_url": _address(site, first + timedelta(days=length), view),
        "today_url": None if today in days else _address(site, today, view),
        "span": _span(days),
        "at": now,
    }
    with timezone.override(site.zone):
        if view == "week":
            context |= {
                "days": days,
                "today": today,
                "week": [
                    (row, list(zip(days, calendar.by_day(row.entries, days, site.zone), strict=True)))
                    for row in rows
                ],
            }
        else:
            starts = calendar.columns(starts_at, ends_at)
            context |= {
                "hours": calendar.hours(starts, site.zone),
                "steps": len(starts),
                "grid": [
                    (
                        row,
                        calendar.cells(row.planned, starts, ends_at),
                        calendar.cells(row.sessions, starts, ends_at),
                    )
                    for row in rows
                ],
            }
        return render(request, "monitoring/calendar.html", context)


@ops_page("view_bookings")
@require_safe
def booking(request, pk):
    """One booking, and what its operator can do about it."""
    found = find_booking(request, pk, "view_bookings")
    return show_booking(request, found)


def find_booking(request, pk, permission: str) -> Booking:
    rows = Booking.objects.run_by(request.access, permission).with_place().select_related("id_token")
    return get_object_or_404(rows.prefetch_related("evse__connectors"), pk=pk)


def show_booking(request, found: Booking, *, move=None, cancel=None, status: int = 200):
    site = found.evse.station.site
    may_manage = request.access.may_at("manage_bookings", site) and found.is_open
    with timezone.override(site.zone):
        if may_manage:
            move = move or MoveForm(
                site=site,
                initial={"evse": found.evse_id, "starts_at": found.starts_at, "minutes": found.minutes},
            )
            cancel = cancel or CancelForm(site=site, prefix="cancel")
        return render(
            request,
            "monitoring/calendar_booking.html",
            {
                "title": _("Booking at %s") % site.name,
                "crumbs": [{"label": _("Calendar"), "url": back_to(site, found.starts_at)}],
                "booking": found,
                "site": site,
                "place": f"{evse_name(found.evse)}, {plugs(found.evse)}",
                "may_manage": may_manage,
                "may_drivers": request.access.may_at("view_drivers", site),
                "move_form": move,
                "cancel_form": cancel,
                "form": move if move is not None and move.errors else cancel,
            },
            status=status,
        )


def back_to(site, moment: datetime) -> str:
    """The calendar's page for that day at the site."""
    return _address(site, moment.astimezone(site.zone).date(), "day")


def find_closure(request, pk, permission: str) -> Closure:
    rows = Closure.objects.visible_to(request.access, permission)
    return get_object_or_404(
        rows.select_related("evse__station__site__operator", "plan", "created_by"), pk=pk
    )


def _address(site, day: date, view: str) -> str:
    query = {"site": site.slug, "day": day.isoformat(), "view": view}
    return f"{reverse('ops:calendar')}?{urlencode(query)}"


def _chosen_site(request, sites, now: datetime):
    wanted = request.GET.get("site", "")
    named = next((site for site in sites if site.slug == wanted), None)
    return named or calendar.busiest(sites, now, now + timedelta(days=1))


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return day if abs(day - today) < FAR else today


def _span(days) -> str:
    if len(days) == 1:
        return date_format(days[0], "l, j F Y")
    return f"{date_format(days[0], 'j M')} – {date_format(days[-1], 'j M Y')}"
