"""Drivers' pages: choose a slot, see a booking, move it, cancel it."""

from datetime import timedelta
from decimal import Decimal, InvalidOperation

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from bookings import actions, availability, changes, ical, overrun, picker, progress, refusals
from bookings import series as series_actions
from bookings.exceptions import BookingRefused, SeriesRefused, SlotTaken
from bookings.forms import RepeatForm, SlotForm, slot_value
from bookings.models import Booking
from evportal.money import format_money
from stations.models import Site


@never_cache
def book(request, slug):
    site = get_object_or_404(Site.objects.public().select_related("operator"), slug=slug)
    now = timezone.now()
    look, policy = picker.look(request, site, now)
    if request.method != "POST":
        return _pick(request, site, policy, look, now, chosen=request.GET.get("slot", ""))
    if not request.user.is_authenticated:
        # Back to the same choice after signing in.
        return redirect_to_login(look.url(slot=request.POST.get("slot", "")[:60]))
    form = SlotForm(request.POST, site=site)
    repeat = RepeatForm(request.POST, most=picker.most_weeks(policy))
    if not form.is_valid() or not repeat.is_valid():
        return _pick(request, site, policy, look, now, form=form, status=422)
    chosen = {name: form.cleaned_data[name] for name in ("evse", "starts_at", "ends_at")}
    if repeat.cleaned_data["weeks"] > 1:
        return _book_series(request, site, policy, look, now, form, repeat, chosen)
    try:
        booking = actions.hold(user=request.user, now=now, **chosen)
    except SlotTaken as refused:
        refusals.note(refused=refused, user=request.user, now=now, **chosen)
        return _taken(request, site, chosen, refused, look)
    except BookingRefused as refused:
        refusals.note(refused=refused, user=request.user, now=now, **chosen)
        form.add_error("slot", str(refused))
        return _pick(request, site, policy, look, now, form=form, status=409)
    return redirect("billing:review", booking.pk)


def _book_series(request, site, policy, look, now, form, repeat, chosen):
    try:
        made = series_actions.book(
            user=request.user,
            count=repeat.cleaned_data["weeks"],
            all_or_none=not repeat.cleaned_data["best_effort"],
            now=now,
            **chosen,
        )
    except SeriesRefused as refused:
        form.add_error("slot", str(refused))
        for text in _refused(refused.occurrences, site):
            form.add_error("slot", text)
        return _pick(request, site, policy, look, now, form=form, status=409)
    for text in _refused(made.occurrences, site):
        messages.warning(request, text)
    return redirect("bookings:series", made.series.pk)


def _refused(occurrences, site) -> list[str]:
    return [f"{_day(each.starts_at, site)}: {each.refusal}" for each in occurrences if each.refusal]


@never_cache
@login_required
def move(request, booking_id):
    booking = own_booking(request, booking_id)
    site = booking.evse.station.site
    now = timezone.now()
    look, policy = picker.look(request, site, now)
    if request.method != "POST":
        chosen = request.GET.get("slot", slot_value(booking.evse, booking.starts_at))
        return _pick(request, site, policy, look, now, chosen=chosen, moving=booking)
    form = SlotForm(request.POST, site=site)
    if not form.is_valid():
        return _pick(request, site, policy, look, now, form=form, moving=booking, status=422)
    chosen = {name: form.cleaned_data[name] for name in ("evse", "starts_at", "ends_at")}
    try:
        booking = changes.change(booking=booking, now=now, **chosen)
    except SlotTaken as refused:
        return _taken(request, site, chosen, refused, look)
    except BookingRefused as refused:
        form.add_error("slot", str(refused))
        return _pick(request, site, policy, look, now, form=form, moving=booking, status=409)
    if booking.status == Booking.Status.PENDING:
        return redirect("billing:review", booking.pk)
    messages.success(request, _("Your booking has been moved. The calendar entry is on its way by e-mail."))
    return redirect("bookings:booking", booking.pk)


@never_cache
@login_required
def booking(request, booking_id):
    booking = get_object_or_404(Booking.objects.visible_to(request.access).with_place(), pk=booking_id)
    now = timezone.now()
    site = booking.evse.station.site
    policy = availability.policies_of([site])[site.pk]
    with timezone.override(site.zone):
        return render(
            request,
            "bookings/booking.html",
            {
                "booking": booking,
                "site": site,
                "steps": progress.steps(booking, now),
                "is_own": booking.user_id == request.user.pk,
                "may_start": booking.may_start(now),
                "may_move": booking.status == Booking.Status.RESERVED and now <= booking.change_until,
                "may_change_end": bool(changes.end_choices(booking, now)),
                "late_choices": changes.late_choices(booking, policy.max_late_minutes, now),
                "opens_soon": 0 < (booking.opens_at - now).total_seconds() < 3600,
                "is_held": booking.status == Booking.Status.PENDING and booking.hold_expires_at > now,
                "length": picker.length(booking.minutes),
                "fee": money(booking.fee, site),
                "fee_later": money(booking.noshow_fee, site),
                "late_fee": money(booking.late_stop_fee, site),
                "late_from": booking.ends_at + timedelta(minutes=booking.late_stop_minutes),
                "offer": overrun.open_offer(booking),
            },
        )


@never_cache
@login_required
def ics(request, booking_id):
    booking = get_object_or_404(Booking.objects.visible_to(request.access).with_place(), pk=booking_id)
    response = HttpResponse(ical.calendar(booking), content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="booking.ics"'
    return response


@require_POST
@login_required
def extend(request, booking_id):
    booking = own_booking(request, booking_id)
    try:
        actions.extend_hold(booking=booking, now=timezone.now())
    except BookingRefused as refused:
        messages.error(request, str(refused))
        if booking.status != Booking.Status.PENDING:
            return redirect("bookings:booking", booking.pk)
    return redirect("billing:review", booking.pk)


@never_cache
@login_required
def cancel(request, booking_id):
    booking = own_booking(request, booking_id)
    now = timezone.now()
    fee = actions.cancellation_fee(booking, now)
    if request.method == "POST" and agreed_fee(request) >= fee:
        try:
            booking = actions.cancel(booking=booking, by=request.user, now=now)
        except BookingRefused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, _("Your booking is cancelled."))
        return redirect("bookings:booking", booking.pk)
    if not booking.is_open:
        messages.error(request, _("This booking is no longer open."))
        return redirect("bookings:booking", booking.pk)
    # Asked again where the free time ran out between this page and the click.
    return _ask_cancel(request, booking, fee, now)


# --- how ----------------------------------------------------------------------------------------


def own_booking(request, booking_id) -> Booking:
    return get_object_or_404(Booking.objects.of_driver(request.user).with_place(), pk=booking_id)


def money(amount: Decimal, site: Site) -> str:
    return format_money(amount, site.operator.currency, get_language() or "en") if amount else ""


def _pick(request, site, policy, look, now, *, form=None, chosen="", moving=None, status=200):
    if form is not None:
        chosen = form.data.get("slot", "")
    context = picker.page(site, policy, look, chosen=chosen, now=now, moving=moving)
    weeks = picker.most_weeks(policy)
    if moving is None and weeks > 1 and request.user.is_authenticated:
        context["repeat"] = RepeatForm(request.POST or None, most=weeks)
    context |= {"form": form, "booking": moving, "is_bookable": policy.bookable}
    with timezone.override(site.zone):
        return render(request, "bookings/book.html", context, status=status)


def _taken(request, site, chosen, refused: SlotTaken, look):
    what = picker.slot_words(chosen["evse"], chosen["starts_at"], chosen["ends_at"], site)
    context = {
        "taken": _("%(slot)s has just been taken.") % {"slot": what},
        "alternatives": [_alternative(slot, site, look) for slot in refused.alternatives],
        "retry_url": look.url(),
        "retry": _("Show all times"),
    }
    return render(request, "409.html", context, status=409)


def _alternative(slot, site, look) -> dict:
    """The picker with this slot already chosen."""
    words = picker.slot_words(slot.evse, slot.starts_at, slot.ends_at, site)
    day = slot.starts_at.astimezone(site.zone).date().isoformat()
    return {
        "label": f"{_day(slot.starts_at, site)}: {words}",
        "url": look.url(day=day, slot=slot_value(slot.evse, slot.starts_at)),
    }


def _day(moment, site) -> str:
    return date_format(moment.astimezone(site.zone), "D j M")


def agreed_fee(request) -> Decimal:
    """The fee that the page named; nothing readable is nothing agreed."""
    try:
        amount = Decimal(request.POST.get("fee", "0"))
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() else Decimal(0)


def _ask_cancel(request, booking, fee, now):
    site = booking.evse.station.site
    with timezone.override(site.zone):
        until = date_format(timezone.localtime(booking.free_cancel_until), "j M Y, H:i")
        if fee:
            price = _("Cancelling now costs %(fee)s, because the free time ended on %(until)s.") % {
                "fee": money(fee, site),
                "until": until,
            }
        else:
            price = _("Cancelling now costs nothing.")
        slot = picker.slot_words(booking.evse, booking.starts_at, booking.ends_at, site)
        return render(
            request,
            "confirm.html",
            {
                "title": _("Cancel this booking?"),
                "question": f"{site}, {_day(booking.starts_at, site)}: {slot}",
                "consequences": [price, _("The slot goes to others at once.")],
                "action_url": reverse("bookings:cancel", args=[booking.pk]),
                "hidden": [("fee", fee)],
                "submit": _("Cancel the booking for %(fee)s") % {"fee": money(fee, site)}
                if fee
                else _("Cancel the booking"),
                "busy": _("Cancelling…"),
                "danger": True,
                "cancel_url": reverse("bookings:booking", args=[booking.pk]),
            },
        )
