"""What workers do for the reports: keep hours and days of use, and mail what was asked for."""

import time

from celery import shared_task
from django.utils import timezone

from monitoring.patterns import rollup, scheduled

#: A worker that is kept busy for so long lets go; the next round goes on.
TURN_SECONDS = 40


@shared_task
def roll_up() -> None:
    rollup.roll_up_all(until=time.monotonic() + TURN_SECONDS)


@shared_task
def mail_reports() -> None:
    scheduled.mail_due(now=timezone.now())
