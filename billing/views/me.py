"""The driver's own pages: what runs, what is booked, what was paid, and with what."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import actions, showing
from billing.actions.debts import fees_owed_by, owed_by
from billing.exceptions import ProviderDown
from billing.forms import IdTokenForm, VehicleForm
from billing.models import Card, Invoice, Start
from bookings.models import Booking
from evportal.accounts.models import Operator, Vehicle
from stations.exceptions import Refused
from stations.models import IdToken, Session


def tabs(current: str) -> list[dict]:
    pages = (
        ("me:home", _("Overview")),
        ("me:documents", _("Invoices")),
        ("me:billing", _("Billing details")),
        ("me:cards", _("Cards")),
        ("me:wallet", _("Wallet")),
        ("me:plan", _("Plan")),
        ("me:vehicles", _("Vehicles")),
        ("me:tokens", _("RFID cards")),
        ("me:notifications", _("Notifications")),
        ("me:calendar", _("Calendar")),
    )
    return [{"label": label, "url": reverse(name), "current": name == current} for name, label in pages]


@login_required
@require_safe
def home(request):
    sessions = Session.objects.of_driver(request.user).with_place().select_related("cdr__version")
    bookings = Booking.objects.of_driver(request.user).with_place()
    past = Paginator(sessions.exclude(stopped_at=None), 10)
    context = {
        "title": _("My charging"),
        "tabs": tabs("me:home"),
        "running": [(row, showing.session(row)) for row in sessions.open()],
        "debts": owed_by(request.user),
        "fee_debts": fees_owed_by(request.user),
        "starts": Start.objects.of_driver(request.user).open().select_related("evse__station__site"),
        # What the waitlist offers is no booking before it is accepted; it is shown with the place.
        "bookings": bookings.open()
        .filter(ends_at__gt=timezone.now())
        .exclude(offer__state="open")
        .order_by("starts_at"),
        "past": past.get_page(request.GET.get("page")),
        "documents": Invoice.objects.of_driver(request.user).with_place()[:10],
    }
    return render(request, "me/home.html", context)


# Cards


@login_required
@require_safe
def cards(request):
    context = {
        "title": _("Cards"),
        "tabs": tabs("me:cards"),
        "cards": Card.objects.of_driver(request.user),
        "here": request.path,
    }
    return render(request, "me/cards.html", context)


def _way_back(request, given: str | None) -> str:
    """Where to go afterwards: a page of ours, never an address that somebody slipped in."""
    if given and url_has_allowed_host_and_scheme(given, allowed_hosts=None) and given.startswith("/"):
        return given
    return reverse("me:cards")


@login_required
@require_POST
def add_card(request):
    back_to = _way_back(request, request.POST.get("next"))
    try:
        return redirect(actions.card_page(user=request.user, back_to=back_to))
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(back_to)


@login_required
@require_safe
def card_added(request):
    """Back from the provider's card page; the webhook may have been here before, or not yet."""
    back_to = _way_back(request, request.GET.get("next"))
    try:
        card = actions.save_card(user=request.user, checkout_session=request.GET.get("session_id", "")[:255])
    except ProviderDown:
        card = None
    if card is None:
        messages.warning(
            request, _("Your card is not here yet. It appears as soon as the payment service confirms it.")
        )
    else:
        messages.success(request, _("%(card)s is saved.") % {"card": card})
    return redirect(back_to)


def _own_card(request, card_id: int) -> Card:
    return get_object_or_404(Card.objects.of_driver(request.user), pk=card_id)


@login_required
@require_POST
def make_default(request, card_id):
    card = actions.make_default(card=_own_card(request, card_id))
    messages.success(request, _("%(card)s is used from now on.") % {"card": card})
    return redirect("me:cards")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def remove_card(request, card_id):
    card = _own_card(request, card_id)
    if request.method == "POST":
        try:
            actions.remove_card(card=card)
        except ProviderDown:
            pass
        messages.success(request, _("%(card)s is removed.") % {"card": card})
        return redirect("me:cards")
    return _ask(
        request,
        title=_("Remove this card?"),
        question=str(card),
        consequences=[_("Bookings and charges under way are still paid with it.")],
        back=reverse("me:cards"),
    )


def _ask(request, *, title: str, question: str, consequences: list[str], back: str):
    context = {
        "title": title,
        "question": question,
        "consequences": consequences,
        "action_url": request.path,
        "submit": _("Remove"),
        "danger": True,
        "cancel_url": back,
    }
    return render(request, "confirm.html", context)


# Vehicles and RFID cards


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def vehicles(request):
    form = VehicleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.instance.user = request.user
        form.save()
        messages.success(request, _("%(vehicle)s is saved.") % {"vehicle": form.instance})
        return redirect("me:vehicles")
    context = {
        "title": _("Vehicles"),
        "tabs": tabs("me:vehicles"),
        "form": form,
        "vehicles": request.user.vehicles.all(),
    }
    return render(request, "me/vehicles.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def remove_vehicle(request, vehicle_id):
    vehicle = get_object_or_404(Vehicle, pk=vehicle_id, user=request.user)
    messages.success(request, _("%(vehicle)s is removed.") % {"vehicle": vehicle})
    vehicle.delete()
    return redirect("me:vehicles")


def _own_tokens(request):
    return (
        IdToken.objects.filter(user=request.user)
        .exclude(type=IdToken.Type.CENTRAL)
        .select_related("operator")
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request):
    form = IdTokenForm(
        request.POST or None, operators=Operator.objects.filter(sites__is_public=True).distinct()
    )
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                form.instance.user = request.user
                form.save()
        except IntegrityError:
            # One answer for one's own and for another's card: numbers of others are not to be found out.
            form.add_error("token", _("This card can't be added. If it is yours, please call us."))
        else:
            messages.success(request, _("%(card)s is saved.") % {"card": form.instance})
            return redirect("me:tokens")
    context = {
        "title": _("RFID cards"),
        "tabs": tabs("me:tokens"),
        "form": form,
        "tokens": _own_tokens(request),
    }
    return render(request, "me/tokens.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def remove_token(request, token_id):
    token = get_object_or_404(_own_tokens(request), pk=token_id)
    if request.method == "POST":
        messages.success(request, _("%(card)s is removed.") % {"card": token})
        token.delete()
        return redirect("me:tokens")
    return _ask(
        request,
        title=_("Remove this RFID card?"),
        question=str(token),
        consequences=[_("It can't start a charge any more.")],
        back=reverse("me:tokens"),
    )
