"""A driver's own papers: a month's statement, a report for reimbursement, a year's archive."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

from django.utils.translation import gettext as _

from billing import calendar, documents
from billing.exports import sheets
from billing.exports.making import ZIP_TIME
from billing.models import Cdr, Invoice
from evportal.accounts.models import User, Vehicle
from evportal.money import format_money, round_money

TEMPLATE = Path(__file__).parent / "typst" / "statement.typ"
HEAD = (
    "date",
    "start",
    "end",
    "zone",
    "site",
    "evse",
    "vehicle",
    "plate",
    "energy_kwh",
    "net",
    "tax",
    "gross",
)
HEAD += ("currency", "document")


@dataclass(frozen=True)
class Statement:
    """Charges of a driver from one day to another, oldest first."""

    user: User
    since: date
    until: date
    vehicle: Vehicle | None
    cdrs: list[Cdr]

    def sums(self) -> dict[str, tuple[Decimal, Decimal]]:
        """Energy in kWh and cost with tax, for each currency."""
        found: dict[str, tuple[Decimal, Decimal]] = {}
        for cdr in self.cdrs:
            kwh, gross = found.get(cdr.currency, (Decimal(0), Decimal(0)))
            found[cdr.currency] = (kwh + cdr.session.energy_wh / 1000, gross + cdr.gross)
        return dict(sorted(found.items()))


def of(user: User, since: date, until: date, vehicle: Vehicle | None = None) -> Statement:
    """By the day on which a charge began, at its place. A period that can't be meant is refused in words."""
    calendar.check_period(since, until)
    rows = Cdr.objects.filter(session__user=user, priced_at__isnull=False, state__in=_COUNTED)
    # A day is longer than it is anywhere: what begins too early or late is left out below.
    span = datetime.combine(since, time.min), datetime.combine(until, time.max)
    rows = rows.filter(
        session__started_at__range=[moment.replace(tzinfo=_FAR[n]) for n, moment in enumerate(span)]
    )
    if vehicle is not None:
        rows = rows.filter(vehicle=vehicle)
    rows = rows.select_related("session__evse", "session__station__site", "vehicle", "billed_on")
    cdrs = [cdr for cdr in rows.order_by("session__started_at", "pk") if since <= _local(cdr).date() <= until]
    return Statement(user, since, until, vehicle, cdrs)


_COUNTED = [Cdr.State.SETTLED, Cdr.State.ON_ACCOUNT, Cdr.State.UNPAID, Cdr.State.PRICED]


def _zone(hours: int):
    from datetime import timedelta, timezone

    return timezone(timedelta(hours=hours))


#: The zones in which a day begins first and ends last.
_FAR = (_zone(14), _zone(-12))


def _local(cdr: Cdr) -> datetime:
    return cdr.session.started_at.astimezone(cdr.session.station.site.zone)


def _rows(statement: Statement) -> Iterator[tuple[sheets.Cell, ...]]:
    for cdr in statement.cdrs:
        session = cdr.session
        site = session.station.site
        start = _local(cdr)
        end = session.stopped_at.astimezone(site.zone) if session.stopped_at else None
        yield (
            start.date(),
            f"{start:%H:%M}",
            f"{end:%H:%M}" if end else "",
            site.time_zone,
            site.name,
            session.evse.public_id,
            cdr.vehicle.name if cdr.vehicle else "",
            cdr.vehicle.plate if cdr.vehicle else "",
            (session.energy_wh / 1000).quantize(Decimal("0.001")),
            *(round_money(amount, cdr.currency) for amount in (cdr.net, cdr.tax, cdr.gross)),
            cdr.currency,
            cdr.billed_on.number if cdr.billed_on else "",
        )
    for currency, (kwh, gross) in statement.sums().items():
        total = round_money(gross, currency)
        yield ("TOTAL", *[""] * 7, kwh.quantize(Decimal("0.001")), "", "", total, currency, "")


def as_csv(statement: Statement) -> bytes:
    out = io.BytesIO()
    sheets.write_csv(out, HEAD, _rows(statement))
    return out.getvalue()


def as_pdf(statement: Statement, *, title: str, at: datetime, locale: str) -> bytes:
    vehicle = statement.vehicle
    facts = [[_("Driver"), statement.user.name or statement.user.email]]
    if vehicle is not None:
        facts.append([_("Vehicle"), " · ".join(filter(None, (vehicle.name, vehicle.plate)))])
    facts.append([_("Period"), f"{statement.since:%Y-%m-%d} – {statement.until:%Y-%m-%d}"])
    content = {
        "lang": locale.split("-")[0],
        "date": [at.year, at.month, at.day],
        "title": title,
        "facts": facts,
        "head": [_("Date"), _("Place"), _("Charge point"), _("Energy"), _("Cost"), _("Document")],
        "page": _("Page"),
        "rows": [
            [
                f"{_local(cdr):%Y-%m-%d %H:%M}",
                cdr.session.station.site.name,
                cdr.session.evse.public_id,
                f"{cdr.session.energy_wh / 1000:.3f} kWh",
                format_money(cdr.gross, cdr.currency, locale),
                cdr.billed_on.number if cdr.billed_on else "–",
            ]
            for cdr in statement.cdrs
        ],
        "totals": [
            [_("Total"), f"{kwh:.3f} kWh", format_money(gross, currency, locale)]
            for currency, (kwh, gross) in statement.sums().items()
        ],
        "note": _("Times are those of the place. Costs are with tax, as billed."),
    }
    return documents.compile_page(TEMPLATE, content, at)


def archive(user: User, year: int, out) -> int:
    """All documents of a year, and the year's charges as a table; says how many documents there are."""
    found = Invoice.objects.of_driver(user).filter(issued_at__year=year).with_place().order_by("pk")
    count = 0
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
        for invoice in found.iterator(chunk_size=100):
            file.writestr(zipfile.ZipInfo(documents.file_name(invoice), ZIP_TIME), documents.pdf(invoice))
            count += 1
        table = as_csv(of(user, date(year, 1, 1), date(year, 12, 31)))
        file.writestr(zipfile.ZipInfo(f"charges-{year}.csv", ZIP_TIME), table)
    return count
