"""Reports that are mailed by themselves: made when they are due, once, and stopped by a link in each."""

from __future__ import annotations

import secrets
from datetime import date, datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evportal.accounts.access import Access
from evportal.accounts.models import Membership
from evportal.money import format_money
from evportal.outbox.actions import queue_mail
from monitoring import zones
from monitoring.patterns import figures, periods, report, sheets
from monitoring.patterns.models import ScheduledReport
from monitoring.patterns.periods import Period
from stations.exceptions import Refused
from stations.models import Site

#: Nobody wants it in the night; by the clocks at the sites.
FROM_HOUR = 6


class ScheduleRefused(Refused):
    """It can't be scheduled like that."""


def _sites(membership: Membership, site: Site | None):
    access = Access(grants=(membership.grant(),))
    found = Site.objects.visible_to(access)
    return access, list(found.filter(pk=site.pk) if site else found)


@transaction.atomic
def schedule(*, membership: Membership, every: str, site: Site | None, now: datetime) -> ScheduledReport:
    """From the next week or month on; the one before is there to be read on the page."""
    _access, sites = _sites(membership, site)
    if site is not None and not sites:
        raise ScheduleRefused(gettext_lazy("That site is not one of yours."))
    done = periods.due(every, _today(sites, now)).until
    try:
        with transaction.atomic():
            return ScheduledReport.objects.create(
                membership=membership,
                every=every,
                site=site,
                token=secrets.token_urlsafe(32),
                sent_until=done,
            )
    except IntegrityError as error:
        raise ScheduleRefused(gettext_lazy("You get this report already.")) from error


def _today(sites: list[Site], now: datetime) -> date:
    return _local(sites, now).date()


def _local(sites: list[Site], now: datetime) -> datetime:
    return timezone.localtime(now, zones.zone_of(Site.objects.filter(pk__in=[site.pk for site in sites])))


def mail_due(*, now: datetime) -> int:
    """Queue every report whose period is over; returns how many."""
    waiting = ScheduledReport.objects.filter(
        membership__is_active=True, membership__user__is_active=True
    ).select_related("membership__user", "membership__operator", "site")
    return sum(_mail(row, now) for row in waiting)


@transaction.atomic
def _mail(row: ScheduledReport, now: datetime) -> bool:
    access, sites = _sites(row.membership, row.site)
    local = _local(sites, now)
    period = periods.due(row.every, local.date())
    if not sites or local.hour < FROM_HOUR or (row.sent_until and row.sent_until >= period.until):
        return False
    claimed = ScheduledReport.objects.filter(pk=row.pk, sent_until=row.sent_until).update(
        sent_until=period.until
    )
    if not claimed:
        return False
    made = report.make(access, sites, period)
    queue_mail(
        key=f"report:{row.pk}:{period.until}",
        to=row.membership.user.email,
        template="monitoring/mail/report",
        context={
            "person": row.membership.user,
            "operator": row.membership.operator,
            "site": row.site,
            "every": row.get_every_display(),
            "words": report.period_words(period),
            "report": made,
            "total": made.total,
            "takings": [format_money(net, each) for each, net in figures.total_takings(made.money).items()],
            "advice": report.advise(made),
            "url": f"{settings.PUBLIC_URL}{reverse('ops:reports')}?since={period.since}&until={period.last}",
            "stop_url": f"{settings.PUBLIC_URL}{reverse('report_stop', args=[row.token])}",
        },
        language=row.membership.user.language,
        attachments=[
            {
                "name": "report.xlsx",
                "type": sheets.XLSX,
                "source": "monitoring.report",
                "id": f"{row.membership_id}:{row.site_id or ''}:{period.since}:{period.until}",
            }
        ],
    )
    return True


def attachment(ident: str) -> tuple[str, bytes, str]:
    """(name, content, type) of a mailed report's tables, as what the person may see by then."""
    membership_id, site_id, since, until = ident.split(":")
    membership = Membership.objects.select_related("user").get(pk=membership_id)
    site = Site.objects.filter(pk=site_id).first() if site_id else None
    access, sites = _sites(membership, site) if membership.is_active else (Access(), [])
    period = Period(date.fromisoformat(since), date.fromisoformat(until))
    tables = report.tables(report.make(access, sites, period))
    name = f"report-{period.since}-{period.last}.xlsx"
    return name, sheets.as_xlsx(tables, report.period_words(period)), sheets.XLSX


def stop(*, token: str) -> bool:
    """By the link in the mail; true once."""
    return bool(ScheduledReport.objects.filter(token=token).delete()[0])


def words(row: ScheduledReport) -> str:
    return f"{row.get_every_display()}: {row.site or _('all sites')}"
