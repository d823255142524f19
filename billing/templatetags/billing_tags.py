"""Prices on pages: every tag asks billing/prices.py, so a page can't show another figure than the bill.

{% tariff_lines evse %}              the price in AFIR's order, as a list
{% from_price evse_or_site %}        "from €0.49/kWh", or nothing where no tariff is set
{% money amount currency %}          €11.80
{% slot_price evse starts ends %}    "about €9.40" for a slot
{% running_cost session %}           the cost up to the last meter value
{% session_facts session as facts %} what the session page shows, ready formatted
Lists call `prices.attach(evses)` or `prices.attach_sites(sites)` first, and then cost no query per row.
"""

from decimal import Decimal

from django import template
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from billing import prices, showing
from billing.exceptions import NoTariff
from evportal.money import format_money, format_unit_price
from stations.models import Evse

register = template.Library()


@register.simple_tag
def money(amount, currency: str) -> str:
    return format_money(Decimal(amount), currency, get_language() or "en")


@register.inclusion_tag("billing/_tariff_lines.html")
def tariff_lines(evse, at=None) -> dict:
    version = prices.version_for(evse, at or timezone.now())
    return {"lines": prices.describe(version, get_language() or "en") if version else []}


@register.simple_tag
def from_price(place) -> str:
    """The lowest price per kWh, tax included, of an EVSE or of a whole site."""
    now = timezone.now()
    if isinstance(place, Evse):
        version = prices.version_for(place, now)
        versions = [version] if version else []
    else:
        prices.attach_sites([place])
        per_tariff = (
            next((v for v in found if v.valid_from <= now), None) for found in place.tariff_versions
        )
        versions = [version for version in per_tariff if version]
    found = [price for version in versions if (price := prices.energy_price(version))]
    if not found:
        return ""
    amount, currency = min(found)
    if not amount:
        return _("free")
    price = format_unit_price(amount, currency, get_language() or "en")
    return f"{price}/kWh" if isinstance(place, Evse) else _("from %(price)s/kWh") % {"price": price}


@register.simple_tag
def slot_price(evse, starts_at, ends_at, user=None) -> str:
    try:
        found = prices.estimate(evse=evse, starts_at=starts_at, ends_at=ends_at, user=user)
    except NoTariff:
        return ""
    return _("about %(amount)s") % {
        "amount": format_money(found.gross, found.currency, get_language() or "en")
    }


@register.simple_tag
def running_cost(session) -> str:
    priced = prices.running(session)
    return format_money(priced.gross, priced.currency, get_language() or "en") if priced else ""


@register.simple_tag
def session_facts(session):
    return showing.session(session)
