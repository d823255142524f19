"""Many bookings at once in the admin: a page that counts and lists what would happen, then the deed."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings import affected, relocating
from bookings.affected import Affected
from bookings.models import Booking
from stations.naming import evse_name

#: More than somebody can read through before they agree.
MOST = 500


def ask_or_do(model_admin, request, queryset, *, action: str, move: bool):
    """The confirmation page; with its answer, the deed, and back to the list (None)."""
    mine = Booking.objects.run_by(request.access, "manage_bookings").filter(pk__in=queryset.values("pk"))
    now = timezone.now()
    chosen = queryset.count()
    if chosen > MOST:
        messages.error(request, _("Choose at most %(n)s bookings at once.") % {"n": MOST})
        return None
    bookings = affected.by_id(mine.values_list("pk", flat=True), now=now)
    if not bookings:
        messages.error(request, _("None of these is an open booking that you may change."))
        return None
    if request.POST.get("agreed") == "1":
        _do(request, bookings, request.POST.get("why", "").strip()[:120], move, now)
        return None
    looked = (
        affected.look(bookings, avoid=[], now=now) if move else [Affected(each, None) for each in bookings]
    )
    stuck = sum(each.target is None for each in looked) if move else 0
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Move bookings") if move else _("Cancel bookings"),
        "opts": model_admin.model._meta,
        "count": len(looked) - stuck,
        "stuck": stuck,
        "left_out": chosen - len(bookings),
        "lines": [words(each) if move else named(each.booking) for each in looked],
        "chosen": [each.booking.pk for each in looked],
        "checkbox": ACTION_CHECKBOX_NAME,
        "action": action,
        "move": move,
    }
    return TemplateResponse(request, "admin/bookings/agree.html", context)


@transaction.atomic
def _do(request, bookings: list[Booking], why: str, move: bool, now) -> None:
    if not move:
        for booking in bookings:
            relocating.cancel(booking=booking, now=now, why=why)
        say(request, moved=[], cancelled=bookings)
        return
    for site in sorted({booking.evse.station.site for booking in bookings}, key=lambda site: site.pk):
        relocating.lock(site)
    outcome = relocating.clear(
        bookings=bookings, avoid=[], now=now, why=why, give_up=lambda _booking: None, may_give_up=[]
    )
    say(request, moved=outcome.moved, cancelled=[])
    if left := len(bookings) - len(outcome.moved):
        messages.warning(
            request,
            ngettext(
                "%(n)s booking stays: no equivalent charger is free.",
                "%(n)s bookings stay: no equivalent charger is free.",
                left,
            )
            % {"n": left},
        )


def say(request, *, moved: list[Booking], cancelled: list[Booking]) -> None:
    if moved:
        text = ngettext("%(n)s booking moved.", "%(n)s bookings moved.", len(moved))
        messages.success(request, text % {"n": len(moved)})
    if cancelled:
        text = ngettext("%(n)s booking cancelled.", "%(n)s bookings cancelled.", len(cancelled))
        messages.success(request, text % {"n": len(cancelled)})


def named(booking: Booking) -> str:
    zone = booking.evse.station.site.zone
    starts_at, ends_at = booking.starts_at.astimezone(zone), booking.ends_at.astimezone(zone)
    when = f"{date_format(starts_at, 'D j M')}, {starts_at:%H:%M}–{ends_at:%H:%M}"
    return f"{evse_name(booking.evse)}: {when} ({booking.get_status_display()})"


def words(each: Affected) -> str:
    """A booking and where it would go."""
    goes = _("to %s") % evse_name(each.target) if each.target else _("no equivalent charger is free")
    return f"{named(each.booking)} → {goes}"
