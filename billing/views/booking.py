"""Before a slot is paid: check the answers, see the price and the hold, pay."""

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from billing import actions, late_stop, policy, showing, showing_plans
from billing.actions.booking import booking_quote
from billing.exceptions import NoTariff, ProviderDown
from billing.forms_limit import LimitForm
from billing.models import Card, Payment
from billing.views import limit, means
from billing.views.charger import start_and_go
from bookings.models import Booking
from stations.exceptions import Refused


def own_booking(request, booking_id) -> Booking:
    return get_object_or_404(Booking.objects.with_place().of_driver(request.user), pk=booking_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def review(request, booking_id):
    booking = own_booking(request, booking_id)
    if booking.status != Booking.Status.PENDING or booking.hold_expires_at <= timezone.now():
        return redirect("bookings:booking", booking.pk)
    under_way = booking.payments.filter(state__in=[Payment.State.NEW, Payment.State.NEEDS_ACTION]).first()
    if under_way is not None:
        return redirect("billing:payment", under_way.pk)
    if request.method == "POST":
        return _pay(request, booking)
    return _page(request, booking)


def _pay(request, booking: Booking):
    try:
        payment = actions.confirm_booking(booking=booking, **means.chosen(request))
    except ProviderDown as refusal:
        payment = booking.payments.live().first()
        if payment is None:
            return _page(request, booking, problem=str(refusal), status=503)
    except Refused as refusal:
        booking.refresh_from_db()
        if booking.status != Booking.Status.PENDING:
            messages.error(request, str(refusal))
            return redirect("bookings:booking", booking.pk)
        return _page(request, booking, problem=str(refusal), status=402)
    if payment is not None and payment.state in (Payment.State.NEW, Payment.State.NEEDS_ACTION):
        return redirect("billing:payment", payment.pk)
    return redirect("bookings:booking", booking.pk)


def _page(request, booking: Booking, *, problem: str = "", status: int = 200):
    site = booking.evse.station.site
    with timezone.override(site.zone):
        try:
            quote = booking_quote(booking)
        except NoTariff as refusal:
            quote, problem, status = None, str(refusal), 409
        context = {
            "title": _("Check and pay"),
            "booking": booking,
            "site": site,
            "evse": booking.evse,
            "charger_id": booking.evse.public_id,
            "quote": quote,
            "answers": _answers(booking),
            "rules": _rules(booking),
            "cards": Card.objects.of_driver(request.user),
            "problem": problem,
            "released_within": policy.HOLD_RELEASED_WITHIN_DAYS,
            "here": request.path,
        }
        if quote is not None:
            context |= {
                "lines": showing.quote_lines(quote),
                "plan": showing_plans.of_quote(quote),
                "totals": showing.totals(
                    quote.net, quote.tax, quote.gross, quote.currency, _("Estimated total")
                ),
                **means.offered(request.user, site.operator, quote.currency, quote.hold_amount),
                "energy": showing.kwh(quote.energy_wh, "1"),
            }
        return render(request, "billing/review.html", context, status=status)


def _answers(booking: Booking) -> list[dict]:
    zone = booking.evse.station.site.zone
    start, end = booking.starts_at.astimezone(zone), booking.ends_at.astimezone(zone)
    site = booking.evse.station.site
    again = reverse("bookings:book", args=[site.slug])
    plugs = ", ".join(str(connector) for connector in booking.evse.connectors.all())
    power = f"{booking.evse.max_power_w / 1000:g} kW"
    return [
        {"label": _("Site"), "value": f"{site.name}, {site.address}"},
        {
            "label": _("Charger"),
            "value": f"{booking.evse.public_id} · {plugs} · {power}",
            "change_url": again,
        },
        {"label": _("Day"), "value": date_format(start, "l, j F Y"), "change_url": again},
        {
            "label": _("Time"),
            "value": f"{start:%H:%M}–{end:%H:%M} ({start.tzname()})",
            "change_url": again,
        },
    ]


def _rules(booking: Booking) -> list[str]:
    """The terms as clock times, because nobody counts minutes backwards."""
    zone = booking.evse.station.site.zone

    def clock(minutes: int) -> str:
        at = (booking.starts_at + timedelta(minutes=minutes)).astimezone(zone)
        day = "" if at.date() == booking.starts_at.astimezone(zone).date() else date_format(at, "j F") + ", "
        return f"{day}{at:%H:%M}"

    currency = booking.evse.station.site.operator.currency
    fee = showing.money(booking.noshow_fee, currency)
    rules = [
        _("You may plug in from %(time)s.") % {"time": clock(-booking.early_start_minutes)},
        _("Cancelling is free until %(time)s.") % {"time": clock(-booking.cancel_until_minutes)},
    ]
    late = clock(booking.noshow_timeout_minutes)
    if booking.noshow_fee:
        rules.append(
            _("If you have not plugged in by %(time)s, the slot is released and costs %(fee)s.")
            % {"time": late, "fee": fee}
        )
    else:
        rules.append(_("If you have not plugged in by %(time)s, the slot is released.") % {"time": late})
    return [*rules, _late_stop(booking)]


def _late_stop(booking: Booking) -> str:
    """What happens to charging that goes on past the slot."""
    currency = booking.evse.station.site.operator.currency
    at = late_stop.late_from(booking).astimezone(booking.evse.station.site.zone)
    words = {"time": f"{at:%H:%M}", "fee": showing.money(booking.late_stop_fee, currency)}
    if not booking.late_stop_fee:
        return _("Charging is stopped at %(time)s.") % words
    if booking.late_stop_fee_per == "once":
        return _("Charging on after %(time)s costs %(fee)s once.") % words
    return _("Charging on after %(time)s costs %(fee)s for each minute begun.") % words


@login_required
@require_POST
def start_booking(request, booking_id):
    booking = own_booking(request, booking_id)
    card = Card.objects.of_driver(request.user).first()
    back = reverse("bookings:booking", args=[booking.pk])
    if booking.status != Booking.Status.RESERVED:
        messages.error(request, _("This booking can't be started any more."))
        return redirect(back)
    opens = booking.starts_at - timedelta(minutes=booking.early_start_minutes)
    if not opens <= timezone.now() < booking.ends_at:
        zone = booking.evse.station.site.zone
        messages.error(
            request, _("You can start from %(time)s.") % {"time": f"{opens.astimezone(zone):%H:%M}"}
        )
        return redirect(back)
    form = LimitForm(request.POST, evse=booking.evse, currency=booking.evse.station.site.operator.currency)
    if not form.is_valid():
        messages.error(request, _("This limit is not possible: look at the fields below."))
        return redirect(limit.refused(back, request.POST))
    return start_and_go(request, evse=booking.evse, card=card, booking=booking, back=back, wanted=form.wanted)
