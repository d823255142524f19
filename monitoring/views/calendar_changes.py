"""What operators change on their calendar: close, open again, book, move, cancel; affected bookings first."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from bookings import by_operator, closing, relocating
from bookings.exceptions import BookingRefused
from monitoring import calendar
from monitoring.calendar_forms import BookForm, CancelForm, CloseForm, DecideForm, MoveForm
from monitoring.guard import ops_page
from monitoring.once import only_once
from monitoring.views.calendar import back_to, find_booking, find_closure, show_booking
from stations.exceptions import Refused
from stations.models import Site


def _site(request, permission: str) -> Site:
    mine = Site.objects.visible_to(request.access, permission).select_related("operator")
    slug = request.POST.get("site") or request.GET.get("site")
    if slug:
        return get_object_or_404(mine, slug=slug)
    site = mine.order_by("name", "pk").first()
    if site is None:
        raise PermissionDenied
    return site


def _crumbs(site, moment) -> list[dict]:
    return [{"label": _("Calendar"), "url": back_to(site, moment)}]


@ops_page("manage_bookings")
@require_http_methods(["GET", "HEAD", "POST"])
def close(request):
    """First when and what; then, with the affected bookings in view, what becomes of them."""
    site, now = _site(request, "manage_bookings"), timezone.now()
    with timezone.override(site.zone):
        form = CloseForm(
            request.POST or None,
            site=site,
            access=request.access,
            initial={"evses": request.GET.getlist("evse")},
        )
        if request.method != "POST" or not form.is_valid() or "change" in request.POST:
            status = 422 if request.method == "POST" and not form.is_valid() else 200
            return _ask_when(request, site, form, now, status)
        return _decide(request, site, form, now)


def _ask_when(request, site, form, now, status=200):
    context = {
        "title": _("Close chargers"),
        "crumbs": _crumbs(site, now),
        "site": site,
        "sites": calendar.sites_of(request.access),
        "form": form,
        "cancel_url": back_to(site, now),
    }
    return render(request, "monitoring/calendar_close.html", context, status=status)


def _decide(request, site, form, now):
    wish = form.cleaned_data
    evses = list(wish["evses"])
    found = closing.preview(evses=evses, starts_at=wish["starts_at"], ends_at=wish["ends_at"], now=now)
    begins_now = wish["starts_at"] <= now
    may_stop = begins_now and request.access.may_at("command", site)
    is_decided = "seen" in request.POST
    decide = DecideForm(
        request.POST if is_decided else None,
        found=found,
        may_stop=may_stop,
        initial={"seen": found.seen, "choice": closing.Choice.MOVE},
    )
    if is_decided and decide.is_valid():
        answer = decide.cleaned_data

        def do() -> str:
            done = closing.close(
                evses=evses,
                starts_at=wish["starts_at"],
                ends_at=wish["ends_at"],
                now=now,
                reason=wish["reason"],
                kind=wish["kind"],
                by=request.user,
                choice=answer.get("choice", ""),
                seen=answer["seen"],
                out_of_service=wish.get("out_of_service", False),
                stop_sessions=answer.get("stop_sessions", False),
            )
            _say(request, done)
            return back_to(site, wish["starts_at"])

        try:
            return redirect(
                only_once(user_id=request.user.pk, token=wish["once"], do=do) or back_to(site, now)
            )
        except closing.LooksDifferent as refused:
            # What is on the page now is what there is now.
            decide = DecideForm(
                None,
                found=found,
                may_stop=may_stop,
                initial={"seen": found.seen, "choice": answer.get("choice")},
            )
            messages.warning(request, str(refused))
        except Refused as refused:
            decide.add_error(None, str(refused))
    hidden = [(name, value) for name in form.fields for value in request.POST.getlist(name)]
    context = {
        "title": _("Close chargers: check"),
        "crumbs": _crumbs(site, wish["starts_at"]),
        "site": site,
        "found": found,
        "wish": wish,
        "begins_now": begins_now,
        "hidden": [*hidden, ("site", site.slug)],
        "form": decide,
        "may_drivers": request.access.may_at("view_drivers", site),
    }
    status = 422 if is_decided and decide.errors else 200
    return render(request, "monitoring/calendar_decide.html", context, status=status)


def _say(request, done: closing.Closed) -> None:
    words = [_("Closed.")]
    if done.moved:
        n = len(done.moved)
        words.append(ngettext("%(n)s booking moved.", "%(n)s bookings moved.", n) % {"n": n})
    if done.cancelled:
        n = len(done.cancelled)
        words.append(ngettext("%(n)s booking cancelled.", "%(n)s bookings cancelled.", n) % {"n": n})
    if done.moved or done.cancelled:
        words.append(_("Their drivers are told."))
    messages.success(request, " ".join(words))
    if done.unreached:
        messages.warning(request, _("A session goes on, because its charger can't be reached."))


@ops_page("view_bookings")
@require_http_methods(["GET", "HEAD", "POST"])
def closure(request, pk):
    """A closure: what it is, and open again."""
    found = find_closure(request, pk, "view_bookings")
    site, now = found.evse.station.site, timezone.now()
    may_manage = request.access.may_at("manage_bookings", site)
    if request.method == "POST":
        if not may_manage:
            raise PermissionDenied
        try:
            closing.reopen(closure=found, now=now)
            messages.success(request, _("It is open again."))
        except Refused as refused:
            messages.error(request, str(refused))
        return redirect(back_to(site, max(found.starts_at, now)))
    with timezone.override(site.zone):
        context = {
            "title": _("Closure at %s") % site.name,
            "crumbs": _crumbs(site, found.starts_at),
            "closure": found,
            "site": site,
            "has_begun": found.starts_at <= now,
            "may_reopen": may_manage and found.ends_at > now,
        }
        return render(request, "monitoring/calendar_closure.html", context)


@ops_page("manage_bookings")
@require_http_methods(["GET", "HEAD", "POST"])
def book(request):
    """For a card, a driver or nobody in particular: firm at once."""
    site, now = _site(request, "manage_bookings"), timezone.now()
    with timezone.override(site.zone):
        form = BookForm(
            request.POST or None,
            site=site,
            access=request.access,
            initial={"evse": request.GET.get("evse"), "minutes": 30},
        )
        if request.method == "POST" and form.is_valid():

            def do() -> str:
                booking = by_operator.book(id_token=form.cleaned_data["id_token"], now=now, **form.slot)
                messages.success(request, _("Booked."))
                return back_to(site, booking.starts_at)

            try:
                return redirect(
                    only_once(user_id=request.user.pk, token=form.cleaned_data["once"], do=do)
                    or back_to(site, now)
                )
            except BookingRefused as refused:
                form.add_error("starts_at", _refusal(refused, site))
        context = {
            "title": _("Book for somebody"),
            "crumbs": _crumbs(site, now),
            "site": site,
            "sites": calendar.sites_of(request.access),
            "form": form,
            "cancel_url": back_to(site, now),
        }
        status = 422 if form.errors else 200
        return render(request, "monitoring/calendar_book.html", context, status=status)


@ops_page("manage_bookings")
@require_POST
def move(request, pk):
    found = find_booking(request, pk, "manage_bookings")
    site, now = found.evse.station.site, timezone.now()
    with timezone.override(site.zone):
        form = MoveForm(request.POST, site=site)
        if form.is_valid():

            def do() -> str:
                moved = relocating.relocate(booking=found, now=now, why=form.cleaned_data["why"], **form.slot)
                messages.success(request, _("The booking has been moved, and its driver is told."))
                return back_to(site, moved.starts_at)

            try:
                return redirect(
                    only_once(user_id=request.user.pk, token=form.cleaned_data["once"], do=do)
                    or back_to(site, found.starts_at)
                )
            except BookingRefused as refused:
                form.add_error(None, _refusal(refused, site))
        return show_booking(request, found, move=form, status=422)


@ops_page("manage_bookings")
@require_POST
def cancel(request, pk):
    found = find_booking(request, pk, "manage_bookings")
    site, now = found.evse.station.site, timezone.now()
    form = CancelForm(request.POST, site=site, prefix="cancel")
    if not form.is_valid():
        return show_booking(request, found, cancel=form, status=422)
    try:
        relocating.cancel(booking=found, now=now, why=form.cleaned_data["why"])
        messages.success(request, _("The booking is cancelled: the driver is told and pays nothing."))
    except BookingRefused as refused:
        messages.error(request, str(refused))
    return redirect(back_to(site, found.starts_at))


def _refusal(refused: BookingRefused, site: Site) -> str:
    """The sentence, and what is free near it."""
    near = [
        f"{slot.evse.station.name} {slot.evse.number}, {slot.starts_at.astimezone(site.zone):%H:%M}"
        for slot in getattr(refused, "alternatives", ())
    ]
    return f"{refused} {_('Free near it: %s.') % '; '.join(near)}" if near else str(refused)
