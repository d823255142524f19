"""The page behind the QR code: what it costs, what is held, start."""

import logging
from decimal import Decimal

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from billing import actions, limits, policy, prices, showing, showing_plans
from billing.actions import guests, pages
from billing.actions.charging import AlreadyCharging
from billing.exceptions import NoTariff
from billing.forms_limit import LimitForm
from billing.limits import Limits
from billing.models import Card, Payment, Start
from billing.places import own_booking
from billing.readiness import nearest_free, obstacle
from billing.views import limit, means, scan, visitors
from bookings.at_charger import walk_in_plan
from bookings.models import Booking
from stations import paying
from stations.exceptions import Refused
from stations.models import Evse, Session

log = logging.getLogger(__name__)

LEAST_KWH, MOST_KWH, STEP_KWH, USUAL_KWH = 5, 100, 5, 20


def public_evse(public_id: str) -> Evse:
    return get_object_or_404(Evse.objects.public().with_station().for_public_id(public_id))


@require_safe
def scanned(request, code, number, password):
    """A code from a charger's display: good for a minute, so that a photograph of it is worth nothing."""
    now = timezone.now()
    evse = paying.scanned(code=code, evse_number=number, said=password, now=now)
    if evse is None:
        return render(request, "billing/code_expired.html", {"title": _("This code has run out")}, status=410)
    scan.remember(request, evse, now)
    return redirect("billing:charger", evse.public_id)


@require_safe
def charger(request, public_id):
    evse = public_evse(public_id)
    site = evse.station.site
    user = request.user if request.user.is_authenticated else None
    drivers = visitors.drivers(request)
    own = Session.objects.open().filter(evse=evse, user__in=drivers).first() if drivers else None
    if own is not None:
        return redirect("billing:session", own.link)
    start = Start.objects.open().filter(evse=evse, user__in=drivers).first() if drivers else None
    # A guest who has not paid yet may go on, here.
    is_paying = start is not None and start.user.is_guest and start.state == Start.State.PAYING
    if start is not None and not is_paying:
        return redirect("billing:starting", start.pk)
    now = timezone.now()
    problem = obstacle(evse, user, now)
    booking = own_booking(evse, user, now)
    if booking is None and not scan.may_use(request, evse, now):
        problem = problem or str(scan.NotScanned())
    with timezone.override(site.zone):
        context = {
            "title": site.name,
            "evse": evse,
            "site": site,
            "charger_id": evse.public_id,
            "state": showing.evse_state(evse),
            "problem": problem,
            "other": nearest_free(evse, now) if problem else None,
            "booking": booking,
            "stop": None if booking or problem else _stop(evse, user, now),
            "released_within": policy.HOLD_RELEASED_WITHIN_DAYS,
            "here": request.path,
            "is_paying": is_paying,
            "guests_may": settings.GUEST_STARTS_PER_ADDRESS > 0,
            **_prices(request, evse, user, now),
        }
        return render(request, "billing/charger.html", context)


def _stop(evse: Evse, user, now) -> dict | None:
    """When somebody without a booking would be stopped, and for when the place is booked."""
    found = walk_in_plan(evse, user, now)
    if found is None:
        return None
    plan, booking = found
    return {"at": plan.at, "booked_from": booking.starts_at}


def _prices(request, evse: Evse, user, now) -> dict:
    kwh = _kwh(request.GET.get("kwh"))
    try:
        example = prices.estimate(evse=evse, starts_at=now, energy_wh=Decimal(kwh) * 1000, user=user)
        usual = prices.estimate(evse=evse, starts_at=now, user=user)
    except NoTariff as refusal:
        return {"problem": str(refusal)}
    return {
        "plan": showing_plans.line(user, evse.station.site, now),
        "kwh": kwh,
        "fewer": max(LEAST_KWH, kwh - STEP_KWH),
        "more": min(MOST_KWH, kwh + STEP_KWH),
        "example": showing.money(example.gross, example.currency),
        "hold": showing.money(usual.hold, usual.currency) if usual.hold else "",
        **means.offered(user, evse.station.site.operator, usual.currency, usual.hold),
        "limit_form": limit.start_form(request, evse, usual.currency),
    }


def _kwh(text: str | None) -> int:
    if not text or not text.isdecimal() or len(text) > 4:
        return USUAL_KWH
    return min(MOST_KWH, max(LEAST_KWH, int(text)))


@login_required
@require_POST
def start(request, public_id):
    evse = public_evse(public_id)
    back = reverse("billing:charger", args=[evse.public_id])
    paying_with = means.chosen(request)
    booking = own_booking(evse, request.user, timezone.now())
    if booking is None and not scan.may_use(request, evse, timezone.now()):
        messages.error(request, str(scan.NotScanned()))
        return redirect(back)
    form = LimitForm(request.POST, evse=evse, currency=evse.station.site.operator.currency)
    if not form.is_valid():
        messages.error(request, _("This limit is not possible: look at the fields below."))
        return redirect(limit.refused(back, request.POST))
    return start_and_go(request, evse=evse, booking=booking, back=back, wanted=form.wanted, **paying_with)


def start_and_go(
    request,
    *,
    evse: Evse,
    card: Card | None,
    booking: Booking | None,
    back: str,
    from_wallet: bool = False,
    wanted: Limits = limits.NONE,
):
    """Start, and lead to what comes next: the bank, the steps, the session, or back with the reason."""
    try:
        row = actions.start_charging(
            user=request.user,
            evse=evse,
            card=card,
            from_wallet=from_wallet,
            booking=booking,
            by=request.user,
            wanted=wanted,
        )
    except AlreadyCharging as running:
        return redirect("billing:session", running.session.link)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(back)
    if row.payment is not None and row.payment.state == Payment.State.NEEDS_ACTION:
        paying.payment_started(evse=evse)
        return redirect("billing:payment", row.payment.pk)
    return redirect("billing:starting", row.pk)


@require_safe
def starting(request, start_id):
    """The start in steps; it goes on by itself to the session, or back to the charger with the reason."""
    drivers = visitors.drivers(request)
    if not drivers:
        return redirect_to_login(request.get_full_path())
    row = get_object_or_404(
        Start.objects.filter(user__in=drivers).select_related(
            "user", "session", "payment__card", "command", "evse__station__site"
        ),
        pk=start_id,
    )
    if row.user.is_guest:
        _look(row)
    if row.session is not None:
        return redirect("billing:session", row.session.link)
    site = row.evse.station.site
    with timezone.override(site.zone):
        context = {
            "title": _("Did not start") if row.state == Start.State.FAILED else _("Starting…"),
            "start": row,
            "site": site,
            "evse": row.evse,
            "charger_id": row.evse.public_id,
            "steps": _steps(row),
            "payment_words": showing.payment_words(row.payment) if row.payment else "",
            "again": reverse("billing:charger", args=[row.evse.public_id]),
            "has_page": row.state == Start.State.PAYING
            and row.payment is not None
            and pages.is_waited_for(row.payment),
        }
        return render(request, "billing/starting.html", context)


def _look(row: Start) -> None:
    """A guest is back from the provider's page before its webhook is here."""
    try:
        guests.look(start=row)
    except Refused as refusal:
        # The row says why, or the provider does not answer and the page asks again.
        log.info("Start %s: %s", row.pk, refusal)
        row.refresh_from_db()


def _steps(row: Start) -> list[dict]:
    """Hold placed → charger accepted → cable locked → charging: each only when it has happened."""
    held = row.payment is None or row.payment.state == Payment.State.HELD
    accepted = row.command is not None and row.command.is_final and row.command.accepted
    failed = row.state == Start.State.FAILED
    titles = [(_("Hold placed"), row.payment.updated_at if held else None)] if row.payment else []
    done = [held] if row.payment else []
    titles += [
        (_("Charger accepted"), row.command.answered_at if accepted else None),
        (_("Cable locked"), None),
        (_("Charging"), None),
    ]
    done += [accepted, False, False]
    steps, current = [], True
    for (title, at), is_done in zip(titles, done, strict=True):
        state = "done" if is_done else ("failed" if failed else "now") if current else "todo"
        current = current and is_done
        steps.append({"title": title, "at": at, "state": state})
    if accepted and not failed:
        steps[-2]["note"] = _("Plug in the cable now, if it isn't yet.")
    return steps
