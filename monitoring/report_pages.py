"""A report's parts as the page's templates want them."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from monitoring.patterns import report
from monitoring.patterns.report import RANKED, WEEKDAYS, Report
from monitoring.patterns.sheets import Table
from stations.models import Site

HOUR = timedelta(hours=1)
#: Hours of the past that are drawn before the forecast.
PAST = 7 * 24


def tabs(current: str) -> list[dict]:
    names = (
        ("reports", _("Use")),
        ("report_forecast", _("Forecast")),
        ("uptime", _("Uptime")),
        ("outages", _("Outages")),
        ("report_schedules", _("By e-mail")),
    )
    return [
        {"label": label, "url": reverse(f"ops:{name}"), "current": name == current} for name, label in names
    ]


def charts(made: Report) -> list[dict]:
    """Energy over time, and each currency's revenue."""
    table = report.over_time(made)
    moments = [
        int(datetime.combine(start, time(12), timezone.get_current_timezone()).timestamp())
        for start, _use in made.over_time
    ]
    found = [
        _chart(
            "energy",
            _("Energy"),
            moments,
            [("kWh", _("Energy"), "charging", [round(use.energy_kwh, 1) for _start, use in made.over_time])],
            table,
        )
    ]
    for currency, by_start in made.takings.items():
        values = [float(by_start.get(start, 0)) for start, _use in made.over_time]
        caption = _("Revenue, net (%s)") % currency
        line = (currency, _("Revenue, net"), "available", values)
        found.append(_chart(f"revenue-{currency}", caption, moments, [line], table))
    return found


def _chart(name: str, caption: str, moments: list[int], lines, table: Table) -> dict:
    return {
        "id": f"report-{name}",
        "data_id": f"report-{name}-data",
        "caption": caption,
        "data": {
            "x": moments,
            "series": [
                {"label": label, "unit": unit, "token": token, "values": values}
                for unit, label, token, values in lines
            ],
        },
        "columns": table.columns,
        "rows": table.rows,
    }


def heat_rows(made: Report) -> list[dict]:
    """Seven rows of 24 cells: the number, and one of six shades."""
    most = max(made.heat, default=0.0)
    return [
        {
            "day": _(day),
            "cells": [
                {"value": f"{value:.0f}", "shade": min(5, round(value / most * 5)) if most else 0}
                for value in made.heat[number * 24 : number * 24 + 24]
            ],
        }
        for number, day in enumerate(WEEKDAYS)
    ]


def spread(table: Table) -> dict:
    most = max((row[1] for row in table.rows), default=0)
    return {
        "table": table,
        "rows": [
            {"group": group, "count": count, "share": share, "bar": count / most * 100 if most else 0}
            for group, count, share in table.rows
        ],
    }


def ranked(made: Report) -> dict:
    """The sites with most and with least energy, in the table's own rows."""
    table = report.sites(made)
    if len(table.rows) <= 2 * RANKED:
        return {"columns": table.columns, "top": table.rows, "bottom": []}
    return {"columns": table.columns, "top": table.rows[:RANKED], "bottom": table.rows[-RANKED:]}


def forecast_chart(
    site: Site, now: datetime, history: list[float], expected: list[float] | None
) -> dict | None:
    """The week that was and the week to come, hour by hour."""
    if expected is None:
        return None
    start = now.replace(minute=0, second=0, microsecond=0)
    past = history[-PAST:]
    moments = [start + HOUR * number for number in range(-len(past), len(expected))]
    was = [*(round(value, 2) for value in past), *[None] * len(expected)]
    will = [*[None] * len(past), *(round(value, 2) for value in expected)]
    table = Table(
        "forecast",
        _("Forecast"),
        [_("Hour"), _("Expected (kWh)")],
        [
            [timezone.localtime(at, site.zone).strftime("%Y-%m-%d %H:%M"), value]
            for at, value in zip(moments[len(past) :], will[len(past) :], strict=True)
        ],
    )
    lines = [("kWh", _("Charged"), "charging", was), ("kWh", _("Expected"), "reserved", will)]
    caption = _("Energy an hour: the last week, and the next one")
    return _chart("forecast", caption, [int(at.timestamp()) for at in moments], lines, table)


def forecast_days(site: Site, now: datetime, expected: list[float] | None) -> list[dict]:
    """Each day's sum, and its busiest hour."""
    start = now.replace(minute=0, second=0, microsecond=0)
    by_day: dict = {}
    for number, value in enumerate(expected or []):
        at = timezone.localtime(start + HOUR * number, site.zone)
        by_day.setdefault(at.date(), []).append((value, at))
    return [
        {"day": day, "kwh": sum(value for value, _at in hours), "busiest": max(hours)[1]}
        for day, hours in by_day.items()
    ]
