"""Drivers' pages of the queue: join, see one's place, answer an offer, pause, leave."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from bookings import availability, rules
from bookings.exceptions import BookingRefused
from bookings.models import WaitlistPlace
from bookings.waitlist import actions, queue, showing
from bookings.waitlist.exceptions import AlreadyWaiting
from bookings.waitlist.forms import PAUSES, WishForm
from stations.models import Connector, Site
from stations.naming import evse_name, plugs


@never_cache
def join(request, slug):
    site = get_object_or_404(Site.objects.public().select_related("operator"), slug=slug)
    now = timezone.now()
    policy = availability.policies_of([site])[site.pk]
    if not policy.bookable:
        raise Http404
    standards = set(
        Connector.objects.filter(evse__station__site=site).values_list("standard", flat=True).distinct()
    )
    form = WishForm(
        request.POST if request.method == "POST" else None,
        site=site,
        policy=policy,
        standards=standards,
        now=now,
        initial=_initial(request, site, now),
    )
    if request.method == "POST":
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if form.is_valid():
            try:
                place = actions.join(site=site, user=request.user, now=now, **form.cleaned_data["wish"])
            except AlreadyWaiting as refused:
                mine = WaitlistPlace.objects.of_driver(request.user).open().get(site=site)
                messages.error(request, str(refused))
                return redirect("bookings:waitlist:place", mine.pk)
            except BookingRefused as refused:
                form.add_error(None, str(refused))
            else:
                return redirect("bookings:waitlist:place", place.pk)
    waiting = WaitlistPlace.objects.open().filter(site=site).count()
    context = {
        "form": form,
        "site": site,
        "waiting": waiting,
        "offer_minutes": policy.offer_minutes,
        "zone_name": now.astimezone(site.zone).tzname(),
    }
    with timezone.override(site.zone):
        return render(request, "bookings/waitlist/join.html", context, status=422 if form.errors else 200)


def _initial(request, site: Site, now) -> dict:
    """What a link may already say; whatever makes no sense is left to the form's own defaults."""
    found = {name: request.GET[name] for name in ("standard", "min_kw", "minutes") if request.GET.get(name)}
    day = request.GET.get("day", "")
    if day and day != now.astimezone(site.zone).date().isoformat():
        found |= {"when": "window"}
    return found | {"day": day[:10]} if day else found


@never_cache
@login_required
def place(request, place_id):
    place = _own(request, place_id)
    now, site = timezone.now(), place.site
    offer = place.offer if place.state == WaitlistPlace.State.OFFERED else None
    if offer is not None and offer.expires_at <= now:
        offer = None
    standing = queue.load(site, now).standing(place) if place.is_open else None
    taken = place.offers.filter(state="accepted").first()
    with timezone.override(site.zone):
        context = {
            "place": place,
            "site": site,
            "offer": offer,
            "slot": offer and _slot(offer.booking, site),
            "wish": showing.wish_words(place),
            "standing": standing and showing.standing_words(place, standing, now),
            "counted": standing,
            "is_paused": place.is_paused(now),
            "pauses": PAUSES,
            "booking": taken and taken.booking,
        }
        return render(request, "bookings/waitlist/place.html", context)


@require_POST
@login_required
def accept(request, place_id):
    place = _own(request, place_id)
    try:
        booking = actions.accept(place=place, now=timezone.now())
    except BookingRefused as refused:
        messages.error(request, str(refused))
        return redirect("bookings:waitlist:place", place.pk)
    return redirect("billing:review", booking.pk)


@require_POST
@login_required
def pause(request, place_id):
    minutes = request.POST.get("minutes", "")
    chosen = int(minutes) if minutes in map(str, PAUSES) else PAUSES[1]
    return _answer(
        request, place_id, actions.pause, _("Paused. You keep your place in the queue."), minutes=chosen
    )


@require_POST
@login_required
def resume(request, place_id):
    return _answer(request, place_id, actions.resume, _("You are waiting again."))


@require_POST
@login_required
def leave(request, place_id):
    return _answer(request, place_id, actions.leave, _("You have left the queue."))


def _answer(request, place_id, action, words: str, **more):
    place = _own(request, place_id)
    try:
        action(place=place, now=timezone.now(), **more)
    except BookingRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, words)
    return redirect("bookings:waitlist:place", place.pk)


def _own(request, place_id) -> WaitlistPlace:
    mine = WaitlistPlace.objects.of_driver(request.user).select_related("site__operator", "user")
    return get_object_or_404(mine.prefetch_related("offers__booking__evse__station"), pk=place_id)


def _slot(booking, site: Site) -> dict:
    return {
        "day": booking.starts_at,
        "where": f"{evse_name(booking.evse)}, {plugs(booking.evse)}",
        "start": rules.wall_clock(booking.starts_at, site.zone),
        "end": rules.wall_clock(booking.ends_at, site.zone),
    }
