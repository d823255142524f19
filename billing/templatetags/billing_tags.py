"""Prices on pages: every tag asks billing/prices.py, so a page can't show another figure than the bill.

{% tariff_lines evse %}              the price in AFIR's order, as a list
{% limit_fields evse %}              a fold in a form that starts a charge: the driver's own limit
{% session_lines session %}          the same for a session, by what was frozen at its start
{% for group in evses|by_tariff %}   EVSEs in groups that charge the same
{% from_price evse_or_site %}        "from €0.49/kWh", or nothing where no tariff is set
{% money amount currency %}          €11.80
{% debt_url debt as url %}           where a debt is paid without signing in
{% slot_price evse starts ends %}    "about €9.40" for a slot
{% booking_estimate booking as price %} what a booking will cost, and whether enough is held for it
{% running_cost session %}           the cost up to the last meter value
{% session_facts session as facts %} what the session page shows, ready formatted
{% attach_prices evses_or_sites %}   before a list of prices, which then costs no query per row
"""

from decimal import Decimal

from django import template
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from billing import debt_links, prices, showing
from billing.actions.booking import booking_quote
from billing.exceptions import NoTariff
from billing.forms_limit import LimitForm, given
from billing.models import Payment, Quote
from evportal.money import format_money, format_unit_price
from stations.models import Evse

register = template.Library()


@register.simple_tag
def money(amount, currency: str) -> str:
    return format_money(Decimal(amount), currency, get_language() or "en")


@register.simple_tag
def debt_url(debt) -> str:
    return debt_links.url(debt)


@register.simple_tag(takes_context=True)
def attach_prices(context, places) -> str:
    """Read the tariffs of a list's EVSEs, or of its sites, together, for whoever looks."""
    evses = [place for place in places if isinstance(place, Evse)]
    for evse in evses:
        # Pieces of the page that are written by themselves know no request.
        evse.price_viewer = _viewer(context)
    prices.attach(evses)
    prices.attach_sites([place for place in places if not isinstance(place, Evse)])
    return ""


@register.filter
def by_tariff(evses) -> list[list[Evse]]:
    """EVSEs in groups that charge the same prices now."""
    groups: dict = {}
    for evse in evses:
        version = prices.version_for(evse, timezone.now())
        groups.setdefault(version and version.pk, []).append(evse)
    return list(groups.values())


@register.inclusion_tag("billing/_tariff_lines.html", takes_context=True)
def tariff_lines(context, evse, at=None) -> dict:
    """The price for whoever looks: their price groups' where they are in one."""
    at = at or timezone.now()
    version = prices.version_for(evse, at)
    groups = prices.groups_of(_viewer(context), evse, at)
    return {"lines": prices.describe(version, get_language() or "en", groups) if version else []}


@register.inclusion_tag("billing/_tariff_lines.html")
def session_lines(session) -> dict:
    """The price that a session is billed by: its frozen version, for the groups that were frozen with it."""
    version = prices.frozen_version(session)
    groups = prices.frozen_groups(session)
    return {"lines": prices.describe(version, get_language() or "en", groups) if version else []}


@register.inclusion_tag("billing/_limit_fields.html", takes_context=True)
def limit_fields(context, evse) -> dict:
    """Empty, or what was entered and refused: then the address has it."""
    entered = given(context["request"].GET)
    return {"form": LimitForm(entered or None, evse=evse, currency=evse.station.site.operator.currency)}


def _viewer(context):
    return getattr(context.get("request"), "user", None)


@register.simple_tag
def from_price(place) -> str:
    """The lowest price per kWh, tax included, of an EVSE or of a whole site."""
    now = timezone.now()
    if isinstance(place, Evse):
        version = prices.version_for(place, now)
        versions = [version] if version else []
    else:
        prices.attach_sites([place])
        per_tariff = (terms.version(now) for terms in place.tariff_versions)
        versions = [version for version in per_tariff if version]
    found = [price for version in versions if (price := prices.energy_price(version))]
    if not found:
        return ""
    amount, currency = min(found)
    if not amount:
        return _("free")
    price = format_unit_price(amount, currency, get_language() or "en")
    return f"{price}/kWh" if isinstance(place, Evse) else _("from %(price)s/kWh") % {"price": price}


@register.simple_tag(takes_context=True)
def slot_price(context, evse, starts_at, ends_at) -> str:
    version = prices.version_for(evse, starts_at)
    if version is None:
        return ""
    # A page of slots asks for the same price once per connector: the version remembers it while it lives.
    known = version.__dict__.setdefault("slot_prices", {})
    viewer = _viewer(context) or getattr(evse, "price_viewer", None)
    groups = prices.groups_of(viewer, evse, starts_at)
    key = (evse.max_power_w, starts_at, ends_at, groups)
    if key not in known:
        found = prices.estimate(evse=evse, starts_at=starts_at, ends_at=ends_at, groups=groups)
        known[key] = format_money(found.gross, found.currency, get_language() or "en")
    return _("about %(amount)s") % {"amount": known[key]}


@register.simple_tag
def booking_estimate(booking) -> dict:
    """What a booking is estimated to cost, what is held for it, and whether that may not be enough."""
    quote = Quote.objects.filter(booking=booking).first()
    if quote is None or (quote.starts_at, quote.ends_at) != (booking.starts_at, booking.ends_at):
        try:
            # The task that follows a move may not have come by.
            quote = booking_quote(booking)
        except NoTariff:
            return {}
    payment = booking.payments.filter(state=Payment.State.HELD).first()
    held = payment.amount if payment is not None else None
    return {
        "estimate": money(quote.gross, quote.currency),
        "held": money(held, quote.currency) if held is not None else "",
        "in_wallet": payment is not None and payment.method == Payment.Method.WALLET,
        "is_short": held is not None and quote.hold_amount > held,
    }


@register.simple_tag
def running_cost(session) -> str:
    priced = prices.running(session)
    return format_money(priced.gross, priced.currency, get_language() or "en") if priced else ""


@register.simple_tag
def session_facts(session):
    return showing.session(session)
