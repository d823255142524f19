"""Rows of reports' tables, beside their columns."""

from decimal import Decimal

from django import template

register = template.Library()


@register.filter
def beside(columns, row):
    return list(zip(columns, row, strict=False))


@register.filter
def figure(value):
    """Thousands apart; what isn't there is a dash."""
    if value in (None, ""):
        return "–"
    if isinstance(value, int | float | Decimal):
        return f"{value:,}"
    return value
