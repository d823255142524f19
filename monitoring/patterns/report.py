"""One report, whole: figures, tables and charts for the page, its downloads and the mail alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal

from django.utils.translation import gettext as _

from bookings import use as booking_use
from evportal.accounts.access import Access
from evportal.money import round_money
from monitoring.patterns import advice, figures, periods
from monitoring.patterns.buckets import ENERGIES, LENGTHS, labels
from monitoring.patterns.figures import SiteUse, Use
from monitoring.patterns.periods import Period
from monitoring.patterns.sheets import Table
from stations.models import Site

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
#: So many sites are shown at the top and at the bottom; the download has all.
RANKED = 5


@dataclass
class Report:
    period: Period
    lines: list[SiteUse]
    #: Where the reader may see money; a part of `lines`.
    money: list[SiteUse]
    before: list[SiteUse]
    last_year: list[SiteUse]
    over_time: list
    step: str
    takings: dict
    heat: list[float]
    shape: figures.Shape
    bookings: dict[int, booking_use.Use]

    @property
    def total(self) -> Use:
        return figures.total(self.lines)

    @property
    def evses(self) -> int:
        return sum(line.evses for line in self.lines)

    @property
    def utilisation(self) -> float:
        whole = self.evses * self.period.days * 24
        return self.total.occupied_h / whole * 100 if whole else 0.0

    @property
    def is_empty(self) -> bool:
        return not self.total.sessions and not self.total.energy_kwh and not self.total.failed_starts


def make(access: Access, sites: Sequence[Site], period: Period) -> Report:
    """Of these sites, which the reader may see."""
    lines = figures.by_site(sites, period)
    paid = set(Site.objects.filter(access.sites("view_money")).values_list("pk", flat=True))
    money = [line for line in lines if line.site.pk in paid]
    before = figures.by_site(sites, periods.before(period))
    year = figures.by_site(sites, periods.last_year(period))
    for found, span in (
        (money, period),
        ([line for line in before if line.site.pk in paid], periods.before(period)),
        ([line for line in year if line.site.pk in paid], periods.last_year(period)),
    ):
        figures.add_takings(found, span)
    step = figures.step_for(period)
    since, until = (datetime.combine(day, time(), UTC) for day in (period.since, period.until))
    return Report(
        period=period,
        lines=lines,
        money=money,
        before=before,
        last_year=year,
        over_time=figures.over_time(sites, period, step),
        step=step,
        takings=figures.takings_over_time([line.site for line in money], period, step),
        heat=figures.heat(sites, period, sum(line.evses for line in lines)),
        shape=figures.shape(sites, period),
        bookings=booking_use.by_site([site.pk for site in sites], since, until),
    )


# --- tables ------------------------------------------------------------------------------------------


def tables(report: Report) -> list[Table]:
    """All that can be downloaded, by name."""
    return [
        comparison(report),
        over_time(report),
        heat(report),
        sites(report),
        lengths(report),
        energies(report),
        bookings(report),
    ]


def comparison(report: Report) -> Table:
    """This period, the one before and the same a year before."""
    spans = (report.lines, report.before, report.last_year)
    uses = [figures.total(lines) for lines in spans]
    whole = report.evses * report.period.days * 24
    names = (
        (_("Energy (kWh)"), lambda use: round(use.energy_kwh, 1)),
        (_("Sessions"), lambda use: use.sessions),
        (_("Utilisation (%)"), lambda use: round(use.occupied_h / whole * 100, 1) if whole else 0.0),
        (_("In use (h)"), lambda use: round(use.occupied_h, 1)),
        (_("Charging (h)"), lambda use: round(use.charging_h, 1)),
        (_("Idle, still connected (h)"), lambda use: round(use.idle_h, 1)),
        (_("Failed starts"), lambda use: use.failed_starts),
        (_("Highest power of a site (kW)"), lambda use: round(use.peak_kw, 1)),
    )
    rows = [[label, *(of(use) for use in uses)] for label, of in names]
    sums = [figures.total_takings(lines) for lines in spans]
    for currency in sorted({currency for each in sums for currency in each}):
        amounts = [round_money(each[currency], currency) if currency in each else 0 for each in sums]
        rows.append([_("Revenue, net (%s)") % currency, *amounts])
    columns = [_("Figure"), _("This period"), _("Before"), _("Change (%)"), _("A year before")]
    return Table(
        "comparison",
        _("Compared"),
        [*columns, _("Change in a year (%)")],
        [[row[0], row[1], row[2], _change(row[1], row[2]), row[3], _change(row[1], row[3])] for row in rows],
    )


def _change(now, then) -> float | str:
    return round((float(now) / float(then) - 1) * 100, 1) if then else ""


def over_time(report: Report) -> Table:
    head = {"day": _("Day"), "week": _("Week from"), "month": _("Month from")}[report.step]
    currencies = sorted(report.takings)
    columns = [head, _("Energy (kWh)"), _("Sessions"), _("In use (h)"), _("Idle (h)"), _("Failed starts")]
    columns += [_("Revenue, net (%s)") % currency for currency in currencies]
    rows = [
        [
            f"{start:%Y-%m-%d}",
            round(use.energy_kwh, 1),
            use.sessions,
            round(use.occupied_h, 1),
            round(use.idle_h, 1),
            use.failed_starts,
            *(round_money(report.takings[each].get(start, Decimal(0)), each) for each in currencies),
        ]
        for start, use in report.over_time
    ]
    return Table("over-time", _("Over time"), columns, rows)


def heat(report: Report) -> Table:
    days = [_(day) for day in WEEKDAYS]
    rows = [
        [day, *(round(value, 1) for value in report.heat[number * 24 : number * 24 + 24])]
        for number, day in enumerate(days)
    ]
    return Table(
        "utilisation",
        _("Utilisation by hour and weekday, in percent"),
        [_("Weekday"), *map(str, range(24))],
        rows,
    )


def sites(report: Report) -> Table:
    currencies = sorted({currency for line in report.money for currency in line.takings})
    columns = [
        _("Site"), _("EVSEs"), _("Utilisation (%)"), _("Energy (kWh)"), _("Sessions"), _("Idle (h)"),
        _("Failed starts"), _("Hours almost full"), *(_("Revenue, net (%s)") % each for each in currencies),
    ]  # fmt: skip
    rows = [
        [
            line.site.name,
            line.evses,
            round(line.utilisation(report.period.days), 1),
            round(line.use.energy_kwh, 1),
            line.use.sessions,
            round(line.use.idle_h, 1),
            line.use.failed_starts,
            line.full_hours,
            *(round_money(line.takings[each], each) if each in line.takings else "" for each in currencies),
        ]
        for line in sorted(report.lines, key=lambda line: (-line.use.energy_kwh, line.site.name))
    ]
    return Table("sites", _("Sites"), columns, rows)


def lengths(report: Report) -> Table:
    return _spread("lengths", _("Length of sessions"), labels(LENGTHS, "min"), report.shape.lengths)


def energies(report: Report) -> Table:
    return _spread("energies", _("Energy of sessions"), labels(ENERGIES, "kWh"), report.shape.energies)


def _spread(name: str, title: str, groups: list[str], counts: list[int]) -> Table:
    whole = sum(counts)
    rows = [
        [group, count, round(count / whole * 100, 1) if whole else 0.0]
        for group, count in zip(groups, counts, strict=True)
    ]
    return Table(name, title, [_("Group"), _("Sessions"), _("Share (%)")], rows)


def bookings(report: Report) -> Table:
    columns = [
        _("Site"), _("Booked"), _("Used"), _("Not used"), _("Cancelled"), _("Failed"), _("Booked (h)"),
        _("Charged within (h)"), _("Lead time (h)"), _("Refused, slot taken"),
    ]  # fmt: skip
    rows = []
    for line in report.lines:
        use = report.bookings.get(line.site.pk)
        if use is not None:
            lead = "" if use.lead_h is None else round(use.lead_h, 1)
            counts = [use.booked, use.used, use.no_shows, use.cancelled, use.failed]
            rows.append(
                [line.site.name, *counts, round(use.booked_h, 1), round(use.used_h, 1), lead, use.refused]
            )
    return Table("bookings", _("Bookings"), columns, rows)


# --- what to change ----------------------------------------------------------------------------------


def advise(report: Report) -> list[dict]:
    facts = []
    for line in report.lines:
        use = report.bookings.get(line.site.pk, booking_use.Use())
        facts.append(
            advice.SiteFigures(
                name=line.site.name,
                hours=report.period.days * 24,
                evses=line.evses,
                occupied_h=line.use.occupied_h,
                idle_h=line.use.idle_h,
                sessions=line.use.sessions,
                failed_starts=line.use.failed_starts,
                full_hours=line.full_hours,
                bookings=use.booked,
                no_shows=use.no_shows,
                booked_h=use.booked_h,
                used_h=use.used_h,
                refused=use.refused,
            )
        )
    return [
        {"site": each.site, "what": each.what, "text": sentence(each)} for each in advice.advise_all(facts)
    ]


def sentence(found: advice.Advice) -> str:
    if found.what == advice.POWER:
        text = _("More places or more power: %(utilisation)s %% in use, %(full)s hours a week almost full.")
    elif found.what == advice.TARIFF:
        text = _(
            "An idle fee, or one that begins sooner: cars stayed connected without charging for %(idle)s %% "
            "of their time, %(minutes)s minutes a session."
        )
    elif found.what == advice.SLOTS and "no_shows" in found.figures:
        text = _(
            "Stricter slot rules: nobody came to %(no_shows)s %% of %(bookings)s booked slots. A fee for it, "
            "or a shorter wait."
        )
    elif found.what == advice.SLOTS and "refused" in found.figures:
        text = _(
            "More slots, or shorter ones: %(refused)s wishes for a slot found it taken, beside %(bookings)s "
            "that were booked."
        )
    elif found.what == advice.SLOTS:
        text = _("Shorter slots: of the time booked in %(bookings)s slots, %(used)s %% was used.")
    elif found.what == advice.REPAIR:
        text = _("Look at the chargers: %(failed)s %% of %(tried)s starts failed.")
    else:
        text = _(
            "Hardly used (%(utilisation)s %%): a lower price, or slots that can be booked, may bring drivers."
        )
    return text % found.figures


def period_words(period: Period) -> str:
    return f"{period.since:%Y-%m-%d} – {period.last:%Y-%m-%d}"
